"""Lengths of time as people type them: `30d`, `12h`, `90m`, `45s`, `0`."""

from __future__ import annotations

import re

from pavedroad.errors import Invalid

MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
LONGEST_MS = 100 * 365 * MS["d"]


def read_age(text: str) -> int:
    """Milliseconds. Raises Invalid."""
    match = re.fullmatch(r"(\d{1,9})\s*([smhdw]?)", text.strip().lower())
    if match is None or (not match[2] and int(match[1])):
        raise Invalid(f"{text!r} is not a length of time", hint="write it as 30d, 12h, 90m or 45s")
    found = int(match[1]) * MS[match[2] or "s"]
    if found > LONGEST_MS:
        raise Invalid(f"{text!r} is too long", hint="a hundred years are the most")
    return found
