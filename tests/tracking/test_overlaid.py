"""The curves of several runs in one picture."""

from __future__ import annotations

import re

import pytest
from tests.tracking.runs import add_runs

from pavedroad.record import Record
from pavedroad.tracking.chart_look import Look
from pavedroad.tracking.comparison import pick_runs
from pavedroad.tracking.overlaid import LETTERS, curve_keys, overlay, style_of


def test_only_metrics_with_two_points_have_a_curve(any_record: Record) -> None:
    runs = pick_runs(any_record.db, add_runs(any_record))
    assert curve_keys(any_record.db, runs) == ["auc"]


def test_every_run_has_a_line_that_ends_in_its_letter(record: Record) -> None:
    runs = pick_runs(record.db, add_runs(record))
    drawn = overlay(record.db, runs, "auc", Look())
    assert drawn.picture is not None
    assert re.findall(r'class="label (s\d d\d)"[^>]*>([A-T])<', drawn.picture) != []
    assert {
        letter for _, letter in re.findall(r'class="label (s\d d\d)"[^>]*>([A-T])<', drawn.picture)
    } == set("ABD")
    assert drawn.finding == "highest 0.99 in B"
    assert drawn.left_out == "3 NaN"  # those of run C
    assert drawn.runs == 4


@pytest.mark.parametrize("look", [Look(x="time"), Look(x="wall"), Look(log=True), Look(smooth=0.9)])
def test_every_look_can_be_drawn(record: Record, look: Look) -> None:
    runs = pick_runs(record.db, add_runs(record))
    drawn = overlay(record.db, runs, "auc", look)
    assert drawn.picture is not None
    assert drawn.picture.count("<polyline") == (6 if look.smooth else 3)


def test_twenty_runs_have_twenty_styles() -> None:
    assert len({style_of(place) for place in range(len(LETTERS))}) == len(LETTERS) == 20
