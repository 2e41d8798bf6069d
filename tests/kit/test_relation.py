"""Scatter and parallel coordinates."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.kit.relation import Axis, Mark, numbers_in, parallel, scatter

VALUES = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)


def marks(number: int) -> list[Mark]:
    return [
        Mark(letter="ABCDE"[at], name=f"run {at}", class_=f"s{at} d0", href=f"/runs/{at}")
        for at in range(number)
    ]


def test_a_scatter_has_a_mark_for_each_that_has_both_values() -> None:
    picture = scatter(
        Axis(label="depth", values=["4", "8", None]),
        Axis(label="auc", values=[0.5, 0.9, 0.7]),
        marks(3),
        title="auc against depth",
    )
    assert re.findall(r'href="(/runs/\d)"', picture) == ["/runs/0", "/runs/1"]
    assert "A depth 4, auc 0.5. B depth 8, auc 0.9. C depth absent, auc 0.7" in picture


def test_parallel_lines_break_where_a_value_is_absent() -> None:
    picture = parallel(
        [
            Axis(label="a", values=[1.0, 1.0]),
            Axis(label="b", values=[2.0, None]),
            Axis(label="c", values=[3.0, 3.0]),
            Axis(label="d", values=[4.0, 4.0]),
        ],
        marks(2),
        title="d",
    )
    lines = re.findall(r'<polyline points="([^"]+)" class="curve (s\d) d0"', picture)
    assert [(len(points.split()), style) for points, style in lines] == [(4, "s0"), (2, "s1")]


def test_texts_stand_at_equal_distances_in_their_order() -> None:
    picture = scatter(
        Axis(label="loss", values=["mse", "huber", "mae"]),
        Axis(label="auc", values=[1.0, 2.0, 3.0]),
        marks(3),
        title="t",
    )
    x = {
        word: float(at)
        for at, word in re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">(\w+)<', picture)
    }
    assert x["huber"] < x["mae"] < x["mse"]
    assert x["mae"] - x["huber"] == pytest.approx(x["mse"] - x["mae"], abs=0.02)


def test_numbers_over_decades_stand_on_a_logarithmic_axis() -> None:
    rates, auc = Axis(label="rate", values=["0.0001", "0.01", "1"]), Axis(label="auc", values=[1.0, 2.0, 3.0])
    assert "rate (log)" in scatter(rates, auc, marks(3), title="t")
    assert "auc (log)" not in scatter(rates, auc, marks(3), title="t")


@pytest.mark.parametrize(
    ("values", "numbers"),
    [(["1", 2.0, None], [1.0, 2.0]), (["1", "x"], None), (["nan"], None), (["inf"], None), ([None], None)],
)
def test_values_are_numbers_only_when_all_are(
    values: list[str | float | None], numbers: list[float] | None
) -> None:
    assert numbers_in(values) == numbers


def test_names_are_escaped() -> None:
    odd = [Mark(letter="A", name="<b>", class_="s0 d0", href='/runs/"')]
    picture = scatter(Axis(label="<x>", values=["<y>"]), Axis(label="z", values=[1.0]), odd, title="<t>")
    assert "<b>" not in picture
    assert "<x>" not in picture
    assert "<y>" not in picture


@given(st.lists(VALUES, min_size=2, max_size=5), st.lists(VALUES, min_size=2, max_size=5))
def test_any_values_can_be_drawn(first: list[float | str | None], second: list[float | str | None]) -> None:
    number = min(len(first), len(second))
    axes = [Axis(label="a", values=first[:number]), Axis(label="b", values=second[:number])]
    for picture in (
        scatter(axes[0], axes[1], marks(number), title="t"),
        parallel([*axes, axes[0]], marks(number), title="t"),
    ):
        assert picture.startswith("<svg")
        assert not re.search(r'="(nan|inf|-inf)', picture)
