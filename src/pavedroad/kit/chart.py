"""Line charts as SVG: axes with units, gaps where a value is missing, a text that says the same."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence

import msgspec

from pavedroad.kit import svg
from pavedroad.kit.svg import Svg

LEFT, RIGHT, TOP, BOTTOM = 52.0, 16.0, 12.0, 36.0
LARGEST, SMALLEST = sys.float_info.max, 1e-300
LARGEST_DOTTED = 40  # with more points than this, dots hide the line


class Point(msgspec.Struct, frozen=True):
    x: float
    y: float  # NaN and infinities leave a gap


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """From values to pixels; `high` may lie below `low` on the screen."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        # In halves: the span of two large numbers may itself be too large.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.start + share * (self.end - self.start)


def line_chart(
    points: Sequence[Point],
    *,
    title: str,
    x_label: str,
    y_label: str,
    width: float = 400,
    height: float = 220,
) -> Svg:
    """One curve. `points` are in order of x; at least one must be finite."""
    finite = [point for point in points if math.isfinite(point.y)]
    if not finite:
        raise ValueError("a chart needs a finite value")
    xs = _scale([point.x for point in points], LEFT, width - RIGHT, whole=True)
    ys = _scale([point.y for point in finite], height - BOTTOM, TOP)
    return svg.picture(
        *_axes(xs, ys, width=width, height=height),
        svg.text((LEFT + width - RIGHT) / 2, height - 4, x_label, class_="axis", anchor="middle"),
        svg.text(4, TOP + 1, y_label, class_="axis"),
        *(_curve(run, xs, ys) for run in _unbroken(points)),
        *_dots(finite, xs, ys),
        width=width,
        height=height,
        title=title,
        description=describe(points, x_label=x_label),
        class_="chart",
    )


def describe(points: Sequence[Point], *, x_label: str) -> str:
    """The curve in words: where it starts, its extremes, where it ends, what is missing."""
    finite = [point for point in points if math.isfinite(point.y)]
    if not finite:
        return f"{len(points)} points, none of them finite"
    lowest, highest = min(finite, key=lambda p: p.y), max(finite, key=lambda p: p.y)
    missing = len(points) - len(finite)
    return (
        f"{len(points)} points from {x_label} {short(points[0].x)} to {short(points[-1].x)}. "
        f"First {short(finite[0].y)}, last {short(finite[-1].y)}, "
        f"lowest {short(lowest.y)} at {short(lowest.x)}, highest {short(highest.y)} at {short(highest.x)}."
        + (f" {missing} not finite." if missing else "")
    )


def thinned(points: Sequence[Point], most: int = 240) -> list[Point]:
    """At most about `most` points that keep every peak: lowest and highest of each bucket, both ends."""
    if len(points) <= most:
        return list(points)
    kept = [points[0]]
    size = len(points) / (most / 2)
    for bucket in range(most // 2):
        part = [p for p in points[int(bucket * size) : int((bucket + 1) * size)] if math.isfinite(p.y)]
        if part:
            pair = {min(part, key=lambda p: p.y), max(part, key=lambda p: p.y)}
            kept.extend(sorted(pair, key=lambda p: p.x))
    return [*kept, points[-1]]


def short(value: float) -> str:
    """Four significant digits, no exponent where it can be avoided: `0.8312`, `12,500`, `3e-07`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    size = abs(value)
    return f"{value:,.0f}" if 1e4 <= size < 1e7 else f"{value:.4g}"


def decimals_for(values: Iterable[float | None]) -> int:
    """How many decimals make a column line up: four digits of its largest number, none for whole numbers."""
    finite = [abs(value) for value in values if value is not None and math.isfinite(value)]
    if all(value == int(value) for value in finite):
        return 0
    return max(0, min(4, 3 - math.floor(math.log10(max(finite)))))


def aligned(value: float, decimals: int) -> str:
    """As its column has it; a number too small for that is written by itself."""
    if not math.isfinite(value) or 0 < abs(value) < 10**-decimals or abs(value) >= 1e7:
        return short(value)
    return f"{value:,.{decimals}f}"


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


def _scale(values: Sequence[float], start: float, end: float, *, whole: bool = False) -> Scale:
    low, high = min(values), max(values)
    half = high / 2 - low / 2
    if half <= max(abs(low), abs(high)) * 1e-12 or half < SMALLEST:  # one value stands in the middle
        pad = max(abs(low), abs(high)) * 0.1
        pad = pad if pad > SMALLEST else 1.0
    else:
        pad = 0.0 if whole else half * 0.12
    return Scale(low=max(low - pad, -LARGEST), high=min(high + pad, LARGEST), start=start, end=end)


def _axes(xs: Scale, ys: Scale, *, width: float, height: float) -> list[Svg]:
    parts = []
    for value in ticks(ys.low, ys.high):
        y = ys(value)
        parts += [
            svg.line(LEFT, y, width - RIGHT, y, class_="grid"),
            svg.text(LEFT - 8, y + 4, short(value), anchor="end"),
        ]
    for value in ticks(xs.low, xs.high, whole=xs.high / 2 - xs.low / 2 >= 0.5):
        parts.append(svg.text(xs(value), height - BOTTOM + 16, short(value), anchor="middle"))
    parts.append(svg.line(LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM, class_="base"))
    return parts


def _unbroken(points: Sequence[Point]) -> list[list[Point]]:
    runs: list[list[Point]] = [[]]
    for point in points:
        if math.isfinite(point.y):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]


def _curve(run: Sequence[Point], xs: Scale, ys: Scale) -> Svg:
    return svg.element("polyline", points=svg.points((xs(p.x), ys(p.y)) for p in run), class_="curve")


def _dots(finite: Sequence[Point], xs: Scale, ys: Scale) -> list[Svg]:
    shown = finite if len(finite) <= LARGEST_DOTTED else finite[-1:]
    return [
        svg.element(
            "circle",
            svg.element("title", f"{short(p.x)}: {short(p.y)}"),
            cx=xs(p.x),
            cy=ys(p.y),
            r=2.5,
            class_="dot",
        )
        for p in shown
    ]
