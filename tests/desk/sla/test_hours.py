"""Open time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.desk.sla.hours import after_open_ms, check_hours, open_ms, open_spans
from pavedroad.desk.sla.model import BusinessHours, Opening
from pavedroad.errors import Invalid

MINUTE = 60_000
HOUR = 60 * MINUTE
ZONES = ("UTC", "America/Chicago", "Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll", "Asia/Tehran")
times_of_day = st.sampled_from(["00:00", "01:30", "02:30", "09:00", "17:00", "22:00", "23:45"])


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


OFFICE = BusinessHours(weekly=tuple(Opening(weekday=day, start="09:00", end="17:00") for day in range(5)))
ALWAYS = BusinessHours()
instants = st.integers(ms("2011-12-20") // MINUTE, ms("2012-05-01") // MINUTE).map(lambda one: one * MINUTE)


@st.composite
def business_hours(draw: st.DrawFn) -> BusinessHours:
    closures = draw(st.lists(st.tuples(instants, st.integers(1, 5 * 24 * 60)), max_size=2))
    return BusinessHours(
        zone=draw(st.sampled_from(ZONES)),
        weekly=tuple(
            draw(
                st.lists(
                    st.builds(Opening, weekday=st.integers(0, 6), start=times_of_day, end=times_of_day),
                    max_size=6,
                )
            )
        ),
        holidays=tuple(
            draw(
                st.lists(
                    st.dates(datetime(2011, 12, 20).date(), datetime(2012, 4, 30).date()).map(str), max_size=3
                )
            )
        ),
        closures=tuple((start, start + minutes * MINUTE) for start, minutes in closures),
    )


def test_one_hour_from_friday_five_to_five_with_a_holiday_monday_is_tuesday_five_to_ten() -> None:
    hours = BusinessHours(zone="Europe/London", weekly=OFFICE.weekly, holidays=("2026-05-25",))
    friday = ms("2026-05-22T15:55")  # 16:55 in London
    assert after_open_ms(hours, friday, HOUR) == ms("2026-05-26T08:55")  # Tuesday 09:55


def test_a_desk_without_openings_is_always_open() -> None:
    assert open_ms(ALWAYS, ms("2026-01-01"), ms("2026-01-03")) == 48 * HOUR


def test_an_opening_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    hours = BusinessHours(weekly=(Opening(weekday=4, start="22:00", end="06:00"),))
    assert open_spans(hours, ms("2026-11-20"), ms("2026-11-27")) == [
        (ms("2026-11-20T22:00"), ms("2026-11-21T06:00"))
    ]


def test_a_holiday_cuts_the_night_that_reaches_into_it() -> None:
    hours = BusinessHours(weekly=(Opening(weekday=4, start="22:00", end="06:00"),), holidays=("2026-11-21",))
    assert open_ms(hours, ms("2026-11-20"), ms("2026-11-27")) == 2 * HOUR


def test_openings_that_overlap_count_once() -> None:
    both = (Opening(weekday=0, start="09:00", end="13:00"), Opening(weekday=0, start="12:00", end="17:00"))
    assert open_ms(BusinessHours(weekly=both), ms("2026-11-23"), ms("2026-11-24")) == 8 * HOUR


def test_a_closure_is_closed() -> None:
    hours = BusinessHours(weekly=OFFICE.weekly, closures=((ms("2026-11-23T10:00"), ms("2026-11-23T12:00")),))
    assert open_ms(hours, ms("2026-11-23"), ms("2026-11-24")) == 6 * HOUR


def test_a_desk_that_never_opens_again_has_no_due_time() -> None:
    shut = BusinessHours(weekly=OFFICE.weekly, closures=((0, ms("2040-01-01")),))
    assert after_open_ms(shut, ms("2026-11-23"), HOUR) is None


@given(business_hours(), instants, st.integers(0, 30 * 24 * 60), st.integers(0, 30 * 24 * 60))
def test_open_time_is_additive_and_monotone(
    hours: BusinessHours, start: int, first: int, second: int
) -> None:
    middle, end = start + first * MINUTE, start + (first + second) * MINUTE
    assert open_ms(hours, start, middle) + open_ms(hours, middle, end) == open_ms(hours, start, end)
    assert 0 <= open_ms(hours, start, middle) <= open_ms(hours, start, end) <= end - start


@given(business_hours(), instants)
def test_no_time_passes_outside_of_the_hours(hours: BusinessHours, start: int) -> None:
    end = start + 14 * 24 * HOUR
    spans = [(start, start), *open_spans(hours, start, end), (end, end)]
    for (_, closes), (opens, _) in pairwise(spans):
        assert closes <= opens
        assert open_ms(hours, closes, opens) == 0


@given(business_hours(), instants, st.integers(1, 40 * 60))
def test_the_due_time_is_the_first_by_which_the_amount_has_passed(
    hours: BusinessHours, start: int, minutes: int
) -> None:
    due = after_open_ms(hours, start, minutes * MINUTE)
    if due is None:  # a sliver that some gap swallows, or nothing but closures
        assert open_ms(hours, start, start + int(timedelta(days=60).total_seconds()) * 1000) == 0
    else:
        assert open_ms(hours, start, due) == minutes * MINUTE
        assert open_ms(hours, start, due - 1) == minutes * MINUTE - 1


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        (BusinessHours(zone="Mars/Base"), "unknown time zone"),
        (BusinessHours(weekly=(Opening(weekday=7, start="09:00", end="17:00"),)), "no weekday 7"),
        (BusinessHours(weekly=(Opening(weekday=0, start="9 am", end="17:00"),)), "not a time of day"),
        (BusinessHours(holidays=("monday",)), "not a date"),
        (BusinessHours(closures=((2, 1),)), "ends before it begins"),
    ],
)
def test_hours_that_mean_nothing_are_refused(hours: BusinessHours, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        check_hours(hours)
