"""How evenly the load is spread."""

from __future__ import annotations

import pytest
from hypothesis import given
from tests.desk.rota.decisions import END, HOUR, START, decided, histories, ms, weekly

from pavedroad.desk.rota.model import Event, Override
from pavedroad.desk.rota.report import fairness


def test_hours_are_real_ones_across_a_change_of_the_clock() -> None:
    found = fairness(decided(weekly("ada", "bob")), ms("2026-03-23T09:00"), ms("2026-04-06T08:00"))
    assert [(load.person, load.primary_hours) for load in found.loads] == [("ada", 168), ("bob", 167)]


def test_nights_and_weekends_are_those_of_the_persons_zone() -> None:
    made = decided(weekly("ada", zone="America/Chicago"))
    found = fairness(made, ms("2026-03-02T06:00"), ms("2026-03-09T05:00"))  # Monday to Monday, an hour short
    (load,) = found.loads
    assert (load.night_hours, load.weekend_hours) == (7 * 8 - 1, 47)


def test_more_than_a_quarter_of_the_time_is_over_the_line() -> None:
    found = fairness(
        decided(weekly("ada", "bob", "cyd", "dee")), ms("2026-02-02T09:00"), ms("2026-03-02T09:00")
    )
    assert [(load.share, load.is_over) for load in found.loads] == [(0.25, False)] * 4
    found = fairness(decided(weekly("ada", "bob", "cyd")), ms("2026-02-02T09:00"), ms("2026-02-23T09:00"))
    assert all(load.is_over for load in found.loads)


def test_shadows_have_no_share_and_fill_no_gap() -> None:
    found = fairness(decided(weekly("ada", layer="shadow")), START, END)
    assert [(load.share, load.shadow_hours) for load in found.loads] == [(0, (END - START) / HOUR)]
    assert [(gap.start_ms, gap.end_ms) for gap in found.gaps] == [(START, END)]


def test_a_gap_is_one_from_its_start_to_its_end() -> None:
    away = Override(layer="primary", remove="ada", start_ms=ms("2026-03-03"), end_ms=ms("2026-03-20"))
    found = fairness(decided(weekly("ada"), away), START, END)
    assert [(gap.start_ms, gap.end_ms) for gap in found.gaps] == [(away.start_ms, away.end_ms)]
    assert found.gap_hours == 17 * 24


@given(histories())
def test_hours_and_gaps_of_the_primary_make_the_whole_time(events: list[Event]) -> None:
    found = fairness(events, START, END)
    carried = sum(load.primary_hours for load in found.loads)
    assert carried + found.gap_hours == pytest.approx((END - START) / HOUR)
    assert all(0 <= load.night_hours <= load.share * (END - START) / HOUR + 1e-6 for load in found.loads)
