"""Curves: the points a run logged, and the last one of each apart."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from pavedroad.errors import Invalid, NotFound, Unavailable
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking import point_store
from pavedroad.tracking.model import Metric
from pavedroad.tracking.point_store import Curve, to_curve
from pavedroad.tracking.points import Place, Points, joined, place_of
from pavedroad.tracking.sampling import evenly, lowest_and_highest

ALL_POINTS = point_store.ALL_POINTS
RUN_SQL = load_queries("pavedroad.tracking")
SQL = point_store.SQL
# Up to so many curves in a batch are looked up one by one; above, all curves of the run are read once.
FEW_CURVES = 20

PointsOfCurves = Mapping[str, Sequence[Place]]  # by key
PointsOfRun = tuple[str, PointsOfCurves]  # the run's id, and what its curves get

# Numbers of curves by run and key. Only a guess, which a statement checks: others may have erased the run.
RUNS_REMEMBERED = 256
_curves_lately: dict[int, dict[str, int]] = {}

_by_step = itemgetter(1, 0, 2)  # of a place


def log_metrics(tx: Transaction, run_id: str, number: int, metrics: Iterable[Metric]) -> None:
    """Add points to the curves of a run. `number` is the run's; the metrics are checked already."""
    added: dict[str, list[Place]] = {}
    of_models = []
    for metric in metrics:
        added.setdefault(metric.key, []).append(place_of(metric.at_ms, metric.step, metric.value))
        if metric.model_id:
            of_models.append(_to_model_point(metric, run_id))
    add_points(tx, {number: added})
    if of_models:
        _log_model_metrics(tx, of_models)


def add_points(tx: Transaction, added: Mapping[int, PointsOfCurves]) -> None:
    """Add points to curves of runs, which are named by their row number.

    A curve is made when it is not there. A point that is there stays one point.
    """
    _add_to_read(tx, {number: points for number, points in added.items() if not _extend(tx, number, points)})


def _extend(tx: Transaction, run_no: int, added: PointsOfCurves) -> bool:
    """Add one number to each of many curves without reading them; False when it is not so simple."""
    known = _curves_lately.get(run_no)
    if known is None or len(added) < point_store.FEWEST_IN_A_BATCH:
        return False
    rows = []
    for key in sorted(added):
        curve, places = known.get(key), added[key]
        at_ms, step, value, is_nan = places[0]
        if curve is None or is_nan or len(places) > 1:
            return False
        row = {"curve": curve, "run_no": run_no, "key": key, "at_ms": at_ms, "step": step, "value": value}
        rows.append(row)
    if not tx.each(SQL.extend_known_curve, rows):
        return False
    point_store.insert_batch(tx, run_no, rows)
    return True


def _add_to_read(tx: Transaction, added: Mapping[int, PointsOfCurves]) -> None:
    next_of: dict[int, list[dict[str, Any]]] = {}  # by run
    ends, grown, full = [], [], []
    for curve in _locked_curves(tx, added):
        places = added[curve.run_no][curve.key]
        if _is_next(curve, places):
            next_of.setdefault(curve.run_no, []).append(point_store.to_row(curve.curve, places[0]))
            loose = curve.loose + 1
        else:
            growth = point_store.add(tx, curve, places)
            grown.append(growth)
            ends.append(_grown(curve, places, growth))
            loose = growth.loose
        if loose >= point_store.MOST_LOOSE:
            full.append(curve.curve)
    tx.many(SQL.extend_curve, list(chain.from_iterable(next_of.values())))
    tx.many(SQL.advance_curve, ends)
    point_store.insert(tx, next_of, grown)
    point_store.pack_full(tx, full)


def metric_history(
    reader: Reader, run_id: str, key: str, *, limit: int = ALL_POINTS, offset: int = 0
) -> list[Metric]:
    """The points of one curve in order of time, step, value; none when it does not exist."""
    return [
        metric
        for points in history(reader, run_id, key, limit=limit, offset=offset)
        for metric in _metrics(points, key)
    ]


def history(
    reader: Reader, run_id: str, key: str, *, limit: int = ALL_POINTS, offset: int = 0
) -> Iterator[Points]:
    """As `metric_history`, in columns, piece by piece."""
    curve = reader.value(SQL.curve_of_run, id=run_id, key=key)
    return iter(()) if curve is None else point_store.read_points(reader, curve, limit=limit, offset=offset)


def histories(reader: Reader, run_ids: Sequence[str], key: str, *, limit: int) -> list[tuple[str, Points]]:
    """The points of one key in several runs, in order of time; `limit` in all."""
    found = []
    for run_id in run_ids:
        points = joined(history(reader, run_id, key, limit=limit))
        found.append((run_id, points))
        limit -= len(points)
        if not limit:
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
) -> list[tuple[str, Points]]:
    """At most `limit` points of each run, evenly spread, with the first and the last. Raises NotFound."""
    found = []
    for run_id in run_ids:
        if reader.value(RUN_SQL.run_number, id=run_id) is None:
            raise NotFound(f"Run with id={run_id} not found", hint="list runs with `paved runs`")
        points = in_steps(joined(history(reader, run_id, key)), first_step, last_step)
        found.append((run_id, evenly(points, limit)))
    return found


def in_steps(points: Points, first: int | None = None, last: int | None = None) -> Points:
    """In order of step, time, value; those between two steps, both included."""
    points = points.by_step()
    start = 0 if first is None else bisect_left(points.step, first)
    end = len(points) if last is None else bisect_right(points.step, last)
    return points.part(start, end)


def sampled_curve(
    reader: Reader,
    run_id: str,
    key: str,
    *,
    pixels: int,
    x: str = "step",
    first: int | None = None,
    last: int | None = None,
) -> list[Metric]:
    """What so many pixels can show of a curve: the lowest and the highest point of each column, both ends.

    `x` is "step", or "time" or "wall" for the order of time. `first` and `last` are steps; both are included.
    """
    points = part_of_curve(reader, run_id, key, x=x, first=first, last=last)
    shown = lowest_and_highest(points, points.step if x == "step" else points.at_ms, pixels=pixels)
    return list(_metrics(shown, key))


def part_of_curve(
    reader: Reader, run_id: str, key: str, *, x: str = "step", first: int | None, last: int | None
) -> Points:
    """Every point between two steps, both included, in order of `x`."""
    points = joined(history(reader, run_id, key))
    if x == "step":
        return in_steps(points, first, last)
    if first is None and last is None:
        return points
    low, high = -math.inf if first is None else first, math.inf if last is None else last
    return points.at([at for at, step in enumerate(points.step) if low <= step <= high])


def to_metric(row: Row) -> Metric:
    return Metric(
        key=row["key"],
        value=math.nan if row["is_nan"] else row["value"],
        at_ms=row["at_ms"],
        step=row["step"],
    )


def _metrics(points: Points, key: str) -> Iterator[Metric]:
    for at_ms, step, value in zip(points.at_ms, points.step, points.value, strict=True):
        yield Metric(key=key, value=value, at_ms=at_ms, step=step)


def _locked_curves(tx: Transaction, wanted: Mapping[int, Iterable[str]]) -> list[Curve]:
    """The rows of curves in order, which stay as they are until this transaction ends.

    In order, so that two writers never wait for each other. Raises Unavailable for a run being erased.
    """
    found: list[Curve] = []
    for number, keys in sorted(wanted.items()):
        keys = sorted(keys)
        held = _curves_of_run(tx, number, keys)
        missing = [{"run_no": number, "key": key} for key in keys if key not in held]
        if missing:
            tx.many(SQL.insert_curve, missing)  # unless another writer makes them meanwhile
            held |= _curves_of_run(tx, number, [key for key in keys if key not in held])
        if not held.keys() >= set(keys):
            raise Unavailable("a run was erased while it was logged to", hint="try again")
        found += [held[key] for key in keys]
        _remember(number, held)
    return found


def _remember(run_no: int, curves: Mapping[str, Curve]) -> None:
    if len(curves) >= point_store.FEWEST_IN_A_BATCH:
        if len(_curves_lately) >= RUNS_REMEMBERED:
            _curves_lately.clear()
        _curves_lately[run_no] = {key: curve.curve for key, curve in curves.items()}


def _curves_of_run(tx: Transaction, number: int, keys: Sequence[str]) -> dict[str, Curve]:
    if len(keys) > FEW_CURVES:
        return {curve.key: curve for curve in map(to_curve, tx.lock(SQL.curves, no=number))}
    return {key: to_curve(row) for key in keys for row in tx.lock(SQL.curve, no=number, key=key)}


def _is_next(curve: Curve, places: Sequence[Place]) -> bool:
    """True for one number that lies after all points of a curve."""
    at_ms, step, value, is_nan = places[0]
    if len(places) > 1 or is_nan:
        return False
    if not curve.points:
        return True
    high = curve.high
    return high is not None and high < (at_ms, step, value) and step > curve.step


def _grown(curve: Curve, added: Sequence[Place], growth: point_store.Added) -> dict[str, Any]:
    """The row of a curve with more points. Its last one has the greatest step, then time, then value."""
    end = max(added, key=_by_step)
    held = (curve.at_ms, curve.step, curve.value, bool(curve.is_nan))
    if curve.points and _by_step(held) >= _by_step(end):
        end = held
    numbers = [place[2] for place in added if not place[3]]
    numbers += [value for value in (curve.min_value, curve.max_value) if value is not None]
    high_ms, high_step, high_value = growth.high or (None, None, None)
    return {
        "curve": curve.curve,
        "at_ms": end[0],
        "step": end[1],
        "value": end[2],
        "is_nan": int(end[3]),
        "points": curve.points + growth.points,
        "min_value": min(numbers, default=None),
        "max_value": max(numbers, default=None),
        "loose": growth.loose,
        "high_ms": high_ms,
        "high_step": high_step,
        "high_value": high_value,
    }


def _to_model_point(metric: Metric, run_id: str) -> dict[str, Any]:
    is_nan = math.isnan(metric.value)
    return {
        "model_id": metric.model_id,
        "run_id": run_id,
        "key": metric.key,
        "dataset_name": metric.dataset_name,
        "dataset_digest": metric.dataset_digest,
        "value": 0.0 if is_nan else metric.value,
        "is_nan": int(is_nan),
        "at_ms": metric.at_ms,
        "step": metric.step,
    }


def _log_model_metrics(tx: Transaction, points: list[dict[str, Any]]) -> None:
    for model_id in {point["model_id"] for point in points}:
        if tx.value(RUN_SQL.logged_model, id=model_id) is None:
            raise Invalid(f"Logged model with ID '{model_id}' not found", hint="create it before its metrics")
    tx.many(SQL.insert_logged_model_metric, points)
