"""Words: cutting, counting, sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.kit.text import UNITS, count, middle_cut, size


@given(st.text(), st.integers(0, 50))
def test_a_cut_text_has_the_asked_width_and_keeps_both_ends(text: str, width: int) -> None:
    cut = middle_cut(text, width)
    assert len(cut) == min(len(text), width)
    if len(text) > width > 1:
        head, _, tail = cut.partition("…")
        assert text.startswith(head) or "…" in text
        assert text.endswith(tail) or "…" in text


def test_the_longer_half_is_the_beginning() -> None:
    assert middle_cut("late-flights", 6) == "lat…ts"


@pytest.mark.parametrize(
    ("number", "plural", "text"),
    [(0, None, "0 gates"), (1, None, "1 gate"), (10_000, None, "10,000 gates"), (2, "gatti", "2 gatti")],
)
def test_things_are_counted_in_words(number: int, plural: str | None, text: str) -> None:
    assert count(number, "gate", plural) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_950, "1.0 MB"),
        (20_000_000, "20 MB"),
        (1.5e9, "1.5 GB"),
        (7e12, "7.0 TB"),
        (7e15, "7000 TB"),
    ],
)
def test_a_size_has_one_unit_and_few_digits(number: float, text: str) -> None:
    assert size(number) == text


@given(st.integers(0, 10**15 - 10**12))
def test_a_size_is_at_most_five_percent_off(number: int) -> None:
    shown, unit = size(number).split(" ")
    assert len(shown) <= 3
    assert abs(float(shown) * 1000 ** UNITS.index(unit) - number) <= 0.05 * number
