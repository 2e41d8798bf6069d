"""Rotas for tests: decisions at chosen instants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from pavedroad.desk.rota.model import Absence, Body, Event, Override, Rotation, Swap, Taken, Withdrawn

HOUR = 3_600_000
DAY = 24 * HOUR
ZONES = (
    "UTC",
    "Europe/London",
    "America/Chicago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Antarctica/Troll",
)
NAMES = ("ada", "bob", "cyd", "dee")


def ms(text: str) -> int:
    """An instant, written in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


START = ms("2026-03-01")
END = ms("2026-06-01")


def decided(*bodies: Body, at: str = "2026-01-01") -> list[Event]:
    """All at one instant, numbered from 1."""
    return [
        Event(number=number, at_ms=ms(at), who="ada", body=body)
        for number, body in enumerate(bodies, start=1)
    ]


def weekly(*people: str, **changes: Any) -> Rotation:
    """Mondays at 09:00 in London, from 5 January 2026."""
    values: dict[str, Any] = {
        "layer": "primary",
        "people": people,
        "zone": "Europe/London",
        "start": "2026-01-05",
    } | changes
    return Rotation(**values)


rotations = st.builds(
    Rotation,
    layer=st.just("primary"),
    people=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True).map(tuple),
    zone=st.sampled_from(ZONES),
    unit=st.sampled_from(["day", "week"]),
    every=st.integers(1, 3),
    handover=st.sampled_from(["00:00", "02:30", "09:00", "23:45"]),
    start=st.dates(datetime(2026, 2, 20).date(), datetime(2026, 5, 1).date()).map(str),
)
instants = st.integers(START // HOUR - 24 * 20, END // HOUR).map(lambda hour: hour * HOUR)


@st.composite
def spans(draw: st.DrawFn) -> dict[str, int]:
    start_ms = draw(instants)
    return {"start_ms": start_ms, "end_ms": start_ms + draw(st.integers(1, 24 * 20)) * HOUR}


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    add, remove = draw(st.permutations(NAMES))[:2]
    kind = draw(st.sampled_from(["add", "remove", "replace"]))
    return Override(
        layer="primary",
        add="" if kind == "remove" else add,
        remove="" if kind == "add" else remove,
        **draw(spans()),
    )


@st.composite
def replacements(draw: st.DrawFn) -> Override:
    add, remove = draw(st.permutations(NAMES))[:2]
    return Override(layer="primary", add=add, remove=remove, **draw(spans()))


swaps = st.builds(
    lambda span, person: Swap(layer="primary", person=person, **span), spans(), st.sampled_from(NAMES)
)
absences = st.builds(lambda span, person: Absence(person=person, **span), spans(), st.sampled_from(NAMES))
bodies = st.one_of(
    rotations,
    overrides(),
    swaps,
    absences,
    st.builds(Taken, swap=st.integers(1, 8), person=st.sampled_from(NAMES)),
    st.builds(Withdrawn, number=st.integers(1, 8)),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Up to eight decisions in order of time, anything after anything."""
    made = draw(st.lists(bodies, max_size=8))
    times = sorted(draw(st.lists(instants, min_size=len(made), max_size=len(made))))
    return [
        Event(number=number, at_ms=at_ms, who="ada", body=body)
        for number, (body, at_ms) in enumerate(zip(made, times, strict=True), start=1)
    ]
