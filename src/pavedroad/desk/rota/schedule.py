"""Who is on call when: computed from what was decided, in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from pavedroad.desk.rota.model import (
    DAYS,
    Body,
    Event,
    Layer,
    Override,
    Rotation,
    Shift,
    Swap,
    Taken,
    Withdrawn,
)
from pavedroad.desk.rota.wall_clock import instant_ms, local, read_time_of_day


class Force(NamedTuple):
    """A rotation and the span in which it holds."""

    rotation: Rotation
    start_ms: int
    end_ms: int


class Slot(NamedTuple):
    """What a rotation alone gives: one turn of one person. Overrides cut it into shifts."""

    person: str
    start_ms: int
    end_ms: int


def shifts(events: Sequence[Event], layer: Layer, start_ms: int, end_ms: int) -> list[Shift]:
    """The layer's shifts: they tile [start_ms, end_ms), with "" where nobody is on call.

    A shift ends at every hand-over, also when the same person goes on.
    """
    overrides = effective_overrides(events, layer)
    found: list[Shift] = []
    for slot in _slots(forces(events, layer, end_ms), start_ms, end_ms):
        found += _overridden(slot, overrides, layer)
    return found


def on_call(events: Sequence[Event], layer: Layer, at_ms: int) -> str:
    """The one who is on call at an instant, or ""."""
    return shifts(events, layer, at_ms, at_ms + 1)[0].person


def forces(events: Sequence[Event], layer: Layer, end_ms: int) -> list[Force]:
    """The layer's rotations in their spans, in order of time, until `end_ms`."""
    found: list[Force] = []
    for event in events:
        if not isinstance(event.body, Rotation) or event.body.layer != layer:
            continue
        start_ms = max(event.at_ms, first_handover_ms(event.body))
        if start_ms < end_ms:
            found = [
                force._replace(end_ms=min(force.end_ms, start_ms))
                for force in found
                if force.start_ms < start_ms
            ]
            found.append(Force(event.body, start_ms, end_ms))
    return found


def first_handover_ms(rotation: Rotation) -> int:
    return _handover_ms(rotation, 0)


def next_handover_day(rotation: Rotation, at_ms: int) -> date:
    """The local date of the first hand-over after an instant."""
    number = 0
    if first_handover_ms(rotation) <= at_ms:
        number = _turn_at(rotation, at_ms) + 1
    return _handover_day(rotation, number)


def _handover_ms(rotation: Rotation, number: int) -> int:
    return instant_ms(_handover_day(rotation, number), read_time_of_day(rotation.handover), rotation.zone)


def _handover_day(rotation: Rotation, number: int) -> date:
    return date.fromisoformat(rotation.start) + timedelta(days=DAYS[rotation.unit] * rotation.every * number)


def _slots(held: Iterable[Force], start_ms: int, end_ms: int) -> Iterator[Slot]:
    """They tile [start_ms, end_ms)."""
    reached = start_ms
    for force in held:
        first, last = max(force.start_ms, start_ms), min(force.end_ms, end_ms)
        if first >= last:
            continue
        if reached < first:
            yield Slot("", reached, first)
        yield from _turns(force.rotation, first, last)
        reached = last
    if reached < end_ms:
        yield Slot("", reached, end_ms)


def _turns(rotation: Rotation, start_ms: int, end_ms: int) -> Iterator[Slot]:
    """The rotation's turns, cut to [start_ms, end_ms); one that a zone skips altogether is left out."""
    if not rotation.people:
        yield Slot("", start_ms, end_ms)
        return
    number = _turn_at(rotation, start_ms)
    begins = start_ms
    while begins < end_ms:
        ends = min(_handover_ms(rotation, number + 1), end_ms)
        if begins < ends:
            yield Slot(rotation.people[number % len(rotation.people)], begins, ends)
            begins = ends
        number += 1


def _turn_at(rotation: Rotation, at_ms: int) -> int:
    """The number of the last hand-over at or before an instant that is not before the first one."""
    shown = local(at_ms, rotation.zone).date()
    passed = (shown - date.fromisoformat(rotation.start)).days
    # Two days of room: a zone may skip one, and its calendar may be a day off at the start.
    number = max(0, (passed - 2) // (DAYS[rotation.unit] * rotation.every))
    while _handover_ms(rotation, number + 1) <= at_ms:
        number += 1
    return number


# ---------------------------------------------------------------------------------------------- overrides


def effective_overrides(events: Sequence[Event], layer: Layer) -> list[Override]:
    """In order of decision, each in the span in which it holds: from when it was decided until withdrawn."""
    withdrawn = withdrawals(events)
    swaps = {event.number: event for event in events if isinstance(event.body, Swap)}
    taken: set[int] = set()
    found = []
    for event in events:
        body: Body | None = event.body
        if isinstance(body, Taken) and body.swap in swaps and body.swap not in taken:
            taken.add(body.swap)
            body = _as_override(swaps[body.swap], event, body.person, withdrawn)
        if not isinstance(body, Override) or body.layer != layer:
            continue
        start_ms = max(body.start_ms, event.at_ms)
        end_ms = min(body.end_ms, withdrawn.get(event.number, body.end_ms))
        if start_ms < end_ms:
            found.append(
                Override(layer=layer, start_ms=start_ms, end_ms=end_ms, add=body.add, remove=body.remove)
            )
    return found


def withdrawals(events: Sequence[Event]) -> dict[int, int]:
    """Number of what was withdrawn -> when, the first time."""
    found: dict[int, int] = {}
    for event in events:
        if isinstance(event.body, Withdrawn):
            found.setdefault(event.body.number, event.at_ms)
    return found


def _as_override(asked: Event, taken: Event, person: str, withdrawn: dict[int, int]) -> Override | None:
    """A swap that was taken while it was open is a replacement; withdrawn later, it ends then."""
    swap = asked.body
    assert isinstance(swap, Swap)
    until_ms = withdrawn.get(asked.number, swap.end_ms)
    if until_ms <= taken.at_ms:
        return None
    return Override(
        layer=swap.layer,
        start_ms=max(swap.start_ms, taken.at_ms),
        end_ms=min(swap.end_ms, until_ms),
        add=person,
        remove=swap.person,
    )


def _overridden(slot: Slot, overrides: Sequence[Override], layer: Layer) -> list[Shift]:
    """The slot cut where overrides begin and end; neighbours with one person are one shift."""
    near = [one for one in overrides if one.start_ms < slot.end_ms and one.end_ms > slot.start_ms]
    edges = {slot.start_ms, slot.end_ms}
    for one in near:
        edges |= {max(one.start_ms, slot.start_ms), min(one.end_ms, slot.end_ms)}
    found: list[Shift] = []
    ordered = sorted(edges)
    for start_ms, end_ms in pairwise(ordered):
        person = _person_after(slot.person, near, start_ms)
        if found and found[-1].person == person:
            start_ms = found.pop().start_ms
        found.append(Shift(layer=layer, person=person, start_ms=start_ms, end_ms=end_ms))
    return found


def _person_after(person: str, overrides: Sequence[Override], at_ms: int) -> str:
    for one in overrides:
        if one.start_ms <= at_ms < one.end_ms and person == one.remove:
            person = one.add  # add alone removes nobody, that is ""
    return person
