"""Every point of a curve as CSV or JSON, piece by piece: a million of them never stand in memory at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pavedroad.errors import Invalid, NotFound, did_you_mean
from pavedroad.kit.sql import Reader
from pavedroad.record import record_behind
from pavedroad.tracking.metrics import history
from pavedroad.tracking.points import Points
from pavedroad.tracking.store import find_run

FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


async def send_points(request: Request) -> Response:
    """`?as=csv` or `?as=json`: step, time and value of each point, in order of time."""
    reader: Reader = record_behind(request).db
    form = request.query_params.get("as", "csv")
    if form not in FORMS:
        raise Invalid(f"as={form!r} is no form", hint=did_you_mean(form, FORMS))
    key = request.path_params["key"]
    run = await run_in_threadpool(find_run, reader, request.path_params["run_id"])
    if run.metric(key) is None:
        raise NotFound(f"run {run.id[:8]} has no metric {key!r}", hint="see what it logged on its page")
    name = quote(f"{run.id[:8]} {key.replace('/', ' ')}.{form}", safe="")
    pieces = await run_in_threadpool(history, reader, run.id, key)
    return StreamingResponse(
        _as_csv(pieces) if form == "csv" else _as_json(pieces),
        media_type=FORMS[form],
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _as_csv(pieces: Iterator[Points]) -> Iterator[bytes]:
    yield b"step,timestamp_ms,value\n"
    for points in pieces:
        rows = zip(points.step, points.at_ms, points.value, strict=True)
        yield "".join(f"{step},{at_ms},{_written(value)}\n" for step, at_ms, value in rows).encode()


def _as_json(pieces: Iterator[Points]) -> Iterator[bytes]:
    """A list of objects; a value that JSON does not know is a text, as MLflow writes it."""
    before = b"["
    for points in pieces:
        if not len(points):
            continue
        rows = [
            {"step": step, "timestamp": at_ms, "value": value if math.isfinite(value) else _written(value)}
            for step, at_ms, value in zip(points.step, points.at_ms, points.value, strict=True)
        ]
        yield before + msgspec.json.encode(rows)[1:-1]
        before = b","
    yield b"]" if before == b"," else b"[]"


def _written(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


ROUTES: tuple[Route, ...] = (Route("/runs/{run_id}/points/{key:path}", send_points, methods=["GET"]),)
