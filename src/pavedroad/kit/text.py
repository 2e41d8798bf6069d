"""Small questions about words."""

from __future__ import annotations

UNITS = ("B", "kB", "MB", "GB", "TB")


def middle_cut(text: str, width: int) -> str:
    """Shorten `text` to `width` characters by cutting its middle: both ends of a long name matter."""
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    head = width // 2
    tail = width - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :] if tail else ''}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 gate`, `3 gates`, `10,000 runs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number_bytes: float) -> str:
    """`512 B`, `1.5 kB`, `20 MB` (powers of 1000, as disks are sold)."""
    for unit in UNITS:
        digits = 1 if number_bytes < 9.95 and unit != "B" else 0
        if round(number_bytes) < 1000 or unit == UNITS[-1]:
            return f"{number_bytes:.{digits}f} {unit}"
        number_bytes /= 1000
    raise AssertionError("unreachable")
