"""Logged models: a model with its files, params, tags and metrics, known before anyone registers it."""
# ruff: noqa: S608

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence

from pavedroad.errors import Invalid, NotFound, did_you_mean
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking import limits
from pavedroad.tracking.filters import Bound
from pavedroad.tracking.model import DELETED, MODEL_STATUSES, LoggedModel, Metric, root_of
from pavedroad.tracking.names import random_name
from pavedroad.tracking.store import active_experiment, get_run

SQL = load_queries("pavedroad.tracking")
MODELS_PER_QUERY = 200


def get_logged_model(reader: Reader, model_id: str, *, allow_deleted: bool = False) -> LoggedModel:
    """Raises NotFound."""
    row = reader.one(SQL.logged_model, id=model_id)
    if row is None or (row["lifecycle_stage"] == DELETED and not allow_deleted):
        raise _no_model(model_id)
    return to_logged_model(reader, row)


def logged_models_of_run(reader: Reader, run_id: str) -> list[LoggedModel]:
    """The active models that a run made, oldest first."""
    return to_logged_models(reader, reader.all(SQL.logged_models_of_run, run_id=run_id))


def create_logged_model(
    tx: Transaction,
    *,
    experiment_id: str,
    name: str = "",
    source_run_id: str = "",
    model_type: str = "",
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    model_id: str = "",
) -> LoggedModel:
    """A model whose files are still to come: status PENDING until `finish_logged_model`.

    `model_id` (`m-` and 32 hexadecimal digits) is given by who had to write it into the files before.
    """
    limits.check_model_name(name)
    experiment = active_experiment(tx, experiment_id)
    model_id = model_id or f"m-{uuid.uuid4().hex}"
    tx.run(
        SQL.insert_logged_model,
        id=model_id,
        experiment_id=int(experiment.id),
        name=name or random_name(),
        artifact_location=f"{experiment.artifact_location.rstrip('/')}/models/{model_id}/artifacts",
        model_type=model_type,
        source_run_id=source_run_id,
        at_ms=now_ms(),
    )
    tx.many(SQL.insert_logged_model_param, _of_model(model_id, params or {}))
    tx.many(SQL.upsert_logged_model_tag, _of_model(model_id, tags or {}))
    return get_logged_model(tx, model_id)


def finish_logged_model(
    tx: Transaction, model_id: str, status: str = "READY", *, message: str = ""
) -> LoggedModel:
    """Say how the upload of its files went: READY or FAILED."""
    if status not in MODEL_STATUSES:
        raise Invalid(
            f"unknown status of a logged model {status!r}", hint=did_you_mean(status, MODEL_STATUSES)
        )
    if not tx.run(
        SQL.set_logged_model_status, id=model_id, status=status, status_message=message, at_ms=now_ms()
    ):
        raise _no_model(model_id)
    return get_logged_model(tx, model_id, allow_deleted=True)


def delete_logged_model(tx: Transaction, model_id: str) -> None:
    if not tx.run(SQL.set_logged_model_stage, id=model_id, stage=DELETED, at_ms=now_ms()):
        raise _no_model(model_id)


def log_logged_model_params(tx: Transaction, model_id: str, params: Mapping[str, str]) -> None:
    """Raises Invalid when a param has another value already."""
    get_logged_model(tx, model_id, allow_deleted=True)
    for key, value in sorted(params.items()):
        if tx.run(SQL.insert_logged_model_param, id=model_id, key=key, value=value):
            continue
        held = tx.value(SQL.logged_model_param, id=model_id, key=key)
        if held != value:
            raise Invalid(
                f"Changing param values is not allowed. Param with key='{key}' was already logged with "
                f"value='{held}' for model ID='{model_id}'. Attempted logging new value '{value}'."
            )


def set_logged_model_tags(tx: Transaction, model_id: str, tags: Mapping[str, str]) -> None:
    get_logged_model(tx, model_id, allow_deleted=True)
    tx.many(SQL.upsert_logged_model_tag, _of_model(model_id, tags))


def delete_logged_model_tag(tx: Transaction, model_id: str, key: str) -> None:
    get_logged_model(tx, model_id, allow_deleted=True)
    if not tx.run(SQL.delete_logged_model_tag, id=model_id, key=key):
        raise NotFound(f"No tag with key {key!r} found for model with ID {model_id!r}.")


def model_root(reader: Reader, source: str) -> str:
    """The root of the files that a model's source names.

    `models:/m-…` is a logged model, `runs:/<run>/path` and `mlflow-artifacts:/…` are folders of artifacts.
    Raises: NotFound; Invalid for any other URI.
    """
    if source.startswith("models:/m-"):
        model_id, _, rest = source.removeprefix("models:/").partition("/")
        return _below(root_of(get_logged_model(reader, model_id).artifact_location), rest)
    if source.startswith("runs:/"):
        run_id, _, rest = source.removeprefix("runs:/").lstrip("/").partition("/")
        return _below(root_of(get_run(reader, run_id).artifact_uri), rest)
    return root_of(source)


def to_logged_model(reader: Reader, row: Row) -> LoggedModel:
    return to_logged_models(reader, [row])[0]


def to_logged_models(reader: Reader, rows: Sequence[Row]) -> list[LoggedModel]:
    """The models of these rows with what they logged, three statements for 200 of them."""
    models: list[LoggedModel] = []
    for start in range(0, len(rows), MODELS_PER_QUERY):
        models += _with_values(reader, rows[start : start + MODELS_PER_QUERY])
    return models


def _with_values(reader: Reader, rows: Sequence[Row]) -> list[LoggedModel]:
    bound = Bound()
    places = ", ".join(bound(row["id"]) for row in rows)
    pairs: dict[str, dict[str, dict[str, str]]] = {}
    for table in ("logged_model_params", "logged_model_tags"):
        held = pairs.setdefault(table, {})
        query = (
            f"SELECT model_id, key, value FROM {table} WHERE model_id IN ({places}) ORDER BY model_id, key"
        )
        for model_id, key, value in reader.tuples(query, **bound.values):
            held.setdefault(model_id, {})[key] = value
    metrics: dict[str, list[Metric]] = {}
    query = (
        f"SELECT * FROM logged_model_metrics WHERE model_id IN ({places})"
        " ORDER BY model_id, key, step, at_ms, value, run_id"
    )
    for metric in reader.all(query, **bound.values):
        metrics.setdefault(metric["model_id"], []).append(_to_metric(metric))
    return [
        LoggedModel(
            id=row["id"],
            experiment_id=str(row["experiment_id"]),
            name=row["name"],
            artifact_location=row["artifact_location"],
            status=row["status"],
            status_message=row["status_message"],
            model_type=row["model_type"],
            source_run_id=row["source_run_id"],
            lifecycle_stage=row["lifecycle_stage"],
            created_ms=row["created_ms"],
            updated_ms=row["updated_ms"],
            params=pairs["logged_model_params"].get(row["id"], {}),
            tags=pairs["logged_model_tags"].get(row["id"], {}),
            metrics=metrics.get(row["id"], []),
        )
        for row in rows
    ]


def _to_metric(row: Row) -> Metric:
    return Metric(
        key=row["key"],
        value=math.nan if row["is_nan"] else row["value"],
        at_ms=row["at_ms"],
        step=row["step"],
        model_id=row["model_id"],
        run_id=row["run_id"],
        dataset_name=row["dataset_name"],
        dataset_digest=row["dataset_digest"],
    )


def _of_model(model_id: str, values: Mapping[str, str]) -> Iterable[dict[str, str]]:
    return [{"id": model_id, "key": key, "value": value} for key, value in sorted(values.items())]


def _below(root: str, path: str) -> str:
    return f"{root}/{path.strip('/')}" if path.strip("/") else root


def _no_model(model_id: str) -> NotFound:
    return NotFound(f"Logged model with ID '{model_id}' not found.")
