"""What this server does not do, seen from MLflow's client: one clear error, at once."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ASKED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "search_traces": (lambda mlflow: mlflow.search_traces(locations=["0"]), "keeps no traces"),
    "delete_traces": (
        lambda mlflow: mlflow.MlflowClient().delete_traces("0", max_timestamp_millis=1),
        "keeps no traces",
    ),
    "log_feedback": (
        lambda mlflow: mlflow.log_feedback(trace_id="tr-1", name="a", value=1),
        "keeps no traces",
    ),
    "list_workspaces": (lambda mlflow: mlflow.list_workspaces(), "has no workspaces"),
}


@pytest.fixture
def connected(mlflow: Any, shared_live: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    # A client that tried again would wait for a minute and fail the count of requests below.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    mlflow.set_tracking_uri(shared_live.url)
    return mlflow


@pytest.mark.parametrize("call", ASKED)
def test_a_call_that_is_not_answered_fails_with_one_clear_error(connected: Any, call: str) -> None:
    from mlflow.exceptions import MlflowException

    ask, says = ASKED[call]
    with pytest.raises(MlflowException, match=says) as caught:
        ask(connected)
    assert caught.value.error_code == "NOT_IMPLEMENTED"


def test_501_is_no_status_after_which_the_client_tries_again(mlflow: Any) -> None:
    from mlflow.utils.request_utils import _TRANSIENT_FAILURE_RESPONSE_CODES

    assert 501 not in _TRANSIENT_FAILURE_RESPONSE_CODES


def test_a_traced_function_still_returns_its_value(connected: Any) -> None:
    @connected.trace  # type: ignore[untyped-decorator]
    def double(x: int) -> int:
        return 2 * x

    assert double(3) == 6
    connected.flush_trace_async_logging(terminate=True)


def test_a_download_falls_back_where_presigned_addresses_are_asked_for(
    connected: Any, shared_live: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    connection = http.client.HTTPConnection(urlsplit(shared_live.url).netloc, timeout=30)
    body = json.dumps({"experiment_id": "0"})
    connection.request("POST", "/api/2.0/mlflow/runs/create", body, {"Content-Type": "application/json"})
    run_id = json.loads(connection.getresponse().read())["run"]["info"]["run_id"]
    connection.close()
    client = connected.MlflowClient()
    client.log_text(run_id, "hello", "note.txt")
    assert connected.artifacts.load_text(client.get_run(run_id).info.artifact_uri + "/note.txt") == "hello"


def test_a_large_file_goes_up_in_parts_when_the_client_is_told_to(
    connected: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1000")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * 2**20))
    data = bytes(range(256)) * 4096 * 12 + b"end"
    (tmp_path / "fetched").mkdir()
    (tmp_path / "big.bin").write_bytes(data)
    client = connected.MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_artifact(run_id, str(tmp_path / "big.bin"), "deep")
    assert [(file.path, file.file_size) for file in client.list_artifacts(run_id, "deep")] == [
        ("deep/big.bin", len(data))
    ]
    fetched = client.download_artifacts(run_id, "deep/big.bin", str(tmp_path / "fetched"))
    assert Path(fetched).read_bytes() == data
