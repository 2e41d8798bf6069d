"""Before runs are deleted for good: what would be gone, and the button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request

from pavedroad.errors import Conflict
from pavedroad.housekeeping.erasing import erase_runs
from pavedroad.kit.sql import Reader
from pavedroad.record import record_behind
from pavedroad.tracking import Run, get_experiment
from pavedroad.tracking.model import DELETED
from pavedroad.tracking.runs_actions import read_ids, runs_of_ids, safe_back, told


class Doomed(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is about to be gone."""

    id: str
    name: str
    experiment: str
    start_ms: int
    metrics: int
    params: int


class ErasePage(msgspec.Struct, frozen=True, kw_only=True):
    runs: list[Doomed]
    ids: str  # with commas
    back: str


def show_erase(request: Request) -> ErasePage:
    """Raises Conflict for a run that is not deleted."""
    reader: Reader = record_behind(request).db
    runs = runs_of_ids(reader, read_ids(",".join(request.query_params.getlist("run"))))
    _check_deleted(runs)
    names = {run.experiment_id: "" for run in runs}
    names = {number: get_experiment(reader, number).name for number in names}
    return ErasePage(
        runs=[
            Doomed(
                id=run.id,
                name=run.name or run.id[:8],
                experiment=names[run.experiment_id],
                start_ms=run.start_ms,
                metrics=len(run.metrics),
                params=len(run.params),
            )
            for run in runs
        ],
        ids=",".join(run.id for run in runs),
        back=safe_back(request.query_params.get("back", "")),
    )


def act_erase(request: Request, fields: Mapping[str, str]) -> str:
    record = record_behind(request)
    ids = read_ids(fields.get("run", ""))
    record.db.write(lambda tx: erase_runs(tx, ids, who=record.settings.who))
    return told(fields.get("back", ""), "erased", len(ids))


def _check_deleted(runs: Sequence[Run]) -> None:
    alive = next((run for run in runs if run.lifecycle_stage != DELETED), None)
    if alive is not None:
        raise Conflict(f"run {alive.id[:8]} is not deleted", hint="delete it first")
