"""Where experiments and runs are kept. Reading functions take a Reader, writing ones a Transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pavedroad.catalog import write_fact
from pavedroad.errors import Exists, Invalid, NotFound, PavedError, did_you_mean
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking import limits
from pavedroad.tracking.metrics import PointsOfCurves, PointsOfRun, add_points, log_metrics, to_metric
from pavedroad.tracking.model import (
    ACTIVE,
    ARTIFACTS,
    DELETED,
    RUN_NAME_TAG,
    RUN_STATUSES,
    Experiment,
    Metric,
    Run,
    check_not_frozen,
    root_of,
)
from pavedroad.tracking.names import random_name

SQL = load_queries("pavedroad.tracking")
DEFAULT_EXPERIMENT = "0"
LARGEST_ID = 2**63 - 1
RUNS_PER_QUERY = 200  # whose values are read with one statement

# ------------------------------------------------------------------------------------------------ experiments


def get_experiment(reader: Reader, experiment_id: str) -> Experiment:
    """An experiment, deleted or not. Raises NotFound, and Invalid for an id that is no number."""
    number = experiment_number(experiment_id)
    row = reader.one(SQL.experiment, id=number)
    if row is None:
        raise NotFound(f"No Experiment with id={number} exists", hint="list experiments with a search")
    return _to_experiment(reader, row)


def find_experiment(reader: Reader, name: str) -> Experiment | None:
    """The active experiment of this name, else the one of this name deleted last, else None."""
    row = reader.one(SQL.experiment_by_name, name=name)
    return None if row is None else _to_experiment(reader, row)


def create_experiment(
    tx: Transaction,
    name: str,
    *,
    who: str,
    artifact_location: str = "",
    tags: Mapping[str, str] | None = None,
) -> Experiment:
    """Raises Exists when an active experiment has this name; a deleted one does not stand in the way."""
    limits.check_experiment_name(name)
    for key, value in (tags or {}).items():
        limits.check_experiment_tag(key, value)
    limits.check_artifact_location(artifact_location)
    if artifact_location.startswith(ARTIFACTS):
        check_not_frozen(root_of(artifact_location))
    at_ms = now_ms()
    number = tx.value(SQL.insert_experiment, name=name, artifact_location=artifact_location, at_ms=at_ms)
    if number is None:
        raise Exists(
            f"Experiment(name={name}) already exists", hint="choose another name, or log to that one"
        )
    if not artifact_location:
        artifact_location = f"{ARTIFACTS}{number}"
        tx.run(SQL.set_artifact_location, id=number, artifact_location=artifact_location)
    for key, value in (tags or {}).items():
        tx.run(SQL.upsert_experiment_tag, id=number, key=key, value=value)
    _tell(tx, who, "created", name, number)
    return Experiment(
        id=str(number),
        name=name,
        artifact_location=artifact_location,
        lifecycle_stage=ACTIVE,
        tags=dict(tags or {}),
        created_ms=at_ms,
        updated_ms=at_ms,
    )


def ensure_experiment(tx: Transaction, name: str, *, who: str) -> Experiment:
    """The active experiment of this name, made when there is none."""
    row = tx.one(SQL.active_experiment_by_name, name=name)
    if row is not None:
        return _to_experiment(tx, row)
    try:
        return create_experiment(tx, name, who=who)
    except Exists:  # another process made it since
        row = tx.one(SQL.active_experiment_by_name, name=name)
        if row is None:
            raise
        return _to_experiment(tx, row)


def rename_experiment(tx: Transaction, experiment_id: str, name: str) -> None:
    limits.check_experiment_name(name)
    experiment = get_experiment(tx, experiment_id)
    if experiment.lifecycle_stage != ACTIVE:
        raise Invalid("Cannot rename a non-active experiment", hint="restore it first")
    holder = tx.one(SQL.active_experiment_by_name, name=name)
    if holder is not None and str(holder["id"]) != experiment.id:
        raise Exists(f"Experiment(name={name}) already exists", hint="choose another name")
    tx.run(SQL.rename_experiment, id=int(experiment.id), name=name, at_ms=now_ms())


def delete_experiment(tx: Transaction, experiment_id: str, *, who: str) -> None:
    """Mark an experiment and its runs as deleted. Raises NotFound when it is deleted already."""
    experiment = get_experiment(tx, experiment_id)
    if experiment.lifecycle_stage != ACTIVE:
        raise NotFound(f"No Experiment with id={experiment.id} exists", hint="it is deleted already")
    at_ms = now_ms()
    tx.run(SQL.set_experiment_stage, id=int(experiment.id), stage=DELETED, at_ms=at_ms)
    tx.run(SQL.set_stage_of_runs, id=int(experiment.id), stage=DELETED, deleted_ms=at_ms)
    _tell(tx, who, "deleted", experiment.name, experiment.id)


def restore_experiment(tx: Transaction, experiment_id: str, *, who: str) -> None:
    """Bring an experiment and its runs back. Raises Exists when its name is another one's now."""
    experiment = get_experiment(tx, experiment_id)
    if experiment.lifecycle_stage != DELETED:
        raise NotFound(f"No Experiment with id={experiment.id} exists", hint="it is not deleted")
    if tx.one(SQL.active_experiment_by_name, name=experiment.name) is not None:
        raise Exists(
            f"Experiment(name={experiment.name}) already exists",
            hint="rename or delete that one first, then restore this one",
        )
    tx.run(SQL.set_experiment_stage, id=int(experiment.id), stage=ACTIVE, at_ms=now_ms())
    tx.run(SQL.set_stage_of_runs, id=int(experiment.id), stage=ACTIVE, deleted_ms=None)
    _tell(tx, who, "restored", experiment.name, experiment.id)


def set_experiment_tag(tx: Transaction, experiment_id: str, key: str, value: str) -> None:
    limits.check_experiment_tag(key, value)
    experiment = active_experiment(tx, experiment_id)
    tx.run(SQL.upsert_experiment_tag, id=int(experiment.id), key=key, value=value)


def delete_experiment_tag(tx: Transaction, experiment_id: str, key: str) -> None:
    experiment = active_experiment(tx, experiment_id)
    if not tx.run(SQL.delete_experiment_tag, id=int(experiment.id), key=key):
        raise NotFound(f"No tag with name: {key} in experiment with id {experiment_id}")


def experiment_number(experiment_id: str) -> int:
    """Experiment ids are numbers, though none is negative. Raises Invalid for anything else."""
    digits = experiment_id.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and int(digits[:20]) <= LARGEST_ID):
        raise Invalid(f"Invalid experiment ID '{experiment_id}'. Experiment ID must be a valid integer.")
    return int(experiment_id[:20])


def active_experiment(reader: Reader, experiment_id: str) -> Experiment:
    experiment = get_experiment(reader, experiment_id)
    if experiment.lifecycle_stage != ACTIVE:
        raise Invalid(
            f"The experiment {experiment.id} must be in the 'active' state. "
            f"Current state is {experiment.lifecycle_stage}."
        )
    return experiment


def _to_experiment(reader: Reader, row: Row) -> Experiment:
    return to_experiment(row, _pairs(reader.all(SQL.experiment_tags, id=row["id"])))


def to_experiment(row: Row, tags: dict[str, str]) -> Experiment:
    return Experiment(
        id=str(row["id"]),
        name=row["name"],
        artifact_location=row["artifact_location"],
        lifecycle_stage=row["lifecycle_stage"],
        tags=tags,
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
    )


def _tell(tx: Transaction, who: str, verb: str, name: str, number: int | str) -> None:
    write_fact(tx, who=who, verb=verb, artifact=f"experiment/{number}", payload={"name": name})


# ------------------------------------------------------------------------------------------------------- runs


def get_run(reader: Reader, run_id: str) -> Run:
    """A run with its params, tags and last metrics. Raises NotFound."""
    row = reader.one(SQL.run, id=run_id)
    if row is None:
        raise _no_run(run_id)
    number = row["no"]
    return to_run(
        row,
        params=_pairs(reader.all(SQL.params, no=number)),
        tags=_pairs(reader.all(SQL.tags, no=number)),
        metrics=[to_metric(metric) for metric in reader.all(SQL.latest_metrics, no=number)],
    )


def find_run(reader: Reader, prefix: str) -> Run:
    """The one run whose id starts with `prefix`. Raises NotFound, and Invalid when several do."""
    words = prefix.strip().lower()
    if not words or not words.isalnum():
        raise Invalid(f"{prefix!r} is not the start of a run id", hint="run ids are 32 hexadecimal digits")
    found = [row["id"] for row in reader.all(SQL.runs_by_prefix, prefix=f"{words}%")]
    if not found:
        raise NotFound(f"no run {prefix!r}", hint="list runs with `paved runs`")
    if len(found) > 1 and words not in found:
        raise Invalid(f"{prefix!r} is the start of several run ids", hint=f"type more of it, e.g. {found[0]}")
    return get_run(reader, words if words in found else found[0])


def count_runs(reader: Reader, experiment_id: str, *, stage: str = ACTIVE) -> int:
    number = reader.value(SQL.count_runs, experiment_id=experiment_number(experiment_id), stage=stage)
    return int(number)


def start_run(
    tx: Transaction,
    *,
    experiment_id: str,
    name: str = "",
    user: str = "",
    start_ms: int | None = None,
    run_id: str | None = None,
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> str:
    """Start a run and give its id. An experiment that is deleted takes no runs (Invalid)."""
    return new_run(
        tx,
        experiment_id=experiment_id,
        name=name,
        user=user,
        start_ms=start_ms,
        run_id=run_id,
        tags=tags,
        params=params,
    ).id


def new_run(
    tx: Transaction,
    *,
    experiment_id: str,
    name: str = "",
    user: str = "",
    start_ms: int | None = None,
    run_id: str | None = None,
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Run:
    """As `start_run`, but gives all of the run."""
    experiment = active_experiment(tx, experiment_id)
    checked = limits.check_tags(tags or {})
    named = checked.get(RUN_NAME_TAG, "")
    if name and named and name != named:
        raise Invalid(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values"
            f" (run_name='{name}', mlflow.runName='{named}')."
        )
    name = name or named or random_name()
    run_id = run_id or uuid.uuid4().hex
    run = Run(
        id=run_id,
        experiment_id=experiment.id,
        name=name,
        user=user,
        status="RUNNING",
        start_ms=now_ms() if start_ms is None else start_ms,
        end_ms=None,
        lifecycle_stage=ACTIVE,
        artifact_uri=f"{experiment.artifact_location.rstrip('/')}/{run_id}/artifacts",
        params=dict(sorted(limits.check_params(params or {}).items())),
        tags=dict(sorted({**checked, RUN_NAME_TAG: name}.items())),
        metrics=[],
    )
    number = tx.value(
        SQL.insert_run,
        id=run_id,
        experiment_id=int(experiment.id),
        name=name,
        user_id=user,
        status=run.status,
        start_ms=run.start_ms,
        artifact_uri=run.artifact_uri,
    )
    tx.many(SQL.upsert_tag, _numbered(number, run.tags))
    tx.many(SQL.insert_param, _numbered(number, run.params))
    return run


def end_run(tx: Transaction, run_id: str, status: str = "FINISHED", end_ms: int | None = None) -> None:
    update_run(tx, run_id, status=status, end_ms=now_ms() if end_ms is None else end_ms)


def update_run(
    tx: Transaction,
    run_id: str,
    *,
    status: str | None = None,
    end_ms: int | None = None,
    name: str | None = None,
) -> None:
    """Change what is given of an active run."""
    number = open_run(tx, run_id)["no"]
    if status is not None:
        if status not in RUN_STATUSES:
            raise Invalid(f"unknown run status {status!r}", hint=did_you_mean(status, RUN_STATUSES))
        tx.run(SQL.set_run_status, no=number, status=status)
    if end_ms is not None:
        tx.run(SQL.set_run_end, no=number, end_ms=end_ms)
    if name:
        _rename_run(tx, number, name)


def delete_run(tx: Transaction, run_id: str, *, who: str) -> None:
    row = run_row(tx, run_id)
    tx.run(SQL.set_run_stage, no=row["no"], stage=DELETED, deleted_ms=now_ms())
    write_fact(tx, who=who, verb="deleted", artifact=f"run/{run_id}", run_id=run_id)


def restore_run(tx: Transaction, run_id: str, *, who: str) -> None:
    row = run_row(tx, run_id)
    tx.run(SQL.set_run_stage, no=row["no"], stage=ACTIVE, deleted_ms=None)
    write_fact(tx, who=who, verb="restored", artifact=f"run/{run_id}", run_id=run_id)


def open_run(tx: Transaction, run_id: str) -> Row:
    """The row of a run that takes values. Raises NotFound, and Invalid when the run is deleted."""
    row = run_row(tx, run_id)
    if row["lifecycle_stage"] != ACTIVE:
        raise Invalid(
            f"The run {run_id} must be in the 'active' state. Current state is {row['lifecycle_stage']}."
        )
    return row


def to_run(row: Row, *, params: dict[str, str], tags: dict[str, str], metrics: list[Metric]) -> Run:
    return Run(
        id=row["id"],
        experiment_id=str(row["experiment_id"]),
        name=row["name"],
        user=row["user_id"],
        status=row["status"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        lifecycle_stage=row["lifecycle_stage"],
        artifact_uri=row["artifact_uri"],
        params=params,
        tags=tags,
        metrics=metrics,
    )


def run_row(reader: Reader, run_id: str) -> Row:
    row = reader.one(SQL.run_number, id=run_id)
    if row is None:
        raise _no_run(run_id)
    return row


def _no_run(run_id: str) -> NotFound:
    return NotFound(f"Run with id={run_id} not found", hint="list runs with `paved runs`")


def _rename_run(tx: Transaction, number: int, name: str) -> None:
    """A run's name is also its tag `mlflow.runName`; both change together."""
    tx.run(SQL.set_run_name, no=number, name=name)
    tx.run(SQL.upsert_tag, no=number, key=RUN_NAME_TAG, value=name[: limits.TAG_VALUE_LENGTH])


def _pairs(rows: Iterable[Row]) -> dict[str, str]:
    return {row["key"]: row["value"] for row in rows}


def _numbered(number: int, values: Mapping[str, str]) -> list[dict[str, Any]]:
    # In order of key, so that two writers on PostgreSQL lock rows in the same order.
    return [{"no": number, "key": key, "value": value} for key, value in sorted(values.items())]


def in_list(numbers: Sequence[int]) -> tuple[str, dict[str, Any]]:
    """Placeholders for numbers, padded to few lengths: each length is a statement to prepare."""
    length = next(size for size in (1, 10, 50, RUNS_PER_QUERY, max(len(numbers), 1)) if size >= len(numbers))
    padded = [*numbers, *[-1] * (length - len(numbers))]
    return ", ".join(f":n{i}" for i in range(length)), {f"n{i}": number for i, number in enumerate(padded)}


# ----------------------------------------------------------------------------------------- what a run logs


def log_batch(
    tx: Transaction,
    run_id: str,
    metrics: Iterable[Metric] = (),
    params: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    tags: Mapping[str, str] | Iterable[tuple[str, str]] = (),
) -> None:
    """Log all or nothing.

    Raises: NotFound; Invalid for a deleted run, a bad name, or a param that has another value already.
    """
    points = list(metrics)
    checked_params = limits.check_params(dict(params))
    checked_tags = limits.check_tags(dict(tags))
    for index, point in enumerate(points):
        limits.check_metric(point, f"metrics[{index}]")
    row = open_run(tx, run_id)
    if checked_params:
        _log_params(tx, run_id, row["no"], checked_params)
    if points:
        log_metrics(tx, run_id, row["no"], points)
    if checked_tags:
        _set_tags(tx, row["no"], checked_tags)


def log_points(tx: Transaction, items: Sequence[PointsOfRun]) -> list[Exception | None]:
    """Add points, checked already, to the curves of several runs; for each item, why it is refused."""
    numbers: dict[str, int | PavedError] = {}
    added: dict[int, PointsOfCurves] = {}
    for run_id, curves in items:
        if run_id not in numbers:
            try:
                numbers[run_id] = open_run(tx, run_id)["no"]
            except PavedError as refusal:
                numbers[run_id] = refusal
        number = numbers[run_id]
        if isinstance(number, int):
            added[number] = _joined(added[number], curves) if number in added else curves
    add_points(tx, added)
    found = [numbers[run_id] for run_id, _ in items]
    return [None if isinstance(number, int) else number for number in found]


def _joined(first: PointsOfCurves, second: PointsOfCurves) -> PointsOfCurves:
    return {key: [*first.get(key, ()), *second.get(key, ())] for key in {**first, **second}}


def log_metric(tx: Transaction, run_id: str, metric: Metric) -> None:
    limits.check_metric(metric)
    log_metrics(tx, run_id, open_run(tx, run_id)["no"], [metric])


def log_param(tx: Transaction, run_id: str, key: str, value: str) -> None:
    checked = limits.check_params({key: value}, in_batch=False)
    number = open_run(tx, run_id)["no"]
    if tx.run(SQL.insert_param, no=number, key=key, value=checked[key]):
        return
    held = tx.value(SQL.param, no=number, key=key)
    if held != checked[key]:
        raise Invalid(
            f"Changing param values is not allowed. Param with key='{key}' was already logged with "
            f"value='{held}' for run ID='{run_id}'. Attempted logging new value '{checked[key]}'."
        )


def set_tag(tx: Transaction, run_id: str, key: str, value: str) -> None:
    checked = limits.check_tags({key: value}, in_batch=False)
    _set_tags(tx, open_run(tx, run_id)["no"], checked)


def set_long_tag(tx: Transaction, run_id: str, key: str, value: str) -> None:
    """Set a tag whose value must not be cut, because programs read it."""
    tx.run(SQL.upsert_tag, no=open_run(tx, run_id)["no"], key=key, value=value)


def delete_tag(tx: Transaction, run_id: str, key: str) -> None:
    number = open_run(tx, run_id)["no"]
    if not tx.run(SQL.delete_tag, no=number, key=key):
        raise NotFound(f"No tag with name: {key} in run with id {run_id}")


def _log_params(tx: Transaction, run_id: str, number: int, params: dict[str, str]) -> None:
    tx.many(SQL.insert_param, _numbered(number, params))
    # Read after writing: on PostgreSQL another writer may have been first with one of these keys.
    held = _pairs(tx.all(SQL.params, no=number))
    changed = [
        {"key": key, "old_value": held[key], "new_value": value}
        for key, value in params.items()
        if held[key] != value
    ]
    if changed:
        raise Invalid(
            f"Changing param values is not allowed. Params were already logged='{changed}' "
            f"for run ID='{run_id}'."
        )


def _set_tags(tx: Transaction, number: int, tags: dict[str, str]) -> None:
    if name := tags.get(RUN_NAME_TAG, ""):
        tx.run(SQL.set_run_name, no=number, name=name)
    tx.many(SQL.upsert_tag, _numbered(number, tags))
