"""A server in this process and a plain HTTP client for it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from pavedroad.config import Settings
from pavedroad.record import Record, open_record
from pavedroad.server import embedded


class Answered:
    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """`api("POST", "runs/create", {...})`; a path that begins with / is taken as it is."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def __call__(
        self,
        method: str,
        path: str,
        message: Any = None,
        *,
        body: bytes | None = None,
        content_type: str | None = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answered:
        if body is None and message is not None:
            body = json.dumps(message).encode()
        headers = dict(headers or {})
        if body is not None and content_type:
            headers["Content-Type"] = content_type
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            target = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return Answered(response.status, response.headers, response.read())
        finally:
            connection.close()

    def ok(self, method: str, path: str, message: Any = None, **options: Any) -> Any:
        """The JSON of an answer that must be good."""
        answered = self(method, path, message, **options)
        assert answered.status == 200, (path, answered.status, answered.body)
        return answered.json if answered.body else None

    def new_run(self, **values: Any) -> str:
        created = self.ok("POST", "runs/create", {"experiment_id": "0", "start_time": 1, **values})
        return str(created["run"]["info"]["run_id"])


@pytest.fixture
def api(record: Record) -> Iterator[Api]:
    server = embedded.start(record)
    yield Api(server.url)
    server.stop()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_record(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Record]:
    """A record on each database for a whole module: its tests only read, or keep to runs of their own."""
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").new_database(migrated=True)
    opened = open_record(Settings(home=tmp_path_factory.mktemp("shared"), user="ada", database=database))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_api(shared_record: Record) -> Iterator[Api]:
    server = embedded.start(shared_record)
    yield Api(server.url)
    server.stop()


@pytest.fixture
def any_api(any_record: Record) -> Iterator[Api]:
    server = embedded.start(any_record)
    yield Api(server.url)
    server.stop()
