"""Whether the summary of every curve says what its points say, and how to set it right."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking.metrics import history
from pavedroad.tracking.points import Points, place_of

SQL = load_queries("pavedroad.tracking", "curve_checks.sql")
CURVES_AT_ONCE = 1000


class WrongCurve(msgspec.Struct, frozen=True, kw_only=True):
    """A curve whose summary and points differ, or whose points cannot be read."""

    curve: int
    run_id: str
    key: str
    says: str
    right: dict[str, Any] = {}  # what the summary should be; empty when the points cannot be read


def count_curves(reader: Reader) -> int:
    return int(reader.value(SQL.count_curves))


def check_curves(reader: Reader) -> Iterator[WrongCurve | None]:
    """One answer for each curve: None when it is right. `reader` sees one moment."""
    after = -1
    while rows := reader.all(SQL.curves_after, after=after, limit=CURVES_AT_ONCE):
        for row in rows:
            yield _check(reader, row)
        after = rows[-1]["curve"]


def repair_curve(tx: Transaction, wrong: WrongCurve) -> None:
    """Make the summary say what the points say."""
    tx.run(SQL.set_summary, curve=wrong.curve, **wrong.right)


def _check(reader: Reader, row: Row) -> WrongCurve | None:
    about = {"curve": row["curve"], "run_id": row["id"], "key": row["key"]}
    try:
        right = _summary(history(reader, row["id"], row["key"]))
    except (PavedError, ValueError) as error:
        return WrongCurve(says=f"its points cannot be read: {error}", **about)
    if right is None:
        return WrongCurve(says="it has no points", **about)
    wrong = [name for name, value in right.items() if row[name] != value]
    if not wrong:
        return None
    says = ", ".join(f"{name} is {row[name]} and should be {right[name]}" for name in wrong)
    return WrongCurve(says=says, right=right, **about)


def _summary(pieces: Iterator[Points]) -> dict[str, Any] | None:
    """What the row of a curve should say; None for no points."""
    number, low, high, last = 0, math.inf, -math.inf, None
    has_numbers = False
    for points in pieces:
        number += len(points)
        numbers = [value for value in points.value if not math.isnan(value)]
        if numbers:
            has_numbers, low, high = True, min(low, *numbers[:1], min(numbers)), max(high, max(numbers))
        for at_ms, step, value in zip(points.at_ms, points.step, points.value, strict=True):
            at_ms, step, value, is_nan = place_of(at_ms, step, value)
            if last is None or (step, at_ms, value, is_nan) > last:
                last = (step, at_ms, value, is_nan)
    if last is None:
        return None
    step, at_ms, value, is_nan = last
    return {
        "points": number,
        "min_value": low if has_numbers else None,
        "max_value": high if has_numbers else None,
        "value": value,
        "is_nan": int(is_nan),
        "at_ms": at_ms,
        "step": step,
    }
