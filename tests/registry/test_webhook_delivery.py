from __future__ import annotations

import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pavedroad.record import Record
from pavedroad.registry import webhook_delivery, webhooks
from pavedroad.registry.webhook_addresses import AllowedHosts, read_allowed
from pavedroad.registry.webhook_delivery import Sent, delivering_webhooks, secrets_of, send
from pavedroad.registry.webhooks import Webhook

HERE = read_allowed("127.0.0.1")


class Receiver(http.server.ThreadingHTTPServer):
    """Answers with the statuses it was given, then 200; remembers the delivery ids."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.ids: list[str] = []
        self.wait_s = 0.0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no matter of this test."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.ids.append(self.headers["X-MLflow-Delivery-Id"])
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.wait_s)
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def post(url: str, allowed: AllowedHosts = HERE) -> Sent:
    return send(url, b"{}", delivery_id="d", secret=None, allowed=allowed)


def test_a_good_answer_is_success(receiver: Receiver) -> None:
    assert post(receiver.url).is_good


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_receiver_that_may_recover_is_worth_a_retry(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    assert post(receiver.url).is_worth_a_retry


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 501])
def test_a_receiver_that_refuses_or_sends_elsewhere_is_not(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    sent = post(receiver.url)
    assert (sent.status, sent.is_good, sent.is_worth_a_retry) == (status, False, False)
    assert len(receiver.ids) == 1


def test_nobody_there_is_worth_a_retry() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        sent = post(f"http://127.0.0.1:{bound.getsockname()[1]}/")
    assert sent.is_worth_a_retry
    assert "refused" in sent.error


def test_an_address_that_is_not_allowed_is_never_called(receiver: Receiver) -> None:
    sent = post(receiver.url.replace("http", "https"), AllowedHosts())
    assert sent.error.startswith("refused: Webhook URL must not resolve to a non-public IP address")
    assert not sent.is_worth_a_retry
    assert receiver.ids == []


def test_a_slow_receiver_is_left(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_delivery, "ANSWER_WITHIN_S", 0.2)
    receiver.wait_s = 1.0
    sent = post(receiver.url)
    assert (sent.status, sent.is_worth_a_retry) == (0, True)


def test_a_receiver_that_answers_drop_by_drop_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_delivery, "END_WITHIN_S", 0.5)
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connected, _ = listening.accept()
            with connected:
                connected.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stopped.wait(0.05):
                    try:
                        connected.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        sent = post(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        stopped.set()
        thread.join()
    assert (sent.status, sent.is_worth_a_retry) == (0, True)


def test_a_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    make = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([openssl, *make.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    url = receiver.url.replace("http://127.0.0.1", "https://localhost")
    allowed = read_allowed("localhost")
    assert post(url, allowed).error.startswith("TLS: ")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    assert post(url, allowed).is_good


def calling_here(record: Record) -> Record:
    """The record of a server that may call this machine."""
    settings = msgspec.structs.replace(record.settings, webhook_hosts="127.0.0.1")
    return msgspec.structs.replace(record, settings=settings)


def queue(record: Record, url: str, number: int = 1, **fields: Any) -> Webhook:
    """A webhook with so many events waiting for it."""
    webhook = Webhook(
        id="w", name="hook", url=url, events=("prompt.created",), created_ms=1, updated_ms=1, **fields
    )
    record.db.write(lambda tx: webhooks.create_webhook(tx, webhook, who="ada"))
    for _ in range(number):
        record.db.write(lambda tx: webhooks.announce(tx, "prompt.created", {"name": "a"}))
    return webhook


def wait_for(record: Record, webhook: Webhook, is_so: Callable[[list[webhooks.Delivery]], bool]) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        deliveries = webhooks.list_deliveries(record.db, webhook.id, limit=1000)
        if is_so(deliveries):
            return deliveries
        time.sleep(0.05)
    pytest.fail(f"still {deliveries}")


def test_two_servers_send_each_event_once(any_record: Record, receiver: Receiver) -> None:
    record = calling_here(any_record)
    webhook = queue(record, receiver.url, number=40)
    with delivering_webhooks(record), delivering_webhooks(record):
        wait_for(record, webhook, lambda sent: all(each.state == "delivered" for each in sent))
    assert len(receiver.ids) == len(set(receiver.ids)) == 40


def test_an_attempt_that_failed_is_noted_and_waits(any_record: Record, receiver: Receiver) -> None:
    record = calling_here(any_record)
    receiver.answers = [503]
    webhook = queue(record, receiver.url)
    with delivering_webhooks(record):
        (after,) = wait_for(record, webhook, lambda sent: sent[0].http_status == 503)
        assert (after.state, after.attempts, after.error) == ("waiting", 1, "answered 503")
        (after,) = wait_for(record, webhook, lambda sent: sent[0].state == "delivered")
    assert (after.attempts, after.http_status, after.error) == (2, 200, "")


def test_after_the_last_attempt_it_failed(
    record: Record, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_delivery, "DELAYS_S", (0, 0))
    record = calling_here(record)
    receiver.answers = [500] * 9
    webhook = queue(record, receiver.url)
    with delivering_webhooks(record):
        (after,) = wait_for(record, webhook, lambda sent: sent[0].state == "failed")
    assert (after.attempts, len(receiver.ids)) == (3, 3)


def test_a_sender_that_died_is_replaced_when_its_lease_is_over(record: Record, receiver: Receiver) -> None:
    record = calling_here(record)
    webhook = queue(record, receiver.url)
    claim = {"id": webhooks.list_deliveries(record.db, "w")[0].id, "now_ms": 2**62, "lease_ms": 1}
    record.db.write(lambda tx: tx.run(webhooks.SQL.claim_delivery, **claim))
    with delivering_webhooks(record):
        (after,) = wait_for(record, webhook, lambda sent: sent[0].state == "delivered")
    assert after.attempts == 2


def test_a_secret_that_is_not_on_this_machine_is_said_to_be_missing(
    record: Record, receiver: Receiver
) -> None:
    record = calling_here(record)
    webhook = queue(record, receiver.url, has_secret=True)
    assert secrets_of(record).get(webhooks.secret_name("w")) is None
    with delivering_webhooks(record):
        (after,) = wait_for(record, webhook, lambda sent: sent[0].state == "failed")
    assert "its secret is not on this machine" in after.error
    assert receiver.ids == []


def test_old_deliveries_are_forgotten(record: Record) -> None:
    webhook = queue(record, "https://hooks.example.org/", number=2)
    first, second = webhooks.list_deliveries(record.db, webhook.id)
    for each in (first, second):
        end = {"id": each.id, "next_ms": 0, "http_status": 200, "error": ""}
        record.db.write(lambda tx, e=end: tx.run(webhooks.SQL.end_delivery, state="delivered", **e))
    week_ago = first.created_ms - 8 * 86_400_000
    record.db.write(
        lambda tx: tx.run(
            f"UPDATE webhook_deliveries SET created_ms = {week_ago} WHERE id = :id", id=first.id
        )
    )
    with delivering_webhooks(record):
        wait_for(record, webhook, lambda sent: [each.id for each in sent] == [second.id])
