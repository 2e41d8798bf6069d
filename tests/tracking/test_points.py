from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.tracking.points import Points, pack, place_of, places_of, unpack
from pavedroad.tracking.points_json import points_json
from pavedroad.tracking.sampling import evenly, lowest_and_highest

INT64 = st.integers(-(2**63), 2**63 - 1)
POINTS = st.lists(st.tuples(st.integers(0, 2**63 - 1), INT64, st.floats()))


def columns(rows: list[tuple[int, int, float]]) -> Points:
    return Points([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


@given(rows=POINTS, deflate=st.booleans())
def test_packed_points_come_back_as_they_went_in(rows: list[tuple[int, int, float]], deflate: bool) -> None:
    back = unpack(pack(columns(rows), deflate=deflate))
    assert places_of(back) == [place_of(*row) for row in rows]


@pytest.mark.parametrize("payload", [b"", b"\x01nonsense"])
def test_bytes_that_are_no_packed_points_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="not packed points"):
        unpack(payload)


def test_even_steps_cost_hardly_more_than_their_values() -> None:
    number = 8192
    points = Points([1_790_000_000_000 + 10 * i for i in range(number)], range(number), [math.pi] * number)
    assert len(pack(points)) < number


@given(rows=POINTS, run_id=st.sampled_from(["", "a" * 32]))
def test_the_json_is_that_of_an_object_for_each_point(
    rows: list[tuple[int, int, float]], run_id: str
) -> None:
    found = json.loads(b"[" + points_json(columns(rows), "train/loss", run_id=run_id) + b"]")
    unusual = {math.inf: "Infinity", -math.inf: "-Infinity"}
    assert found == [
        {
            "key": "train/loss",
            "value": "NaN" if math.isnan(value) else unusual.get(value, value),
            "timestamp": at_ms,
            "step": step,
            **({"run_id": run_id} if run_id else {}),
        }
        for at_ms, step, value in rows
    ]


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), pixels=st.integers(1, 20))
def test_a_picture_misses_neither_the_ends_nor_the_extremes(values: list[float], pixels: int) -> None:
    points = columns([(at, at, value) for at, value in enumerate(values)])
    shown = lowest_and_highest(points, points.step, pixels=pixels)
    assert len(shown) <= 2 * pixels + 2
    assert list(shown.step) == sorted(set(shown.step))
    assert (shown.step[0], shown.step[-1]) == (0, len(values) - 1)
    assert (min(shown.value), max(shown.value)) == (min(values), max(values))


def test_nan_does_not_hide_a_spike() -> None:
    values = [0.0] * 1000
    values[400:420] = [math.nan] * 20
    values[410] = 9.0
    points = columns([(at, at, value) for at, value in enumerate(values)])
    shown = lowest_and_highest(points, points.step, pixels=10)
    assert 9.0 in shown.value
    assert any(map(math.isnan, shown.value))


@given(number=st.integers(0, 200), limit=st.integers(1, 50))
def test_an_even_choice_is_small_and_has_the_last_point(number: int, limit: int) -> None:
    shown = evenly(columns([(at, at, 0.0) for at in range(number)]), limit)
    assert len(shown) <= limit
    assert list(shown.step)[-1:] == list(range(number))[-1:]
