"""What a run used and made: datasets and logged models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking import limits
from pavedroad.tracking.model import DatasetInput, RunModel
from pavedroad.tracking.store import RUNS_PER_QUERY, experiment_number, in_list, open_run, run_row

SQL = load_queries("pavedroad.tracking")
SUMMARIES = 1000  # of datasets, in one answer
_INPUTS = """
SELECT i.run_no, i.no, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
FROM run_inputs i JOIN datasets d ON d.no = i.dataset_no
WHERE i.run_no IN ({places}) ORDER BY i.run_no, i.no"""
_INPUT_TAGS = """
SELECT t.input_no, t.key, t.value
FROM run_inputs i JOIN run_input_tags t ON t.input_no = i.no WHERE i.run_no IN ({places}) ORDER BY t.key"""
_MODELS = """
SELECT run_no, direction, model_id, step FROM run_models
WHERE run_no IN ({places}) ORDER BY run_no, direction, step, model_id"""


class RunInputs(msgspec.Struct, frozen=True, kw_only=True):
    datasets: list[DatasetInput] = []
    models: list[RunModel] = []
    outputs: list[RunModel] = []


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    experiment_id: str
    name: str
    digest: str
    context: str | None


def run_inputs(reader: Reader, run_id: str) -> list[DatasetInput]:
    """The datasets that a run used, in the order they were said. Raises NotFound."""
    return _inputs_of_run(reader, run_id).datasets


def run_models(reader: Reader, run_id: str) -> tuple[list[RunModel], list[RunModel]]:
    """The logged models that a run used, and those it made. Raises NotFound."""
    found = _inputs_of_run(reader, run_id)
    return found.models, found.outputs


def inputs_of(reader: Reader, numbers: Sequence[int]) -> dict[int, RunInputs]:
    """Everything that the runs with these row numbers used and made; runs without any are left out."""
    found: dict[int, RunInputs] = {}
    for start in range(0, len(numbers), RUNS_PER_QUERY):
        places, values = in_list(numbers[start : start + RUNS_PER_QUERY])
        inputs = reader.all(_INPUTS.format(places=places), **values)
        tags: dict[int, dict[str, str]] = {}
        for tag in reader.all(_INPUT_TAGS.format(places=places), **values) if inputs else ():
            tags.setdefault(tag["input_no"], {})[tag["key"]] = tag["value"]
        for row in inputs:
            run = found.setdefault(row["run_no"], RunInputs(datasets=[], models=[], outputs=[]))
            run.datasets.append(_to_dataset(row, tags.get(row["no"], {})))
        for row in reader.all(_MODELS.format(places=places), **values):
            run = found.setdefault(row["run_no"], RunInputs(datasets=[], models=[], outputs=[]))
            models = run.models if row["direction"] == "input" else run.outputs
            models.append(RunModel(model_id=row["model_id"], step=row["step"]))
    return found


def _inputs_of_run(reader: Reader, run_id: str) -> RunInputs:
    number = run_row(reader, run_id)["no"]
    return inputs_of(reader, [number]).get(number, RunInputs())


def dataset_summaries(reader: Reader, experiment_ids: Iterable[str]) -> list[DatasetSummary]:
    """Each dataset that runs of these experiments used, once for each context."""
    found: list[DatasetSummary] = []
    for experiment_id in experiment_ids:
        rows = reader.all(
            SQL.dataset_summaries, experiment_id=experiment_number(experiment_id), limit=SUMMARIES
        )
        found += [
            DatasetSummary(
                experiment_id=experiment_id, name=row["name"], digest=row["digest"], context=row["context"]
            )
            for row in rows
        ]
    return found[:SUMMARIES]


def log_input(tx: Transaction, run_id: str, dataset: DatasetInput) -> None:
    log_inputs(tx, run_id, [dataset])


def log_inputs(
    tx: Transaction, run_id: str, datasets: Iterable[DatasetInput] = (), models: Iterable[RunModel] = ()
) -> None:
    """Say which datasets and models a run used. Said again, nothing changes."""
    row = open_run(tx, run_id)
    for dataset in datasets:
        limits.check_dataset(dataset)
        _log_dataset(tx, row, dataset)
    for model in models:
        tx.run(
            SQL.insert_run_model, no=row["no"], direction="input", model_id=model.model_id, step=model.step
        )


def log_outputs(tx: Transaction, run_id: str, models: Iterable[RunModel]) -> None:
    """Say which logged models a run made."""
    row = open_run(tx, run_id)
    for model in models:
        tx.run(
            SQL.insert_run_model, no=row["no"], direction="output", model_id=model.model_id, step=model.step
        )


def _log_dataset(tx: Transaction, row: Row, dataset: DatasetInput) -> None:
    key = {"experiment_id": row["experiment_id"], "name": dataset.name, "digest": dataset.digest}
    tx.run(
        SQL.insert_dataset,
        source_type=dataset.source_type,
        source=dataset.source,
        schema=dataset.schema,
        profile=dataset.profile,
        **key,
    )
    number = tx.value(SQL.insert_run_input, no=row["no"], dataset_no=tx.value(SQL.dataset, **key))
    if number is not None:
        tx.many(
            SQL.upsert_run_input_tag,
            [{"input_no": number, "key": key, "value": value} for key, value in dataset.tags.items()],
        )


def _to_dataset(row: Row, tags: dict[str, str]) -> DatasetInput:
    return DatasetInput(
        name=row["name"],
        digest=row["digest"],
        source_type=row["source_type"],
        source=row["source"],
        schema=row["schema"],
        profile=row["profile"],
        tags=tags,
    )
