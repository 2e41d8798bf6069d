"""No request, however odd, is answered with a 5xx or a traceback, but for the 501 of what is not answered.

`PAVED_TEST_SEED` chooses other requests, `PAVED_TEST_REQUESTS` their number; a failure names the seed.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import urllib.request
from collections import Counter
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from tests.server.requests_at_random import Request, Source

from pavedroad.record import Record
from pavedroad.server.app import make_app

SEED = int(os.environ.get("PAVED_TEST_SEED", "1"))
TEST_ALL = os.environ.get("PAVED_TEST_ALL") == "1"
NUMBER = int(os.environ.get("PAVED_TEST_REQUESTS", "50000" if TEST_ALL else "5000"))
OVER_SOCKETS = NUMBER // 25
AT_ONCE = 8
GONE_EVERY = 50
SOWN_EVERY = 250
KEPT_BYTES = 500_000
TRACEBACK = (b"Traceback (most recent", b'File "/', b"site-packages")


class Answer:
    def __init__(self) -> None:
        self.status = 0
        self.kind = ""
        self.body = b""


class InProcess:
    """The app, asked without a network."""

    def __init__(self, record: Record) -> None:
        self.app: Any = make_app(record)

    @property
    def routes(self) -> list[Any]:
        found: list[Any] = self.app._starlette.router.routes
        return found

    async def ask(self, request: Request, *, is_gone: bool = False) -> Answer:
        """The answer; with `is_gone` the client hangs up once it has sent everything."""
        raw_path, _, query = request.target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in request.headers],
            "client": ("127.0.0.1", 5),
            "server": ("testserver", 80),
        }
        answer = Answer()
        pieces = [{"type": "http.request", "body": request.body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not pieces and not is_gone:
                await asyncio.Event().wait()  # until the answer is there
            return pieces.pop() if pieces else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                headers = {name.lower(): value for name, value in message["headers"]}
                answer.kind = headers.get(b"content-type", b"").decode("latin-1")
            elif len(answer.body) < KEPT_BYTES:
                answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        return answer


def wrong(request: Request, answer: Answer) -> str:
    """What is wrong with an answer; "" for nothing."""
    if not 200 <= answer.status < 500 and answer.status != 501:
        return f"status {answer.status}"
    if any(words in answer.body for words in TRACEBACK):
        return "a traceback"
    if (
        answer.status >= 400
        and request.target.startswith(("/api/", "/ajax-api/"))
        and request.method != "HEAD"
    ):
        told = json.loads(answer.body)
        if not (told.get("error_code") and told.get("message")):
            return "an error without code or message"
        if answer.status == 501 and told["error_code"] != "NOT_IMPLEMENTED":
            return "a 501 that is none"
    return ""


class Seeds:
    """Puts a little of everything into the record, so that requests meet something."""

    def __init__(self, app: InProcess) -> None:
        self._app = app
        self._number = 0

    async def sow(self) -> dict[str, tuple[str, ...]]:
        """New names and ids. Earlier requests may have deleted the ones before."""
        self._number += 1
        name = f"m{self._number}"
        experiment = (await self._post("experiments/create", {"name": name}))["experiment_id"]
        runs = [await self._run(experiment, number) for number in range(3)]
        logged = {"experiment_id": experiment, "name": "m", "source_run_id": runs[0]}
        models = [(await self._post("logged-models", logged))["model"]["info"]["model_id"] for _ in range(2)]
        await self._post("registered-models/create", {"name": name})
        for _ in range(3):
            await self._post("model-versions/create", {"name": name, "source": "s3://b/k", "run_id": runs[0]})
        await self._post("registered-models/alias", {"name": name, "alias": "blue", "version": "1"})
        events = [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]
        hook = {"name": "m", "url": "https://hooks.example.org/x", "events": events}
        webhook = (await self._post("webhooks", hook))["webhook"]["webhook_id"]
        files = f"{experiment}/{runs[0]}/artifacts"
        for path in ("a.txt", "t.csv", "deep/b.json"):
            target = f"/api/2.0/mlflow-artifacts/artifacts/{files}/{path}"
            put = Request("PUT", target, [("host", "testserver")], b"a,b\n1,2\n")
            assert (await self._app.ask(put)).status == 200
        parts = f"/api/2.0/mlflow-artifacts/mpu/create/{files}"
        upload = (await self._post(parts, {"path": "big.bin", "num_parts": 2}))["upload_id"]
        return self._names(name, experiment, runs, models, webhook, files, upload)

    @staticmethod
    def _names(
        name: str, experiment: str, runs: list[str], models: list[str], webhook: str, files: str, upload: str
    ) -> dict[str, tuple[str, ...]]:
        paths = ("a.txt", "deep", "deep/b.json", files, f"{files}/a.txt", f"{files}/t.csv", "")
        views = ("ACTIVE_ONLY", "ALL", "DELETED_ONLY")
        return {
            **dict.fromkeys(("run_id", "run_uuid", "run_ids", "run", "runs", "source_run_id"), tuple(runs)),
            **dict.fromkeys(("experiment_id", "experiment_ids", "experiments"), (experiment,)),
            **dict.fromkeys(("model_id", "model_ids"), tuple(models)),
            **dict.fromkeys(
                ("path", "artifact_file_path", "artifact_directory_path", "artifact_path"), paths
            ),
            **dict.fromkeys(("view_type", "run_view_type"), views),
            "name": (name, name, name, "m"),
            "version": ("1", "2", "3"),
            "alias": ("blue", "green"),
            "webhook_id": (webhook,),
            "upload_id": (upload,),
            "metric_key": ("acc",),
            "page_token": ("eyJvZmZzZXQiOiAxfQ==", ""),
            "status": ("FINISHED", "RUNNING", "FAILED", "LOGGED_MODEL_READY", "ACTIVE", "DISABLED"),
            "stage": ("Staging", "Archived", "None"),
            "entity": ("REGISTERED_MODEL", "MODEL_VERSION"),
            "action": ("CREATED", "SET", "delete", "restore"),
            "url": ("https://hooks.example.org/x",),
            "source": ("s3://b/k", f"runs:/{runs[0]}/deep", f"models:/{models[0]}", f"models:/{name}/1"),
            "kind": ("model", "run", "pipeline", "dataset"),
            "format": ("csv", "json", "arrow"),
            "model_json": ('{"artifact_path": "a", "flavors": {}, "utc_time_created": "x", "run_id": "y"}',),
        }

    async def _run(self, experiment: str, number: int) -> str:
        asked = {"experiment_id": experiment, "run_name": "m"}
        run: str = (await self._post("runs/create", asked))["run"]["info"]["run_id"]
        points = [{"key": "acc", "value": step / 9, "timestamp": step, "step": step} for step in range(20)]
        params = [{"key": "lr", "value": str(number)}]
        await self._post("runs/log-batch", {"run_id": run, "metrics": points, "params": params})
        return run

    async def _post(self, path: str, message: Any) -> Any:
        headers = [("content-type", "application/json"), ("host", "testserver")]
        target = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        answer = await self._app.ask(Request("POST", target, headers, json.dumps(message).encode()))
        assert answer.status == 200, (path, answer.body)
        return json.loads(answer.body)


async def ask_all(record: Record, first: int, number: int) -> tuple[list[str], Counter[int]]:
    app = InProcess(record)
    seeds = Seeds(app)
    source = Source(app.routes, await seeds.sow())
    failures: list[str] = []
    statuses: Counter[int] = Counter()
    waiting = iter(range(first, first + number))

    async def ask_some() -> None:
        for at in waiting:
            if at % SOWN_EVERY == 0:
                source.known = await seeds.sow()
            request = source.request(SEED, at)
            try:
                answer = await app.ask(request, is_gone=at % GONE_EVERY == 0)
                says = "" if not answer.status and at % GONE_EVERY == 0 else wrong(request, answer)
                statuses[answer.status] += 1
            except Exception as error:
                answer, says = Answer(), f"{type(error).__name__}: {error}"
            if says:
                failures.append(f"request {at} of seed {SEED}: {says}\n{request}\n{answer.body[:500]!r}")

    await asyncio.gather(*(ask_some() for _ in range(AT_ONCE)))
    return failures, statuses


@pytest.mark.timeout(900)
def test_no_request_breaks_the_server(any_record: Record, caplog: pytest.LogCaptureFixture) -> None:
    print(f"seed {SEED}, {NUMBER} requests")
    failures, statuses = asyncio.run(ask_all(any_record, 0, NUMBER))
    print(dict(sorted(statuses.items())))
    assert not failures, "\n\n".join(failures[:20])
    assert not [log.message for log in caplog.records if log.name == "pavedroad.server"]
    # They are not all refused at the first door.
    assert statuses[200] > NUMBER / 4
    assert statuses[400] > NUMBER / 10


def over_socket(address: tuple[str, int], data: bytes) -> bytes:
    """The first bytes of what comes back for bytes as they are; b"" when the server hangs up."""
    with socket.create_connection(address, timeout=30) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answered = b""
            while len(answered) < KEPT_BYTES and (piece := connection.recv(65536)):
                answered += piece
        except TimeoutError:
            raise
        except OSError:  # it hung up before it was told everything
            return b""
    return answered


def as_bytes(request: Request, at: int) -> bytes:
    """A request on the wire, in one of several ways of saying how long its body is."""
    lines = [f"{request.method} {request.target} HTTP/1.1".encode()]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in request.headers]
    lines.append(b"connection: close")
    if at % 3 == 0:
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(request.body), request.body) if request.body else b"0\r\n\r\n"
        return b"\r\n".join([*lines, b"transfer-encoding: chunked", b"", chunk])
    length = len(request.body) + (0, 0, 0, 0, 0, 7, -1)[at % 7]
    return b"\r\n".join([*lines, b"content-length: %d" % max(length, 0), b"", request.body])


NO_REQUESTS = (
    b"",
    b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
    b"POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nhost: localhost\r\ncontent-length: -5\r\n\r\n{}",
    b"POST /version HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n{}",
    b"GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET http://localhost/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n" * 50,
)


@pytest.mark.timeout(600)
def test_nothing_that_comes_over_a_socket_breaks_the_server(live: Any) -> None:
    print(f"seed {SEED}, {OVER_SOCKETS} requests")
    parts = urlsplit(live.url)
    address = (str(parts.hostname), int(parts.port or 0))
    source = Source([], {})
    for at in range(OVER_SOCKETS):
        request = source.request(SEED, 10**9 + at)
        headers = [(name, value if value != "testserver" else "localhost") for name, value in request.headers]
        answered = over_socket(address, as_bytes(request._replace(headers=headers), at))
        status = answered[9:12]
        assert not status.startswith(b"5") or status == b"501", (
            f"request {at} of seed {SEED}\n{request}\n{answered!r}"
        )
        assert not any(words in answered for words in TRACEBACK), request
    for data in NO_REQUESTS:
        answered = over_socket(address, data)
        assert b"HTTP/1.1 5" not in answered, (data[:200], answered[:500])
    with urllib.request.urlopen(f"{live.url}/health", timeout=10) as response:
        assert response.read() == b"OK"
    log = live.log.read_text()
    assert "Traceback" not in log, log[-5000:]
