"""A live server of MLflow's kind as a target, written through its REST API."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

from pavedroad.errors import PavedError
from pavedroad.tracking import DatasetInput, Experiment, LoggedModel, Metric, RunModel
from pavedroad.transfer.http_client import Answered, HttpClient
from pavedroad.transfer.local_files import PROXIED
from pavedroad.transfer.mlflow_server import (
    API,
    TREE,
    below,
    to_experiment,
    to_full_run,
    to_logged_model,
    to_metric,
)
from pavedroad.transfer.model import FullRun

RUN_ID_TAG = "paved.run_id"  # of a run there: its id here, where the server gives another one
MODEL_ID_TAG = "paved.model_id"  # the same of a logged model
VERSION_TAG = "paved.version"  # of a model version there: which one of which record it is
SERVER_INFO = "/api/3.0/mlflow/server-info"
IDS_AT_ONCE = 100
METRICS_AT_ONCE = 1000
PAIRS_AT_ONCE = 100
BYTES_AT_ONCE = 500_000  # a server takes 1 MB a request
HISTORY_PAGE = 25_000
LARGEST = 1.797e308  # what MLflow keeps infinity as

Point = tuple[str, int, int, str]


class MlflowTarget:
    """Every method is one thing that the server does; all may be called from several threads."""

    def __init__(self, client: HttpClient) -> None:
        """Asks the server what it is. Raises: Unavailable, Answered."""
        self.address = client.address
        self._client = client
        try:
            self.keeps_ids = self._asks_to_keep_ids()
        except PavedError:
            client.close()
            raise

    def close(self) -> None:
        self._client.close()

    # --------------------------------------------------------------------------------------- experiments

    def experiment(self, experiment_id: str) -> Experiment | None:
        return self._experiment("experiments/get", {"experiment_id": experiment_id})

    def experiment_by_name(self, name: str) -> Experiment | None:
        return self._experiment("experiments/get-by-name", {"experiment_name": name})

    def create_experiment(self, name: str, tags: Mapping[str, str]) -> str:
        body = {"name": name, "tags": _pairs(tags)}
        return str(self._post("experiments/create", body, again=False)["experiment_id"])

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        self._post("experiments/update", {"experiment_id": experiment_id, "new_name": name})

    def tag_experiment(self, experiment_id: str, key: str, value: str) -> None:
        body = {"experiment_id": experiment_id, "key": key, "value": value}
        self._post("experiments/set-experiment-tag", body)

    def restage_experiment(self, experiment_id: str, *, deleted: bool) -> None:
        self._post(f"experiments/{'delete' if deleted else 'restore'}", {"experiment_id": experiment_id})

    # ---------------------------------------------------------------------------------------------- runs

    def create_run(self, experiment_id: str, full: FullRun) -> str:
        """The id that the server gives it. Sent twice it makes two, unless the server keeps ids."""
        run = full.run
        body = {
            "experiment_id": experiment_id,
            "user_id": run.user,
            "run_name": run.name,
            "start_time": run.start_ms,
            "tags": [] if self.keeps_ids else _pairs({RUN_ID_TAG: run.id}),
            "paved_run_id": run.id,
        }
        answer = self._post("runs/create", body, again=self.keeps_ids)
        return str(answer["run"]["info"]["run_id"])

    def run(self, run_id: str) -> FullRun:
        return to_full_run(self._get("runs/get", {"run_id": run_id})["run"])

    def runs_there(self, experiment_id: str, run_ids: Sequence[str]) -> set[str]:
        """Those of some runs that the server has."""
        found: set[str] = set()
        for start in range(0, len(run_ids), IDS_AT_ONCE):
            ids = ", ".join(f"'{run_id}'" for run_id in run_ids[start : start + IDS_AT_ONCE])
            found |= {full.run.id for full in self._search(experiment_id, f"attributes.run_id IN ({ids})")}
        return found

    def runs_sent(self, experiment_id: str, run_id: str = "") -> dict[str, str]:
        """The ids of runs that were sent to an experiment before, by their ids at the source."""
        wanted = f"= '{run_id}'" if run_id else "LIKE '%'"
        found = self._search(experiment_id, f"tags.`{RUN_ID_TAG}` {wanted}")
        return {full.run.tags[RUN_ID_TAG]: full.run.id for full in found}

    def log(
        self,
        run_id: str,
        *,
        points: Iterable[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        for batch in _batches(params or {}):
            self._post("runs/log-batch", {"run_id": run_id, "params": _pairs(batch)})
        for batch in _batches(tags or {}):
            self._post("runs/log-batch", {"run_id": run_id, "tags": _pairs(batch)})
        metrics = [_to_sent(point) for point in points]
        for start in range(0, len(metrics), METRICS_AT_ONCE):
            part = metrics[start : start + METRICS_AT_ONCE]
            self._post("runs/log-batch", {"run_id": run_id, "metrics": part})

    def log_inputs(self, run_id: str, datasets: Iterable[DatasetInput]) -> None:
        sent = [
            {
                "dataset": {
                    "name": each.name,
                    "digest": each.digest,
                    "source_type": each.source_type,
                    "source": each.source,
                    **({"schema": each.schema} if each.schema else {}),
                    **({"profile": each.profile} if each.profile else {}),
                },
                "tags": _pairs(each.tags),
            }
            for each in datasets
        ]
        if sent:
            self._post("runs/log-inputs", {"run_id": run_id, "datasets": sent})

    def link_models(self, run_id: str, used: Sequence[RunModel], made: Sequence[RunModel]) -> None:
        if used:
            inputs = [{"model_id": each.model_id} for each in used]
            self._post("runs/log-inputs", {"run_id": run_id, "models": inputs})
        if made:
            outputs = [{"model_id": each.model_id, "step": each.step} for each in made]
            self._post("runs/outputs", {"run_id": run_id, "models": outputs})

    def settle_run(self, run_id: str, *, status: str, end_ms: int | None, name: str) -> None:
        body = {"run_id": run_id, "status": status, "run_name": name}
        self._post("runs/update", body if end_ms is None else {**body, "end_time": end_ms})

    def restage_run(self, run_id: str, *, deleted: bool) -> None:
        self._post(f"runs/{'delete' if deleted else 'restore'}", {"run_id": run_id})

    def points_of(self, run_id: str, key: str) -> set[Point]:
        query: dict[str, Any] = {"run_id": run_id, "metric_key": key, "max_results": HISTORY_PAGE}
        found: set[Point] = set()
        while True:
            page = self._get("metrics/get-history", query)
            found |= {place(to_metric(sent)) for sent in page.get("metrics", ())}
            if not page.get("next_page_token"):
                return found
            query["page_token"] = page["next_page_token"]

    # ------------------------------------------------------------------------------------- logged models

    def create_logged_model(self, experiment_id: str, model: LoggedModel, run_id: str) -> LoggedModel:
        first = dict(list(model.params.items())[:PAIRS_AT_ONCE])
        tags = dict(model.tags) if self.keeps_ids else {**model.tags, MODEL_ID_TAG: model.id}
        body = {
            "experiment_id": experiment_id,
            "name": model.name,
            "model_type": model.model_type,
            "source_run_id": run_id,
            "params": _pairs(first),
            "tags": _pairs(tags),
            "paved_model_id": model.id,
        }
        body = {key: value for key, value in body.items() if value != ""}
        return to_logged_model(self._post("logged-models", body, again=self.keeps_ids)["model"])

    def logged_model(self, model_id: str) -> LoggedModel | None:
        try:
            return to_logged_model(self._get(f"logged-models/{quote(model_id)}", {})["model"])
        except Answered as error:
            if error.answered == 404:
                return None
            raise

    def logged_model_sent(self, experiment_id: str, model_id: str) -> LoggedModel | None:
        """The one there that stands for one here."""
        if self.keeps_ids:
            return self.logged_model(model_id)
        body = {"experiment_ids": [experiment_id], "filter": f"tags.`{MODEL_ID_TAG}` = '{model_id}'"}
        found = self._post("logged-models/search", body).get("models", ())
        return to_logged_model(found[0]) if found else None

    def fill_logged_model(self, there: LoggedModel, model: LoggedModel) -> None:
        """Add what is missing; a param that is there must not be sent again."""
        model_id, route = there.id, f"logged-models/{quote(there.id)}"
        params = {key: value for key, value in model.params.items() if key not in there.params}
        for batch in _batches(params):
            self._post(f"{route}/params", {"model_id": model_id, "params": _pairs(batch)})
        if model.tags:
            self._patch(f"{route}/tags", {"model_id": model_id, "tags": _pairs(model.tags)})

    def finish_logged_model(self, model_id: str, status: str) -> None:
        told = {"READY": "READY", "FAILED": "UPLOAD_FAILED"}[status]
        body = {"model_id": model_id, "status": f"LOGGED_MODEL_{told}"}
        self._patch(f"logged-models/{quote(model_id)}", body)

    # --------------------------------------------------------------------------------------------- files

    def put_file(self, uri: str, path: str, stream: BinaryIO, size_bytes: int) -> None:
        answer = self._client.send("PUT", f"{TREE}/{quote(below(uri, path))}", stream, size_bytes=size_bytes)
        answer.read()

    def takes_files(self, uri: str) -> bool:
        return uri.startswith(PROXIED)

    # ---------------------------------------------------------------------------------------- the registry

    def model(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._get("registered-models/get", {"name": name})["registered_model"]
        except Answered as error:
            if error.answered == 404:
                return None
            raise
        return found

    def create_model(self, name: str, description: str, tags: Mapping[str, str]) -> None:
        body = {"name": name, "description": description, "tags": _pairs(tags)}
        self._post("registered-models/create", body, again=False)

    def describe_model(self, name: str, description: str, tags: Mapping[str, str]) -> None:
        self._patch("registered-models/update", {"name": name, "description": description})
        for key, value in tags.items():
            self._post("registered-models/set-tag", {"name": name, "key": key, "value": value})

    def versions(self, name: str) -> list[dict[str, Any]]:
        mark = '"' if "'" in name else "'"
        query: dict[str, Any] = {"filter": f"name={mark}{name}{mark}", "max_results": 1000}
        found: list[dict[str, Any]] = []
        while True:
            page = self._get("model-versions/search", query)
            found += page.get("model_versions", ())
            if not page.get("next_page_token"):
                return found
            query["page_token"] = page["next_page_token"]

    def create_version(self, body: Mapping[str, Any]) -> int:
        sent = {key: value for key, value in body.items() if value not in ("", {})}
        sent["tags"] = _pairs(body.get("tags", {}))
        answer = self._post("model-versions/create", sent, again=False)
        return int(answer["model_version"]["version"])

    def delete_version(self, name: str, number: int) -> None:
        self._client.call("DELETE", f"{API}/model-versions/delete", {"name": name, "version": str(number)})

    def settle_version(self, name: str, number: int, description: str, tags: Mapping[str, str]) -> None:
        of = {"name": name, "version": str(number)}
        self._patch("model-versions/update", {**of, "description": description})
        for key, value in tags.items():
            self._post("model-versions/set-tag", {**of, "key": key, "value": value})

    def stage_version(self, name: str, number: int, stage: str) -> None:
        body = {"name": name, "version": str(number), "stage": stage, "archive_existing_versions": False}
        self._post("model-versions/transition-stage", body)

    def set_alias(self, name: str, alias: str, number: int) -> None:
        body = {"name": name, "alias": alias, "version": str(number)}
        self._post("registered-models/alias", body)

    # -------------------------------------------------------------------------------------------- requests

    def _asks_to_keep_ids(self) -> bool:
        """Whether the server takes ids as they are. Raises Unavailable where there is no server."""
        try:
            answer = self._client.call("GET", SERVER_INFO)
        except Answered as error:
            if error.answered in (401, 403):
                raise
            answer = {}
        # A question that every server of MLflow's kind answers: else this is none.
        self._post("experiments/search", {"max_results": 1})
        return isinstance(answer, dict) and answer.get("keeps_ids") is True

    def _experiment(self, route: str, query: dict[str, str]) -> Experiment | None:
        try:
            return to_experiment(self._get(route, query)["experiment"])
        except Answered as error:
            if error.answered == 404:
                return None
            raise

    def _search(self, experiment_id: str, filtered: str) -> Iterator[FullRun]:
        body: dict[str, Any] = {
            "experiment_ids": [experiment_id],
            "filter": filtered,
            "run_view_type": "ALL",
            "max_results": 1000,
        }
        while True:
            page = self._post("runs/search", body)
            yield from map(to_full_run, page.get("runs", ()))
            if not page.get("next_page_token"):
                return
            body["page_token"] = page["next_page_token"]

    def _get(self, route: str, query: Mapping[str, Any]) -> Any:
        return self._client.call("GET", f"{API}/{route}", query=query)

    def _post(self, route: str, body: Mapping[str, Any], *, again: bool = True) -> Any:
        return self._client.call("POST", f"{API}/{route}", body, again=again)

    def _patch(self, route: str, body: Mapping[str, Any]) -> Any:
        return self._client.call("PATCH", f"{API}/{route}", body)


def is_refusal(error: PavedError) -> bool:
    """Whether the server says no to one thing, so that the next one may be tried."""
    if isinstance(error, Answered):
        return error.answered not in (401, 429, 502, 503, 504)
    return error.status < 500


def place(point: Metric) -> Point:
    """What makes two points of a run the same point, on a server that keeps infinity as a number, too."""
    value = point.value
    if abs(value) >= LARGEST:
        value = math.copysign(math.inf, value)
    return point.key, point.at_ms, point.step, repr(value)


def _to_sent(point: Metric) -> dict[str, Any]:
    """As the API takes it: JSON has no word for NaN and infinity."""
    value: float | str = point.value
    if math.isnan(point.value):
        value = "NaN"
    elif math.isinf(point.value):
        value = "Infinity" if point.value > 0 else "-Infinity"
    sent = {"key": point.key, "value": value, "timestamp": point.at_ms, "step": point.step}
    about = {
        "model_id": point.model_id,
        "dataset_name": point.dataset_name,
        "dataset_digest": point.dataset_digest,
    }
    return {**sent, **{name: text for name, text in about.items() if text}}


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _batches(values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    batch: dict[str, str] = {}
    room = BYTES_AT_ONCE
    for key, value in values.items():
        needed = len(key.encode()) + len(value.encode())
        if batch and (len(batch) >= PAIRS_AT_ONCE or needed > room):
            yield batch
            batch, room = {}, BYTES_AT_ONCE
        batch[key] = value
        room -= needed
    if batch:
        yield batch
