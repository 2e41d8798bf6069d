"""Who is on call when."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.desk.rota.decisions import (
    END,
    HOUR,
    START,
    bodies,
    decided,
    histories,
    instants,
    ms,
    overrides,
    replacements,
    rotations,
    spans,
    weekly,
)

from pavedroad.desk.rota.model import Event, Override, Rotation, Swap, Taken, Withdrawn
from pavedroad.desk.rota.schedule import next_handover_day, on_call, shifts

FIRST = 2  # the number of the decision after a rotation


def primary(events: list[Event], start_ms: int = START, end_ms: int = END) -> list[tuple[str, int, int]]:
    """Who from when until when, neighbours with one person made one."""
    found: list[tuple[str, int, int]] = []
    for one in shifts(events, "primary", start_ms, end_ms):
        if found and found[-1][0] == one.person:
            found[-1] = (one.person, found[-1][1], one.end_ms)
        else:
            found.append((one.person, one.start_ms, one.end_ms))
    return found


def hours_of(events: list[Event]) -> Counter[str]:
    found: Counter[str] = Counter()
    for person, start_ms, end_ms in primary(events):
        found[person] += end_ms - start_ms
    return found


def test_a_week_around_the_spring_change_is_an_hour_shorter() -> None:
    found = shifts(decided(weekly("ada", "bob")), "primary", ms("2026-03-23T09:00"), ms("2026-04-06T08:00"))
    assert [(one.person, one.length_ms // HOUR) for one in found] == [("bob", 167), ("ada", 168)]


def test_a_handover_time_that_is_skipped_is_as_long_after_the_gap() -> None:
    made = decided(
        weekly("ada", "bob", unit="day", handover="02:30", zone="America/Chicago", start="2020-03-07")
    )
    made = [Event(number=1, at_ms=0, who="ada", body=made[0].body)]
    assert on_call(made, "primary", ms("2020-03-08T08:29")) == "ada"
    assert on_call(made, "primary", ms("2020-03-08T08:30")) == "bob"


def test_a_handover_time_that_comes_twice_is_the_first() -> None:
    body = weekly("ada", "bob", unit="day", handover="01:30", zone="America/Chicago", start="2020-10-31")
    made = [Event(number=1, at_ms=0, who="ada", body=body)]
    assert on_call(made, "primary", ms("2020-11-01T06:29")) == "ada"
    assert on_call(made, "primary", ms("2020-11-01T06:30")) == "bob"


def test_the_day_that_apia_skipped_is_nobodys_shift() -> None:
    body = weekly("ada", "bob", "cyd", unit="day", zone="Pacific/Apia", start="2011-12-29")
    made = [Event(number=1, at_ms=0, who="ada", body=body)]
    found = shifts(made, "primary", ms("2011-12-29T19:00"), ms("2012-01-01T00:00"))
    assert [one.person for one in found] == ["ada", "cyd", "ada"]


@given(histories(), spans())
def test_shifts_tile_the_time_that_was_asked_for(events: list[Event], span: dict[str, int]) -> None:
    found = shifts(events, "primary", **span)
    assert found[0].start_ms == span["start_ms"]
    assert found[-1].end_ms == span["end_ms"]
    assert all(one.start_ms < one.end_ms for one in found)
    assert all(one.end_ms == other.start_ms for one, other in pairwise(found))


@given(histories(), instants, instants)
def test_what_is_asked_for_in_pieces_is_the_same(events: list[Event], cut: int, at_ms: int) -> None:
    assume(START < cut < END)
    whole = primary(events)
    pieces = primary(events, START, cut) + primary(events, cut, END)
    assert {one for one in whole if one[2] <= cut or one[1] >= cut} <= set(pieces)
    if START <= at_ms < END:
        person = next(person for person, first, last in whole if first <= at_ms < last)
        assert on_call(events, "primary", at_ms) == person


@given(rotations, instants, st.lists(replacements(), max_size=4), instants)
def test_a_covered_schedule_has_exactly_one_primary_at_every_instant(
    rotation: Rotation, decided_ms: int, changes: list[Override], at_ms: int
) -> None:
    made = [Event(number=1, at_ms=decided_ms, who="ada", body=rotation)]
    made += [Event(number=2 + n, at_ms=decided_ms, who="ada", body=one) for n, one in enumerate(changes)]
    covered = max(decided_ms, ms("2026-05-04"))  # no rotation starts later
    holding = shifts(made, "primary", covered, covered + 90 * 24 * HOUR)
    assert all(one.person for one in holding)
    instant = max(at_ms, covered)
    assert len([one for one in holding if one.start_ms <= instant < one.end_ms]) == 1


@given(histories(), bodies, st.integers(0, 60 * 24))
def test_no_decision_changes_who_was_on_call(events: list[Event], body: object, later: int) -> None:
    """Whatever is decided at an instant: all before it stays as it was."""
    at_ms = max([START, *(event.at_ms for event in events)]) + later * HOUR
    after = [*events, Event(number=len(events) + 1, at_ms=at_ms, who="ada", body=body)]  # type: ignore[arg-type]
    for layer in ("primary", "secondary", "shadow"):
        before_ms = START - 30 * 24 * HOUR
        assert shifts(after, layer, before_ms, at_ms) == shifts(events, layer, before_ms, at_ms)  # type: ignore[arg-type]


@given(rotations, overrides())
def test_an_override_that_is_withdrawn_before_it_begins_never_was(rotation: Rotation, one: Override) -> None:
    at_ms = min(START - 30 * 24 * HOUR, one.start_ms)
    events = [Event(number=1, at_ms=at_ms, who="ada", body=rotation)]
    changed = [
        *events,
        Event(number=2, at_ms=at_ms, who="ada", body=one),
        Event(number=3, at_ms=at_ms, who="ada", body=Withdrawn(number=2)),
    ]
    assert primary(changed) == primary(events)


@given(rotations, overrides())
def test_an_override_changes_nothing_outside_of_its_span_or_about_others(
    rotation: Rotation, one: Override
) -> None:
    before, after = decided(rotation), decided(rotation, one)
    edges = sorted({START, END, *(min(max(edge, START), END) for edge in (one.start_ms, one.end_ms))})
    for first, last in pairwise(edges):
        is_inside = one.start_ms <= first and last <= one.end_ms
        for old, new in zip(points(before, first, last), points(after, first, last), strict=True):
            assert new == (one.add if is_inside and old == one.remove else old)


def points(events: list[Event], start_ms: int, end_ms: int) -> list[str]:
    """Who is on call at each quarter of an hour."""
    return [
        person
        for person, first, last in primary(events, start_ms, end_ms)
        for _ in range(first, last, HOUR // 4)
    ]


@given(rotations, replacements())
def test_a_replacement_keeps_the_coverage(rotation: Rotation, one: Override) -> None:
    gap = hours_of(decided(rotation))[""]
    assert hours_of(decided(rotation, one))[""] == gap


@given(rotations, spans(), st.permutations(["ada", "bob", "cyd"]))
def test_a_taken_swap_moves_hours_and_loses_none(
    rotation: Rotation, span: dict[str, int], names: list[str]
) -> None:
    asker, taker = names[:2]
    before = hours_of(decided(rotation))
    asked = decided(rotation, Swap(layer="primary", person=asker, **span))
    assert hours_of(asked) == before
    after = hours_of([*asked, *decided_next(asked, Taken(swap=FIRST, person=taker))])
    assert after.total() == before.total()
    assert after[asker] + after[taker] == before[asker] + before[taker]
    assert after[asker] <= before[asker]


def decided_next(events: list[Event], body: Taken) -> list[Event]:
    return [Event(number=len(events) + 1, at_ms=events[-1].at_ms, who="ada", body=body)]


def test_the_first_to_take_a_swap_has_it() -> None:
    span = {"start_ms": ms("2026-03-03"), "end_ms": ms("2026-03-05")}
    made = decided(
        weekly("ada"),
        Swap(layer="primary", person="ada", **span),
        Taken(swap=2, person="bob"),
        Taken(swap=2, person="cyd"),
    )
    assert on_call(made, "primary", ms("2026-03-04")) == "bob"


def test_a_new_rotation_takes_over_with_its_first_handover() -> None:
    made = decided(weekly("ada"), weekly("bob", start="2026-03-09", handover="10:00"))
    assert primary(made) == [("ada", START, ms("2026-03-09T10:00")), ("bob", ms("2026-03-09T10:00"), END)]


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-01-01", "2026-01-05"), ("2026-03-09T08:59", "2026-03-09"), ("2026-03-09T09:00", "2026-03-16")],
)
def test_the_next_handover_day_is_that_of_the_wall_clock(at: str, day: str) -> None:
    assert str(next_handover_day(weekly("ada", "bob"), ms(at))) == day
