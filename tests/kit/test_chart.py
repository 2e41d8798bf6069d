from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.kit.axis import ticks
from pavedroad.kit.chart import (
    Point,
    Series,
    aligned,
    decimals_for,
    describe,
    left_out,
    short,
    smoothed,
)
from pavedroad.kit.chart import draw as draw_series

finite = st.floats(allow_nan=False, allow_infinity=False)


def curve(*values: float) -> list[Point]:
    return [Point(float(at), value) for at, value in enumerate(values)]


def line_chart(points: list[Point], *, log: bool = False) -> str:
    return draw_series([Series(points=points)], title="loss", x_label="step", y_label="nats", log=log)


def draw(points: list[Point]) -> ET.Element:
    return ET.fromstring(line_chart(points))


def polylines(drawn: ET.Element) -> list[str]:
    return [line.get("points", "") for line in drawn.iter("{http://www.w3.org/2000/svg}polyline")]


def test_axes_are_labelled() -> None:
    words = [
        "".join(text.itertext()) for text in draw(curve(1, 2, 3)).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "step" in words
    assert "nats" in words


def test_a_missing_value_leaves_a_gap() -> None:
    assert len(polylines(draw(curve(1, 2, math.nan, 3, 4)))) == 2


def test_a_single_value_is_drawn_as_a_point() -> None:
    drawn = draw(curve(5))
    assert polylines(drawn) == []
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) == 1


def test_higher_values_stand_higher() -> None:
    (line,) = polylines(draw(curve(0, 10)))
    low, high = (float(pair.split(",")[1]) for pair in line.split())
    assert high < low


def test_a_chart_without_a_finite_value_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="finite"):
        draw(curve(math.nan, math.inf))


@given(st.lists(finite, min_size=1, max_size=60))
def test_any_finite_curve_becomes_well_formed_svg_inside_its_frame(values: list[float]) -> None:
    for line in polylines(draw(curve(*values))):
        for pair in line.split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= 400
            assert 0 <= y <= 220


def test_the_description_tells_ends_extremes_and_gaps() -> None:
    says = describe(curve(0.9, 0.2, math.nan, 0.3), x_label="step")
    assert (
        says
        == "4 points from step 0 to 3. First 0.9, last 0.3, lowest 0.2 at 1, highest 0.9 at 0. 1 not finite."
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.83117, "0.8312"),
        (12500.0, "12,500"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (1e-7, "1e-07"),
        (123456.7, "123,457"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (0.0, "0"),
        (6.02e23, "6.02e+23"),
    ],
)
def test_numbers_are_short_and_exact_enough(value: float, shown: str) -> None:
    assert short(value) == shown


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e9))
def test_ticks_are_few_and_inside_the_range(low: float, span: float) -> None:
    high = low + span
    found = ticks(low, high)
    assert 1 <= len(found) <= 8
    slack = abs(high - low) * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= tick <= high + slack for tick in found)


def test_two_ends_that_nothing_separates_have_one_tick() -> None:
    assert ticks(7264327003.0, 7264327003.0 + 1e-6) == [7264327003.0]
    assert ticks(1.0, 1.0) == ticks(1.0, 0.0) == [1.0]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.801, 0.8097, None], ["0.8010", "0.8097"]),
        ([12.5, 9.25], ["12.50", "9.25"]),
        ([1500.25, 3.0], ["1,500", "3"]),
        ([3.0, 1200.0], ["3", "1,200"]),
        ([0.5, 0.00001], ["0.5000", "1e-05"]),
        ([math.nan, 0.5, math.inf], ["NaN", "0.5000", "∞"]),
        ([0.0, 0.25], ["0.0000", "0.2500"]),
    ],
)
def test_the_numbers_of_a_column_line_up(values: list[float | None], shown: list[str]) -> None:
    decimals = decimals_for(values)
    assert [aligned(value, decimals) for value in values if value is not None] == shown


@given(st.lists(finite, max_size=20))
def test_any_column_can_be_lined_up(values: list[float]) -> None:
    decimals = decimals_for(values)
    assert 0 <= decimals <= 4
    assert all(len(aligned(value, decimals)) <= 16 for value in values)


def test_ticks_are_round() -> None:
    assert ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(0, 500, whole=True) == [0, 100, 200, 300, 400, 500]
    assert ticks(0, 3, whole=True) == [0, 1, 2, 3]


def test_a_log_scale_leaves_out_what_is_not_above_zero_and_counts_it() -> None:
    drawn = ET.fromstring(line_chart(curve(-1, 0, 1, 10, 100), log=True))
    (line,) = polylines(drawn)
    heights = [float(pair.split(",")[1]) for pair in line.split()]
    assert len(heights) == 3
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.11)  # equal factors
    assert left_out([-1, 0, 1, math.nan, math.inf, -math.inf], log=True).words == (
        "1 NaN, 1 ∞, 1 -∞, 2 at or below 0, not on a log scale"
    )
    with pytest.raises(ValueError, match="above 0"):
        line_chart(curve(-1, 0), log=True)


def test_values_without_a_place_are_marked_where_they_were() -> None:
    drawn = draw(curve(1, math.nan, 2, math.inf, 3, -math.inf, 4))
    marks = [
        found for found in drawn.iter("{http://www.w3.org/2000/svg}path") if found.get("class") == "lost"
    ]
    assert ["".join(mark.itertext()) for mark in marks] == ["1: NaN", "3: ∞", "5: -∞"]


def test_a_point_alone_between_two_gaps_is_a_dot_however_long_the_curve() -> None:
    values = [math.nan if at in (100, 102) else float(at % 7) for at in range(200)]
    drawn = draw(curve(*values))
    dots = ["".join(dot.itertext()) for dot in drawn.iter("{http://www.w3.org/2000/svg}circle")]
    assert "101: 3" in dots


def test_smoothing_starts_at_the_first_value_and_passes_over_gaps() -> None:
    assert [point.y for point in smoothed(curve(5, 5, 5), 0.9)] == pytest.approx([5, 5, 5])
    jumped = smoothed(curve(1, math.nan, 3), 0.5)
    assert jumped[0].y == 1
    assert math.isnan(jumped[1].y)
    assert jumped[2].y == pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50), st.floats(0, 0.999))
def test_a_smoothed_curve_stays_between_its_extremes(values: list[float], weight: float) -> None:
    slack = max(map(abs, values)) * 1e-9
    for point in smoothed(curve(*values), weight):
        assert min(values) - slack <= point.y <= max(values) + slack


def test_the_labels_of_lines_that_end_together_do_not_lie_on_one_another() -> None:
    series = [
        Series(points=curve(0, 1), label=letter, class_=f"curve s{at}") for at, letter in enumerate("ABC")
    ]
    drawn = ET.fromstring(draw_series(series, title="t", x_label="step"))
    labels = [
        t for t in drawn.iter("{http://www.w3.org/2000/svg}text") if t.get("class", "").startswith("label")
    ]
    heights = sorted(float(label.get("y", "0")) for label in labels)
    assert len(heights) == 3
    assert all(high - low >= 10 for low, high in pairwise(heights))
