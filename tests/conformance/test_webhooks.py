"""Webhooks through MLflow's own client and a receiver that checks what MLflow's receivers check."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import sqlite3
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pavedroad.config import Settings

SECRET = "correct horse battery staple"


class Receiver:
    """A real HTTP server. `answers` are the statuses of its next answers; then 200."""

    def __init__(self) -> None:
        received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        answers: list[int] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.put((dict(self.headers), body))
                status = answers.pop(0) if answers else 200
                self.send_response(status)
                self.send_header("Content-Length", "2")
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: Any) -> None:
                pass

        self.answers = answers
        self._received = received
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook?x=1"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and message of the next request; its signature is right."""
        headers, body = self._received.get(timeout=20)
        return headers, self._checked(headers, body)

    def events(self, number: int) -> dict[str, dict[str, Any]]:
        told = [self.next()[1] for _ in range(number)]
        return {f"{each['entity']}.{each['action']}": each["data"] for each in told}

    def is_silent(self) -> bool:
        return self._received.empty()

    def _checked(self, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        assert headers["Content-Type"] == "application/json"
        uuid.UUID(headers["X-MLflow-Delivery-Id"])
        assert abs(time.time() - int(headers["X-MLflow-Timestamp"])) < 60
        signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.".encode() + body
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
        assert headers["X-MLflow-Signature"] == "v1," + base64.b64encode(expected).decode()
        message: dict[str, Any] = json.loads(body)
        assert list(message) == ["entity", "action", "timestamp", "data"]
        return message

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver()
    yield started
    started.stop()


@pytest.fixture
def server(settings: Settings, start_server: Callable[..., Any]) -> Any:
    """A server that may call this machine."""
    settings.home.mkdir(parents=True)
    (settings.home / "paved.toml").write_text('webhook_hosts = "127.0.0.1"\n')
    return start_server(settings)


@pytest.fixture
def client(mlflow: Any, server: Any) -> Any:
    return mlflow.MlflowClient(tracking_uri=server.url, registry_uri=server.url)


def hook(client: Any, receiver: Receiver, *events: str, **options: Any) -> Any:
    from mlflow.entities.webhook import WebhookEvent

    return client.create_webhook(
        name="flights",
        url=receiver.url,
        events=[WebhookEvent.from_str(event) for event in events],  # type: ignore[arg-type]
        **{"secret": SECRET, **options},
    )


def test_a_webhook_is_made_listed_changed_and_deleted(client: Any, receiver: Receiver) -> None:
    made = hook(client, receiver, "model_version.created", "model_version_tag.set", description="tells us")
    assert [str(event) for event in made.events] == ["model_version.created", "model_version_tag.set"]
    assert (made.name, made.url, made.description, str(made.status)) == (
        "flights",
        receiver.url,
        "tells us",
        "ACTIVE",
    )
    assert repr(client.get_webhook(made.webhook_id)) == repr(made)
    assert [each.webhook_id for each in client.list_webhooks()] == [made.webhook_id]
    changed = client.update_webhook(made.webhook_id, name="late", status="DISABLED")
    assert (changed.name, str(changed.status), changed.description) == ("late", "DISABLED", "tells us")
    client.delete_webhook(made.webhook_id)
    assert list(client.list_webhooks()) == []


def test_every_event_of_a_model_is_told_as_mlflow_tells_it(client: Any, receiver: Receiver) -> None:
    hook(
        client,
        receiver,
        "registered_model.created",
        "model_version.created",
        "model_version_tag.set",
        "model_version_tag.deleted",
        "model_version_alias.created",
        "model_version_alias.deleted",
    )
    client.create_registered_model("late", tags={"team": "a"}, description="late flights")
    client.create_model_version("late", "s3://models/late", tags={"t": "1"}, description="first")
    client.set_model_version_tag("late", "1", "k", "v")
    client.delete_model_version_tag("late", "1", "k")
    client.set_registered_model_alias("late", "blue", "1")
    client.delete_registered_model_alias("late", "blue")
    assert receiver.events(6) == {
        "registered_model.created": {"name": "late", "tags": {"team": "a"}, "description": "late flights"},
        "model_version.created": {
            "name": "late",
            "version": "1",
            "source": "s3://models/late",
            "run_id": None,
            "tags": {"t": "1"},
            "description": "first",
        },
        "model_version_tag.set": {"name": "late", "version": "1", "key": "k", "value": "v"},
        "model_version_tag.deleted": {"name": "late", "version": "1", "key": "k"},
        "model_version_alias.created": {"name": "late", "alias": "blue", "version": "1"},
        "model_version_alias.deleted": {"name": "late", "alias": "blue"},
    }


def test_a_command_beside_the_server_is_told_too(
    client: Any, receiver: Receiver, server: Any, paved: Callable[..., Any]
) -> None:
    from pavedroad.registry import registration

    hook(client, receiver, "registered_model.created")
    server.record.db.write(lambda tx: registration.create_model(tx, "beside", who="ada"))
    assert receiver.events(1)["registered_model.created"]["name"] == "beside"
    shown = paved("webhooks", "flights", "--json").json
    assert shown[0]["deliveries"][0]["event"] == "registered_model.created"
    assert SECRET not in json.dumps(shown)


def test_a_test_sends_an_example_at_once(client: Any, receiver: Receiver) -> None:
    from mlflow.entities.webhook import WebhookEvent
    from mlflow.webhooks.types import get_example_payload_for_event

    made = hook(client, receiver, "model_version.created", "model_version_alias.created")
    result = client.test_webhook(made.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (True, 200, "ok")
    event = WebhookEvent.from_str("model_version.created")
    assert receiver.next()[1]["data"] == dict(get_example_payload_for_event(event))
    receiver.answers.append(500)
    result = client.test_webhook(made.webhook_id, WebhookEvent.from_str("model_version_alias.created"))
    assert (result.success, result.response_status) == (False, 500)


def test_every_example_is_mlflows(mlflow: Any) -> None:
    from mlflow.webhooks.types import EVENT_TO_PAYLOAD_CLASS

    from pavedroad.registry.webhooks import EXAMPLES

    theirs = {
        f"{entity.value}.{action.value}": dict(kind.example())
        for (entity, action), kind in EVENT_TO_PAYLOAD_CLASS.items()
    }
    assert theirs == EXAMPLES


def test_a_receiver_that_is_down_is_tried_again_under_the_same_id(client: Any, receiver: Receiver) -> None:
    hook(client, receiver, "registered_model.created")
    receiver.answers.append(503)
    client.create_registered_model("late")
    first, second = receiver.next(), receiver.next()
    assert first[0]["X-MLflow-Delivery-Id"] == second[0]["X-MLflow-Delivery-Id"]
    assert first[1] == second[1]


def test_a_receiver_that_refuses_is_not_tried_again(
    client: Any, receiver: Receiver, paved: Callable[..., Any]
) -> None:
    hook(client, receiver, "registered_model.created")
    receiver.answers += [400, 302]
    for name in ("a", "b"):
        client.create_registered_model(name)
        receiver.next()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        sent = paved("webhooks", "flights", "--json").json[0]["deliveries"]
        if [each["state"] for each in sent] == ["failed", "failed"]:
            break
    assert {each["error"] for each in sent} == {"answered 400", "answered 302"}
    assert {each["attempts"] for each in sent} == {1}
    assert receiver.is_silent()


def test_what_waits_is_sent_by_the_next_server(
    mlflow: Any, settings: Settings, server: Any, client: Any, receiver: Receiver, start_server: Any
) -> None:
    from pavedroad.record import record_of
    from pavedroad.registry import registration

    hook(client, receiver, "registered_model.created")
    server.kill()
    with record_of(settings) as record:
        record.db.write(lambda tx: registration.create_model(tx, "late", who="ada"))
    start_server(settings)
    assert receiver.events(1)["registered_model.created"]["name"] == "late"


def test_the_secret_is_only_in_its_own_file(client: Any, receiver: Receiver, server: Any) -> None:
    made = hook(client, receiver, "registered_model.created")
    client.create_registered_model("late")
    receiver.next()
    file = server.home / "secrets.json"
    assert SECRET in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(server.home / "paved.db") as connection:
        assert SECRET not in "\n".join(connection.iterdump())
    assert SECRET not in server.log.read_text()
    client.delete_webhook(made.webhook_id)
    assert SECRET not in file.read_text()


def test_an_address_inside_the_network_is_refused(client: Any) -> None:
    from mlflow.entities.webhook import WebhookEvent
    from mlflow.exceptions import MlflowException

    events = [WebhookEvent.from_str("model_version.created")]
    for url, says in (
        ("http://example.org/", "Invalid webhook URL scheme"),
        ("https://169.254.169.254/latest", "must not resolve to a non-public IP address"),
        ("https://ada:pw@example.org/", "must not hold a user name"),
    ):
        with pytest.raises(MlflowException, match=says) as caught:
            client.create_webhook(name="a", url=url, events=events)
        assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_an_unknown_webhook_is_not_found(client: Any) -> None:
    from mlflow.exceptions import MlflowException

    for ask in (client.get_webhook, client.delete_webhook, client.test_webhook, client.update_webhook):
        with pytest.raises(MlflowException, match="Webhook with ID nope not found") as caught:
            ask("nope")
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
