"""Few points for many: what a picture of a curve can show, and an even choice."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from pavedroad.tracking.points import Points


def lowest_and_highest(points: Points, x: Sequence[int], *, pixels: int) -> Points:
    """The first and the last point of all, and of each column of pixels the lowest, the highest and one NaN.

    `x` says where the points lie from left to right, in order. No spike is lost, however narrow.
    """
    number = len(points)
    if number <= 2 * pixels + 2:
        return points
    kept = {0, number - 1}
    has_nan = math.isnan(sum(points.value))  # or infinities of both signs, which the slow way knows too
    extremes = _extremes_among_nan if has_nan else _extremes
    for start, end in _columns(x, pixels):
        kept.update(extremes(points.value, start, end))
    return points.at(sorted(kept))


def evenly(points: Points, limit: int) -> Points:
    """At most `limit` points: one of every so many and the last one; a single point is the last."""
    number = len(points)
    if limit == 1:
        return points.part(max(number - 1, 0), number)
    stride = max(1, -(-(number - 1) // (limit - 1)))
    chosen = list(range(0, number, stride))
    return points.at([*chosen, number - 1] if chosen and chosen[-1] != number - 1 else chosen)


def _columns(x: Sequence[int], pixels: int) -> Iterator[tuple[int, int]]:
    """Where each column that has points starts and ends."""
    width = x[-1] - x[0] + 1
    start = 0
    for pixel in range(pixels):
        end = bisect_left(x, x[0] + -(-width * (pixel + 1) // pixels), start)
        if start < end:
            yield start, end
        start = end


def _extremes(values: Sequence[float], start: int, end: int) -> tuple[int, ...]:
    part = values[start:end]
    return start + part.index(min(part)), start + part.index(max(part))


def _extremes_among_nan(values: Sequence[float], start: int, end: int) -> tuple[int, ...]:
    part = range(start, end)
    numbers = [at for at in part if not math.isnan(values[at])]
    kept: tuple[int, ...] = ()
    if numbers:
        kept = (min(numbers, key=values.__getitem__), max(numbers, key=values.__getitem__))
    if len(numbers) < len(part):
        kept += (next(at for at in part if math.isnan(values[at])),)
    return kept
