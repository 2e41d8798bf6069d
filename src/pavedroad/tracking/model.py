"""What tracking knows: experiments, runs and what they logged, logged models, and files."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pavedroad.errors import Invalid, Refused
from pavedroad.kit.files import Stored

ACTIVE, DELETED = "active", "deleted"
RUN_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")  # that clients may set
LOST = "LOST"  # its process died without a word; MLflow clients read FAILED
MODEL_STATUSES = ("UNSPECIFIED", "PENDING", "READY", "FAILED")
VIEWS: Mapping[str, tuple[str, ...]] = {
    "ACTIVE_ONLY": (ACTIVE,),
    "DELETED_ONLY": (DELETED,),
    "ALL": (ACTIVE, DELETED),
}
RUN_NAME_TAG = "mlflow.runName"
USER_TAG = "mlflow.user"
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"  # Markdown, of a run or an experiment
CONTEXT_TAG = "mlflow.data.context"  # of a dataset input: training, evaluation, ...
ARTIFACTS = "mlflow-artifacts:/"
FROZEN_ROOTS = ("registry",)  # whose files a higher room keeps unchanged

StoredFile = Stored


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    artifact_location: str
    lifecycle_stage: str  # active or deleted
    tags: dict[str, str] = {}
    created_ms: int
    updated_ms: int


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a curve."""

    key: str
    value: float  # may be NaN or ±inf
    at_ms: int
    step: int = 0
    model_id: str = ""  # the logged model it measures
    run_id: str = ""  # said only where the points of several runs stand together
    dataset_name: str = ""
    dataset_digest: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # 32 hexadecimal digits
    experiment_id: str
    name: str
    user: str
    status: str  # one of RUN_STATUSES, or LOST
    start_ms: int
    end_ms: int | None = None
    lifecycle_stage: str = ACTIVE
    artifact_uri: str
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: list[Metric] = []  # the last point of each curve, in order of key

    def metric(self, key: str) -> float | None:
        """The last value of one curve."""
        return next((metric.value for metric in self.metrics if metric.key == key), None)


class DatasetInput(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset that a run used."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""
    tags: dict[str, str] = {}  # of this use; `mlflow.data.context` says what for


class RunModel(msgspec.Struct, frozen=True, kw_only=True):
    """A logged model that a run used or made."""

    model_id: str
    step: int = 0


class LoggedModel(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # m- and 32 hexadecimal digits
    experiment_id: str
    name: str
    artifact_location: str
    status: str = "PENDING"  # one of MODEL_STATUSES
    status_message: str = ""
    model_type: str = ""
    source_run_id: str = ""
    lifecycle_stage: str = ACTIVE
    created_ms: int
    updated_ms: int
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: list[Metric] = []


class FileInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a folder of artifacts."""

    path: str  # from the root, with /
    is_dir: bool
    size_bytes: int = 0


def check_not_frozen(path: str) -> None:
    """Raises Refused for a path whose files do not change once they are there."""
    if path.partition("/")[0] in FROZEN_ROOTS:
        raise Refused("files of registered versions do not change", hint="register a new version")


def root_of(uri: str) -> str:
    """The root of the files of `mlflow-artifacts:/1/<run>/artifacts`.

    Raises: Invalid when the files of this URI are not kept here.
    """
    if not uri.startswith(ARTIFACTS):
        raise Invalid(f"{uri!r} is not kept on this record", hint="only mlflow-artifacts: URIs are")
    path = uri.removeprefix(ARTIFACTS)
    if path.startswith("/"):  # mlflow-artifacts://host:port/path
        path = path[1:].partition("/")[2]
    return path.strip("/")
