"""Curves: every point a run logged, and the last one of each apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pavedroad.errors import Invalid, NotFound, Unavailable
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking.model import Metric

SQL = load_queries("pavedroad.tracking")
ALL_POINTS = 2**62
SMALLEST_STEP, LARGEST_STEP = -(2**63), 2**63 - 1
# Up to so many curves in a batch are looked up one by one; above, all curves of the run are read once.
FEW_CURVES = 20


def log_metrics(tx: Transaction, run_id: str, number: int, metrics: Iterable[Metric]) -> None:
    """Add points to the curves of a run. `number` is the run's; the metrics are checked already."""
    by_key: dict[str, list[dict[str, Any]]] = {}
    of_models = []
    for metric in metrics:
        point = _to_point(metric)
        by_key.setdefault(metric.key, []).append(point)
        if metric.model_id:
            of_models.append(_to_model_point(metric, run_id, point))
    curves = _find_curves(tx, number, by_key)
    ends: list[dict[str, Any]] = []
    for key in sorted(by_key):  # in order, so that two writers on PostgreSQL lock rows in the same order
        added = by_key[key]
        curve = curves.get(key) or _add_curve(tx, number, key, max(added, key=_place))
        number_added = tx.many(SQL.insert_point, [{"curve": curve["curve"], **point} for point in added])
        ends.append(_advanced(curve, added, number_added))
    tx.many(SQL.advance_curve, ends)
    if of_models:
        _log_model_metrics(tx, of_models)


def metric_history(
    reader: Reader, run_id: str, key: str, *, limit: int = ALL_POINTS, offset: int = 0
) -> list[Metric]:
    """The points of one curve in order of time, step, value; none when it does not exist."""
    curve = _find_curve(reader, run_id, key)
    if curve is None:
        return []
    rows = reader.all(SQL.points, curve=curve, limit=limit, offset=offset)
    return [
        Metric(key=key, value=math.nan if is_nan else value, at_ms=at_ms, step=step)
        for at_ms, step, value, is_nan in map(_values, rows)
    ]


def histories(reader: Reader, run_ids: Sequence[str], key: str, *, limit: int) -> list[Metric]:
    """The points of one key in several runs, in order of run, time, step; `limit` in all."""
    found: list[Metric] = []
    for run_id in run_ids:
        points = metric_history(reader, run_id, key, limit=limit - len(found))
        found += [msgspec.structs.replace(point, run_id=run_id) for point in points]
        if len(found) >= limit:
            break
    return found


def sampled_histories(
    reader: Reader,
    run_ids: Sequence[str],
    key: str,
    *,
    limit: int,
    first_step: int | None = None,
    last_step: int | None = None,
) -> list[Metric]:
    """At most `limit` points of each run, evenly spread, with the first and the last. Raises NotFound."""
    found: list[Metric] = []
    for run_id in run_ids:
        if reader.value(SQL.run_number, id=run_id) is None:
            raise NotFound(f"Run with id={run_id} not found", hint="list runs with `paved runs`")
        curve = _find_curve(reader, run_id, key)
        if curve is not None:
            found += _sampled(reader, curve, run_id, key, limit, _steps(first_step, last_step))
    return found


def _sampled(
    reader: Reader, curve: int, run_id: str, key: str, limit: int, steps: dict[str, int]
) -> list[Metric]:
    number = reader.value(SQL.count_points, curve=curve, **steps)
    # One of every `stride` points and the last one are at most `limit`; a single point is the last.
    stride = max(1, -(-(number - 1) // max(limit - 1, 1)))
    rows = reader.all(SQL.sampled_points, curve=curve, stride=stride, last_place=number - 1, **steps)
    return [
        Metric(
            key=key,
            value=math.nan if row["is_nan"] else row["value"],
            at_ms=row["at_ms"],
            step=row["step"],
            run_id=run_id,
        )
        for row in (rows if limit > 1 else rows[-1:])
    ]


def _steps(first: int | None, last: int | None) -> dict[str, int]:
    return {
        "first_step": SMALLEST_STEP if first is None else first,
        "last_step": LARGEST_STEP if last is None else last,
    }


def to_metric(row: Row) -> Metric:
    return Metric(
        key=row["key"],
        value=math.nan if row["is_nan"] else row["value"],
        at_ms=row["at_ms"],
        step=row["step"],
    )


def _find_curve(reader: Reader, run_id: str, key: str) -> int | None:
    curve: int | None = reader.value(SQL.curve_of_run, id=run_id, key=key)
    return curve


def _find_curves(tx: Transaction, number: int, keys: Iterable[str]) -> dict[str, Row]:
    wanted = list(keys)
    if len(wanted) > FEW_CURVES:
        return {row["key"]: row for row in tx.all(SQL.curves, no=number)}
    found = {key: tx.one(SQL.curve, no=number, key=key) for key in wanted}
    return {key: curve for key, curve in found.items() if curve is not None}


def _add_curve(tx: Transaction, number: int, key: str, end: dict[str, Any]) -> Row:
    tx.run(SQL.insert_curve, no=number, key=key, **end)  # unless another writer made it since
    curve = tx.one(SQL.curve, no=number, key=key)
    if curve is None:
        raise Unavailable("a curve was removed while it was written", hint="try again")
    return curve


def _advanced(curve: Row, added: list[dict[str, Any]], number_added: int) -> dict[str, Any]:
    """The row of a curve with more points. Its last one has the greatest step, then time, then value."""
    end = max(curve, *added, key=_place)
    numbers = [point["value"] for point in added if not point["is_nan"]]
    numbers += [value for value in (curve["min_value"], curve["max_value"]) if value is not None]
    return {
        "curve": curve["curve"],
        "value": end["value"],
        "is_nan": end["is_nan"],
        "at_ms": end["at_ms"],
        "step": end["step"],
        "points": curve["points"] + number_added,
        "min_value": min(numbers, default=None),
        "max_value": max(numbers, default=None),
    }


def _to_point(metric: Metric) -> dict[str, Any]:
    is_nan = math.isnan(metric.value)
    return {
        "value": 0.0 if is_nan else metric.value,
        "is_nan": int(is_nan),
        "at_ms": metric.at_ms,
        "step": metric.step,
    }


def _place(point: Mapping[str, Any]) -> tuple[int, int, float]:
    return point["step"], point["at_ms"], point["value"]


def _to_model_point(metric: Metric, run_id: str, point: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_id": metric.model_id,
        "run_id": run_id,
        "key": metric.key,
        "dataset_name": metric.dataset_name,
        "dataset_digest": metric.dataset_digest,
        **point,
    }


def _log_model_metrics(tx: Transaction, points: list[dict[str, Any]]) -> None:
    for model_id in {point["model_id"] for point in points}:
        if tx.value(SQL.logged_model, id=model_id) is None:
            raise Invalid(f"Logged model with ID '{model_id}' not found", hint="create it before its metrics")
    tx.many(SQL.insert_logged_model_metric, points)


def _values(row: Row) -> tuple[Any, ...]:
    # sqlite3.Row iterates over its values, psycopg's dictionary over its keys.
    return tuple(row.values()) if isinstance(row, dict) else tuple(row)
