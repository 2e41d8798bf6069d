"""Examinations over HTTP, as JSON.

POST /api/pavedroad/environments   {"report": {...}, "who": "ada"}  ->  {"id": 7}
"""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.catalog import check_name
from pavedroad.environments.examination import Report
from pavedroad.environments.publishing import PATH, Kept, Push
from pavedroad.environments.store import save_report
from pavedroad.errors import Invalid
from pavedroad.record import record_behind

LARGEST_BYTES = 2**20
MOST_LINES, LONGEST_NAME = 200, 250


async def take_report(request: Request) -> Response:
    body = await request.body()
    if len(body) > LARGEST_BYTES:
        raise Invalid(
            f"the result is larger than {LARGEST_BYTES:,} bytes", hint="send it with `paved doctor`"
        )
    try:
        push = msgspec.json.decode(body, type=Push)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
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
    check_name(report.machine)
    if report.project:
        check_name(report.project)
    if len(report.machine) > LONGEST_NAME or len(report.lines) > MOST_LINES:
        raise Invalid(
            f"more than {MOST_LINES} lines, or a name of more than {LONGEST_NAME} letters",
            hint="send it with `paved doctor`",
        )
    if any("\n" in line.check for line in report.lines):
        raise Invalid("the name of a check has two lines", hint="send it with `paved doctor`")


ROUTES = (Route(PATH, take_report, methods=["POST"]),)
