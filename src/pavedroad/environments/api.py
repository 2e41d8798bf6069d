"""Examinations over HTTP, as JSON.

POST /api/pavedroad/environments   {"report": {...}, "who": "ada"}  ->  {"id": 7}
"""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.catalog import Ref
from pavedroad.environments.examination import Report
from pavedroad.environments.publishing import PATH, Kept, Push
from pavedroad.environments.store import artifact_of, save_report
from pavedroad.errors import Invalid
from pavedroad.record import record_behind

LARGEST_BYTES = 2**20
MOST_LINES, LONGEST_NAME = 200, 250
VERDICTS = ("ok", "warn", "fail")


async def take_report(request: Request) -> Response:
    body = await request.body()
    if len(body) > LARGEST_BYTES:
        raise Invalid(
            f"the result is larger than {LARGEST_BYTES:,} bytes", hint="send it with `paved doctor`"
        )
    try:
        push = msgspec.json.decode(body, type=Push)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(
            f"the body cannot be used: {error}", hint="send it with `paved doctor --push`"
        ) from None
    _check(push.report)
    record = record_behind(request)
    who = push.who if push.who and push.who.isprintable() else record.settings.who
    number = await run_in_threadpool(
        record.db.write, lambda tx: save_report(tx, push.report, who=who[:LONGEST_NAME])
    )
    return Response(msgspec.json.encode(Kept(id=number)), media_type="application/json")


def _check(report: Report) -> None:
    """Raises Invalid."""
    ref: Ref = artifact_of(report)
    if not report.machine or len(report.machine) > LONGEST_NAME or not report.machine.isprintable():
        raise Invalid(f"{report.machine[:40]!r} is no name of a machine", hint="send it with `paved doctor`")
    if len(report.lines) > MOST_LINES or any("\n" in line.check for line in report.lines):
        raise Invalid(f"more than {MOST_LINES} lines, or a check of two lines", hint=f"look at {ref}")


ROUTES = (Route(PATH, take_report, methods=["POST"]),)
