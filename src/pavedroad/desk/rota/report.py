"""How evenly the load is spread, and when nobody was there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, time, timedelta

import msgspec

from pavedroad.desk.rota.model import COVERING, HOUR_MS, LAYERS, Event, Rotation, Shift
from pavedroad.desk.rota.schedule import shifts
from pavedroad.desk.rota.spans import Span, joined, overlap_ms
from pavedroad.desk.rota.standing import people
from pavedroad.desk.rota.wall_clock import instant_ms, local

NIGHT = (time(22), time(6))
MIDNIGHT = time()
MOST_SHARE = 0.25  # of one's time on call (Google, Site Reliability Engineering, 2016, chapter 11)
SATURDAY = 5


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one person carried: hours on UTC, nights (22:00 to 06:00) and weekends in their own zone."""

    person: str
    zone: str
    primary_hours: float
    secondary_hours: float
    night_hours: float
    weekend_hours: float
    shadow_hours: float
    share: float  # of the whole time, as primary or secondary

    @property
    def is_over(self) -> bool:
        return self.share > MOST_SHARE


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    start_ms: int
    end_ms: int
    loads: tuple[Load, ...]
    gaps: tuple[Shift, ...]  # of a covering layer that has a rotation, and of the primary always

    @property
    def gap_hours(self) -> float:
        return sum(gap.length_ms for gap in self.gaps if gap.layer == "primary") / HOUR_MS


def fairness(events: Sequence[Event], start_ms: int, end_ms: int) -> Fairness:
    """Of the time from `start_ms` until before `end_ms`, past or to come."""
    held = {layer: shifts(events, layer, start_ms, end_ms) for layer in LAYERS}
    zones = people(events)
    names = {shift.person for layer in LAYERS for shift in held[layer] if shift.person} | set(zones)
    every = [shift for layer in LAYERS for shift in held[layer]]
    rotated = {"primary"} | {event.body.layer for event in events if isinstance(event.body, Rotation)}
    return Fairness(
        start_ms=start_ms,
        end_ms=end_ms,
        loads=tuple(
            _load(
                name,
                zones.get(name, "UTC"),
                [shift for shift in every if shift.person == name],
                end_ms - start_ms,
            )
            for name in sorted(names)
        ),
        gaps=tuple(
            Shift(layer=layer, person="", start_ms=first, end_ms=last)
            for layer in COVERING
            if layer in rotated
            for first, last in joined((gap.start_ms, gap.end_ms) for gap in held[layer] if not gap.person)
        ),
    )


def _load(name: str, zone: str, own: Sequence[Shift], length_ms: int) -> Load:
    def spans(*layers: str) -> list[Span]:
        return joined((shift.start_ms, shift.end_ms) for shift in own if shift.layer in layers)

    def hours(held: Sequence[Span]) -> float:
        return sum(last - first for first, last in held) / HOUR_MS

    covering = spans(*COVERING)
    return Load(
        person=name,
        zone=zone,
        primary_hours=hours(spans("primary")),
        secondary_hours=hours(spans("secondary")),
        night_hours=overlap_ms(covering, joined(_around(covering, zone, _night))) / HOUR_MS,
        weekend_hours=overlap_ms(covering, joined(_around(covering, zone, _weekend))) / HOUR_MS,
        shadow_hours=hours(spans("shadow")),
        share=hours(covering) * HOUR_MS / length_ms,
    )


def _around(held: Sequence[Span], zone: str, of_day: Callable[[date, str], Span | None]) -> Iterator[Span]:
    """What `of_day` says of each local day that may touch one of these spans."""
    told: set[date] = set()
    for first, last in held:
        day = local(first, zone).date() - timedelta(days=1)
        end = local(last, zone).date()
        while day <= end:
            if day not in told and (span := of_day(day, zone)):
                yield span
            told.add(day)
            day += timedelta(days=1)


def _night(day: date, zone: str) -> Span:
    return instant_ms(day, NIGHT[0], zone), instant_ms(day + timedelta(days=1), NIGHT[1], zone)


def _weekend(day: date, zone: str) -> Span | None:
    if day.weekday() < SATURDAY:
        return None
    return instant_ms(day, MIDNIGHT, zone), instant_ms(day + timedelta(days=1), MIDNIGHT, zone)
