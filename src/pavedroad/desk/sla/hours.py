"""Open time between two instants, and the instant at which an amount of it is used up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta

from pavedroad.desk.rota.spans import Span, joined, without
from pavedroad.desk.rota.wall_clock import instant_ms, local, read_date, read_time_of_day, read_zone
from pavedroad.desk.sla.model import BusinessHours, Opening
from pavedroad.errors import Invalid

DAY = timedelta(days=1)
MIDNIGHT = time()
LONGEST_CLOSED_DAYS = 366 * 2  # a desk that is closed for longer is never open again
STEP_DAYS = 28


def check_hours(hours: BusinessHours) -> None:
    """Raises: Invalid for a zone, a time, a day or a closure that means nothing."""
    read_zone(hours.zone)
    for opening in hours.weekly:
        if not 0 <= opening.weekday <= 6:
            raise Invalid(f"no weekday {opening.weekday}", hint="0 is Monday, 6 is Sunday")
        read_time_of_day(opening.start)
        if opening.end != "24:00":
            read_time_of_day(opening.end)
    for day in hours.holidays:
        read_date(day)
    if any(first >= last for first, last in hours.closures):
        raise Invalid("a closure ends before it begins", hint="give its end a later time")


def open_spans(hours: BusinessHours, start_ms: int, end_ms: int) -> list[Span]:
    """When the desk is open within [start_ms, end_ms): in order, apart from each other."""
    if start_ms >= end_ms:
        return []
    opened = list(_openings(hours, start_ms, end_ms)) if hours.weekly else [(start_ms, end_ms)]
    closed = [*hours.closures, *(_whole_day(date.fromisoformat(day), hours.zone) for day in hours.holidays)]
    cut = [(max(first, start_ms), min(last, end_ms)) for first, last in opened]
    return without(joined(cut), joined(closed))


def open_ms(hours: BusinessHours, start_ms: int, end_ms: int) -> int:
    """How long the desk is open within [start_ms, end_ms)."""
    return sum(last - first for first, last in open_spans(hours, start_ms, end_ms))


def after_open_ms(hours: BusinessHours, start_ms: int, amount_ms: int) -> int | None:
    """The first instant by which `amount_ms` of open time has passed; None when the desk opens no more."""
    left, reached, closed_days = amount_ms, start_ms, 0
    while left > 0 and closed_days <= LONGEST_CLOSED_DAYS:
        until = reached + STEP_DAYS * 86_400_000
        spans = open_spans(hours, reached, until)
        for first, last in spans:
            if last - first >= left:
                return first + left
            left -= last - first
        reached = until
        closed_days = 0 if spans else closed_days + STEP_DAYS
    return start_ms if amount_ms <= 0 else None


def _openings(hours: BusinessHours, start_ms: int, end_ms: int) -> Iterator[Span]:
    """All that may touch the span: a zone's calendar is at most two days off, an opening a day long."""
    day = local(start_ms, hours.zone).date() - 3 * DAY
    last_day = local(end_ms, hours.zone).date() + DAY
    by_weekday: dict[int, list[Opening]] = {}
    for opening in hours.weekly:
        by_weekday.setdefault(opening.weekday, []).append(opening)
    while day <= last_day:
        for opening in by_weekday.get(day.weekday(), ()):
            yield _span_of(opening, day, hours.zone)
        day += DAY


def _span_of(opening: Opening, day: date, zone: str) -> Span:
    start = read_time_of_day(opening.start)
    end = MIDNIGHT if opening.end == "24:00" else read_time_of_day(opening.end)
    end_day = day if end > start else day + DAY
    return instant_ms(day, start, zone), instant_ms(end_day, end, zone)


def _whole_day(day: date, zone: str) -> Span:
    return instant_ms(day, MIDNIGHT, zone), instant_ms(day + DAY, MIDNIGHT, zone)
