"""Curves: every point a run logged, and the last one of each apart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pavedroad.errors import Invalid
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking.model import Metric

SQL = load_queries("pavedroad.tracking")
ALL_POINTS = 2**62
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
    points: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    for key in sorted(by_key):  # in order, so that two writers on PostgreSQL lock rows in the same order
        end = max(by_key[key], key=_place)
        curve = curves.get(key)
        if curve is None:
            curve, is_new = _add_curve(tx, number, key, end)
        else:
            is_new = False
        if not is_new:
            ends.append({"curve": curve, **end})
        points.extend({"curve": curve, **point} for point in by_key[key])
    if ends:
        tx.many(SQL.advance_curve, ends)
    tx.many(SQL.insert_point, points)
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


def _find_curves(tx: Transaction, number: int, keys: Iterable[str]) -> dict[str, int]:
    wanted = list(keys)
    if len(wanted) > FEW_CURVES:
        return {row["key"]: row["curve"] for row in tx.all(SQL.curves, no=number)}
    found = {key: tx.value(SQL.curve, no=number, key=key) for key in wanted}
    return {key: curve for key, curve in found.items() if curve is not None}


def _add_curve(tx: Transaction, number: int, key: str, end: dict[str, Any]) -> tuple[int, bool]:
    curve = tx.value(SQL.insert_curve, no=number, key=key, **end)
    if curve is not None:
        return curve, True
    return tx.value(SQL.curve, no=number, key=key), False  # another writer made it since


def _to_point(metric: Metric) -> dict[str, Any]:
    is_nan = math.isnan(metric.value)
    return {
        "value": 0.0 if is_nan else metric.value,
        "is_nan": int(is_nan),
        "at_ms": metric.at_ms,
        "step": metric.step,
    }


def _place(point: dict[str, Any]) -> tuple[int, int, float]:
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
            raise Invalid(
                f"Logged model with ID '{model_id}' not found.", hint="create it before its metrics"
            )
    tx.many(SQL.insert_logged_model_metric, points)


def _values(row: Row) -> tuple[Any, ...]:
    # sqlite3.Row iterates over its values, psycopg's dictionary over its keys.
    return tuple(row.values()) if isinstance(row, dict) else tuple(row)
