from __future__ import annotations

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from pavedroad.server.not_answered import AREAS, not_answered, twins


def example(path: str) -> str:
    return re.sub(r"\{[^}]*:path\}", "a/b", re.sub(r"\{\w+\}", "x1", path))


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_every_route_of_an_area_is_refused_with_what_to_do_instead(shared_live: Any, area: Any) -> None:
    connection = http.client.HTTPConnection(urlsplit(shared_live.url).netloc, timeout=30)
    for method, path in area.routes():
        for twin in twins(path):
            body = b"{}" if method in ("POST", "PUT", "PATCH") else None
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, example(twin), body=body, headers=headers)
            response = connection.getresponse()
            told = json.loads(response.read())
            assert (response.status, told["error_code"]) == (501, "NOT_IMPLEMENTED"), (method, twin)
            assert area.says in told["message"]
            assert area.instead in told["message"]
    connection.close()


def test_a_page_asked_for_by_a_browser_is_refused_with_a_page(shared_live: Any) -> None:
    connection = http.client.HTTPConnection(urlsplit(shared_live.url).netloc, timeout=30)
    connection.request("GET", "/graphql", headers={"Accept": "text/html"})
    response = connection.getresponse()
    assert response.status == 501
    assert b"<html" in response.read()
    connection.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/2.0/mlflow/nothing"),
        ("PUT", "/api/3.0/mlflow/traces"),
        ("GET", "/api/3.0/mlflow/tracesx"),
        ("GET", "/x/graphql"),
        ("POST", "/gateway/"),
        ("GET", "/build/"),
    ],
)
def test_what_mlflow_has_not_either_is_not_known(method: str, path: str) -> None:
    assert not_answered(method, path) is None
