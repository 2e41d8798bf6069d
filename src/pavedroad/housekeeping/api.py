"""Permanent delete over HTTP, as JSON.

    POST /api/pavedroad/runs/{run_id}/erase, /api/pavedroad/experiments/{id}/erase
    {} or {"force": true}  ->  {"erased_runs": 3}

What is not deleted yet is refused (409) unless `force` says otherwise. The pages use `forms.py`.
"""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.errors import Invalid
from pavedroad.housekeeping.erasing import erase_experiment, erase_runs
from pavedroad.record import record_behind

PREFIX = "/api/pavedroad"


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    force: bool = False


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    erased_runs: int


async def erase_run_now(request: Request) -> Response:
    record = record_behind(request)
    asked, run_id = await _read(request), request.path_params["run_id"]
    number = await run_in_threadpool(
        record.db.write,
        lambda tx: erase_runs(tx, [run_id], who=record.settings.who, force=asked.force),
    )
    return _answer(number)


async def erase_experiment_now(request: Request) -> Response:
    record = record_behind(request)
    asked, experiment_id = await _read(request), request.path_params["experiment_id"]
    number = await run_in_threadpool(
        erase_experiment, record.db, experiment_id, who=record.settings.who, force=asked.force
    )
    return _answer(number)


async def _read(request: Request) -> Asked:
    body = await request.body()
    try:
        return msgspec.json.decode(body or b"{}", type=Asked)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(f"the body cannot be used: {error}", hint='send {} or {"force": true}') from None


def _answer(number: int) -> Response:
    return Response(msgspec.json.encode(Erased(erased_runs=number)), media_type="application/json")


ROUTES = (
    Route(f"{PREFIX}/runs/{{run_id}}/erase", erase_run_now, methods=["POST"]),
    Route(f"{PREFIX}/experiments/{{experiment_id}}/erase", erase_experiment_now, methods=["POST"]),
)
