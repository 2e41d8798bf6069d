"""Taking over experiments, runs and logged models as another store kept them: ids, times and stages stay.

What is there already is brought up to date, so that a transfer which was stopped can be started again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pavedroad.errors import Exists, Invalid
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Transaction, load_queries
from pavedroad.tracking import limits
from pavedroad.tracking.artifact_files import put_file
from pavedroad.tracking.inputs import RunInputs
from pavedroad.tracking.logged_models import create_logged_model
from pavedroad.tracking.metrics import add_points
from pavedroad.tracking.model import (
    ACTIVE,
    ARTIFACTS,
    DELETED,
    Experiment,
    LoggedModel,
    Metric,
    Run,
    RunModel,
    StoredFile,
    root_of,
)
from pavedroad.tracking.points import Place, place_of
from pavedroad.tracking.store import DEFAULT_EXPERIMENT, LARGEST_ID, get_experiment

STORE = load_queries("pavedroad.tracking")
SQL = load_queries("pavedroad.tracking", "adoption_queries.sql")
_RUN_ID = re.compile("[0-9a-f]{32}")
_MODEL_ID = re.compile("m-[0-9a-f]{32}")
# PostgreSQL does not count on from an id that was given to it.
_COUNT_ON = (
    "SELECT setval(pg_get_serial_sequence('experiments', 'id'), GREATEST(MAX(id), 1)) FROM experiments"
)


def adopt_experiment(tx: Transaction, experiment: Experiment, *, dialect: str) -> str:
    """The id here of an experiment from elsewhere.

    An active one goes into the active one of its name, the default one into ours; tags that are missing are
    added. Any other is made anew, with its own id where that is free.
    """
    limits.check_experiment_name(experiment.name)
    found = None
    if experiment.id == DEFAULT_EXPERIMENT:
        found = tx.one(STORE.experiment, id=0)
    elif experiment.lifecycle_stage == ACTIVE:
        found = tx.one(STORE.active_experiment_by_name, name=experiment.name)
    number = _new_experiment(tx, experiment, dialect) if found is None else int(found["id"])
    if found is not None and found["created_ms"] > experiment.created_ms > 0:
        tx.run(
            SQL.date_experiment,
            id=number,
            created_ms=experiment.created_ms,
            updated_ms=experiment.updated_ms,
        )
    add_experiment_tags(tx, str(number), experiment.tags)
    return str(number)


def add_experiment_tags(tx: Transaction, experiment_id: str, tags: Mapping[str, str]) -> None:
    """Tags of other keys stay, and so do other values of these keys."""
    tx.many(
        SQL.add_experiment_tag,
        [{"id": int(experiment_id), "key": key, "value": value} for key, value in sorted(tags.items())],
    )


def refresh_experiment(tx: Transaction, experiment_id: str, experiment: Experiment) -> None:
    """Bring an adopted experiment up to date. Its name stays when another active one has the new one."""
    now = get_experiment(tx, experiment_id)
    holder = tx.one(STORE.active_experiment_by_name, name=experiment.name)
    is_taken = holder is not None and str(holder["id"]) != experiment_id
    tx.run(
        SQL.restage_experiment,
        id=int(experiment_id),
        name=now.name if is_taken else experiment.name,
        lifecycle_stage=now.lifecycle_stage if is_taken else experiment.lifecycle_stage,
        updated_ms=experiment.updated_ms,
    )
    tx.many(
        STORE.upsert_experiment_tag,
        [
            {"id": int(experiment_id), "key": key, "value": text}
            for key, text in sorted(experiment.tags.items())
        ],
    )


def adopt_run(tx: Transaction, run: Run, inputs: RunInputs, *, deleted_ms: int | None = None) -> int:
    """Keep a run with all but its metrics and files; its row number. `run.experiment_id` is the id here.

    Raises: Exists when a run of this id is in another experiment.
    """
    experiment = get_experiment(tx, run.experiment_id)
    known = tx.one(STORE.run, id=run.id)
    if known is not None and str(known["experiment_id"]) != experiment.id:
        raise Exists(
            f"run {run.id} is in experiment {known['experiment_id']} already",
            hint=f"delete it there for good, then try again: it cannot be in {experiment.name!r}, too",
        )
    number: int = tx.value(
        SQL.adopt_run,
        id=run.id,
        experiment_id=int(experiment.id),
        name=run.name,
        user_id=run.user,
        status=run.status,
        start_ms=run.start_ms,
        end_ms=run.end_ms,
        lifecycle_stage=run.lifecycle_stage,
        deleted_ms=(deleted_ms or now_ms()) if run.lifecycle_stage == DELETED else None,
        artifact_uri=f"{experiment.artifact_location.rstrip('/')}/{run.id}/artifacts",
    )
    tx.many(SQL.adopt_param, _numbered(number, run.params))
    tx.many(STORE.upsert_tag, _numbered(number, run.tags))
    _adopt_inputs(tx, number, int(experiment.id), inputs)
    return number


def adopt_points(tx: Transaction, points: Iterable[tuple[int, Iterable[Metric]]]) -> None:
    """Points of adopted runs, named by row number, deleted or not. A point that is there stays one point."""
    added: dict[int, dict[str, list[Place]]] = {}
    for number, metrics in points:
        for metric in metrics:
            place = place_of(metric.at_ms, metric.step, metric.value)
            added.setdefault(number, {}).setdefault(metric.key, []).append(place)
    add_points(tx, added)


def adopt_logged_model(tx: Transaction, model: LoggedModel) -> None:
    """Keep a logged model with all but its files. `model.experiment_id` is the id here."""
    experiment = get_experiment(tx, model.experiment_id)
    tx.run(
        SQL.adopt_logged_model,
        id=model.id,
        experiment_id=int(experiment.id),
        name=model.name,
        artifact_location=f"{experiment.artifact_location.rstrip('/')}/models/{model.id}/artifacts",
        status=model.status,
        status_message=model.status_message,
        model_type=model.model_type,
        source_run_id=model.source_run_id,
        lifecycle_stage=model.lifecycle_stage,
        created_ms=model.created_ms,
        updated_ms=model.updated_ms,
    )
    tx.many(STORE.insert_logged_model_param, _of_model(model.id, model.params))
    tx.many(STORE.upsert_logged_model_tag, _of_model(model.id, model.tags))
    tx.many(SQL.adopt_model_point, [_to_point(model.id, metric) for metric in model.metrics])


def adopt_files(tx: Transaction, uri: str, files: Iterable[tuple[str, StoredFile]]) -> None:
    """Name stored bytes below a run's or a model's own URI. Raises Invalid for a path that climbs out."""
    root = root_of(uri)
    for path, stored in files:
        put_file(tx, root, path, stored)


def check_new_run_id(tx: Transaction, run_id: str) -> None:
    """Of a run that was made elsewhere. Raises: Invalid, Exists."""
    if not _RUN_ID.fullmatch(run_id):
        raise Invalid(f"{run_id!r} is no id of a run", hint="ids are 32 hexadecimal digits")
    if tx.one(STORE.run_number, id=run_id) is not None:
        raise Exists(f"Run with id={run_id} already exists", hint="log to that one")


def create_known_model(tx: Transaction, *, model_id: str, **values: Any) -> LoggedModel:
    """As `create_logged_model`, for a model that was made elsewhere. Raises: Invalid, Exists."""
    if not _MODEL_ID.fullmatch(model_id):
        raise Invalid(f"{model_id!r} is no id of a logged model", hint="ids are m- and 32 hexadecimal digits")
    if tx.one(STORE.logged_model, id=model_id) is not None:
        raise Exists(f"Logged model with ID '{model_id}' already exists", hint="log to that one")
    return create_logged_model(tx, model_id=model_id, **values)


def known_runs(reader: Reader, experiment_id: str) -> set[str]:
    """The ids of an experiment's runs, deleted ones too."""
    return {row["id"] for row in reader.all(SQL.known_run_ids, experiment_id=int(experiment_id))}


def known_logged_models(reader: Reader, experiment_id: str) -> set[str]:
    return {row["id"] for row in reader.all(SQL.known_model_ids, experiment_id=int(experiment_id))}


def _new_experiment(tx: Transaction, experiment: Experiment, dialect: str) -> int:
    values: dict[str, Any] = {
        "name": experiment.name,
        "lifecycle_stage": experiment.lifecycle_stage,
        "created_ms": experiment.created_ms,
        "updated_ms": experiment.updated_ms,
    }
    wanted = int(experiment.id) if experiment.id.isdecimal() and len(experiment.id) < 19 else None
    if wanted is None or wanted > LARGEST_ID or tx.one(STORE.experiment, id=wanted) is not None:
        number: int = tx.value(SQL.adopt_experiment_anew, **values)
        tx.run(STORE.set_artifact_location, id=number, artifact_location=f"{ARTIFACTS}{number}")
        return number
    tx.run(SQL.adopt_experiment, id=wanted, artifact_location=f"{ARTIFACTS}{wanted}", **values)
    if dialect == "postgresql":
        tx.all(_COUNT_ON)
    return wanted


def _adopt_inputs(tx: Transaction, number: int, experiment_id: int, inputs: RunInputs) -> None:
    for dataset in inputs.datasets:
        key = {"experiment_id": experiment_id, "name": dataset.name, "digest": dataset.digest}
        tx.run(
            STORE.insert_dataset,
            source_type=dataset.source_type,
            source=dataset.source,
            schema=dataset.schema,
            profile=dataset.profile,
            **key,
        )
        use = {"no": number, "dataset_no": tx.value(STORE.dataset, **key)}
        made = tx.value(STORE.insert_run_input, **use)
        input_no = tx.value(SQL.run_input, **use) if made is None else made
        tx.many(
            STORE.upsert_run_input_tag,
            [{"input_no": input_no, "key": key, "value": text} for key, text in sorted(dataset.tags.items())],
        )
    _adopt_models(tx, number, "input", inputs.models)
    _adopt_models(tx, number, "output", inputs.outputs)


def _adopt_models(tx: Transaction, number: int, direction: str, models: Iterable[RunModel]) -> None:
    tx.many(
        STORE.insert_run_model,
        [{"no": number, "direction": direction, **msgspec.structs.asdict(model)} for model in models],
    )


def _numbered(number: int, values: Mapping[str, str]) -> list[dict[str, Any]]:
    # In order of key, so that two writers on PostgreSQL lock rows in the same order.
    return [{"no": number, "key": key, "value": value} for key, value in sorted(values.items())]


def _of_model(model_id: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"id": model_id, "key": key, "value": value} for key, value in sorted(values.items())]


def _to_point(model_id: str, metric: Metric) -> dict[str, Any]:
    is_nan = math.isnan(metric.value)
    return {
        "model_id": model_id,
        "run_id": metric.run_id,
        "key": metric.key,
        "at_ms": metric.at_ms,
        "step": metric.step,
        "value": 0.0 if is_nan else metric.value,
        "is_nan": int(is_nan),
        "dataset_name": metric.dataset_name,
        "dataset_digest": metric.dataset_digest,
    }
