"""What the API answers. Expected values and texts were taken from MLflow 3.17's own server."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pavedroad.record import Record
from pavedroad.tracking import Metric, log_batch


def refused(answered: Any, status: int, code: str, words: str) -> None:
    assert (answered.status, answered.json["error_code"]) == (status, code), answered.body
    assert words in answered.json["message"]


# ------------------------------------------------------------------------------------------------ experiments


def test_an_experiment_is_created_and_read_by_id_and_name(any_api: Any) -> None:
    made = any_api.ok(
        "POST", "experiments/create", {"name": "flights", "tags": [{"key": "team", "value": "red"}]}
    )
    assert made == {"experiment_id": "1"}
    by_id = any_api.ok("GET", "experiments/get?experiment_id=1")["experiment"]
    assert by_id == any_api.ok("GET", "experiments/get-by-name?experiment_name=flights")["experiment"]
    assert isinstance(by_id.pop("creation_time"), int)
    assert isinstance(by_id.pop("last_update_time"), int)
    assert by_id == {
        "experiment_id": "1",
        "name": "flights",
        "artifact_location": "mlflow-artifacts:/1",
        "lifecycle_stage": "active",
        "tags": [{"key": "team", "value": "red"}],
    }


def test_an_experiment_is_renamed_tagged_deleted_and_restored(api: Any) -> None:
    api.ok("POST", "experiments/create", {"name": "flights"})
    api.ok("POST", "experiments/update", {"experiment_id": "1", "new_name": "trains"})
    api.ok("POST", "experiments/set-experiment-tag", {"experiment_id": "1", "key": "a", "value": "b"})
    api.ok("POST", "experiments/set-experiment-tag", {"experiment_id": "1", "key": "empty"})
    api.ok("POST", "experiments/delete-experiment-tag", {"experiment_id": "1", "key": "a"})
    api.ok("POST", "experiments/delete", {"experiment_id": "1"})
    gone = api.ok("GET", "experiments/get?experiment_id=1")["experiment"]
    assert (gone["lifecycle_stage"], gone["name"]) == ("deleted", "trains")
    assert gone["tags"] == [{"key": "empty", "value": ""}]
    api.ok("POST", "experiments/restore", {"experiment_id": "1"})
    assert api.ok("GET", "experiments/get?experiment_id=1")["experiment"]["lifecycle_stage"] == "active"


def test_experiments_are_searched_by_get_and_post_with_views_by_name_or_number(api: Any) -> None:
    for name in ("a", "b"):
        api.ok("POST", "experiments/create", {"name": name})
    api.ok("POST", "experiments/delete", {"experiment_id": "2"})
    page = api.ok("POST", "experiments/search", {"max_results": 1})
    assert [one["name"] for one in page["experiments"]] == ["a"]
    assert page["next_page_token"] == "eyJvZmZzZXQiOiAxfQ=="
    rest = api.ok("GET", f"experiments/search?max_results=5&page_token={page['next_page_token']}")
    assert [one["name"] for one in rest["experiments"]] == ["Default"]
    for view in ("DELETED_ONLY", 2):
        found = api.ok("POST", "experiments/search", {"view_type": view})
        assert [one["name"] for one in found["experiments"]] == ["b"]
    assert api.ok("POST", "experiments/search", {"filter": "name = 'x'"}) == {}


# ------------------------------------------------------------------------------------------------------- runs


def test_a_new_run_is_answered_as_mlflow_answers_it(any_api: Any) -> None:
    run = any_api.ok(
        "POST",
        "runs/create",
        {
            "experiment_id": "0",
            "user_id": "ada",
            "run_name": "first",
            "start_time": "123",
            "tags": [{"key": "t", "value": "1"}],
            "unknown": [{"ignored": True}],
        },
    )["run"]
    run_id = run["info"]["run_id"]
    assert run == {
        "info": {
            "run_uuid": run_id,
            "experiment_id": "0",
            "run_name": "first",
            "user_id": "ada",
            "status": "RUNNING",
            "start_time": 123,
            "artifact_uri": f"mlflow-artifacts:/0/{run_id}/artifacts",
            "lifecycle_stage": "active",
            "run_id": run_id,
        },
        "data": {"tags": [{"key": "mlflow.runName", "value": "first"}, {"key": "t", "value": "1"}]},
        "inputs": {},
    }
    for name in ("run_id", "run_uuid"):
        assert any_api.ok("GET", f"runs/get?{name}={run_id}")["run"] == {**run, "outputs": {}}


def test_a_run_shows_everything_that_was_logged(any_api: Any) -> None:
    run_id = any_api.new_run(run_name="x")
    any_api.ok(
        "POST", "runs/log-metric", {"run_id": run_id, "key": "m", "value": 1.5, "timestamp": 12, "step": 3}
    )
    any_api.ok("POST", "runs/log-parameter", {"run_uuid": run_id, "key": "p", "value": "1"})
    any_api.ok("POST", "runs/log-parameter", {"run_id": run_id, "key": "none"})
    any_api.ok("POST", "runs/set-tag", {"run_id": run_id, "key": "t", "value": "1"})
    dataset = {
        "name": "d",
        "digest": "1",
        "source_type": "local",
        "source": "s",
        "schema": "c",
        "profile": "p",
    }
    use = {"tags": [{"key": "mlflow.data.context", "value": "train"}], "dataset": dataset}
    any_api.ok(
        "POST", "runs/log-inputs", {"run_id": run_id, "datasets": [use], "models": [{"model_id": "m-1"}]}
    )
    any_api.ok("POST", "runs/outputs", {"run_id": run_id, "models": [{"model_id": "m-2", "step": "4"}]})
    run = any_api.ok("GET", f"runs/get?run_id={run_id}")["run"]
    assert run["data"] == {
        "metrics": [{"key": "m", "value": 1.5, "timestamp": 12, "step": 3}],
        "params": [{"key": "none", "value": ""}, {"key": "p", "value": "1"}],
        "tags": [{"key": "mlflow.runName", "value": "x"}, {"key": "t", "value": "1"}],
    }
    assert run["inputs"] == {"dataset_inputs": [use], "model_inputs": [{"model_id": "m-1"}]}
    assert run["outputs"] == {"model_outputs": [{"model_id": "m-2", "step": 4}]}
    assert any_api.ok("POST", "runs/search", {"experiment_ids": ["0"]})["runs"] == [run]


def test_a_run_is_updated_with_status_by_name_or_number(api: Any) -> None:
    run_id = api.new_run()
    info = api.ok("POST", "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 456})[
        "run_info"
    ]
    assert (info["status"], info["end_time"]) == ("FINISHED", 456)
    info = api.ok("POST", "runs/update", {"run_id": run_id, "status": 4, "run_name": "new"})["run_info"]
    assert (info["status"], info["end_time"], info["run_name"]) == ("FAILED", 456, "new")


def test_a_run_is_deleted_and_restored(api: Any) -> None:
    run_id = api.new_run()
    api.ok("POST", "runs/delete", {"run_id": run_id})
    refused(
        api("POST", "runs/set-tag", {"run_id": run_id, "key": "a", "value": "b"}),
        400,
        "INVALID_PARAMETER_VALUE",
        f"The run {run_id} must be in the 'active' state. Current state is deleted.",
    )
    assert api.ok("POST", "runs/search", {"experiment_ids": ["0"]}) == {}
    api.ok("POST", "runs/restore", {"run_id": run_id})
    assert len(api.ok("POST", "runs/search", {"experiment_ids": ["0"], "run_view_type": "ALL"})["runs"]) == 1


def test_runs_are_searched_in_pages(any_api: Any) -> None:
    for number in range(3):
        any_api.new_run(start_time=number, run_name=str(number))
    asked: dict[str, Any] = {"experiment_ids": ["0"], "order_by": ["start_time"], "max_results": "2"}
    page = any_api.ok("POST", "runs/search", asked)
    assert [run["info"]["run_name"] for run in page["runs"]] == ["0", "1"]
    page = any_api.ok("POST", "runs/search", {**asked, "page_token": page["next_page_token"]})
    assert [run["info"]["run_name"] for run in page["runs"]] == ["2"]
    assert "next_page_token" not in page


def test_a_batch_logs_everything_at_once(any_api: Any) -> None:
    run_id = any_api.new_run()
    any_api.ok(
        "POST",
        "runs/log-batch",
        {
            "run_id": run_id,
            "metrics": [
                {"key": "m", "value": 1, "timestamp": 1},
                {"key": "m", "value": "2", "timestamp": 2, "step": 1},
            ],
            "params": [{"key": "p", "value": "x"}],
            "tags": [{"key": "t", "value": "a"}, {"key": "t", "value": "b"}],
        },
    )
    data = any_api.ok("GET", f"runs/get?run_id={run_id}")["run"]["data"]
    assert data["metrics"] == [{"key": "m", "value": 2.0, "timestamp": 2, "step": 1}]
    assert {"key": "t", "value": "b"} in data["tags"]
    any_api.ok("POST", "runs/log-batch", {"run_id": run_id})


def test_what_old_clients_say_of_a_model_becomes_a_history(api: Any) -> None:
    run_id = api.new_run()
    for name in ("a", "b"):
        model = {
            "artifact_path": name,
            "flavors": {},
            "utc_time_created": "now",
            "run_id": run_id,
            "more": "x" * 5000,
        }
        text = json.dumps(model)
        api.ok("POST", "runs/log-model", {"run_id": run_id, "model_json": text})
    tags = api.ok("GET", f"runs/get?run_id={run_id}")["run"]["data"]["tags"]
    history = next(tag["value"] for tag in tags if tag["key"] == "mlflow.log-model.history")
    assert [model["artifact_path"] for model in json.loads(history)] == ["a", "b"]


# ---------------------------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", 0.1, -0.0, 1e308, 3])
def test_every_number_is_answered_as_it_was_sent(any_api: Any, value: Any) -> None:
    run_id = any_api.new_run()
    any_api.ok("POST", "runs/log-metric", {"run_id": run_id, "key": "m", "value": value, "timestamp": 1})
    (point,) = any_api.ok("GET", f"metrics/get-history?run_id={run_id}&metric_key=m")["metrics"]
    assert point == {"key": "m", "value": value, "timestamp": 1, "step": 0}
    assert any_api.ok("GET", f"runs/get?run_id={run_id}")["run"]["data"]["metrics"] == [point]


def test_a_history_is_read_in_pages(any_api: Any) -> None:
    run_id = any_api.new_run()
    points = [{"key": "m", "value": i, "timestamp": i, "step": i} for i in range(5)]
    any_api.ok("POST", "runs/log-batch", {"run_id": run_id, "metrics": points})
    steps, token = [], ""
    while True:
        page = any_api.ok(
            "GET", f"metrics/get-history?run_id={run_id}&metric_key=m&max_results=2&page_token={token}"
        )
        steps.append([point["step"] for point in page["metrics"]])
        if "next_page_token" not in page:
            break
        token = page["next_page_token"]
    assert steps == [[0, 1], [2, 3], [4]]
    assert len(any_api.ok("GET", f"metrics/get-history?run_id={run_id}&metric_key=m")["metrics"]) == 5
    assert any_api.ok("GET", f"metrics/get-history?run_id={run_id}&metric_key=none") == {}


def test_histories_of_several_runs_come_in_one_answer(api: Any) -> None:
    run_ids = sorted(api.new_run() for _ in range(2))
    for run_id in run_ids:
        points = [{"key": "m", "value": i, "timestamp": i, "step": i} for i in range(10)]
        api.ok("POST", "runs/log-batch", {"run_id": run_id, "metrics": points})
    asked = "&".join(f"run_id={run_id}" for run_id in run_ids)
    path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    found = api.ok("GET", f"{path}?{asked}&metric_key=m&max_results=12")["metrics"]
    assert [(point["run_id"], point["step"]) for point in found] == [
        *((run_ids[0], step) for step in range(10)),
        *((run_ids[1], step) for step in range(2)),
    ]
    sampled = api.ok(
        "GET", f"{path}-interval?{asked.replace('run_id', 'run_ids')}&metric_key=m&max_results=2"
    )
    assert [point["step"] for point in sampled["metrics"]] == [0, 9, 0, 9]
    some = api.ok("GET", f"{path}-interval?run_ids={run_ids[0]}&metric_key=m&start_step=3&end_step=4")
    assert [point["step"] for point in some["metrics"]] == [3, 4]


def test_a_long_history_is_answered_whole(record: Record, api: Any) -> None:
    run_id = api.new_run()
    points = [Metric(key="m", value=math.sin(i), at_ms=i, step=i) for i in range(30_000)]
    record.db.write(lambda tx: log_batch(tx, run_id, points))
    found = api.ok("GET", f"metrics/get-history?run_id={run_id}&metric_key=m")["metrics"]
    assert [point["value"] for point in found] == [math.sin(i) for i in range(30_000)]


def test_datasets_of_experiments_are_listed_with_their_use(api: Any) -> None:
    run_id = api.new_run()
    dataset = {"name": "d", "digest": "1", "source_type": "l", "source": "s"}
    use = {"tags": [{"key": "mlflow.data.context", "value": "train"}], "dataset": dataset}
    plain = {"dataset": {**dataset, "name": "e"}}
    api.ok("POST", "runs/log-inputs", {"run_id": run_id, "datasets": [use, plain]})
    path = "/ajax-api/2.0/mlflow/experiments/search-datasets"
    assert api.ok("POST", path, {"experiment_ids": ["0"]}) == {
        "dataset_summaries": [
            {"experiment_id": "0", "name": "d", "digest": "1", "context": "train"},
            {"experiment_id": "0", "name": "e", "digest": "1"},
        ]
    }


# -------------------------------------------------------------------------------------------------- artifacts

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


def test_a_file_goes_up_is_listed_and_comes_down(any_api: Any) -> None:
    run_id = any_api.new_run()
    root = f"0/{run_id}/artifacts"
    put = any_api("PUT", f"{PROXY}/{root}/a/b.txt", body=b"hello", content_type=None)
    assert (put.status, put.body) == (200, b"")
    assert any_api.ok("GET", f"{PROXY}?path={root}") == {"files": [{"path": "a", "is_dir": True}]}
    assert any_api.ok("GET", f"{PROXY}?path={root}/a") == {
        "files": [{"path": "b.txt", "is_dir": False, "file_size": 5}]
    }
    assert any_api.ok("GET", f"{PROXY}?path={root}/nope") == {}
    got = any_api("GET", f"{PROXY}/{root}/a/b.txt")
    assert (got.status, got.body) == (200, b"hello")
    assert got.headers["Content-Type"].startswith("text/plain")
    assert got.headers["Content-Length"] == "5"
    assert any_api.ok("GET", f"artifacts/list?run_id={run_id}&path=a") == {
        "root_uri": f"mlflow-artifacts:/{root}",
        "files": [{"path": "a/b.txt", "is_dir": False, "file_size": 5}],
    }
    assert any_api("GET", f"/get-artifact?run_id={run_id}&path=a/b.txt").body == b"hello"


def test_a_file_of_many_pieces_comes_back_as_it_went_in(api: Any) -> None:
    data = bytes(range(256)) * 4096 * 5 + b"end"  # five pieces and a bit
    assert api("PUT", f"{PROXY}/x/big.bin", body=data, content_type=None).status == 200
    assert api("GET", f"{PROXY}/x/big.bin").body == data


def test_an_empty_file_is_a_file(api: Any) -> None:
    assert api("PUT", f"{PROXY}/x/empty", body=b"", content_type=None).status == 200
    got = api("GET", f"{PROXY}/x/empty")
    assert (got.status, got.body) == (200, b"")


def test_a_name_with_unusual_letters_comes_back(api: Any) -> None:
    path = f"{PROXY}/x/%C3%A4%20%E6%BC%A2%25.txt"
    assert api("PUT", path, body=b"1", content_type=None).status == 200
    assert api.ok("GET", f"{PROXY}?path=x")["files"][0]["path"] == "ä 漢%.txt"
    assert api("GET", path).body == b"1"


def test_a_file_or_folder_is_deleted(api: Any) -> None:
    for name in ("a/b", "a/c", "d"):
        api("PUT", f"{PROXY}/x/{name}", body=b"1", content_type=None)
    assert api.ok("DELETE", f"{PROXY}/x/a") == {}
    assert api.ok("DELETE", f"{PROXY}/x/nope") == {}
    assert api.ok("GET", f"{PROXY}?path=x") == {"files": [{"path": "d", "is_dir": False, "file_size": 1}]}


def test_a_missing_file_and_a_folder_are_no_files(api: Any) -> None:
    api("PUT", f"{PROXY}/x/a/b", body=b"1", content_type=None)
    for path in ("x/nope", "x/a"):
        refused(api("GET", f"{PROXY}/{path}"), 404, "RESOURCE_DOES_NOT_EXIST", f"No such artifact: '{path}'")


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fetc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%252e%252e/etc/passwd",
        "a/%252e%252e%252fb",
        "%2fetc/passwd",
        "%252fetc/passwd",
        "a%5cb",
        "%5c%5chost%5cshare",
        "c:/windows",
        "a//b",
        "a/./b",
        "a%00b",
    ],
)
def test_a_path_that_climbs_is_refused_however_it_is_encoded(api: Any, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answered = api(method, f"{PROXY}/{path}", body=b"1" if method == "PUT" else None, content_type=None)
        refused(answered, 400, "INVALID_PARAMETER_VALUE", "Invalid path")
    refused(api("GET", f"{PROXY}?path={path}"), 400, "INVALID_PARAMETER_VALUE", "Invalid path")
    run_id = api.new_run()
    for url in (f"artifacts/list?run_id={run_id}&path={path}", f"/get-artifact?run_id={run_id}&path={path}"):
        refused(api("GET", url), 400, "INVALID_PARAMETER_VALUE", "Invalid path")


def test_files_of_registered_versions_do_not_change(api: Any) -> None:
    for method in ("PUT", "DELETE"):
        answered = api(method, f"{PROXY}/registry/u1/model.pkl", body=b"1", content_type=None)
        refused(answered, 403, "PERMISSION_DENIED", "files of registered versions do not change")


def test_a_page_uploads_one_small_file(api: Any) -> None:
    run_id = api.new_run()
    path = f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path=note.md"
    assert api("POST", path, body=b"hi", content_type="text/plain").status == 200
    assert api("GET", f"/get-artifact?run_id={run_id}&path=note.md").body == b"hi"
    refused(api("POST", path, body=b""), 400, "INVALID_PARAMETER_VALUE", "Request must specify data")
    refused(
        api("POST", path, body=b"x" * (10 * 2**20 + 1)),
        400,
        "INVALID_PARAMETER_VALUE",
        "Artifact size is too large",
    )


# ---------------------------------------------------------------------------------------------- logged models


def test_a_logged_model_is_created_finished_tagged_and_deleted(any_api: Any) -> None:
    run_id = any_api.new_run()
    asked = {
        "experiment_id": "0",
        "name": "late",
        "source_run_id": run_id,
        "params": [{"key": "p", "value": "1"}],
        "tags": [{"key": "t", "value": "1"}],
    }
    model = any_api.ok("POST", "logged-models", asked)["model"]
    model_id = model["info"]["model_id"]
    created = model["info"].pop("creation_timestamp_ms")
    assert model["info"].pop("last_updated_timestamp_ms") == created
    assert model == {
        "info": {
            "model_id": model_id,
            "experiment_id": "0",
            "name": "late",
            "artifact_uri": f"mlflow-artifacts:/0/models/{model_id}/artifacts",
            "status": "LOGGED_MODEL_PENDING",
            "model_type": "",
            "source_run_id": run_id,
            "tags": [{"key": "t", "value": "1"}],
        },
        "data": {"params": [{"key": "p", "value": "1"}]},
    }
    one = f"logged-models/{model_id}"
    ready = any_api.ok("PATCH", one, {"model_id": model_id, "status": "LOGGED_MODEL_READY"})["model"]
    assert ready["info"]["status"] == "LOGGED_MODEL_READY"
    assert any_api.ok("PATCH", one, {"status": 3})["model"]["info"]["status"] == "LOGGED_MODEL_UPLOAD_FAILED"
    any_api.ok("PATCH", f"{one}/tags", {"tags": [{"key": "a/b", "value": "2"}]})
    any_api.ok("DELETE", f"{one}/tags/t")
    any_api.ok("POST", f"{one}/params", {"params": [{"key": "q", "value": "2"}]})
    point = {"run_id": run_id, "key": "auc", "value": "NaN", "timestamp": 1, "model_id": model_id}
    any_api.ok("POST", "runs/log-metric", {**point, "dataset_name": "d", "dataset_digest": "1"})
    found = any_api.ok("GET", one)["model"]
    assert found["info"]["tags"] == [{"key": "a/b", "value": "2"}]
    assert found["data"] == {
        "params": [{"key": "p", "value": "1"}, {"key": "q", "value": "2"}],
        "metrics": [
            {
                "key": "auc",
                "value": "NaN",
                "timestamp": 1,
                "step": 0,
                "dataset_name": "d",
                "dataset_digest": "1",
                "model_id": model_id,
                "run_id": run_id,
            }
        ],
    }
    any_api.ok("DELETE", f"{one}/tags/a%2Fb")
    any_api.ok("DELETE", one)
    refused(
        any_api("GET", one), 404, "RESOURCE_DOES_NOT_EXIST", f"Logged model with ID '{model_id}' not found"
    )
    assert any_api.ok("GET", f"{one}?allow_deleted=true")["model"]["info"]["model_id"] == model_id


def test_logged_models_are_searched(api: Any) -> None:
    for name in "abc":
        api.ok("POST", "logged-models", {"experiment_id": "0", "name": name})
    order = [{"field_name": "name", "ascending": False}]
    asked = {"experiment_ids": ["0"], "filter": "name != 'b'", "order_by": order, "max_results": 1}
    page = api.ok("POST", "logged-models/search", asked)
    assert [model["info"]["name"] for model in page["models"]] == ["c"]
    page = api.ok("POST", "logged-models/search", {**asked, "page_token": page["next_page_token"]})
    assert [model["info"]["name"] for model in page["models"]] == ["a"]
    assert api.ok("POST", "logged-models/search", {"experiment_ids": ["0"], "filter": "name = 'x'"}) == {}


def test_files_of_a_logged_model_are_listed_and_read(api: Any) -> None:
    info = api.ok("POST", "logged-models", {"experiment_id": "0"})["model"]["info"]
    path = info["artifact_uri"].removeprefix("mlflow-artifacts:")
    api("PUT", f"{PROXY}{path}/MLmodel", body=b"flavors: {}", content_type=None)
    one = f"logged-models/{info['model_id']}/artifacts"
    assert api.ok("GET", f"{one}/directories") == {
        "root_uri": info["artifact_uri"],
        "files": [{"path": "MLmodel", "is_dir": False, "file_size": 11}],
    }
    assert api("GET", f"{one}/files?artifact_file_path=MLmodel").body == b"flavors: {}"


# ----------------------------------------------------------------------------------------------------- server


def test_the_server_promises_nothing_beyond_the_plain_api(api: Any) -> None:
    info = api.ok("GET", "/api/3.0/mlflow/server-info")
    assert info.pop("store_type") == "SqlStore"
    assert info.pop("features_enabled") == {}
    assert info.pop("keeps_ids") is True
    assert set(info.values()) == {False}


def test_both_prefixes_answer(api: Any) -> None:
    assert api.ok("GET", "/ajax-api/2.0/mlflow/experiments/get?experiment_id=0") == api.ok(
        "GET", "/api/2.0/mlflow/experiments/get?experiment_id=0"
    )
