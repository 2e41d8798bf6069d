"""The clocks of a question."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.desk.sla.clock import clocks, first_response
from pavedroad.desk.sla.model import BusinessHours, Clocks, Event, Kind, Opening, Policy, Target
from pavedroad.errors import Invalid

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONDAY = 1_795_392_000_000  # 2026-11-23, 00:00 UTC
OFFICE = BusinessHours(weekly=tuple(Opening(weekday=day, start="09:00", end="17:00") for day in range(5)))
TARGETS = {"high": Target(first_response_ms=HOUR, resolution_ms=8 * HOUR)}


def policy(**changes: Any) -> Policy:
    values: dict[str, Any] = {"targets": TARGETS, "hours": OFFICE, "starts_at": "asked"} | changes
    return Policy(**values)


def at(hour: float, day: int = 0) -> int:
    return MONDAY + day * DAY + int(hour * HOUR)


def event(kind: Kind, hour: float, who: str = "ada", *, day: int = 0, is_bot: bool = False) -> Event:
    return Event(at_ms=at(hour, day), kind=kind, who=who, is_bot=is_bot)


def told(events: list[Event], hour: float, *, day: int = 0, **changes: Any) -> Clocks:
    return clocks(events, policy(**changes), "high", at(hour, day))


def test_an_answer_in_time_is_met() -> None:
    found = told([event("asked", 9), event("replied", 9.5, "bob")], 12).first_response
    assert (found.state, found.elapsed_ms, found.ended_ms) == ("met", HOUR // 2, at(9.5))


def test_an_answer_at_the_last_instant_is_met() -> None:
    assert told([event("asked", 9), event("replied", 10, "bob")], 12).first_response.state == "met"


def test_without_an_answer_the_promise_is_broken_when_it_is_due() -> None:
    asked = [event("asked", 9)]
    assert clocks(asked, policy(), "high", at(10) - 1).first_response.state == "running"
    found = clocks(asked, policy(), "high", at(10)).first_response
    assert (found.state, found.due_ms) == ("breached", at(10))


def test_the_clock_warns_before_it_is_broken() -> None:
    asked = [event("asked", 9)]
    assert not told(asked, 9.75).first_response.is_warned
    assert told(asked, 9.8).first_response.is_warned
    assert not told(asked, 10).first_response.is_warned


def test_neither_the_reporter_nor_a_bot_gives_the_first_response() -> None:
    events = [
        event("asked", 9),
        event("replied", 9.1, "ada"),
        event("replied", 9.2, "helper", is_bot=True),
        event("replied", 9.3, "bob"),
    ]
    assert first_response(events) == events[3]


def test_by_policy_the_clock_starts_at_the_tag() -> None:
    asked = [event("asked", 9)]
    found = told(asked, 16, starts_at="tagged")
    assert (found.first_response.state, found.resolution.state) == ("not started", "not started")
    tagged = [*asked, event("tagged", 15.5)]
    assert told(tagged, 16, starts_at="tagged").first_response.due_ms == at(16.5)


def test_an_answer_before_the_tag_has_met_the_promise() -> None:
    events = [event("asked", 9), event("replied", 10, "bob"), event("tagged", 14)]
    found = told(events, 16, starts_at="tagged").first_response
    assert (found.state, found.elapsed_ms) == ("met", 0)


def test_outside_of_the_hours_the_clock_stands_still() -> None:
    asked = [event("asked", 16.5)]
    assert told(asked, 20).first_response.elapsed_ms == HOUR // 2
    assert told(asked, 9, day=1).first_response.due_ms == at(9.5, day=1)


def test_while_the_reporter_is_waited_for_the_clock_pauses() -> None:
    events = [event("asked", 9), event("replied", 9.5, "bob"), event("waiting", 10, "bob")]
    found = told(events, 16).resolution
    assert (found.state, found.elapsed_ms, found.due_ms) == ("paused", HOUR, None)
    events.append(event("replied", 16, "ada"))
    found = told(events, 17).resolution
    assert (found.state, found.elapsed_ms, found.due_ms) == ("running", 2 * HOUR, at(15, day=1))


def test_a_reply_by_somebody_else_or_a_bot_ends_no_pause() -> None:
    events = [
        event("asked", 9),
        event("waiting", 10, "bob"),
        event("replied", 11, "cyd"),
        event("replied", 11, "ada", is_bot=True),
    ]
    assert told(events, 12).resolution.state == "paused"


def test_what_was_broken_before_the_pause_stays_broken() -> None:
    found = told([event("asked", 9), event("waiting", 11, "bob")], 12).first_response
    assert (found.state, found.due_ms) == ("breached", at(10))


def test_a_reopened_question_has_a_new_resolution_clock_and_no_new_first_response() -> None:
    events = [
        event("asked", 9),
        event("replied", 9.5, "bob"),
        event("resolved", 10, "bob"),
        event("reopened", 12),
    ]
    found = told(events, 13)
    assert (found.resolution.state, found.resolution.elapsed_ms) == ("running", HOUR)
    assert (found.first_response.state, found.first_response.ended_ms) == ("met", at(9.5))


def test_what_happens_later_is_not_known_yet() -> None:
    events = [event("asked", 9), event("replied", 9.5, "bob")]
    assert told(events, 9.25).first_response.state == "running"


def test_an_unknown_priority_is_refused() -> None:
    with pytest.raises(Invalid, match="no target for priority 'hihg'"):
        clocks([], policy(), "hihg", 0)


KINDS: tuple[Kind, ...] = ("tagged", "replied", "waiting", "continued", "resolved", "reopened")
happenings = st.lists(
    st.builds(
        lambda kind, minute, who: Event(
            at_ms=MONDAY + minute * MINUTE, kind=kind, who=who, is_bot=who == "bot"
        ),
        st.sampled_from(KINDS),
        st.integers(0, 5 * 24 * 60),
        st.sampled_from(["ada", "bob", "bot"]),
    ),
    max_size=8,
).map(lambda found: [Event(at_ms=MONDAY, kind="asked", who="ada"), *found])
minutes = st.integers(0, 6 * 24 * 60)


@given(happenings, minutes, minutes)
def test_as_time_goes_on_no_clock_runs_back_and_no_broken_first_response_heals(
    events: list[Event], first: int, second: int
) -> None:
    early, late = (
        clocks(events, policy(), "high", MONDAY + minute * MINUTE).first_response
        for minute in sorted((first, second))
    )
    assert early.elapsed_ms <= late.elapsed_ms
    assert not early.is_breached or late.is_breached


@given(happenings, minutes)
def test_while_it_runs_the_time_used_and_the_time_left_make_the_target(
    events: list[Event], minute: int
) -> None:
    now_ms = MONDAY + minute * MINUTE
    found = clocks(events, policy(), "high", now_ms).first_response
    if found.state == "running":
        assert found.due_ms is not None
        assert found.due_ms > now_ms
        unheard = [one for one in events if one.at_ms <= now_ms]
        assert clocks(unheard, policy(), "high", found.due_ms).first_response.elapsed_ms == found.target_ms


@given(happenings, minutes)
def test_the_order_in_which_events_are_told_does_not_matter_to_the_answer(
    events: list[Event], minute: int
) -> None:
    now_ms = MONDAY + minute * MINUTE
    times = [one.at_ms for one in events]
    if len(set(times)) == len(times):
        assert clocks(events[::-1], policy(), "high", now_ms) == clocks(events, policy(), "high", now_ms)
