"""Few points for many: what a picture of a curve can show, and an even choice."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from pavedroad.tracking.points import Points


def lowest_and_highest(points: Points, x: Sequence[int], *, pixels: int) -> Points:
    """Both ends, and of each column of pixels the lowest, the highest, one NaN and one of each infinity.

    `x` says where the points lie from left to right, in order. No spike is lost, however narrow.
    """
    number = len(points)
    if number <= 2 * pixels + 2:
        return points
    kept = {0, number - 1}
    is_finite = math.isfinite(sum(points.value))  # if only the sum is too large, the slow way is right too
    extremes = _extremes if is_finite else _extremes_among_others
    for start, end in _columns(x, pixels):
        kept.update(extremes(points.value, start, end))
    return points.at(sorted(kept))


def evenly(points: Points, limit: int) -> Points:
    """At most `limit` points: the first of each of so many even parts, longer ones first, and the last."""
    number = len(points)
    if number <= limit:
        return points
    size, longer = divmod(number, limit)
    starts = [part * size + min(part, longer) for part in range(limit - 1)]
    return points.at([*starts, number - 1])


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


def _extremes_among_others(values: Sequence[float], start: int, end: int) -> tuple[int, ...]:
    """Of the finite ones; and the first of each other kind, which must not hide a finite peak."""
    finite = [at for at in range(start, end) if math.isfinite(values[at])]
    kept: tuple[int, ...] = ()
    if finite:
        kept = (min(finite, key=values.__getitem__), max(finite, key=values.__getitem__))
    if len(finite) < end - start:
        others = {
            repr(values[at]): at for at in range(end - 1, start - 1, -1) if not math.isfinite(values[at])
        }
        kept += tuple(others.values())
    return kept
