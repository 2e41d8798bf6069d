"""The curves of several runs over one another, one picture for each metric."""
# ruff: noqa: S608

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from pavedroad.kit.chart import Point, Series, draw, left_out, short, smoothed
from pavedroad.kit.sql import Reader
from pavedroad.kit.svg import Svg
from pavedroad.tracking.chart_look import Look
from pavedroad.tracking.curves import UNITS
from pavedroad.tracking.direction import LOWER, Direction, direction_of
from pavedroad.tracking.metrics import sampled_curve
from pavedroad.tracking.model import Metric, Run
from pavedroad.tracking.store import in_list

WIDTH, HEIGHT = 480.0, 270.0
PICTURES = 6  # on one page; any other can be asked for
POINTS = 3200  # of one picture, whatever the number of its lines
LETTERS = "ABCDEFGHIJKLMNOPQRST"
BOTH_DRAWN = 4  # so few runs show what was smoothed, too
COLOURS = 8  # the style sheet has so many; lines of one colour differ in their dashes


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    finding: str
    runs: int  # that have the metric
    left_out: str  # values that have no place on the scale, in words
    picture: Svg | None  # None when no value can be drawn


def style_of(place: int) -> str:
    """The classes of the run at this place: a colour and a dash that no other of twenty has together."""
    return f"s{place % COLOURS} d{place // COLOURS}"


def curve_keys(reader: Reader, runs: Sequence[Run]) -> list[str]:
    """The metrics that have a curve (two points or more) in one of the runs, those of most runs first."""
    numbers = [row["no"] for row in _numbers(reader, runs)]
    places, values = in_list(numbers)
    rows = reader.all(
        "SELECT key, COUNT(*) AS number FROM latest_metrics"
        f" WHERE run_no IN ({places}) AND points > 1 GROUP BY key ORDER BY number DESC, key",
        **values,
    )
    own = [row["key"] for row in rows if not row["key"].startswith("system/")]
    return [*own, *(row["key"] for row in rows if row["key"].startswith("system/"))]


def overlay(reader: Reader, runs: Sequence[Run], key: str, look: Look) -> Overlay:
    """One metric of these runs; the letter of each run stands at the end of its line."""
    pixels = max(40, min(int(WIDTH), POINTS // (2 * len(runs))))
    x = look.x or "step"
    found = [sampled_curve(reader, run.id, key, pixels=pixels, x=x) for run in runs]
    curves, x_label = _placed(found, runs, x)
    series, ends, with_metric = list[Series](), list[tuple[float, str]](), 0
    for place, (run, raw) in enumerate(zip(runs, curves, strict=True)):
        if not raw:
            continue
        with_metric += 1
        points = smoothed(raw, look.smooth) if look.smooth else raw
        letter, style = LETTERS[place], style_of(place)
        if look.smooth and len(runs) <= BOTH_DRAWN:
            series.append(Series(points=raw, class_=f"curve faint {style}", dots=False))
        series.append(
            Series(
                points=points,
                name=f"{letter} {run.name}",
                class_=f"curve {style}",
                label=letter,
                dots=False,
            )
        )
        ends += [(point.y, letter) for point in points if math.isfinite(point.y)]
    finding = _finding(ends, direction_of(key))
    return Overlay(
        key=key,
        finding=finding,
        runs=with_metric,
        left_out=left_out([point.y for raw in curves for point in raw], log=look.log).words,
        picture=_draw(series, f"{key}: {finding}", x_label, look)
        if any(value > 0 or not look.log for value, _ in ends)
        else None,
    )


def _draw(series: Sequence[Series], title: str, x_label: str, look: Look) -> Svg:
    return draw(
        series,
        title=title,
        x_label=x_label,
        width=WIDTH,
        height=HEIGHT,
        log=look.log,
        clock=look.x == "wall",
    )


def _placed(found: Sequence[Sequence[Metric]], runs: Sequence[Run], x: str) -> tuple[list[list[Point]], str]:
    """The points of each run on one axis, and its name."""
    if x == "step":
        return [[Point(float(p.step), p.value) for p in own] for own in found], "step"
    if x == "wall":
        return [[Point(float(p.at_ms), p.value) for p in own] for own in found], "time, UTC"
    seconds = [
        [Point((p.at_ms - run.start_ms) / 1000, p.value) for p in own]
        for own, run in zip(found, runs, strict=True)
    ]
    span_s = max((abs(point.x) for own in seconds for point in own), default=0.0)
    unit_s, unit = next((pair for pair in reversed(UNITS) if span_s >= 3 * pair[0]), UNITS[0])
    return [[Point(p.x / unit_s, p.y) for p in own] for own in seconds], f"{unit} since the start"


def _finding(ends: Sequence[tuple[float, str]], direction: Direction | None) -> str:
    """`lowest 0.214 in C`, or between what the values lie."""
    if not ends:
        return "no value can be drawn"
    low, high = min(ends), max(ends)
    if direction is None:
        return f"between {short(low[0])} and {short(high[0])}"
    best, word = (low, "lowest") if direction.better == LOWER else (high, "highest")
    return f"{word} {short(best[0])} in {best[1]}"


def _numbers(reader: Reader, runs: Sequence[Run]) -> list[Mapping[str, int]]:
    places = ", ".join(f":i{at}" for at in range(len(runs)))
    values = {f"i{at}": run.id for at, run in enumerate(runs)}
    return list(reader.all(f"SELECT no FROM runs WHERE id IN ({places})", **values))
