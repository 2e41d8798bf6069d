"""Permanent delete: every row of a run or an experiment, its logged models and the names of its files.

The journal keeps its facts and says what was erased. Bytes that nothing names any more go with `paved gc`.
What higher rooms keep of a run, they erase themselves: `housekeeping` puts the parts together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pavedroad.catalog import write_fact
from pavedroad.errors import Conflict, Refused
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking.artifact_files import delete_files
from pavedroad.tracking.model import ARTIFACTS, DELETED, Experiment, root_of
from pavedroad.tracking.store import DEFAULT_EXPERIMENT, get_experiment, get_run, run_row

SQL, STORE = load_queries("pavedroad.tracking", "erasing.sql"), load_queries("pavedroad.tracking")
RUNS_AT_ONCE = 200
OF_A_RUN = (
    SQL.erase_params, SQL.erase_tags, SQL.erase_points, SQL.erase_blocks, SQL.erase_batches, SQL.erase_curves,
    SQL.erase_input_tags, SQL.erase_inputs, SQL.erase_run_models,
)  # fmt: skip
OF_A_MODEL = (
    SQL.erase_model_uses, SQL.erase_model_params, SQL.erase_model_tags, SQL.erase_model_metrics,
    SQL.erase_model,
)  # fmt: skip


def erase_runs(tx: Transaction, run_ids: Sequence[str], *, who: str, force: bool = False) -> None:
    """Erase runs that are deleted; with `force`, active ones too.

    Raises: NotFound; Conflict for a run that is not deleted.
    """
    experiments = {_erase_run(tx, run_id, who=who, force=force) for run_id in run_ids}
    for number in sorted(experiments):
        tx.run(SQL.erase_unused_datasets, id=number)


def erase_run(tx: Transaction, run_id: str, *, who: str, force: bool = False) -> None:
    erase_runs(tx, [run_id], who=who, force=force)


def has_run(reader: Reader, run_id: str) -> bool:
    return reader.value(STORE.run_number, id=run_id) is not None


def runs_of_experiment(reader: Reader, experiment_id: str, *, limit: int = RUNS_AT_ONCE) -> list[str]:
    """Ids of its first runs, whatever their stage."""
    return [row["id"] for row in reader.all(SQL.runs_of_experiment, id=int(experiment_id), limit=limit)]


def erase_experiment(
    tx: Transaction, experiment_id: str, *, who: str, runs: int = 0, force: bool = False
) -> None:
    """Erase an experiment that is deleted (with `force`, an active one), and what is left in it.

    `runs` of it were erased just before. Raises: NotFound; Conflict when it is not deleted; Refused for the
    default experiment.
    """
    experiment = check_erasable(tx, experiment_id, force=force)
    number = int(experiment.id)
    while ids := runs_of_experiment(tx, experiment.id):
        erase_runs(tx, ids, who=who, force=True)
        runs += len(ids)
    for row in tx.all(SQL.models_of_experiment, id=number):
        _erase_model(tx, row)
    tx.run(SQL.erase_unused_datasets, id=number)
    tx.run(SQL.erase_experiment_tags, id=number)
    if experiment.artifact_location == f"{ARTIFACTS}{experiment.id}":  # else others may keep files there
        _erase_files(tx, experiment.artifact_location, experiment.id)
    tx.run(SQL.erase_experiment, id=number)
    payload = {"name": experiment.name, "runs": runs}
    write_fact(tx, who=who, verb="erased", artifact=f"experiment/{experiment.id}", payload=payload)


def check_erasable(reader: Reader, experiment_id: str, *, force: bool = False) -> Experiment:
    """Raises NotFound, Conflict when it is not deleted, Refused for the default one."""
    experiment = get_experiment(reader, experiment_id)
    if experiment.id == DEFAULT_EXPERIMENT:
        raise Refused(
            "the default experiment cannot be erased: runs without an experiment go there",
            hint="erase its runs instead",
        )
    if experiment.lifecycle_stage != DELETED and not force:
        raise Conflict(f"experiment {experiment.name!r} is not deleted", hint="delete it first")
    return experiment


def deleted_runs(reader: Reader, *, before_ms: int) -> list[str]:
    return [row["id"] for row in reader.all(SQL.deleted_runs, before_ms=before_ms)]


def deleted_experiments(reader: Reader, *, before_ms: int) -> list[tuple[str, str]]:
    """Id and name."""
    return [(str(row["id"]), row["name"]) for row in reader.all(SQL.deleted_experiments, before_ms=before_ms)]


def deleted_models(reader: Reader, *, before_ms: int) -> list[str]:
    """Ids of logged models that were deleted alone."""
    return [row["id"] for row in reader.all(SQL.deleted_models, before_ms=before_ms)]


def models_made_by(reader: Reader, run_ids: Iterable[str]) -> list[str]:
    """Ids of the logged models that go with these runs."""
    return [row["id"] for run_id in run_ids for row in reader.all(SQL.models_of_run, id=run_id)]


def erase_logged_models(tx: Transaction, *, before_ms: int, who: str) -> None:
    """Erase the logged models that were deleted before a moment."""
    for row in tx.all(SQL.deleted_models, before_ms=before_ms):
        _erase_model(tx, row)
        payload = {"name": row["name"], "model": row["id"]}
        write_fact(tx, who=who, verb="erased", artifact=f"experiment/{row['experiment_id']}", payload=payload)


def _erase_run(tx: Transaction, run_id: str, *, who: str, force: bool) -> int:
    run = get_run(tx, run_id)
    if run.lifecycle_stage != DELETED and not force:
        raise Conflict(f"run {run.id[:8]} is not deleted", hint="delete it first")
    number = run_row(tx, run_id)["no"]
    payload = {
        "name": run.name,
        "experiment": run.experiment_id,
        "params": len(run.params),
        "curves": len(run.metrics),
        "points": tx.value(SQL.points_of_run, no=number),
        "files": _erase_files(tx, run.artifact_uri, run.id) + _erase_models(tx, run.id),
    }
    for query in OF_A_RUN:
        tx.run(query, no=number)
    tx.run(SQL.erase_measures_of_models, id=run.id)
    tx.run(SQL.erase_run, no=number)
    write_fact(tx, who=who, verb="erased", artifact=f"run/{run.id}", run_id=run.id, payload=payload)
    return int(run.experiment_id)


def _erase_models(tx: Transaction, run_id: str) -> int:
    return sum(_erase_model(tx, row) for row in tx.all(SQL.models_of_run, id=run_id))


def _erase_model(tx: Transaction, row: Row) -> int:
    """A logged model; the number of its files. Registered versions name the files themselves."""
    for query in OF_A_MODEL:
        tx.run(query, id=row["id"])
    return _erase_files(tx, row["artifact_location"], row["id"])


def _erase_files(tx: Transaction, uri: str, owner: str) -> int:
    """Forget the files below the folder that carries the owner's id: nobody else's lie there."""
    if not uri.startswith(ARTIFACTS):
        return 0
    parts = root_of(uri).split("/")
    if owner not in parts:
        return 0
    return delete_files(tx, "/".join(parts[: parts.index(owner) + 1]))
