from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.kit.axis import clock_ticks, log_ticks, scale_of

positive = st.floats(1e-300, 1e300)


@given(st.lists(positive, min_size=1, max_size=20))
def test_any_positive_values_stand_inside_a_logarithmic_scale_in_order(values: list[float]) -> None:
    scale = scale_of(values, 200, 0, log=True)
    places = [scale(value) for value in sorted(values)]
    assert all(-1e-6 <= place <= 200 + 1e-6 for place in places)
    assert all(one >= other - 1e-6 for one, other in pairwise(places))


@given(st.floats(1e-300, 1e290), st.floats(1.0001, 1e12))
def test_ticks_of_a_logarithmic_axis_are_few_and_inside(low: float, factor: float) -> None:
    high = low * factor
    found = log_ticks(low, high)
    assert 1 <= len(found) <= 8
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in found)


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (1e-5, 1, [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]),
        (0.5, 60, [0.5, 1, 2, 5, 10, 20, 50]),
        (1e-12, 1, [1e-12, 1e-9, 1e-6, 1e-3, 1]),
        (20, 30, [20, 25, 30]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_round(low: float, high: float, found: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(found)


HOUR = 3_600_000


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 60_000, ["00:00:00", "00:00:10", "00:00:20", "00:00:30", "00:00:40", "00:00:50", "00:01:00"]),
        (9 * HOUR + 1, 12 * HOUR, ["09:30", "10:00", "10:30", "11:00", "11:30", "12:00"]),
        (0, 5 * 24 * HOUR, ["01 Jan", "02 Jan", "03 Jan", "04 Jan", "05 Jan", "06 Jan"]),
        (-(10**18), 10**18, []),
    ],
)
def test_ticks_of_a_clock_are_round_moments(low: float, high: float, words: list[str]) -> None:
    assert [label for _, label in clock_ticks(low, high)] == words


@given(st.integers(-(10**13), 10**13), st.integers(1, 10**12))
def test_ticks_of_a_clock_are_inside_and_few(low: int, span: int) -> None:
    found = clock_ticks(low, low + span)
    assert len(found) <= 8
    assert all(low <= at <= low + span for at, _ in found)
