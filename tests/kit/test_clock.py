"""Time: milliseconds, ISO text, durations in words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.kit.clock import duration, how_long_ago, now_ms, utc_iso

MS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def test_now_is_in_milliseconds() -> None:
    assert abs(now_ms() - time.time() * 1000) < 1000


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert utc_iso(1_795_512_600_007) == "2026-11-24T09:30:00.007Z"
    assert utc_iso(0) == "1970-01-01T00:00:00.000Z"


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_time_that_can_be_stored_can_be_written(at_ms: int) -> None:
    assert utc_iso(at_ms).endswith(("Z", "after 1970"))
    assert how_long_ago(at_ms)


def test_a_time_beyond_the_calendar_stays_a_number() -> None:
    assert utc_iso(2**62) == f"{2**62} ms after 1970"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0.0 ms"),
        (0.42, "0.4 ms"),
        (0.97, "1 ms"),
        (999.4, "999 ms"),
        (999.7, "1.0 s"),
        (9_960, "10 s"),
        (119_000, "119 s"),
        (119_900, "2 min"),
        (7_160_000, "119 min"),
        (7_199_000, "2 h"),
        (170_900_000, "47 h"),
        (172_700_000, "2 d"),
        (400 * 86_400_000, "400 d"),
    ],
)
def test_a_duration_has_one_unit(ms: float, text: str) -> None:
    assert duration(ms) == text


@given(st.floats(1, 1e11))
def test_a_duration_is_at_most_a_third_off(ms: float) -> None:
    number, unit = duration(ms).split(" ")
    assert abs(float(number) * MS[unit] - ms) <= 0.34 * ms


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [(1_000_000, "just now"), (820_000, "3 min ago"), (1_180_000, "in 3 min"), (999_100, "just now")],
)
def test_how_long_ago_is_said_in_words(at_ms: int, text: str) -> None:
    assert how_long_ago(at_ms, now=1_000_000) == text
