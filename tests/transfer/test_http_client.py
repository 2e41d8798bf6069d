from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.conftest import need

from pavedroad.errors import Invalid, Unavailable
from pavedroad.tracking import ensure_experiment, get_run, has_run, log_param, start_run
from pavedroad.transfer.http_client import Answered, Credentials, HttpClient

USER, PASSWORD, TOKEN = "ada", "open sesame", "token-8400"
ALLOWED = (f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}", f"Bearer {TOKEN}")


class Guard(BaseHTTPRequestHandler):
    """Passes requests with credentials on, as the proxy in front of a team's server does."""

    protocol_version = "HTTP/1.1"
    behind = ""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") not in ALLOWED:
            self._answer(401, b'{"error_code": "UNAUTHENTICATED", "message": "who are you?"}')
            return
        connection = http.client.HTTPConnection(self.behind, timeout=60)
        headers = {name: self.headers[name] for name in ("Content-Type",) if name in self.headers}
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            self._answer(answer.status, answer.read())
        finally:
            connection.close()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server's own names

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests' own output is enough."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-signed, of 127.0.0.1, with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run(
            [*command, "-keyout", "key.pem", "-out", "cert.pem"], check=True, cwd=folder, capture_output=True
        )
    except FileNotFoundError:
        need(False, "openssl is not installed")
    return folder / "cert.pem"


@pytest.fixture
def guarded(live: Any, certificate: Path) -> Iterator[str]:
    """The https address of a server that asks for credentials."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    handler = type("GuardOfLive", (Guard,), {"behind": urlsplit(live.url).netloc})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url: str, **credentials: Any) -> Any:
    client = HttpClient(url, Credentials(**credentials))
    try:
        return client.call("GET", "/api/2.0/mlflow/experiments/get", query={"experiment_id": "0"})
    finally:
        client.close()


@pytest.mark.parametrize(
    "credentials", [{"username": USER, "password": PASSWORD}, {"token": TOKEN}], ids=["password", "token"]
)
def test_a_server_with_its_own_certificate_answers_to_who_trusts_it(
    guarded: str, certificate: Path, credentials: dict[str, str]
) -> None:
    answer = ask(guarded, certificates=str(certificate), **credentials)
    assert answer["experiment"]["name"] == "Default"
    assert ask(guarded, insecure_tls=True, **credentials) == answer


def test_credentials_may_stand_in_the_address_and_are_never_shown(guarded: str) -> None:
    client = HttpClient(guarded.replace("//", "//ada:open%20sesame@"), Credentials(insecure_tls=True))
    assert client.call("GET", "/api/3.0/mlflow/server-info")["keeps_ids"] is True
    assert client.address == guarded
    client.close()


def test_a_certificate_that_nobody_knows_is_told_with_what_to_do(guarded: str) -> None:
    with pytest.raises(Unavailable) as caught:
        ask(guarded, token=TOKEN)
    assert "cannot trust" in caught.value.message
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in caught.value.hint


def test_a_file_that_is_no_certificate_is_refused(guarded: str, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(Invalid, match=r"no\.pem"):
        ask(guarded, certificates=str(tmp_path / "no.pem"))


@pytest.mark.parametrize(
    "credentials", [{}, {"token": "wrong-4711"}, {"username": USER, "password": "wrong-4711"}]
)
def test_wrong_credentials_are_told_without_saying_them(guarded: str, credentials: dict[str, str]) -> None:
    with pytest.raises(Answered) as caught:
        ask(guarded, insecure_tls=True, **credentials)
    assert caught.value.answered == 401
    assert "MLFLOW_TRACKING_TOKEN" in caught.value.hint
    assert "4711" not in str(caught.value)


def test_a_guarded_server_is_imported_from_and_sent_to_by_the_commands(
    guarded: str, live: Any, certificate: Path, tmp_path: Path, paved: Callable[..., Any]
) -> None:
    db = live.record.db
    experiment = db.write(lambda tx: ensure_experiment(tx, "guarded", who="ada"))
    run_id = db.write(lambda tx: start_run(tx, experiment_id=experiment.id, user="ada"))
    db.write(lambda tx: log_param(tx, run_id, "lr", "0.1"))
    env = {
        "PAVED_HOME": str(tmp_path / "own"),
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificate),
    }
    said = paved("import", "mlflow", guarded, "--json", env=env)
    assert (said.json["matches"], said.json["counts"]["runs"]["taken"]) == (True, 1)
    back = paved("sync", guarded, "--json", env=env).json
    assert (back["matches"], back["counts"]["runs"]["taken"]) == (True, 1)
    assert has_run(db, run_id)
    assert get_run(db, run_id).params == {"lr": "0.1"}
    assert PASSWORD not in json.dumps(said.json) + json.dumps(back)
