"""What can be done with the runs that were selected in a list. Deleting for good is housekeeping's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request

from pavedroad.errors import Conflict, Invalid, did_you_mean
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.record import record_behind
from pavedroad.tracking.model import ACTIVE, DELETED, Run
from pavedroad.tracking.store import delete_run, get_experiment, get_run, restore_run

LIST = "/runs"
MOST_AT_ONCE = 200


def act_on_runs(request: Request, fields: Mapping[str, str]) -> str:
    """Do what the pressed button says; the list it was pressed in, which tells what was done."""
    record = record_behind(request)
    ids, action, who = read_ids(fields.get("run", "")), fields.get("action", ""), record.settings.who
    actions = {"delete": delete_runs, "restore": restore_runs}
    if action not in actions:
        raise Invalid(f"action={action!r} is none", hint=did_you_mean(action, actions))
    record.db.write(lambda tx: actions[action](tx, ids, who=who))
    return told(fields.get("back", ""), {"delete": "deleted", "restore": "restored"}[action], len(ids))


def told(back: str, word: str, number: int) -> str:
    """The list that was left, which then tells what was done."""
    address = safe_back(back)
    return f"{address}{'&' if '?' in address else '?'}did={word}-{number}"


def delete_runs(tx: Transaction, ids: Sequence[str], *, who: str) -> None:
    for run in runs_of_ids(tx, ids):
        if run.lifecycle_stage == ACTIVE:
            delete_run(tx, run.id, who=who)


def restore_runs(tx: Transaction, ids: Sequence[str], *, who: str) -> None:
    """Raises Conflict for a run of a deleted experiment."""
    for run in runs_of_ids(tx, ids):
        experiment = get_experiment(tx, run.experiment_id)
        if experiment.lifecycle_stage != ACTIVE:
            raise Conflict(
                f"run {run.id[:8]} belongs to {experiment.name!r}, which is deleted",
                hint="restore the experiment first",
            )
        if run.lifecycle_stage == DELETED:
            restore_run(tx, run.id, who=who)


def runs_of_ids(reader: Reader, ids: Sequence[str]) -> list[Run]:
    return [get_run(reader, run_id) for run_id in ids]


def read_ids(words: str) -> list[str]:
    ids = list(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    if not ids:
        raise Invalid("no run is selected", hint="tick the runs in the list")
    if len(ids) > MOST_AT_ONCE:
        raise Invalid(f"{len(ids)} runs at once are too many", hint=f"select up to {MOST_AT_ONCE}")
    return ids


def safe_back(back: str) -> str:
    """Only a list of runs on this server."""
    return back if back == LIST or back.startswith(f"{LIST}?") else LIST
