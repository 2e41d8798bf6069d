"""A live server of MLflow's kind as a source, read through its REST API."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from pavedroad.errors import PavedError
from pavedroad.tracking import DatasetInput, Experiment, LoggedModel, Metric, Run, RunModel
from pavedroad.tracking.model import RUN_NAME_TAG
from pavedroad.transfer.http_client import HttpClient
from pavedroad.transfer.local_files import PROXIED
from pavedroad.transfer.model import FullRun, Model, SourceFile, Unreachable, Version

API = "/api/2.0/mlflow"
AJAX = "/ajax-api/2.0/mlflow"
TREE = "/api/2.0/mlflow-artifacts/artifacts"
PAGE = 200
POINTS_PAGE = 25_000
READERS = 4
PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"  # a server leaves them out unless they are asked for


class ServerSource:
    file_workers = READERS

    def __init__(self, client: HttpClient) -> None:
        self.address = client.address
        self._client = client
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="paved-transfer")

    def experiments(self) -> list[Experiment]:
        pages = self._pages("/experiments/search", {"view_type": "ALL", "max_results": PAGE})
        return [to_experiment(sent) for page in pages for sent in page.get("experiments", ())]

    def count_runs(self, experiment: Experiment) -> int | None:
        return None

    def runs(self, experiment: Experiment) -> Iterator[list[FullRun]]:
        asked = {
            "experiment_ids": [experiment.id],
            "run_view_type": "ALL",
            "max_results": PAGE,
            "order_by": ["attributes.start_time ASC"],
        }
        for page in self._pages("/runs/search", asked):
            if page.get("runs"):
                yield [to_full_run(sent) for sent in page["runs"]]

    def points(self, runs: list[FullRun]) -> Iterator[tuple[str, Metric]]:
        wanted = [(each.run.id, metric.key) for each in runs for metric in each.run.metrics]
        for (run_id, _), points in zip(wanted, self._pool.map(self._curve, wanted), strict=True):
            for point in points:
                yield run_id, point

    def logged_models(self, experiment: Experiment) -> list[LoggedModel]:
        asked = {"experiment_ids": [experiment.id], "max_results": 50}
        try:
            pages = list(self._pages("/logged-models/search", asked))
        except PavedError as error:
            if getattr(error, "answered", 0) == 404:  # a server before MLflow 3
                return []
            raise
        return [to_logged_model(sent) for page in pages for sent in page.get("models", ())]

    def models(self) -> list[Model]:
        found: dict[str, dict[str, Any]] = {}
        for filtered in ("", PROMPTS):
            for page in self._gets("/registered-models/search", {"max_results": 100, "filter": filtered}):
                found |= {sent["name"]: sent for sent in page.get("registered_models", ())}
        return [self._model(sent) for _, sent in sorted(found.items())]

    def files(self, uri: str, owner: str) -> list[SourceFile]:
        try:
            return sorted(self._files_below(uri, owner, ""))
        except PavedError as error:
            raise Unreachable(error.message) from None

    def open(self, uri: str, owner: str, path: str) -> BinaryIO:
        kind, _, name = owner.partition("/")
        if uri.startswith(PROXIED):
            ask = partial(self._client.send, "GET", f"{TREE}/{quote(below(uri, path))}")
        elif kind == "runs":
            query = {"run_uuid": name, "path": path}
            ask = partial(self._client.send, "GET", "/get-artifact", query=query)
        else:
            route = f"{AJAX}/logged-models/{quote(name)}/artifacts/files"
            ask = partial(self._client.send, "GET", route, query={"artifact_file_path": path})
        try:
            return cast("BinaryIO", ask())
        except PavedError as error:
            raise Unreachable(error.message) from None

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def _curve(self, wanted: tuple[str, str]) -> list[Metric]:
        run_id, key = wanted
        query = {"run_id": run_id, "metric_key": key, "max_results": POINTS_PAGE}
        pages = self._gets("/metrics/get-history", query)
        return [to_metric(sent) for page in pages for sent in page.get("metrics", ())]

    def _model(self, sent: dict[str, Any]) -> Model:
        name = sent["name"]
        mark = '"' if "'" in name else "'"
        query = {"filter": f"name={mark}{name}{mark}", "max_results": 1000}
        pages = self._gets("/model-versions/search", query)
        versions = [_to_version(each) for page in pages for each in page.get("model_versions", ())]
        return Model(
            name=name,
            description=sent.get("description", ""),
            tags=_pairs(sent.get("tags")),
            aliases={each["alias"]: int(each["version"]) for each in sent.get("aliases", ())},
            versions=sorted(versions, key=lambda version: version.version),
            created_ms=int(sent.get("creation_timestamp", 0)),
            updated_ms=int(sent.get("last_updated_timestamp", 0)),
        )

    def _files_below(self, uri: str, owner: str, folder: str) -> Iterator[SourceFile]:
        for sent in self._entries(uri, owner, folder):
            path = f"{folder}/{sent['path'].rpartition('/')[2]}".lstrip("/")
            if sent.get("is_dir"):
                yield from self._files_below(uri, owner, path)
            else:
                yield SourceFile(path, int(sent.get("file_size") or 0), 0)

    def _entries(self, uri: str, owner: str, folder: str) -> list[dict[str, Any]]:
        kind, _, name = owner.partition("/")
        if uri.startswith(PROXIED):
            answer = self._client.call("GET", TREE, query={"path": below(uri, folder)})
        elif kind == "runs":
            answer = self._client.call("GET", f"{API}/artifacts/list", query={"run_id": name, "path": folder})
        else:
            route = f"{AJAX}/logged-models/{quote(name)}/artifacts/directories"
            answer = self._client.call("GET", route, query={"artifact_directory_path": folder})
        found: list[dict[str, Any]] = answer.get("files", [])
        return found

    def _pages(self, path: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            page = self._client.call(
                "POST", API + path, {**asked, **({"page_token": token} if token else {})}
            )
            yield page
            token = page.get("next_page_token", "")
            if not token:
                return

    def _gets(self, path: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        query = {key: value for key, value in asked.items() if value != ""}
        token = ""
        while True:
            page = self._client.call(
                "GET", API + path, query={**query, **({"page_token": token} if token else {})}
            )
            yield page
            token = page.get("next_page_token", "")
            if not token:
                return


def to_full_run(sent: dict[str, Any]) -> FullRun:
    """A run as the REST API answers it."""
    info, data, inputs = sent["info"], sent.get("data", {}), sent.get("inputs", {})
    tags = _pairs(data.get("tags"))
    return FullRun(
        run=Run(
            id=info.get("run_id") or info["run_uuid"],
            experiment_id=str(info["experiment_id"]),
            name=info.get("run_name") or tags.get(RUN_NAME_TAG, ""),
            user=info.get("user_id", ""),
            status=info.get("status", "RUNNING"),
            start_ms=int(info.get("start_time", 0)),
            end_ms=int(info["end_time"]) if info.get("end_time") else None,
            lifecycle_stage=info.get("lifecycle_stage", "active"),
            artifact_uri=info.get("artifact_uri", ""),
            params=_pairs(data.get("params")),
            tags=tags,
            metrics=[to_metric(each) for each in data.get("metrics", ())],
        ),
        datasets=[_to_dataset(each) for each in inputs.get("dataset_inputs", ())],
        models=[RunModel(model_id=each["model_id"]) for each in inputs.get("model_inputs", ())],
        outputs=[
            RunModel(model_id=each["model_id"], step=int(each.get("step", 0)))
            for each in sent.get("outputs", {}).get("model_outputs", ())
        ],
    )


def to_metric(sent: dict[str, Any]) -> Metric:
    value = sent.get("value", 0.0)
    return Metric(
        key=sent["key"],
        value=float(value) if value is not None else math.nan,  # NaN and infinities come as texts
        at_ms=int(sent.get("timestamp", 0)),
        step=int(sent.get("step", 0)),
        run_id=sent.get("run_id", ""),
        dataset_name=sent.get("dataset_name", ""),
        dataset_digest=sent.get("dataset_digest", ""),
    )


def to_experiment(sent: dict[str, Any]) -> Experiment:
    return Experiment(
        id=str(sent["experiment_id"]),
        name=sent["name"],
        artifact_location=sent.get("artifact_location", ""),
        lifecycle_stage=sent.get("lifecycle_stage", "active"),
        tags=_pairs(sent.get("tags")),
        created_ms=int(sent.get("creation_time", 0)),
        updated_ms=int(sent.get("last_update_time", 0)),
    )


def _to_dataset(sent: dict[str, Any]) -> DatasetInput:
    dataset = sent["dataset"]
    return DatasetInput(
        name=dataset["name"],
        digest=dataset["digest"],
        source_type=dataset.get("source_type", ""),
        source=dataset.get("source", ""),
        schema=dataset.get("schema", ""),
        profile=dataset.get("profile", ""),
        tags=_pairs(sent.get("tags")),
    )


def to_logged_model(sent: dict[str, Any]) -> LoggedModel:
    info, data = sent["info"], sent.get("data", {})
    status = info.get("status", "LOGGED_MODEL_STATUS_UNSPECIFIED").removeprefix("LOGGED_MODEL_")
    return LoggedModel(
        id=info["model_id"],
        experiment_id=str(info["experiment_id"]),
        name=info.get("name", ""),
        artifact_location=info.get("artifact_uri", ""),
        status={"STATUS_UNSPECIFIED": "UNSPECIFIED", "UPLOAD_FAILED": "FAILED"}.get(status, status),
        status_message=info.get("status_message", ""),
        model_type=info.get("model_type", ""),
        source_run_id=info.get("source_run_id", ""),
        created_ms=int(info.get("creation_timestamp_ms", 0)),
        updated_ms=int(info.get("last_updated_timestamp_ms", 0)),
        params=_pairs(data.get("params")),
        tags=_pairs(info.get("tags")),
        metrics=[to_metric(each) for each in data.get("metrics", ())],
    )


def _to_version(sent: dict[str, Any]) -> Version:
    return Version(
        name=sent["name"],
        version=int(sent["version"]),
        source=sent.get("source", ""),
        run_id=sent.get("run_id", ""),
        run_link=sent.get("run_link", ""),
        model_id=sent.get("model_id", ""),
        user=sent.get("user_id", ""),
        description=sent.get("description", ""),
        status=sent.get("status", "READY"),
        stage=sent.get("current_stage") or "None",
        tags=_pairs(sent.get("tags")),
        created_ms=int(sent.get("creation_timestamp", 0)),
        updated_ms=int(sent.get("last_updated_timestamp", 0)),
    )


def _pairs(sent: Any) -> dict[str, str]:
    return {each["key"]: each.get("value", "") for each in sent or ()}


def below(uri: str, path: str) -> str:
    """A path of the proxied tree."""
    root = uri.removeprefix(PROXIED)
    root = root[2:].partition("/")[2] if root.startswith("//") else root
    return f"{root.strip('/')}/{path}".rstrip("/") if path else root.strip("/")
