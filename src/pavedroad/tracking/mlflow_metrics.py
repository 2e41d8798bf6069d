"""MLflow's routes for metrics: points logged one by one and in batches, and the histories of curves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pavedroad.errors import Invalid
from pavedroad.kit.sql import Reader
from pavedroad.tracking import limits, metrics, search, store
from pavedroad.tracking import mlflow_messages as m
from pavedroad.tracking.erasing import has_run
from pavedroad.tracking.limits import is_good_key
from pavedroad.tracking.mlflow_door import (
    EMPTY,
    check_present,
    read,
    read_message,
    with_see,
    write,
    write_together,
)
from pavedroad.tracking.points import Place, Points, place_of
from pavedroad.tracking.points_json import points_json

Handler = Callable[[Request], Awaitable[Response]]
HISTORY_POINTS = 25_000  # of one bulk answer
BULK_RUNS = 100
PIECES_AT_ONCE = 4  # a history of more pieces of a block each is sent piece by piece
INTERVAL_POINTS = 2500  # of one run in an interval answer


async def log_metric(request: Request) -> Response:
    sent = await read_message(request, m.LogMetric)
    run_id = sent.run_id or sent.run_uuid or ""
    curves = _plain_curves((sent,))
    if curves is None:
        await write(request, partial(store.log_metric, run_id=run_id, metric=sent.to_metric()))
    else:
        await write_together(request, store.log_points, (run_id, curves))
    return EMPTY


async def log_batch(request: Request) -> Response:
    sent = await read_message(request, m.LogBatch)
    points, params, tags = sent.metrics or [], sent.params or [], sent.tags or []
    if points and not params and not tags and len(points) <= limits.METRICS_PER_BATCH:
        curves = _plain_curves(points)
        if curves is not None:
            await write_together(request, store.log_points, (sent.run, curves))
            return EMPTY
    for index, point in enumerate(points):
        check_present(point.key, f"metrics[{index}].key")
        check_present(point.value, f"metrics[{index}].value")
        check_present(point.timestamp, f"metrics[{index}].timestamp")
    for name, sent_pairs in (("params", params), ("tags", tags)):
        for index, pair in enumerate(sent_pairs):
            check_present(pair.key, f"{name}[{index}].key")
    limits.check_batch(points, params, tags)
    limits.check_unique_params(pair.key or "" for pair in params)
    work = partial(
        store.log_batch,
        run_id=sent.run,
        metrics=[point.to_metric() for point in points],
        params=m.pairs(params),
        tags=m.pairs(tags),
    )
    await write(request, work)
    return EMPTY


def _plain_curves(points: Sequence[m.Point]) -> dict[str, list[Place]] | None:
    """The points by key; None when one is to be refused or measures a logged model, which takes longer."""
    curves: dict[str, list[Place]] = {}
    for point in points:
        key, value, at_ms = point.key, point.value, point.timestamp
        if not key or value is None or at_ms is None or at_ms < 0 or point.model_id or not is_good_key(key):
            return None
        place = place_of(at_ms, point.step or 0, value)
        held = curves.get(key)
        if held is None:
            curves[key] = [place]
        else:
            held.append(place)
    return curves


async def metric_history(request: Request) -> Response:
    sent = await read_message(request, m.MetricHistory)
    if sent.max_results is not None and sent.max_results <= 0:
        raise Invalid(
            f"Invalid value {sent.max_results} for parameter 'max_results' supplied. "
            "It must be a positive integer."
        )
    limit = sent.max_results or metrics.ALL_POINTS
    offset = search.read_page_token(sent.page_token or "")

    def ask(reader: Reader) -> tuple[list[bytes], Iterator[bytes]]:
        pieces = _history_json(reader, sent.run, sent.metric_key or "", limit, offset)
        return list(islice(pieces, PIECES_AT_ONCE)), pieces

    head, rest = await read(request, ask)
    if len(head) < PIECES_AT_ONCE:
        return Response(b"".join(head), media_type="application/json")
    return StreamingResponse(chain(head, rest), media_type="application/json")


def _history_json(reader: Reader, run_id: str, key: str, limit: int, offset: int) -> Iterator[bytes]:
    """An answer in pieces, none of them large; only the first one reads the database."""
    left, before, token = limit, b'{"metrics":[', ""
    for points in metrics.history(reader, run_id, key, limit=limit + 1, offset=offset):
        if len(points) > left:  # one more than was asked for, to know whether there is another page
            token = search.make_page_token(offset + limit)
        if left:
            yield before + points_json(points.part(0, left), key)
            before = b","
        left -= min(left, len(points))
    end = b"]" if before == b"," else b"{"
    if token:
        end += (b"," if before == b"," else b"") + b'"next_page_token":' + msgspec.json.encode(token)
    yield end + b"}"


async def bulk_history(request: Request) -> Response:
    sent = await read_message(request, m.BulkHistory)
    run_ids = sent.run_id or []
    if not run_ids:
        raise Invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(run_ids) > BULK_RUNS:
        raise Invalid(
            f"GetMetricHistoryBulk request cannot specify more than {BULK_RUNS} run_ids. "
            f"Received {len(run_ids)} run_ids."
        )
    if sent.metric_key is None:
        raise Invalid("GetMetricHistoryBulk request must specify a metric_key.")
    limit = HISTORY_POINTS if sent.max_results is None else min(sent.max_results, HISTORY_POINTS)
    if limit < 1:
        raise Invalid(
            f"Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer."
        )
    ask = partial(metrics.histories, run_ids=sorted(set(run_ids)), key=sent.metric_key, limit=limit)
    return Response(
        b'{"metrics":[' + _of_runs(await read(request, ask), sent.metric_key) + b"]}",
        media_type="application/json",
    )


async def interval_history(request: Request) -> Response:
    sent = await read_message(request, m.IntervalHistory)
    run_ids = sent.run_ids or []
    if len(run_ids) > BULK_RUNS:
        raise with_see(
            Invalid(
                f"GetMetricHistoryBulkInterval request must specify at most {BULK_RUNS} run_ids. "
                f"Received {len(run_ids)} run_ids."
            )
        )
    limit = INTERVAL_POINTS if sent.max_results is None else sent.max_results
    if not 1 <= limit <= INTERVAL_POINTS:
        raise with_see(Invalid(f"max_results must be between 1 and {INTERVAL_POINTS}."))
    first, last = sent.start_step, sent.end_step
    if (first is None) != (last is None):
        raise Invalid("If either start step or end step are specified, both must be specified.")
    if first is not None and last is not None and first > last:
        raise Invalid(
            f"end_step must be greater than start_step. Found start_step={first} and end_step={last}."
        )

    def ask(reader: Reader) -> list[tuple[str, Points]]:
        return metrics.sampled_histories(
            reader,
            [run_id for run_id in run_ids if has_run(reader, run_id)],
            sent.metric_key or "",
            limit=limit,
            first_step=first,
            last_step=last,
        )

    found = _of_runs(await read(request, ask), sent.metric_key or "")
    return Response(b'{"metrics":[' + found + b"]}" if found else b"{}", media_type="application/json")


def _of_runs(histories: list[tuple[str, Points]], key: str) -> bytes:
    return b",".join(points_json(points, key, run_id=run_id) for run_id, points in histories if len(points))


EXACT: dict[tuple[str, str], Handler] = {
    ("POST", "runs/log-metric"): log_metric,
    ("POST", "runs/log-batch"): log_batch,
    ("GET", "metrics/get-history"): metric_history,
    ("GET", "metrics/get-history-bulk"): bulk_history,
    ("GET", "metrics/get-history-bulk-interval"): interval_history,
}
