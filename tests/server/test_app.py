"""The table of routes, the guard, and answers to what cannot be answered."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from pavedroad.server.app import EXACT, MLFLOW_PREFIXES


def ask(
    live: Any,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, str, str]:
    """Status, content type and text."""
    request = urllib.request.Request(live.url + path, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers["content-type"], response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read().decode()


def test_health_and_version(live: Any) -> None:
    assert ask(live, "/health")[::2] == (200, "OK")
    assert ask(live, "/version")[0] == 200


def test_every_mlflow_path_stands_under_both_prefixes() -> None:
    first, second = ({key for key in EXACT if key[1].startswith(prefix)} for prefix in MLFLOW_PREFIXES)
    assert len(first) == len(second) == len(EXACT) / 2


def test_an_unknown_api_path_is_json(live: Any) -> None:
    status, kind, text = ask(live, "/api/2.0/mlflow/nothing")
    assert (status, kind) == (404, "application/json")
    assert json.loads(text)["error_code"] == "ENDPOINT_NOT_FOUND"


def test_an_unknown_page_is_a_page_for_a_browser(live: Any) -> None:
    status, kind, text = ask(live, "/nothing", headers={"Accept": "text/html"})
    assert (status, kind) == (404, "text/html; charset=utf-8")
    assert "nothing is at /nothing" in text


def test_a_wrong_method_is_405(live: Any) -> None:
    status, _, text = ask(live, "/api/2.0/mlflow/runs/create")
    assert status == 405
    assert "does not answer GET" in text


def test_a_body_over_the_limit_is_413(live: Any) -> None:
    body = b'{"name": "' + b"x" * (33 * 2**20) + b'"}'
    status, _, text = ask(
        live,
        "/api/2.0/mlflow/experiments/create",
        method="POST",
        body=body,
        headers={"Content-Type": "application/json"},
    )
    assert status == 413
    assert "larger than 33,554,432 bytes" in text


@pytest.mark.parametrize("host", ["evil.example", "169.254.169.254", "localhost.evil.example:8400"])
def test_a_foreign_host_name_is_refused(live: Any, host: str) -> None:
    connection = http.client.HTTPConnection(live.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/health", headers={"Host": host})
    assert connection.getresponse().status == 403
    connection.close()


def test_a_write_from_another_sites_page_is_refused(live: Any) -> None:
    status, _, text = ask(
        live,
        "/api/2.0/mlflow/experiments/create",
        method="POST",
        body=b'{"name": "x"}',
        headers={"Origin": "https://evil.example", "Content-Type": "application/json"},
    )
    assert status == 403
    assert "may not write here" in text
