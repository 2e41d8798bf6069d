"""What can be done with the runs that were selected in a list: delete, restore, delete for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request

from pavedroad.errors import Conflict, Invalid, did_you_mean
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.record import Record
from pavedroad.tracking.model import ACTIVE, DELETED, Run
from pavedroad.tracking.store import delete_run, get_experiment, get_run, restore_run

LIST = "/runs"
MOST_AT_ONCE = 200


class Doomed(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is about to be gone."""

    id: str
    name: str
    experiment: str
    metrics: int
    params: int
    start_ms: int


class ErasePage(msgspec.Struct, frozen=True, kw_only=True):
    runs: list[Doomed]
    ids: str
    back: str


def show_erase(request: Request) -> ErasePage:
    """What would be gone, before it is."""
    reader: Reader = request.app.state.record.db
    runs = _runs(reader, _ids(",".join(request.query_params.getlist("run"))))
    _check_deleted(runs)
    names = {run.experiment_id: get_experiment(reader, run.experiment_id).name for run in runs}
    return ErasePage(
        runs=[
            Doomed(
                id=run.id,
                name=run.name or run.id[:8],
                experiment=names[run.experiment_id],
                metrics=len(run.metrics),
                params=len(run.params),
                start_ms=run.start_ms,
            )
            for run in runs
        ],
        ids=",".join(run.id for run in runs),
        back=_safe(request.query_params.get("back", "")),
    )


def act_on_runs(request: Request, fields: Mapping[str, str]) -> str:
    """Do what the pressed button says; the list it was pressed in, which tells what was done."""
    record: Record = request.app.state.record
    ids, action, who = _ids(fields.get("run", "")), fields.get("action", ""), record.settings.user
    actions = {"delete": delete_runs, "restore": restore_runs}
    if action not in actions:
        raise Invalid(f"action={action!r} is none", hint=did_you_mean(action, actions))
    record.db.write(lambda tx: actions[action](tx, ids, who=who))
    word = {"delete": "deleted", "restore": "restored"}[action]
    back = _safe(fields.get("back", ""))
    return f"{back}{'&' if '?' in back else '?'}did={word}-{len(ids)}"


def delete_runs(tx: Transaction, ids: Sequence[str], *, who: str) -> None:
    for run in _runs(tx, ids):
        if run.lifecycle_stage == ACTIVE:
            delete_run(tx, run.id, who=who)


def restore_runs(tx: Transaction, ids: Sequence[str], *, who: str) -> None:
    """Raises Conflict for a run of a deleted experiment."""
    for run in _runs(tx, ids):
        experiment = get_experiment(tx, run.experiment_id)
        if experiment.lifecycle_stage != ACTIVE:
            raise Conflict(
                f"run {run.id[:8]} belongs to {experiment.name!r}, which is deleted",
                hint="restore the experiment first",
            )
        if run.lifecycle_stage == DELETED:
            restore_run(tx, run.id, who=who)


def _check_deleted(runs: Sequence[Run]) -> None:
    alive = next((run for run in runs if run.lifecycle_stage != DELETED), None)
    if alive is not None:
        raise Conflict(f"run {alive.id[:8]} is not deleted", hint="delete it first")


def _runs(reader: Reader, ids: Sequence[str]) -> list[Run]:
    return [get_run(reader, run_id) for run_id in ids]


def _ids(words: str) -> list[str]:
    ids = list(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    if not ids:
        raise Invalid("no run is selected", hint="tick the runs in the list")
    if len(ids) > MOST_AT_ONCE:
        raise Invalid(f"{len(ids)} runs at once are too many", hint=f"select up to {MOST_AT_ONCE}")
    return ids


def _safe(back: str) -> str:
    """Only a list of runs on this server."""
    return back if back == LIST or back.startswith(f"{LIST}?") else LIST
