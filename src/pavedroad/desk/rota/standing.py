"""What holds at an instant: the people, the swaps that are open, the absences, the latest notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pavedroad.desk.rota.model import (
    COVERING,
    Absence,
    Event,
    Layer,
    Note,
    Person,
    Rotation,
    Shift,
    Swap,
    Taken,
)
from pavedroad.desk.rota.schedule import shifts, withdrawals

SwapState = Literal["open", "taken", "withdrawn", "past"]
FOREVER_MS = 2 * 366 * 24 * 3_600_000  # further ahead nobody asks


class Asked(NamedTuple):
    """A swap and what became of it."""

    number: int
    swap: Swap
    state: SwapState
    taken_by: str


class Uncovered(NamedTuple):
    """A shift of somebody who is away."""

    absence: Absence
    shift: Shift


class Turn(NamedTuple):
    """Who is on call, until when, and who next; 0 is no end in sight, and "" nobody."""

    person: str
    until_ms: int
    next_person: str


def with_default(events: Sequence[Event], me: str) -> list[Event]:
    """Where no primary rotation was ever set, one person is always on call: the only one, or else `me`."""
    known = people(events)
    if any(isinstance(event.body, Rotation) and event.body.layer == "primary" for event in events):
        return list(events)
    if len(known) > 1:
        return list(events)
    person, zone = next(iter(known.items()), (me, "UTC"))
    alone = Rotation(layer="primary", people=(person,), zone=zone, handover="00:00", start="1970-01-05")
    return [Event(number=0, at_ms=0, who=me, body=alone), *events]


def people(events: Sequence[Event]) -> dict[str, str]:
    """Name -> zone. Who was only named in a rotation has its zone."""
    named: dict[str, str] = {}
    said: dict[str, str] = {}
    for event in events:
        if isinstance(event.body, Person):
            said[event.body.name] = event.body.zone
        elif isinstance(event.body, Rotation):
            named |= dict.fromkeys(event.body.people, event.body.zone)
    return dict(sorted((named | said).items()))


def swaps(events: Sequence[Event], at_ms: int) -> list[Asked]:
    withdrawn = withdrawals(events)
    taken: dict[int, str] = {}
    for event in events:
        if isinstance(event.body, Taken):
            taken.setdefault(event.body.swap, event.body.person)
    found = []
    for event in events:
        if isinstance(event.body, Swap):
            state: SwapState = "open"
            if event.number in withdrawn:
                state = "withdrawn"
            elif event.number in taken:
                state = "taken"
            elif event.body.end_ms <= at_ms:
                state = "past"
            found.append(Asked(event.number, event.body, state, taken.get(event.number, "")))
    return found


def absences(events: Sequence[Event]) -> list[tuple[int, Absence]]:
    """Those that hold, with their numbers."""
    withdrawn = withdrawals(events)
    return [
        (event.number, event.body)
        for event in events
        if isinstance(event.body, Absence) and event.number not in withdrawn
    ]


def uncovered(events: Sequence[Event], at_ms: int) -> list[Uncovered]:
    """Shifts from `at_ms` on that fall to people who are away then, cut to their absence."""
    found = []
    for _, absence in absences(events):
        start_ms = max(absence.start_ms, at_ms)
        if start_ms < absence.end_ms:
            for layer in COVERING:
                found += [
                    Uncovered(absence, shift)
                    for shift in shifts(events, layer, start_ms, absence.end_ms)
                    if shift.person == absence.person
                ]
    return sorted(found, key=lambda one: one.shift.start_ms)


def turn(events: Sequence[Event], layer: Layer, at_ms: int) -> Turn:
    """The one on call at an instant; hand-overs from a person to themselves are no end."""
    for ahead_ms in (FOREVER_MS // 24, FOREVER_MS):  # most turns end within a month: look there first
        near = shifts(events, layer, at_ms, at_ms + ahead_ms)
        for shift in near:
            if shift.person != near[0].person:
                return Turn(near[0].person, shift.start_ms, shift.person)
    return Turn(near[0].person, 0, "")


def notes_since(events: Sequence[Event], since_ms: int, at_ms: int) -> list[Event]:
    return [event for event in events if isinstance(event.body, Note) and since_ms <= event.at_ms <= at_ms]
