"""From values to places on a picture, and the round numbers that stand beside it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

LARGEST, SMALLEST = sys.float_info.max, 1e-300
MOST_DECADES = 6  # named on a logarithmic axis; of more, every second, third, … is
# Steps of an axis of time, in seconds.
STEPS_OF_TIME = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
DAY_S = 86400
FIRST_YEAR_MS, LAST_YEAR_MS = -62_135_596_800_000, 253_402_300_799_000  # of the years 1 to 9999


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """From values to pixels; `end` may lie above `start` on the screen. `low` of a logarithmic one is > 0."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        if self.log:
            share = (math.log10(value) - math.log10(self.low)) / (
                math.log10(self.high) - math.log10(self.low)
            )
        else:
            # In halves: the span of two large numbers may itself be too large.
            share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.start + share * (self.end - self.start)


def scale_of(
    values: Sequence[float], start: float, end: float, *, tight: bool = False, log: bool = False
) -> Scale:
    """Room for all `values`, and a little more unless `tight`; values of a logarithmic scale are > 0."""
    low, high = min(values), max(values)
    if log:
        return _log_scale(low, high, start, end)
    half = high / 2 - low / 2
    if half <= max(abs(low), abs(high)) * 1e-12 or half < SMALLEST:  # one value stands in the middle
        pad = max(abs(low), abs(high)) * 0.1
        pad = pad if pad > SMALLEST else 1.0
    else:
        pad = 0.0 if tight else half * 0.12
    return Scale(low=max(low - pad, -LARGEST), high=min(high + pad, LARGEST), start=start, end=end)


def _log_scale(low: float, high: float, start: float, end: float) -> Scale:
    first, last = math.log10(low), math.log10(high)
    pad = (last - first) * 0.06 if last - first > 1e-9 else 0.05
    return Scale(
        low=10 ** max(first - pad, -307.0), high=10 ** min(last + pad, 308.0), start=start, end=end, log=True
    )


def ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> list[float]:
    """At most `most` + 1 round numbers inside [low, high]: steps of 1, 2 or 5 times a power of ten."""
    raw = high / most - low / most
    if not raw > max(abs(low), abs(high)) * 1e-15:  # so near to one another that no number lies between
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [0.0 if index == 0 else index * step for index in range(first, last + 1)] or [low]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten inside [low, high]; with 2 and 5 times each where there are few; else round numbers."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = last - first + 1
    if decades > MOST_DECADES:
        every = math.ceil(decades / MOST_DECADES)
        return [10.0**power for power in range(first, last + 1) if power % every == 0]
    if decades >= 3:
        return [10.0**power for power in range(first, last + 1)]
    finer = [10.0**power * factor for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    inside = [value for value in finer if low <= value <= high]
    return inside if len(inside) >= 2 else ticks(low, high, 4)


def clock_ticks(low_ms: float, high_ms: float, most: int = 6) -> list[tuple[float, str]]:
    """Round moments inside [low, high] (UTC) and how they are written: `14:05`, `14:05:30`, `24 Nov`."""
    if not FIRST_YEAR_MS <= low_ms <= high_ms <= LAST_YEAR_MS:  # clients may log any number
        return []
    raw = (high_ms - low_ms) / 1000 / most
    days = max(1, math.ceil(raw / DAY_S))
    step = next((step for step in STEPS_OF_TIME if step >= raw), days * DAY_S)
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < DAY_S else "%d %b" if step < 300 * DAY_S else "%Y"
    first, last = math.ceil(low_ms / 1000 / step), math.floor(high_ms / 1000 / step)
    moments = [index * step for index in range(first, last + 1)]
    return [(at * 1000.0, datetime.fromtimestamp(at, UTC).strftime(form)) for at in moments]
