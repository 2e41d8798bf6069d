"""Facts about packages on PyPI, as tables with the source of each row. Read in November 2026.

Each row of conflicts.csv was tried with both packages installed, or refused by the installer, except those of
torch, scipy before 1.6.2 and TensorFlow, which need what was not at hand.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=8)
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `<name>.csv`."""
    text = files(__name__).joinpath(f"{name}.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))
