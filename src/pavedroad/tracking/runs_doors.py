"""What the list of runs answers besides its page: exports, streamed, and completion of the filter."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pavedroad.errors import Invalid, did_you_mean
from pavedroad.kit.sql import Reader
from pavedroad.record import record_behind
from pavedroad.tracking.completion import complete
from pavedroad.tracking.runs_export import FORMATS, select
from pavedroad.tracking.runs_query import read_query


async def export_runs(request: Request) -> Response:
    """All runs that the address selects, in pieces. What is refused is refused before the first of them."""
    kind = request.path_params["format"]
    if kind not in FORMATS:
        raise Invalid(f"runs are not exported as {kind!r}", hint=did_you_mean(kind, FORMATS))
    pieces = await run_in_threadpool(_begin, request, kind)
    return StreamingResponse(
        pieces,
        media_type=FORMATS[kind][0],
        headers={
            "Content-Disposition": f'attachment; filename="runs.{kind}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def _begin(request: Request, kind: str) -> Iterator[bytes]:
    reader: Reader = record_behind(request).db
    query = read_query(request.query_params.multi_items())
    write = FORMATS[kind][1]
    return write(reader, select(reader, query))


async def complete_filter(request: Request) -> Response:
    """`?filter=metrics.a&at=9` → what may stand at the ninth character."""
    words = request.query_params
    at = words.get("at", "")
    if at and not (at.isascii() and at.isdecimal() and len(at) < 10):
        raise Invalid(f"at={at!r} is no place in the filter", hint="characters count from 0")
    reader: Reader = record_behind(request).db
    found = await run_in_threadpool(complete, reader, words.get("filter", ""), int(at) if at else None)
    return Response(
        msgspec.json.encode(found), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


ROUTES = (
    Route("/runs/export.{format}", export_runs, methods=["GET"]),
    Route("/runs/complete.json", complete_filter, methods=["GET"]),
)
