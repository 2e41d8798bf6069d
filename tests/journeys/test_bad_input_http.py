"""Bad input over HTTP: never a 5xx, and the message names the value."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"
RUN = "{run}"  # stands for the id of a run that exists


class Case(NamedTuple):
    request: str
    body: Any
    status: int
    says: str


CASES = (
    # Bodies that are no request.
    Case("POST experiments/create", b"", 400, "required parameter 'name'"),
    Case("POST experiments/create", b"{", 400, "not valid JSON"),
    Case("POST experiments/create", b"\xff\xfe", 400, "not valid"),
    Case("POST experiments/create", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "nested"),
    Case("POST experiments/create", [], 400, "got `array`"),
    Case("POST experiments/create", None, 400, "required parameter 'name'"),
    # Values of the wrong kind, size or meaning.
    Case("POST experiments/create", {"name": ""}, 400, "'name'"),
    Case("POST experiments/create", {"name": 5}, 400, "Invalid value 5 for parameter 'name'"),
    Case("POST experiments/create", {"name": "a\0b"}, 400, "NUL"),
    Case("POST experiments/create", {"name": "\ud800"}, 400, ""),
    Case("POST experiments/create", {"name": "taken"}, 400, "Experiment(name=taken) already exists"),
    Case("GET experiments/get?experiment_id=77", None, 404, "id=77"),
    Case("GET experiments/get?experiment_id=abc", None, 400, "'abc'"),
    Case("GET experiments/get-by-name?experiment_name=none", None, 404, "'none'"),
    Case("POST experiments/search", {"max_results": -1}, 400, "-1"),
    Case("POST experiments/search", {"filter": "color = 1"}, 400, "'color'"),
    Case("POST experiments/search", {"page_token": "zzz"}, 400, "page token"),
    Case("POST runs/create", {"experiment_id": "77"}, 404, "id=77"),
    Case("GET runs/get?run_id=none", None, 404, "id=none"),
    Case("POST runs/update", {"run_id": RUN, "status": "DANCING"}, 400, "DANCING"),
    Case("POST runs/log-metric", {"key": "k", "value": 1, "timestamp": 1}, 400, "'run_id'"),
    Case("POST runs/log-metric", {"run_id": RUN, "key": "", "value": 1, "timestamp": 1}, 400, "'key'"),
    Case("POST runs/log-metric", {"run_id": RUN, "key": "k", "value": "many", "timestamp": 1}, 400, "many"),
    Case("POST runs/log-metric", {"run_id": RUN, "key": "k", "value": 1, "timestamp": "now"}, 400, "now"),
    Case(
        "POST runs/log-metric", {"run_id": RUN, "key": "k", "value": 1, "timestamp": 2**63}, 400, str(2**63)
    ),
    Case(
        "POST runs/log-metric",
        {"run_id": RUN, "key": "k", "value": 1, "timestamp": 1, "step": 0.5},
        400,
        "0.5",
    ),
    Case("POST runs/log-parameter", {"run_id": RUN, "key": "p" * 300, "value": "1"}, 400, "250"),
    Case("POST runs/log-parameter", {"run_id": RUN, "key": "../p", "value": "1"}, 400, "../p"),
    Case("POST runs/log-parameter", {"run_id": RUN, "key": "depth", "value": "9"}, 400, "depth"),
    Case(
        "POST runs/log-batch",
        {"run_id": RUN, "metrics": [{"key": "k", "value": 1, "timestamp": 1, "step": 0}] * 1001},
        400,
        "1001",
    ),
    Case(
        "POST runs/log-batch",
        {"run_id": RUN, "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]},
        400,
        "['a']",
    ),
    Case("POST runs/search", {"experiment_ids": ["1"], "filter": "metrics.loss >"}, 400, "metric"),
    Case("POST runs/search", {"experiment_ids": ["1"], "filter": "params.a > 1"}, 400, "'>'"),
    Case("POST runs/search", {"experiment_ids": ["1"], "filter": "'; DROP TABLE runs"}, 400, ""),
    Case("POST runs/search", {"experiment_ids": ["1"], "order_by": ["metrics.x SIDEWAYS"]}, 400, "SIDEWAYS"),
    Case("POST runs/search", {"experiment_ids": ["1"], "max_results": 10**6}, 400, "1000000"),
    Case(f"GET artifacts/list?run_id={RUN}&path=../..", None, 400, "Invalid path"),
    # Models.
    Case("POST registered-models/create", {"name": "m"}, 400, "(name=m) already exists"),
    Case("GET registered-models/get?name=none", None, 404, "name=none"),
    Case("POST registered-models/alias", {"name": "m", "alias": "v1", "version": "1"}, 400, "'v1'"),
    Case("POST registered-models/alias", {"name": "m", "alias": "latest", "version": "1"}, 400, "'latest'"),
    Case("POST registered-models/alias", {"name": "m", "alias": "a b", "version": "1"}, 400, "'a b'"),
    Case("POST registered-models/alias", {"name": "m", "alias": "x", "version": "77"}, 404, "version=77"),
    Case("POST model-versions/create", {"name": "none", "source": "runs:/a"}, 404, "name=none"),
    Case(
        "POST model-versions/create", {"name": "m", "source": "file:///etc/passwd"}, 400, "file:///etc/passwd"
    ),
    Case("GET model-versions/get?name=m&version=abc", None, 400, "'abc'"),
    Case("GET model-versions/get?name=m&version=" + "9" * 30, None, 404, "9" * 30),
    Case("POST model-versions/transition-stage", {"name": "m", "version": "1", "stage": "Moon"}, 400, "Moon"),
    # Addresses.
    Case("GET runs/dance", None, 404, "runs/dance"),
    Case("DELETE runs/get", None, 405, "DELETE"),
    Case(f"GET {FILES}../../etc/passwd", None, 400, "Invalid path"),
    Case(f"GET {FILES}1/{RUN}/artifacts/..%2f..%2fx", None, 400, "Invalid path"),
    Case(f"PUT {FILES}1/{RUN}/artifacts/..%2f..%2fx", b"x", 400, "Invalid path"),
    Case(f"GET {FILES}1/{RUN}/artifacts/none", None, 404, "none"),
    Case(f"GET {FILES}1/{RUN}/artifacts/a%00b", None, 400, ""),
    Case("GET /static/..%2f..%2fapp.py", None, 404, "app.py"),
    # Pages.
    Case("GET /nosuch", None, 404, "/nosuch"),
    Case("GET /runs/none", None, 404, "'none'"),
    Case("GET /runs/none.json", None, 404, "'none'"),
    Case(f"GET /runs/{RUN}/metrics/none", None, 404, "'none'"),
    Case("GET /runs?filter=metrics.", None, 400, "metrics."),
    Case("GET /artifacts/modle/x", None, 400, "'modle'"),
    Case("GET /artifacts/model/none", None, 404, "'model/none'"),
    Case("GET /models/none", None, 404, "name=none"),
    Case("GET /models/m/77", None, 404, "version=77"),
    Case("GET /models/m/%ff", None, 404, "version="),
    Case("GET /journal?before=abc", None, 400, "'abc'"),
)
# The same requests with a head that does not belong.
HEADS = (
    Case("GET /", {"Host": "evil.example"}, 403, "'evil.example'"),
    Case("POST experiments/create", {"Origin": "http://evil.example"}, 403, "'http://evil.example'"),
    Case("POST experiments/create", {"Content-Length": "-1"}, 400, ""),
)


@pytest.fixture(scope="module")
def run_id(shared_live: Any) -> Iterator[str]:
    """A run with one parameter, an experiment whose name is taken, a model with one version."""
    ask(shared_live.url, "POST", f"{API}experiments/create", b'{"name": "taken"}')
    run = ask(shared_live.url, "POST", f"{API}runs/create", b'{"experiment_id": "1"}')[1]
    run_id = json.loads(run)["run"]["info"]["run_id"]
    for path, body in (
        ("runs/log-parameter", {"run_id": run_id, "key": "depth", "value": "8"}),
        ("registered-models/create", {"name": "m"}),
        ("model-versions/create", {"name": "m", "source": f"runs:/{run_id}/model", "run_id": run_id}),
    ):
        status, answer = ask(shared_live.url, "POST", API + path, json.dumps(body).encode())
        assert status == 200, answer
    yield run_id
    assert ask(shared_live.url, "GET", "/health", None) == (200, "OK"), "it is well after all this"


def ask(url: str, method: str, path: str, body: bytes | None, **head: str) -> tuple[int, str]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json", **head})
        response = connection.getresponse()
        return response.status, response.read().decode()


def address(request: str, run_id: str) -> tuple[str, str]:
    method, _, path = request.replace(RUN, run_id).partition(" ")
    return method, path if path.startswith("/") else API + path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.request[:40])
def test_bad_input_gets_a_4xx_that_names_the_value(shared_live: Any, run_id: str, case: Case) -> None:
    method, path = address(case.request, run_id)
    body = case.body
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).replace(RUN, run_id).encode()
    status, answer = ask(shared_live.url, method, path, body)
    assert status == case.status, answer
    assert "Traceback" not in answer
    if path.startswith(("/api/", "/static/")) or path.endswith(".json"):
        message = json.loads(answer)
        assert message["error_code"] not in ("", "INTERNAL_ERROR")
        answer = message["message"]
    assert case.says in answer


@pytest.mark.parametrize("case", HEADS, ids=lambda case: str(case.body))
def test_a_head_that_does_not_belong_is_refused(shared_live: Any, run_id: str, case: Case) -> None:
    method, path = address(case.request, run_id)
    status, answer = ask(shared_live.url, method, path, b'{"name": "q"}', **case.body)
    assert status == case.status, answer
    assert case.says in answer


def test_a_page_that_cannot_be_shown_says_why_and_where_to_go(shared_live: Any, run_id: str) -> None:
    status, page = ask(shared_live.url, "GET", "/runs/none", None, Accept="text/html")
    assert status == 404
    assert "<!doctype html>" in page.lower()
    assert "no run" in page
    assert "paved runs" in page


def test_a_request_larger_than_the_limit_is_refused_with_the_setting(shared_live: Any, run_id: str) -> None:
    status, answer = ask(shared_live.url, "POST", f"{API}experiments/create", b"x" * (33 * 2**20))
    assert status == 413
    assert "max_body_bytes" in answer
