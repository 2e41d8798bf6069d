"""The messages of MLflow's tracking API: what a client sends, what it gets.

Absent and null are the same, as in protobuf's JSON, so every field of a request may be None; `required` names
those that may not. In answers, what is empty is left out where MLflow leaves it out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

import msgspec

from pavedroad.tracking.inputs import RunInputs
from pavedroad.tracking.model import LOST, DatasetInput, Experiment, LoggedModel, Metric, Run, RunModel
from pavedroad.tracking.multipart_upload import Part

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

# ------------------------------------------------------------------------------------------------- requests


class Message(msgspec.Struct, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ()


class Pair(Message, frozen=True, kw_only=True):
    key: str | None = None
    value: str | None = None


class CreateExperiment(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None
    artifact_location: str | None = None
    tags: list[Pair] | None = None


class OfExperiment(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("experiment_id",)
    experiment_id: str | None = None


class ExperimentByName(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("experiment_name",)
    experiment_name: str | None = None


class UpdateExperiment(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("experiment_id", "new_name")
    experiment_id: str | None = None
    new_name: str | None = None


class ExperimentTag(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("experiment_id", "key")
    experiment_id: str | None = None
    key: str | None = None
    value: str | None = None


class SearchExperiments(Message, frozen=True, kw_only=True):
    view_type: str | int | None = None
    max_results: Int64 | None = None
    order_by: list[str] | None = None
    filter: str | None = None
    page_token: str | None = None


class SearchDatasets(Message, frozen=True, kw_only=True):
    experiment_ids: list[str] | None = None


class CreateRun(Message, frozen=True, kw_only=True):
    experiment_id: str | None = None
    user_id: str | None = None
    run_name: str | None = None
    start_time: Int64 | None = None
    tags: list[Pair] | None = None
    paved_run_id: str | None = None  # the id of a run that was logged without a server


class OfRun(Message, frozen=True, kw_only=True):
    """Names a run; `run_uuid` is what old clients say."""

    required: ClassVar[tuple[str, ...]] = ("run_id",)
    run_id: str | None = None
    run_uuid: str | None = None

    @property
    def run(self) -> str:
        return self.run_id or self.run_uuid or ""


class UpdateRun(OfRun, frozen=True, kw_only=True):
    status: str | int | None = None
    end_time: Int64 | None = None
    run_name: str | None = None


class RunTag(OfRun, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("run_id", "key")
    key: str | None = None
    value: str | None = None


class Point(Message, frozen=True, kw_only=True):
    key: str | None = None
    value: float | None = None
    timestamp: Int64 | None = None
    step: Int64 | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None

    def to_metric(self) -> Metric:
        return Metric(
            key=self.key or "",
            value=self.value or 0.0,
            at_ms=self.timestamp or 0,
            step=self.step or 0,
            model_id=self.model_id or "",
            dataset_name=self.dataset_name or "",
            dataset_digest=self.dataset_digest or "",
        )


class LogMetric(Point, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("run_id", "key", "value", "timestamp")
    run_id: str | None = None
    run_uuid: str | None = None


class LogBatch(OfRun, frozen=True, kw_only=True):
    metrics: list[Point] | None = None
    params: list[Pair] | None = None
    tags: list[Pair] | None = None


class Dataset(Message, frozen=True, kw_only=True):
    name: str | None = None
    digest: str | None = None
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None


class InputOfRun(Message, frozen=True, kw_only=True):
    tags: list[Pair] | None = None
    dataset: Dataset | None = None


class ModelOfRun(Message, frozen=True, kw_only=True):
    model_id: str | None = None
    step: Int64 | None = None


class LogInputs(OfRun, frozen=True, kw_only=True):
    datasets: list[InputOfRun] | None = None
    models: list[ModelOfRun] | None = None


class LogOutputs(OfRun, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("run_id", "models")
    models: list[ModelOfRun] | None = None


class LogModel(OfRun, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("run_id", "model_json")
    model_json: str | None = None


class SearchRuns(Message, frozen=True, kw_only=True):
    experiment_ids: list[str] | None = None
    filter: str | None = None
    run_view_type: str | int | None = None
    max_results: Int64 | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


class MetricHistory(OfRun, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("run_id", "metric_key")
    metric_key: str | None = None
    max_results: Int64 | None = None
    page_token: str | None = None


class BulkHistory(Message, frozen=True, kw_only=True):
    run_id: list[str] | None = None
    metric_key: str | None = None
    max_results: Int64 | None = None


class IntervalHistory(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("run_ids", "metric_key")
    run_ids: list[str] | None = None
    metric_key: str | None = None
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 | None = None


class ListArtifacts(OfRun, frozen=True, kw_only=True):
    path: str | None = None
    page_token: str | None = None


class OneArtifact(OfRun, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("run_id", "path")
    path: str | None = None


class ListTree(Message, frozen=True, kw_only=True):
    path: str | None = None


class OfMultipart(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("path",)
    path: str | None = None  # on the client's disk
    upload_id: str | None = None


class CreateMultipart(OfMultipart, frozen=True, kw_only=True):
    num_parts: int | None = None


class CompleteMultipart(OfMultipart, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("path", "parts")
    parts: list[Part] | None = None


class CreateLoggedModel(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("experiment_id",)
    experiment_id: str | None = None
    name: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[Pair] | None = None
    tags: list[Pair] | None = None
    paved_model_id: str | None = None  # as `paved_run_id`


class GetLoggedModel(Message, frozen=True, kw_only=True):
    allow_deleted: bool | None = None


class FinishLoggedModel(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("status",)
    status: str | int | None = None


class LoggedModelPairs(Message, frozen=True, kw_only=True):
    params: list[Pair] | None = None
    tags: list[Pair] | None = None


class LoggedModelFolder(Message, frozen=True, kw_only=True):
    artifact_directory_path: str | None = None


class LoggedModelFile(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("artifact_file_path",)
    artifact_file_path: str | None = None


class ModelOrder(Message, frozen=True, kw_only=True):
    field_name: str | None = None
    ascending: bool | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class ModelDataset(Message, frozen=True, kw_only=True):
    dataset_name: str | None = None
    dataset_digest: str | None = None


class SearchLoggedModels(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("experiment_ids",)
    experiment_ids: list[str] | None = None
    filter: str | None = None
    datasets: list[ModelDataset] | None = None
    max_results: Int64 | None = None
    order_by: list[ModelOrder] | None = None
    page_token: str | None = None


def pairs(sent: Iterable[Pair] | None) -> dict[str, str]:
    """Keys to values; of a key sent twice the last value holds."""
    return {pair.key or "": pair.value or "" for pair in sent or ()}


def to_datasets(sent: Iterable[InputOfRun] | None) -> list[DatasetInput]:
    found = []
    for one in sent or ():
        dataset = one.dataset or Dataset()
        found.append(
            DatasetInput(
                name=dataset.name or "",
                digest=dataset.digest or "",
                source_type=dataset.source_type or "",
                source=dataset.source or "",
                schema=dataset.schema or "",
                profile=dataset.profile or "",
                tags=pairs(one.tags),
            )
        )
    return found


def to_run_models(sent: Iterable[ModelOfRun] | None) -> list[RunModel]:
    return [RunModel(model_id=model.model_id or "", step=model.step or 0) for model in sent or ()]


# -------------------------------------------------------------------------------------------------- answers


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class KeyValue(msgspec.Struct, frozen=True, gc=False):
    key: str
    value: str


class MetricAnswer(Answer, frozen=True, kw_only=True, gc=False):
    key: str
    value: float | str  # JSON has no NaN, so protobuf writes those three as texts
    timestamp: int
    step: int
    dataset_name: str = ""
    dataset_digest: str = ""
    model_id: str = ""
    run_id: str = ""


class ExperimentAnswer(Answer, frozen=True, kw_only=True):
    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    last_update_time: int
    creation_time: int
    tags: list[KeyValue] = []


class RunInfoAnswer(Answer, frozen=True, kw_only=True):
    run_uuid: str
    experiment_id: str
    run_name: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None = None
    artifact_uri: str
    lifecycle_stage: str
    run_id: str


class RunDataAnswer(Answer, frozen=True, kw_only=True):
    metrics: list[MetricAnswer] = []
    params: list[KeyValue] = []
    tags: list[KeyValue] = []


class DatasetAnswer(Answer, frozen=True, kw_only=True):
    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""


class DatasetInputAnswer(Answer, frozen=True, kw_only=True):
    tags: list[KeyValue] = []
    dataset: DatasetAnswer


class ModelInputAnswer(Answer, frozen=True, kw_only=True):
    model_id: str


class ModelOutputAnswer(Answer, frozen=True, kw_only=True):
    model_id: str
    step: int


class RunInputsAnswer(Answer, frozen=True, kw_only=True):
    dataset_inputs: list[DatasetInputAnswer] = []
    model_inputs: list[ModelInputAnswer] = []


class RunOutputsAnswer(Answer, frozen=True, kw_only=True):
    model_outputs: list[ModelOutputAnswer] = []


class RunAnswer(Answer, frozen=True, kw_only=True):
    info: RunInfoAnswer
    data: RunDataAnswer
    inputs: RunInputsAnswer
    outputs: RunOutputsAnswer | msgspec.UnsetType  # a run that was made just now has none to tell of


class FileAnswer(Answer, frozen=True, kw_only=True):
    path: str
    is_dir: bool
    file_size: int | None = None


class LoggedModelInfoAnswer(Answer, frozen=True, kw_only=True):
    model_id: str
    experiment_id: str
    name: str
    creation_timestamp_ms: int
    last_updated_timestamp_ms: int
    artifact_uri: str
    status: str
    model_type: str
    source_run_id: str
    status_message: str = ""
    tags: list[KeyValue] = []


class LoggedModelDataAnswer(Answer, frozen=True, kw_only=True):
    params: list[KeyValue] = []
    metrics: list[MetricAnswer] = []


class LoggedModelAnswer(Answer, frozen=True, kw_only=True):
    info: LoggedModelInfoAnswer
    data: LoggedModelDataAnswer


MODEL_STATUS_NAMES = {
    "UNSPECIFIED": "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "PENDING": "LOGGED_MODEL_PENDING",
    "READY": "LOGGED_MODEL_READY",
    "FAILED": "LOGGED_MODEL_UPLOAD_FAILED",
}


def experiment_answer(experiment: Experiment) -> ExperimentAnswer:
    return ExperimentAnswer(
        experiment_id=experiment.id,
        name=experiment.name,
        artifact_location=experiment.artifact_location,
        lifecycle_stage=experiment.lifecycle_stage,
        last_update_time=experiment.updated_ms,
        creation_time=experiment.created_ms,
        tags=_key_values(experiment.tags),
    )


def run_answer(run: Run, used: RunInputs) -> RunAnswer:
    return RunAnswer(
        info=run_info_answer(run),
        data=RunDataAnswer(
            metrics=[metric_answer(metric) for metric in run.metrics],
            params=_key_values(run.params),
            tags=_key_values(run.tags),
        ),
        inputs=RunInputsAnswer(
            dataset_inputs=[_dataset_answer(dataset) for dataset in used.datasets],
            model_inputs=[ModelInputAnswer(model_id=model.model_id) for model in used.models],
        ),
        outputs=RunOutputsAnswer(
            model_outputs=[
                ModelOutputAnswer(model_id=model.model_id, step=model.step) for model in used.outputs
            ]
        ),
    )


def run_info_answer(run: Run) -> RunInfoAnswer:
    return RunInfoAnswer(
        run_uuid=run.id,
        experiment_id=run.experiment_id,
        run_name=run.name,
        user_id=run.user,
        status="FAILED" if run.status == LOST else run.status,
        start_time=run.start_ms,
        end_time=run.end_ms,
        artifact_uri=run.artifact_uri,
        lifecycle_stage=run.lifecycle_stage,
        run_id=run.id,
    )


def metric_answer(metric: Metric) -> MetricAnswer:
    return MetricAnswer(
        key=metric.key,
        value=metric.value if math.isfinite(metric.value) else unusual(metric.value),
        timestamp=metric.at_ms,
        step=metric.step,
        dataset_name=metric.dataset_name,
        dataset_digest=metric.dataset_digest,
        model_id=metric.model_id,
        run_id=metric.run_id,
    )


def logged_model_answer(model: LoggedModel) -> LoggedModelAnswer:
    return LoggedModelAnswer(
        info=LoggedModelInfoAnswer(
            model_id=model.id,
            experiment_id=model.experiment_id,
            name=model.name,
            creation_timestamp_ms=model.created_ms,
            last_updated_timestamp_ms=model.updated_ms,
            artifact_uri=model.artifact_location,
            status=MODEL_STATUS_NAMES[model.status],
            model_type=model.model_type,
            source_run_id=model.source_run_id,
            status_message=model.status_message,
            tags=_key_values(model.tags),
        ),
        data=LoggedModelDataAnswer(
            params=_key_values(model.params),
            metrics=[metric_answer(metric) for metric in model.metrics],
        ),
    )


def _dataset_answer(dataset: DatasetInput) -> DatasetInputAnswer:
    return DatasetInputAnswer(
        tags=_key_values(dataset.tags),
        dataset=DatasetAnswer(
            name=dataset.name,
            digest=dataset.digest,
            source_type=dataset.source_type,
            source=dataset.source,
            schema=dataset.schema,
            profile=dataset.profile,
        ),
    )


def _key_values(values: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key, value) for key, value in values.items()]


def unusual(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
