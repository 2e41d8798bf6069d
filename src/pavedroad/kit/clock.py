"""Time as the record keeps it: whole milliseconds since 1970, UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def utc_iso(at_ms: int) -> str:
    """`2026-11-24T09:30:00.000Z`; a number that no calendar reaches (clients may log any) stays a number."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms after 1970"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def how_long_ago(at_ms: int, *, now: int | None = None) -> str:
    """`3 min ago`, `yesterday`, `in 2 d`: rough on purpose; show `utc_iso` beside it."""
    seconds = ((now_ms() if now is None else now) - at_ms) / 1000
    text = duration(abs(seconds) * 1000)
    if abs(seconds) < 1:
        return "just now"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def duration(ms: float) -> str:
    """One unit, as short as it stays clear: `0.4 ms`, `12 s`, `3 min`, `5 h`, `2 d`."""
    if ms < 0.95:
        return f"{ms:.1f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    if seconds < 119.5 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 47.5 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"
