"""Line charts as SVG: axes with units, gaps and marks where a value has no place, the same told in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from pavedroad.kit import svg
from pavedroad.kit.axis import Scale, clock_ticks, log_ticks, scale_of, ticks
from pavedroad.kit.svg import Svg

LEFT, RIGHT, TOP, BOTTOM = 52.0, 16.0, 12.0, 36.0
LARGEST_DOTTED = 40  # with more points than this, dots hide the line
LABEL_HEIGHT = 11.0
MARKS_DRAWN = 60  # of values that cannot stand on the scale; all of them are counted


class Point(msgspec.Struct, frozen=True):
    x: float
    y: float  # NaN and infinities leave a gap


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One curve among others of a picture; its points are in order of x."""

    points: Sequence[Point]
    name: str = ""
    class_: str = "curve"  # of the style sheet: `curve`, `curve faint`, `curve c1` … `curve c20`
    dots: bool = True  # at few points at each, at many only at the last
    label: str = ""  # stands at the end of the line, e.g. `A`


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Values that have no place on a scale."""

    nan: int = 0
    above: int = 0  # +∞
    below: int = 0  # -∞
    not_positive: int = 0  # on a logarithmic scale: zero or less

    @property
    def words(self) -> str:
        """`3 NaN, 1 ∞`; empty when everything is drawn."""
        parts = [
            f"{self.nan:,} NaN" if self.nan else "",
            f"{self.above:,} ∞" if self.above else "",
            f"{self.below:,} -∞" if self.below else "",
            f"{self.not_positive:,} at or below 0, not on a log scale" if self.not_positive else "",
        ]
        return ", ".join(part for part in parts if part)


def draw(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str = "",
    width: float = 400,
    height: float = 220,
    log: bool = False,
    clock: bool = False,
    reads: str = "",
) -> Svg:
    """Several curves over one another, the last on top.

    `clock`: x are milliseconds since 1970. `reads`: where the page's script reads the points as JSON.
    Raises ValueError when no value has a place on the scale.
    """
    placed = [[point for point in one.points if _has_place(point.y, log)] for one in series]
    every = [point.y for points in placed for point in points]
    if not every:
        raise ValueError("a chart needs a finite value" + (" above 0" if log else ""))
    right = width - RIGHT
    xs = scale_of([p.x for one in series for p in one.points], LEFT, right, tight=True)
    ys = scale_of(every, height - BOTTOM, TOP, log=log)
    lead = series[-1]
    return svg.picture(
        *_axes(xs, ys, width=width, height=height, clock=clock),
        svg.text((LEFT + width - RIGHT) / 2, height - 4, x_label, class_="axis", anchor="middle"),
        svg.text(4, TOP + 1, y_label, class_="axis") if y_label else Svg(""),
        *(_drawn(one, xs, ys) for one in series),
        *_marks(series, xs, height),
        *_labels(series, placed, xs, ys),
        width=width,
        height=height,
        title=title,
        description=describe(lead.points, x_label=x_label),
        class_="chart",
        data_reads=reads or None,
        data_plot=f"{LEFT} {TOP} {right} {height - BOTTOM}" if reads else None,
        data_x=f"{xs.low!r} {xs.high!r}" if reads else None,
        data_y=f"{ys.low!r} {ys.high!r}" if reads else None,
        data_log="1" if reads and log else None,
        data_clock="1" if reads and clock else None,
    )


def left_out(values: Sequence[float], *, log: bool = False) -> LeftOut:
    if not log and math.isfinite(sum(values)):  # the usual case, without a look at each of a million
        return LeftOut()
    others = [value for value in values if not math.isfinite(value)]
    above, below = others.count(math.inf), others.count(-math.inf)
    return LeftOut(
        nan=len(others) - above - below,
        above=above,
        below=below,
        not_positive=sum(-math.inf < value <= 0 for value in values) if log else 0,
    )


def smoothed(points: Sequence[Point], weight: float) -> list[Point]:
    """The exponential moving average, corrected for its start: the first value is the first value itself.

    `weight` in [0, 1) is that of what came before. A value that is not finite stays and is not averaged.
    Source: Kingma and Ba, Adam, 2015, section 3 (the correction).
    """
    found: list[Point] = []
    mean, left = 0.0, 1.0
    for point in points:
        if not math.isfinite(point.y):
            found.append(point)
            continue
        mean = weight * mean + (1 - weight) * point.y
        left *= weight
        found.append(Point(point.x, mean / (1 - left)))
    return found


def describe(points: Sequence[Point], *, x_label: str) -> str:
    """The curve in words: where it starts, its extremes, where it ends, what is missing."""
    finite = [point for point in points if math.isfinite(point.y)]
    if not finite:
        return f"{len(points)} points, none of them finite"
    lowest, highest = min(finite, key=lambda p: p.y), max(finite, key=lambda p: p.y)
    missing = len(points) - len(finite)
    return (
        f"{len(points):,} points from {x_label} {short(points[0].x)} to {short(points[-1].x)}. "
        f"First {short(finite[0].y)}, last {short(finite[-1].y)}, "
        f"lowest {short(lowest.y)} at {short(lowest.x)}, highest {short(highest.y)} at {short(highest.x)}."
        + (f" {missing} not finite." if missing else "")
    )


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


def _has_place(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _axes(xs: Scale, ys: Scale, *, width: float, height: float, clock: bool) -> list[Svg]:
    parts = []
    for value in log_ticks(ys.low, ys.high) if ys.log else ticks(ys.low, ys.high):
        y = ys(value)
        parts += [
            svg.line(LEFT, y, width - RIGHT, y, class_="grid"),
            svg.text(LEFT - 8, y + 4, short(value), anchor="end"),
        ]
    few = 6 if width < 600 else 9
    if clock:
        named = clock_ticks(xs.low, xs.high, few)
    else:
        whole = xs.high / 2 - xs.low / 2 >= 0.5
        named = [(value, short(value)) for value in ticks(xs.low, xs.high, few, whole=whole)]
    for value, words in named:
        parts.append(svg.text(xs(value), height - BOTTOM + 16, words, anchor="middle"))
    parts.append(svg.line(LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM, class_="base"))
    return parts


def _drawn(one: Series, xs: Scale, ys: Scale) -> Svg:
    runs = _unbroken(one.points, ys.log)
    lines = [
        svg.element("polyline", points=svg.points((xs(p.x), ys(p.y)) for p in run), class_=one.class_)
        for run in runs
        if len(run) > 1
    ]
    parts = [*lines, *_dots(one, runs, xs, ys)]
    return parts[0] if len(parts) == 1 else Svg("".join(parts))


def _unbroken(points: Sequence[Point], log: bool) -> list[list[Point]]:
    runs: list[list[Point]] = [[]]
    for point in points:
        if _has_place(point.y, log):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _dots(one: Series, runs: list[list[Point]], xs: Scale, ys: Scale) -> list[Svg]:
    """Every point of a short curve, the last of a long one, and each that stands alone between two gaps."""
    placed = [point for run in runs for point in run]
    alone = [run[0] for run in runs if len(run) == 1]
    many = [*placed[-1:], *alone] if one.dots else alone
    shown = placed if one.dots and len(placed) <= LARGEST_DOTTED else many
    tone = one.class_.replace("curve", "dot", 1)
    named = f"{one.name}, " if one.name else ""
    return [
        svg.element(
            "circle",
            svg.element("title", f"{named}{short(p.x)}: {short(p.y)}"),
            cx=xs(p.x),
            cy=ys(p.y),
            r=2.5,
            class_=tone,
        )
        for p in shown[:MARKS_DRAWN]
    ]


def _labels(series: Sequence[Series], placed: Sequence[Sequence[Point]], xs: Scale, ys: Scale) -> list[Svg]:
    """The letters at the ends of the lines, moved apart where they would lie on one another."""
    ends = [
        (ys(points[-1].y), xs(points[-1].x), one)
        for one, points in zip(series, placed, strict=True)
        if one.label and points
    ]
    ends.sort(key=lambda end: end[:2])
    places = apart([y for y, _, _ in ends], LABEL_HEIGHT, foot=ys.start)
    return [
        svg.text(x + 4, place + 4, one.label, class_=one.class_.replace("curve", "label", 1))
        for place, (_, x, one) in zip(places, ends, strict=True)
    ]


def apart(places: Sequence[float], gap: float, *, foot: float) -> list[float]:
    """Places from top to bottom, moved so that they keep a gap and, where they fit, end at the foot."""
    found, free = list[float](), -math.inf
    for place in places:
        found.append(max(place, free))
        free = found[-1] + gap
    free = foot
    for at in reversed(range(len(found))):
        found[at] = min(found[at], free)
        free = found[at] - gap
    return found


def _marks(series: Sequence[Series], xs: Scale, height: float) -> list[Svg]:
    """Where a value is no number: a cross at the foot; an arrow at top or foot for an infinite one."""
    lost = [point for point in series[-1].points if not math.isfinite(point.y)]
    stride = max(1, math.ceil(len(lost) / MARKS_DRAWN))
    return [_mark(point, xs(point.x), height) for point in lost[::stride]]


def _mark(point: Point, x: float, height: float) -> Svg:
    foot = height - BOTTOM
    if math.isnan(point.y):
        path = f"M{x - 3:.1f} {foot - 7:.1f}l6 6m0 -6l-6 6"
    elif point.y > 0:
        path = f"M{x - 4:.1f} {TOP + 7:.1f}l4 -7l4 7"
    else:
        path = f"M{x - 4:.1f} {foot - 8:.1f}l4 7l4 -7"
    title = svg.element("title", f"{short(point.x)}: {short(point.y)}")
    return svg.element("path", title, d=path, class_="lost")
