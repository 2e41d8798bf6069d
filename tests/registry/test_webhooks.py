from __future__ import annotations

import json
from typing import Any

import pytest

from pavedroad.errors import Invalid, NotFound
from pavedroad.record import Record
from pavedroad.registry import registration, webhooks
from pavedroad.registry.webhooks import EXAMPLES, Webhook

PROMPT = {"mlflow.prompt.is_prompt": "true", "mlflow.prompt.text": "Hello {{name}}", "team": "a"}


def make(record: Record, *events: str, **fields: Any) -> Webhook:
    webhook = Webhook(
        **{
            "id": f"w{len(webhooks.list_webhooks(record.db, limit=99))}",
            "name": "hook",
            "url": "https://hooks.example.org/secret-path",
            "events": events or ("registered_model.created",),
            "created_ms": 1,
            "updated_ms": 1,
            **fields,
        }
    )
    return record.db.write(lambda tx: webhooks.create_webhook(tx, webhook, who="ada"))


def queued(record: Record, webhook: Webhook) -> list[tuple[str, dict[str, Any]]]:
    """What waits for a webhook, oldest first: the event and its data."""
    rows = record.db.all(webhooks.SQL.due_deliveries, now_ms=2**62, limit=100)
    return [
        (row["event"], json.loads(row["body"])["data"]) for row in rows if row["webhook_id"] == webhook.id
    ]


def create_model(record: Record, name: str = "m", **options: Any) -> None:
    record.db.write(lambda tx: registration.create_model(tx, name, who="ada", **options))


def test_an_event_is_queued_for_those_who_asked_for_it(any_record: Record) -> None:
    asked, other = make(any_record), make(any_record, "model_version.created")
    create_model(any_record, description="late flights", tags={"team": "a"})
    data = {"name": "m", "tags": {"team": "a"}, "description": "late flights"}
    assert queued(any_record, asked) == [("registered_model.created", data)]
    assert queued(any_record, other) == []


def test_an_event_of_a_write_that_failed_is_not_queued(any_record: Record) -> None:
    webhook = make(any_record)

    def fail(tx: Any) -> None:
        registration.create_model(tx, "m", who="ada")
        raise Invalid("no")

    with pytest.raises(Invalid):
        any_record.db.write(fail)
    assert queued(any_record, webhook) == []


def test_a_disabled_webhook_is_told_nothing(any_record: Record) -> None:
    webhook = make(any_record, status="DISABLED")
    create_model(any_record)
    assert queued(any_record, webhook) == []


def test_a_prompt_has_events_of_its_own(any_record: Record) -> None:
    webhook = make(any_record, *EXAMPLES)
    create_model(any_record, tags=PROMPT)
    register = lambda tx: registration.register_version(  # noqa: E731
        tx, "m", source="dummy-source", who="ada", tags=PROMPT
    )
    any_record.db.write(register)
    any_record.db.write(lambda tx: registration.set_model_tag(tx, "m", "k", "v"))
    any_record.db.write(lambda tx: registration.delete_model_tag(tx, "m", "k"))
    told = queued(any_record, webhook)
    assert sorted(event for event, _ in told) == [
        "prompt.created",
        "prompt_tag.deleted",
        "prompt_tag.set",
        "prompt_version.created",
    ]
    version = dict(told)["prompt_version.created"]
    assert version == {
        "name": "m",
        "version": "1",
        "tags": {"team": "a"},
        "description": None,
        "template": "Hello {{name}}",
    }


def test_a_webhook_is_changed_and_deleted_with_what_waits_for_it(any_record: Record) -> None:
    webhook = make(any_record)
    create_model(any_record)
    changed = any_record.db.write(
        lambda tx: webhooks.update_webhook(
            tx, webhook.id, {"name": "new", "events": ("model_version_tag.set",)}, who="ada"
        )
    )
    assert webhooks.get_webhook(any_record.db, webhook.id) == changed
    assert (changed.name, changed.events) == ("new", ("model_version_tag.set",))
    any_record.db.write(lambda tx: webhooks.delete_webhook(tx, webhook.id, who="ada"))
    assert queued(any_record, webhook) == []
    with pytest.raises(NotFound, match=f"Webhook with ID {webhook.id} not found"):
        webhooks.get_webhook(any_record.db, webhook.id)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a/b", "ä", "a" * 64, "a\n"])
def test_a_name_that_is_none_is_refused(record: Record, name: str) -> None:
    with pytest.raises(Invalid, match="must start and end with a letter or digit"):
        make(record, name=name)


def test_an_event_that_there_is_not_is_refused() -> None:
    with pytest.raises(Invalid, match=r"Invalid action 'deleted' for entity 'model_version'.*\['created'\]"):
        webhooks.check_event("MODEL_VERSION", "DELETED")


def test_the_journal_tells_of_webhooks_without_their_address(record: Record) -> None:
    make(record)
    rows = record.db.all("SELECT verb, artifact, payload FROM facts WHERE artifact = 'webhook/hook'")
    assert [row["verb"] for row in rows] == ["created"]
    assert "secret-path" not in rows[0]["payload"]
