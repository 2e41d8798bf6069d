"""Curves as a page shows them: few enough points to draw, and a sentence that says what they do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from pavedroad.kit.chart import Point, describe, line_chart, short, thinned
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader, Row, load_queries
from pavedroad.kit.svg import Svg
from pavedroad.tracking.model import Run

SQL = load_queries("pavedroad.tracking", "page_queries.sql")
READ = 4000  # points of one curve; a longer one is sampled
DRAWN = 240
CURVES_SHOWN = 12
STEADY = 0.01  # a change below this part of the range is none


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    number: int  # of points, drawn or not
    points: list[Point]
    x_label: str
    finding: str
    href: str

    @property
    def picture(self) -> Svg:
        title = f"{self.key} {self.finding}"
        return line_chart(self.points, title=title, x_label=self.x_label, y_label="")

    @property
    def words(self) -> str:
        return describe(self.points, x_label=self.x_label)


def curves_of(reader: Reader, run: Run, *, most: int = CURVES_SHOWN) -> tuple[list[Curve], int]:
    """The metrics of a run that have more than one point, and how many more there are than those."""
    found: list[Curve] = []
    left_out = 0
    for row in reader.all(SQL.curves_with_points, run_id=run.id):
        if len(found) == most:
            left_out += 1
        elif (curve := read_curve(reader, run, row)) is not None:
            found.append(curve)
    return found, left_out


def curve_of(reader: Reader, run: Run, key: str, *, drawn: int = DRAWN) -> Curve | None:
    row = next((row for row in reader.all(SQL.curves_with_points, run_id=run.id) if row["key"] == key), None)
    return None if row is None else read_curve(reader, run, row, drawn=drawn)


def read_curve(reader: Reader, run: Run, row: Row, *, drawn: int = DRAWN) -> Curve | None:
    """None when no point is finite: there is nothing to draw."""
    rows = reader.all(SQL.points_in_time, curve=row["curve"], limit=READ + 1)
    number = len(rows)
    if number > READ:
        number = int(reader.value(SQL.number_of_points, curve=row["curve"]))
        stride = math.ceil(number / READ)
        rows = reader.all(SQL.points_at_stride, curve=row["curve"], stride=stride, last=number - 1)
    has_steps = rows[0]["step"] != rows[-1]["step"]
    points = [
        Point(float(point["step"]) if has_steps else (point["at_ms"] - run.start_ms) / 1000, _value(point))
        for point in rows
    ]
    points.sort(key=lambda point: point.x)
    if not any(math.isfinite(point.y) for point in points):
        return None
    return Curve(
        key=row["key"],
        number=number,
        points=thinned(points, drawn),
        x_label="step" if has_steps else "seconds since the start",
        finding=finding(points),
        href=f"/runs/{run.id}/metrics/{segment(row['key'])}",
    )


def finding(points: Sequence[Point]) -> str:
    """What a curve does, in a few words: `fell from 0.9 to 0.21, lowest 0.2 at 480`."""
    finite = [point for point in points if math.isfinite(point.y)]
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
    return says if best is last else f"{says}, {word} {short(best.y)} at {short(best.x)}"


def _value(row: Row) -> float:
    return math.nan if row["is_nan"] else float(row["value"])
