"""Curves as a page shows them: few enough points to draw, and a sentence that says what they do."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec

from pavedroad.kit.chart import LeftOut, Point, Series, describe, draw, left_out, short, smoothed
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader, Row, load_queries
from pavedroad.kit.svg import Svg
from pavedroad.tracking.chart_look import Look
from pavedroad.tracking.metrics import part_of_curve
from pavedroad.tracking.model import Run
from pavedroad.tracking.points import Points
from pavedroad.tracking.sampling import lowest_and_highest

SQL = load_queries("pavedroad.tracking", "curve_queries.sql")
SMALL, LARGE = (400.0, 220.0), (960.0, 380.0)  # width and height of a picture
SMALL_PIXELS, LARGE_PIXELS = 120, 600  # columns, of which each keeps its lowest and its highest point
STEADY = 0.01  # a change below this part of the range is none
SYSTEM = "system"  # the prefix of what MLflow samples of the machine
DIGITS = re.compile(r"([0-9]{1,18})")
UNITS = ((1.0, "seconds"), (60.0, "minutes"), (3600.0, "hours"), (86400.0, "days"))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of a run, without its points."""

    key: str
    number: int  # of points
    last: float
    step: int  # of the last point
    lowest: float | None  # None when no point is a number
    highest: float | None
    href: str

    @property
    def prefix(self) -> str:
        """`train` of `train/loss`; empty for a name without a slash."""
        return self.key.partition("/")[0] if "/" in self.key else ""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of a run whose names begin alike."""

    prefix: str
    metrics: list[Summary]

    @property
    def name(self) -> str:
        return self.prefix or "without a prefix"


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    number: int  # of points, drawn or not
    points: list[Point]  # those drawn
    smooth: list[Point]  # their moving average; empty when none is asked for
    x: str  # step, time or wall
    x_label: str
    log: bool
    left_out: LeftOut
    finding: str
    href: str
    reads: str

    @property
    def picture(self) -> Svg | None:
        return self._draw(*SMALL)

    @property
    def large_picture(self) -> Svg | None:
        return self._draw(*LARGE)

    @property
    def words(self) -> str:
        return describe(self.points, x_label=self.x_label)

    def _draw(self, width: float, height: float) -> Svg | None:
        """None when no value has a place on the scale."""
        if not any(math.isfinite(point.y) and (point.y > 0 or not self.log) for point in self.points):
            return None
        raw = Series(
            points=self.points, class_="curve faint" if self.smooth else "curve", dots=not self.smooth
        )
        return draw(
            [raw, Series(points=self.smooth)] if self.smooth else [raw],
            title=f"{self.key} {self.finding}",
            x_label=self.x_label,
            width=width,
            height=height,
            log=self.log,
            clock=self.x == "wall",
            reads=self.reads,
        )


def summaries(reader: Reader, run_id: str) -> list[Summary]:
    """Every metric of a run, in order of name."""
    return [_to_summary(run_id, row) for row in reader.all(SQL.summaries, run_id=run_id)]


def find_summary(reader: Reader, run_id: str, key: str) -> Summary | None:
    row = reader.one(SQL.summary, run_id=run_id, key=key)
    return None if row is None else _to_summary(run_id, row)


def grouped(metrics: Sequence[Summary]) -> list[Group]:
    """By what stands before the first slash; what has no slash comes first."""
    by_prefix: dict[str, list[Summary]] = {}
    for metric in sorted(metrics, key=lambda metric: (_natural(metric.prefix), _natural(metric.key))):
        by_prefix.setdefault(metric.prefix, []).append(metric)
    return [Group(prefix=prefix, metrics=found) for prefix, found in by_prefix.items()]


def read_curve(
    reader: Reader,
    run: Run,
    metric: Summary,
    look: Look,
    *,
    pixels: int = SMALL_PIXELS,
    first: int | None = None,
    last: int | None = None,
) -> Curve:
    """The points to draw; `first` and `last` are the steps between which to look."""
    x = look.x or "step"
    every = part_of_curve(reader, run.id, metric.key, x=x, first=first, last=last)
    if not look.x and _has_no_steps(every):
        x = "time"  # the order is the same
    shown = lowest_and_highest(every, every.step if x == "step" else every.at_ms, pixels=pixels)
    points, x_label = _placed(shown, x, run.start_ms)
    return Curve(
        key=metric.key,
        number=metric.number,
        points=points,
        smooth=smoothed(points, look.smooth) if look.smooth else [],
        x=x,
        x_label=x_label,
        log=look.log,
        left_out=left_out(every.value, log=look.log),
        finding=finding(points),
        href=look.address(metric.href),
        reads=look.address(
            f"{metric.href}.json",
            first="" if first is None else str(first),
            last="" if last is None else str(last),
        ),
    )


def finding(points: Sequence[Point]) -> str:
    """What a curve does, in a few words: `fell from 0.9 to 0.21, lowest 0.2 at 480`."""
    finite = [point for point in points if math.isfinite(point.y)]
    if not finite:
        return "never was a number"
    first, last = finite[0], finite[-1]
    lowest, highest = min(finite, key=lambda p: p.y), max(finite, key=lambda p: p.y)
    spread = highest.y - lowest.y
    if spread == 0:
        return f"stayed at {short(last.y)}"
    change = last.y - first.y
    if abs(change) <= STEADY * spread:
        return f"moved between {short(lowest.y)} and {short(highest.y)}"
    best, word = (lowest, "lowest") if change < 0 else (highest, "highest")
    says = f"{'fell' if change < 0 else 'rose'} from {short(first.y)} to {short(last.y)}"
    return says if best is last else f"{says}, {word} {short(best.y)}"


def _natural(name: str) -> list[tuple[int, str]]:
    """So that `layer2` comes before `layer10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in DIGITS.split(name)]


def _has_no_steps(points: Points) -> bool:
    """Whoever logged them gave none."""
    return len(points) > 1 and points.step[0] == points.step[-1] and points.at_ms[0] != points.at_ms[-1]


def _placed(shown: Points, x: str, start_ms: int) -> tuple[list[Point], str]:
    """The points on their axis, and its name."""
    if x == "step":
        xs, label = [float(step) for step in shown.step], "step"
    elif x == "wall":
        xs, label = [float(at_ms) for at_ms in shown.at_ms], "time, UTC"
    else:
        span_s = max((abs(at_ms - start_ms) / 1000 for at_ms in shown.at_ms), default=0.0)
        unit_s, unit = next((pair for pair in reversed(UNITS) if span_s >= 3 * pair[0]), UNITS[0])
        xs = [(at_ms - start_ms) / 1000 / unit_s for at_ms in shown.at_ms]
        label = f"{unit} since the start"
    return [Point(*pair) for pair in zip(xs, shown.value, strict=True)], label


def _to_summary(run_id: str, row: Row) -> Summary:
    return Summary(
        key=row["key"],
        number=row["points"],
        last=math.nan if row["is_nan"] else float(row["value"]),
        step=row["step"],
        lowest=row["min_value"],
        highest=row["max_value"],
        href=f"/runs/{run_id}/metrics/{segment(row['key'])}",
    )
