"""Wall clocks and instants: hand-overs happen on the one, durations are counted on the other.

A time of day that a zone skips is read with the offset before the gap, one that it shows twice is the first
of the two (RFC 5545, 3.3.5): what calendars show.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pavedroad.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
FIRST_YEAR, LAST_YEAR = 1900, 2200  # of a date that a person writes


@lru_cache(maxsize=512)
def read_zone(name: str) -> ZoneInfo:
    """Raises: Invalid for a zone that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"unknown time zone {name!r}", hint="write one as Europe/Paris or UTC (the IANA names)"
        ) from None


def instant_ms(day: date, at: time, zone: str) -> int:
    """The instant at which `zone`'s wall clock shows this day and time."""
    shown = datetime.combine(day, at, read_zone(zone))
    return (shown - _EPOCH) // _MS


def local(at_ms: int, zone: str) -> datetime:
    """What `zone`'s wall clock shows at an instant."""
    return (_EPOCH + at_ms * _MS).astimezone(read_zone(zone))


def read_time_of_day(text: str) -> time:
    """`09:00`. Raises: Invalid."""
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise Invalid(f"{text!r} is not a time of day", hint="write it as 09:00") from None


def read_date(text: str) -> date:
    """`2026-11-30`. Raises: Invalid."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is not a date", hint="write it as 2026-11-30") from None
    _check_year(day.year, text)
    return day


def read_instant(text: str, zone: str) -> int:
    """`2026-11-30`, `2026-11-30 09:00` (in `zone`), or with an offset or Z. Raises: Invalid."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            f"{text!r} is not a time", hint="write it as 2026-11-30 or '2026-11-30 09:00'"
        ) from None
    _check_year(found.year, text)
    if found.tzinfo is not None:
        return (found - _EPOCH) // _MS
    return instant_ms(found.date(), found.time(), zone)


def _check_year(year: int, text: str) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(f"{text!r} is not in this age", hint=f"choose a year from {FIRST_YEAR} to {LAST_YEAR}")
