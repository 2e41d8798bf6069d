"""What templates may call, by name (first draft by the lead; its owner replaces it)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pavedroad.kit.clock import duration, how_long_ago, utc_iso
from pavedroad.kit.text import count, middle_cut, size

FILTERS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("ago", how_long_ago),
    ("iso", utc_iso),
    ("duration", duration),
    ("middle_cut", middle_cut),
    ("count", count),
    ("size", size),
)
