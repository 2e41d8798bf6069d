"""Hand-overs and business hours against a walk in steps of 30 seconds, in twelve zones at two transitions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from pavedroad.desk.rota.model import Event, Rotation
from pavedroad.desk.rota.schedule import shifts
from pavedroad.desk.sla.hours import open_ms
from pavedroad.desk.sla.model import BusinessHours, Opening

STEP_S = 30
DAYS_AROUND = 2
# A day of each transition; where a zone has had fewer than two, ordinary days.
PLACES = [
    ("UTC", "2026-03-29", 0),
    ("UTC", "2026-10-25", 0),
    ("America/Chicago", "2020-03-08", 60),
    ("America/Chicago", "2020-11-01", -60),
    ("America/Sao_Paulo", "2018-11-04", 60),
    ("America/Sao_Paulo", "2019-02-17", -60),
    ("Europe/London", "2026-03-29", 60),
    ("Europe/London", "2026-10-25", -60),
    ("Asia/Kolkata", "1942-09-01", 60),
    ("Asia/Kolkata", "1945-10-15", -60),
    ("Asia/Kathmandu", "1986-01-01", 15),
    ("Asia/Kathmandu", "2026-03-29", 0),
    ("Australia/Lord_Howe", "2026-04-05", -30),
    ("Australia/Lord_Howe", "2026-10-04", 30),
    ("Pacific/Apia", "2011-12-30", 24 * 60),
    ("Pacific/Apia", "2012-04-01", -60),
    ("Africa/Casablanca", "2026-02-15", -60),
    ("Africa/Casablanca", "2026-03-22", 60),
    ("America/St_Johns", "2011-03-13", 60),
    ("America/St_Johns", "2011-11-06", -60),
    ("Asia/Tehran", "2022-03-22", 60),
    ("Asia/Tehran", "2022-09-22", -60),
    ("Antarctica/Troll", "2026-03-29", 120),
    ("Antarctica/Troll", "2026-10-25", -120),
]
TIMES = ("00:00", "00:01", "00:30", "01:30", "02:00", "02:30", "03:00", "09:00", "23:45")


class Walk(NamedTuple):
    """What the zone's wall clock showed, step by step; nothing here turns a wall clock into an instant."""

    at_s: list[int]
    shown: list[datetime]
    first: dict[datetime, int]  # when it showed this for the first time

    def jumps(self) -> list[tuple[int, timedelta]]:
        """Position after each jump of the wall clock, and how far it went beyond the step."""
        step = timedelta(seconds=STEP_S)
        return [
            (place, after - before - step)
            for place, (before, after) in enumerate(pairwise(self.shown), start=1)
            if after - before != step
        ]

    def instant(self, wanted: datetime) -> int:
        """When the wall clock first shows `wanted`; skipped: as long after the gap as it lies inside it."""
        if wanted in self.first:
            return self.first[wanted]
        for place, jump in self.jumps():
            if self.shown[place] - jump <= wanted < self.shown[place]:
                return self.first[wanted + jump]
        raise AssertionError(f"{wanted} is outside of the walk")


@cache
def walk(zone: str, day: str) -> Walk:
    middle = datetime.fromisoformat(day).replace(tzinfo=UTC)
    start = int((middle - timedelta(days=DAYS_AROUND + 1)).timestamp())
    end = int((middle + timedelta(days=DAYS_AROUND + 2)).timestamp())
    steps = list(range(start, end, STEP_S))
    place = ZoneInfo(zone)
    shown = [datetime.fromtimestamp(at, UTC).astimezone(place).replace(tzinfo=None) for at in steps]
    first = dict(zip(reversed(shown), reversed(steps), strict=True))
    return Walk(steps, shown, first)


def days_in(walked: Walk) -> list[date]:
    """Local days whose every time of day lies inside the walk, in order, also one that the zone skips."""
    first = walked.shown[0].date() + timedelta(days=1)
    last = walked.shown[-1].date()
    return [first + timedelta(days=number) for number in range((last - first).days)]


@pytest.mark.parametrize(("zone", "day", "minutes"), PLACES)
def test_the_place_of_the_oracle_has_its_transition(zone: str, day: str, minutes: int) -> None:
    jumps = [int(jump.total_seconds()) // 60 for _, jump in walk(zone, day).jumps()]
    assert jumps == ([minutes] if minutes else [])


@pytest.mark.parametrize(("zone", "day"), [place[:2] for place in PLACES])
def test_every_step_of_a_daily_rotation_has_the_person_of_the_walk(zone: str, day: str) -> None:
    walked = walk(zone, day)
    days = days_in(walked)
    for at in TIMES:
        when = time.fromisoformat(at)
        handovers = [walked.instant(datetime.combine(one, when)) for one in days]
        made = rotation(zone, at, days[0], unit="day")
        found = shifts([made], "primary", handovers[0] * 1000, handovers[-1] * 1000)
        expected = [
            (PEOPLE[number % len(PEOPLE)], first, last)
            for number, (first, last) in enumerate(pairwise(handovers))
            if first < last
        ]
        told = [(one.person, one.start_ms // 1000, one.end_ms // 1000) for one in found]
        assert by_step(told) == by_step(expected), at
        assert told == expected, at


@pytest.mark.parametrize(("zone", "day"), [place[:2] for place in PLACES])
def test_a_weekly_rotation_hands_over_on_the_day_of_the_transition_as_the_walk_says(
    zone: str, day: str
) -> None:
    walked = walk(zone, day)
    for at in TIMES:
        handover = walked.instant(datetime.combine(date.fromisoformat(day), time.fromisoformat(at)))
        made = rotation(zone, at, date.fromisoformat(day) - timedelta(weeks=5), unit="week")
        found = shifts([made], "primary", walked.at_s[0] * 1000, walked.at_s[-1] * 1000)
        told = [(one.person, one.start_ms // 1000, one.end_ms // 1000) for one in found]
        expected = [(PEOPLE[4 % 3], walked.at_s[0], handover), (PEOPLE[5 % 3], handover, walked.at_s[-1])]
        assert by_step(told) == by_step(expected), at


HOURS = (("09:00", "17:00"), ("00:00", "08:00"), ("01:30", "02:30"), ("22:00", "06:00"), ("00:00", "24:00"))


@pytest.mark.parametrize(("zone", "day"), [place[:2] for place in PLACES])
@pytest.mark.parametrize("holiday", [False, True], ids=["open", "holiday"])
def test_open_time_is_the_number_of_open_steps(zone: str, day: str, holiday: bool) -> None:
    walked = walk(zone, day)
    days = days_in(walked)
    inside = range(*(walked.instant(datetime.combine(one, time())) for one in (days[1], days[-1])), STEP_S)
    shut = set(steps_of(walked, date.fromisoformat(day), "00:00", "24:00")) if holiday else set()
    for start, end in HOURS:
        opened = set()
        for one in days[:-1]:
            opened |= set(steps_of(walked, one, start, end))
        expected = [at for at in inside if at in opened and at not in shut]
        weekly = tuple(Opening(weekday=number, start=start, end=end) for number in range(7))
        hours = BusinessHours(zone=zone, weekly=weekly, holidays=(day,) if holiday else ())
        found = open_ms(hours, inside[0] * 1000, (inside[-1] + STEP_S) * 1000)
        assert found == len(expected) * STEP_S * 1000, (start, end)


PEOPLE = ("ada", "bob", "cyd")


def rotation(zone: str, at: str, start: date, *, unit: str) -> Event:
    body = Rotation(
        layer="primary",
        people=PEOPLE,
        zone=zone,
        unit=unit,  # type: ignore[arg-type]
        handover=at,
        start=start.isoformat(),
    )
    return Event(number=1, at_ms=-(2**45), who="ada", body=body)


def by_step(held: list[tuple[str, int, int]]) -> list[str]:
    """Who is on call at each step."""
    return [person for person, first, last in held for _ in range(first, last, STEP_S)]


def steps_of(walked: Walk, day: date, start: str, end: str) -> range:
    last_day = day if end not in ("24:00", "06:00") else day + timedelta(days=1)
    last = "00:00" if end == "24:00" else end
    return range(
        walked.instant(datetime.combine(day, time.fromisoformat(start))),
        walked.instant(datetime.combine(last_day, time.fromisoformat(last))),
        STEP_S,
    )
