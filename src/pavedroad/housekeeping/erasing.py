"""Permanent delete over all rooms: a run goes with its steps and results, an experiment with its runs."""

from __future__ import annotations

from collections.abc import Sequence

from pavedroad import tracking
from pavedroad.errors import Conflict
from pavedroad.kit.sql import Database, Reader, Transaction
from pavedroad.pipelines.erasing import erase_pipeline_runs, step_runs_of

RUNS_AT_ONCE = 100  # in one transaction: others want to write too


def erase_runs(tx: Transaction, run_ids: Sequence[str], *, who: str, force: bool = False) -> int:
    """Erase runs that are deleted (with `force`, active ones too); how many, with those of their steps.

    Raises: NotFound; Conflict for a run that is not deleted: then none is erased.
    """
    for run_id in run_ids:
        run = tracking.get_run(tx, run_id)
        if run.lifecycle_stage == "active" and not force:
            raise Conflict(f"run {run.id[:8]} is not deleted", hint="delete it first")
    ids = with_steps(tx, run_ids)
    erase_pipeline_runs(tx, ids)
    tracking.erase_runs(tx, ids, who=who, force=True)
    return len(ids)


def erase_experiment(db: Database, experiment_id: str, *, who: str, force: bool = False) -> int:
    """Erase an experiment that is deleted (with `force`, an active one) with its runs; how many runs.

    Its runs go a hundred at a time: stopped in the middle, the experiment is there with fewer runs.
    Raises: NotFound; Conflict when it is not deleted; Refused for the default experiment.
    """
    experiment = tracking.check_erasable(db, experiment_id, force=force)
    number = 0
    while ids := tracking.runs_of_experiment(db, experiment.id, limit=RUNS_AT_ONCE):
        number += db.write(lambda tx, ids=ids: _erase_what_is_left(tx, ids, who))  # type: ignore[misc]
    db.write(lambda tx: tracking.erase_experiment(tx, experiment.id, who=who, runs=number, force=force))
    return number


def with_steps(reader: Reader, run_ids: Sequence[str]) -> list[str]:
    """These runs and those of their steps that are still there, each once."""
    ids: dict[str, None] = {}
    for run_id in run_ids:
        run = tracking.get_run(reader, run_id)
        ids |= dict.fromkeys([run.id, *step_runs_of(reader, run.id, run.experiment_id)])
    return list(ids)


def _erase_what_is_left(tx: Transaction, run_ids: Sequence[str], who: str) -> int:
    """Erase those that nobody else has erased meanwhile."""
    left = [run_id for run_id in run_ids if tracking.has_run(tx, run_id)]
    return erase_runs(tx, left, who=who, force=True)
