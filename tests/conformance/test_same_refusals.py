"""Questions that a client seldom asks, with the answers of MLflow 3.17's own server (SQLite, its defaults).

`PAVED_TEST_ALL=1` asks that server, too, so that the answers written here stay true.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from tests.conftest import TEST_ALL, free_port

RUN, OLD_RUN = "{run}", "0123456789abcdef0123456789abcdef"
INTERVAL = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=nosuch&metric_key=m&max_results=5"
MISSING, INVALID = "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"
BARE = "Parameter value is either not quoted or unidentified quote types used for string value "
QUOTED = "Expected a quoted string value for "


class Case(NamedTuple):
    what: str
    path: str
    body: dict[str, Any] | None  # None is a GET
    status: int
    code: str = ""
    says: str = ""  # how its message starts, or a part of it


def version(source: str, **more: str) -> dict[str, str]:
    return {"name": "model", "source": source, **more}


CASES = (
    Case("a negative experiment", "experiments/get?experiment_id=-1", None, 404, MISSING, "id=-1 exists"),
    Case("a word as experiment", "experiments/get?experiment_id=x", None, 400, INVALID),
    Case(
        "an experiment on an FTP server",
        "experiments/create",
        {"name": "ftp", "artifact_location": "ftp://x/y"},
        400,
        INVALID,
        "'artifact_location' cannot use the 'ftp'",
    ),
    Case(
        "an experiment on another web server",
        "experiments/create",
        {"name": "web", "artifact_location": "https://x/y"},
        400,
        INVALID,
        "cannot use the 'https'",
    ),
    Case("a bucket", "experiments/create", {"name": "bucket", "artifact_location": "s3://x"}, 200),
    Case(
        "a source without path", "model-versions/create", version("s3://x"), 400, INVALID, "an absolute path"
    ),
    Case(
        "a source that ends in /",
        "model-versions/create",
        version("s3://x/"),
        400,
        INVALID,
        "an absolute path",
    ),
    Case(
        "a source with dots", "model-versions/create", version("s3://x/./y"), 400, INVALID, "an absolute path"
    ),
    Case("a source in a bucket", "model-versions/create", version("s3://x/y"), 200),
    Case(
        "a source on an FTP server", "model-versions/create", version("ftp://x/y"), 400, INVALID, "the 'ftp'"
    ),
    Case(
        "a source with an unknown model",
        "model-versions/create",
        version("s3://x/y", model_id=f"m-{OLD_RUN}"),
        404,
        MISSING,
        "Logged model with ID",
    ),
    Case(
        "a source in a run that is not named",
        "model-versions/create",
        version(f"runs:/{RUN}/model"),
        400,
        INVALID,
        "The run_id request parameter must identify",
    ),
    Case(
        "a source in the run that is named",
        "model-versions/create",
        version(f"runs:/{RUN}/model", run_id=RUN),
        200,
    ),
    Case("points of a run that is not there", INTERVAL, None, 200),
    Case("no outputs", "runs/outputs", {"run_id": RUN, "models": []}, 200),
    Case("outputs left out", "runs/outputs", {"run_id": RUN}, 400, INVALID, "parameter 'models'"),
    Case("models of no experiment", "logged-models/search", {"experiment_ids": []}, 200),
    Case("models, experiments left out", "logged-models/search", {}, 400, INVALID, "'experiment_ids'"),
    Case(
        "a dataset without name for an unknown run",
        "runs/log-inputs",
        {"run_id": OLD_RUN, "datasets": [{"dataset": {"digest": "a"}}]},
        404,
        MISSING,
        "not found",
    ),
    Case(
        "a bad stage of an unknown model",
        "registered-models/get-latest-versions",
        {"name": "nosuch", "stages": ["bad"]},
        404,
        MISSING,
        "Registered Model with name=nosuch not found",
    ),
    Case(
        "a bad stage",
        "registered-models/get-latest-versions",
        {"name": "model", "stages": ["bad"]},
        400,
        INVALID,
        "Invalid Model Version stage: bad",
    ),
    Case(
        "an alias of digits",
        "registered-models/alias",
        {"name": "model", "alias": "123", "version": "1"},
        200,
    ),
    Case(
        "an alias like a version",
        "registered-models/alias",
        {"name": "model", "alias": "v1", "version": "1"},
        400,
        INVALID,
        "'v1' is reserved",
    ),
    Case("a name of 256 letters", "registered-models/create", {"name": "a" * 256}, 200),
    Case("a name of 300 letters", "registered-models/create", {"name": "b" * 300}, 200),
    *(
        Case(
            f"the filter {text}", "runs/search", {"experiment_ids": ["0"], "filter": text}, 400, INVALID, says
        )
        for text, says in (
            ("params.a = abc", f"{BARE}abc"),
            ("attributes.status = FINISHED", f"{BARE}FINISHED"),
            ("tags.a = 5", f"{QUOTED}tag (e.g. 'my-value'). Got value 5"),
            ("metrics.a = abc", "Expected numeric value type for metric. Found abc"),
        )
    ),
)


class Api:
    """One server, with one run, one model and one version of it."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.run = self("runs/create", {"experiment_id": "0"})[1]["run"]["info"]["run_id"]
        self("registered-models/create", {"name": "model"})
        self("model-versions/create", version("s3://x/y"))

    def __call__(self, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(
                "GET" if body is None else "POST",
                path if path.startswith("/") else f"/api/2.0/mlflow/{path}",
                None if body is None else json.dumps(body).replace(RUN, getattr(self, "run", "")),
                {} if body is None else {"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module", params=["ours", "theirs"] if TEST_ALL else ["ours"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("server")
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("PAVED_", "MLFLOW_"))}
    port, options = str(free_port()), {"cwd": folder, "start_new_session": True}
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", port]
    environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    if request.param == "ours":
        command = [sys.executable, "-m", "pavedroad", "up", "--port", port]
        environ["PAVED_HOME"] = str(folder / "home")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environ, stdout=log, stderr=log, **options)  # type: ignore[call-overload]
    try:
        _wait_until_up(server, f"127.0.0.1:{port}", folder / "log")
        yield Api(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_until_up(server: subprocess.Popen[bytes], host: str, log: Path) -> None:
    while server.poll() is None:
        connection = http.client.HTTPConnection(host, timeout=10)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    pytest.fail(log.read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_an_odd_question_has_the_answer_of_mlflow(api: Api, case: Case) -> None:
    status, said = api(case.path, case.body)
    assert (status, said.get("error_code", "")) == (case.status, case.code), said
    assert case.says in said.get("message", "")


def test_a_run_that_was_just_made_tells_no_outputs_and_one_that_is_read_does(api: Api) -> None:
    made = api("runs/create", {"experiment_id": "0"})[1]["run"]
    read = api(f"runs/get?run_id={made['info']['run_id']}", None)[1]["run"]
    assert sorted(made) == ["data", "info", "inputs"]
    assert sorted(read) == ["data", "info", "inputs", "outputs"]


def test_a_tag_in_double_quotes_is_the_tag(api: Api) -> None:
    api("runs/set-tag", {"run_id": api.run, "key": "a", "value": "c"})
    for text, found in (("tags.\"a\" = 'c'", 1), ("tags.\"a\" != 'b'", 1), ("tags.\"a\" != 'c'", 0)):
        page = api("runs/search", {"experiment_ids": ["0"], "filter": text})[1]
        assert len(page.get("runs", ())) == found, text


@pytest.mark.parametrize(
    ("number", "limit", "steps"),
    [
        (10, 5, [0, 2, 4, 6, 9]),
        (10, 3, [0, 4, 9]),
        (23, 10, [0, 3, 6, 9, 11, 13, 15, 17, 19, 22]),
        (10, 1, [9]),
        (3, 4, [0, 1, 2]),
    ],
    ids=str,
)
def test_the_same_few_points_of_a_curve_are_chosen(
    api: Api, number: int, limit: int, steps: list[int]
) -> None:
    run_id = api("runs/create", {"experiment_id": "0"})[1]["run"]["info"]["run_id"]
    points = [{"key": "m", "value": 1, "timestamp": 1, "step": step} for step in range(number)]
    api("runs/log-batch", {"run_id": run_id, "metrics": points})
    asked = INTERVAL.replace("nosuch", run_id).replace("max_results=5", f"max_results={limit}")
    assert [point.get("step", 0) for point in api(asked, None)[1]["metrics"]] == steps
