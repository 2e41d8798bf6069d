"""Webhooks: who wants to be told of which events, and what is still to be sent to them.

An event is queued in the transaction that makes it true, whichever door that came through; `webhook_delivery`
sends what is queued after the commit.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from pavedroad.catalog import write_fact
from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.registry.names import check_description

SQL = load_queries("pavedroad.registry", "webhook_queries.sql")
STATUSES = ("ACTIVE", "DISABLED")
LONGEST_SECRET = 1000
_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_OF_MODEL: dict[str, dict[str, Any]] = {
    "registered_model.created": {
        "name": "example_model",
        "tags": {"example_key": "example_value"},
        "description": "An example registered model",
    },
    "model_version.created": {
        "name": "example_model",
        "version": "1",
        "source": "models:/123",
        "run_id": "abcd1234abcd5678",
        "tags": {"example_key": "example_value"},
        "description": "An example model version",
    },
    "model_version_tag.set": {
        "name": "example_model",
        "version": "1",
        "key": "example_key",
        "value": "example_value",
    },
    "model_version_tag.deleted": {"name": "example_model", "version": "1", "key": "example_key"},
    "model_version_alias.created": {"name": "example_model", "alias": "example_alias", "version": "1"},
    "model_version_alias.deleted": {"name": "example_model", "alias": "example_alias"},
}
_OF_PROMPT: dict[str, dict[str, Any]] = {
    "prompt.created": {
        "name": "example_prompt",
        "tags": {"example_key": "example_value"},
        "description": "An example prompt",
    },
    "prompt_version.created": {
        "name": "example_prompt",
        "version": "1",
        "template": "Hello {{name}}!",
        "tags": {"example_key": "example_value"},
        "description": "An example prompt version",
    },
    "prompt_tag.set": {"name": "example_prompt", "key": "example_key", "value": "example_value"},
    "prompt_tag.deleted": {"name": "example_prompt", "key": "example_key"},
    "prompt_version_tag.set": {
        "name": "example_prompt",
        "version": "1",
        "key": "example_key",
        "value": "example_value",
    },
    "prompt_version_tag.deleted": {"name": "example_prompt", "version": "1", "key": "example_key"},
    "prompt_alias.created": {"name": "example_prompt", "alias": "example_alias", "version": "1"},
    "prompt_alias.deleted": {"name": "example_prompt", "alias": "example_alias"},
}
# Accepted, since clients may ask for it; there is no gateway here, so it never happens.
_OF_GATEWAY: dict[str, dict[str, Any]] = {
    "budget_policy.exceeded": {
        "budget_policy_id": "bp-abc123",
        "budget_unit": "USD",
        "budget_amount": 100.0,
        "current_spend": 105.5,
        "duration_unit": "MONTHS",
        "duration_value": 1,
        "target_scope": "ENDPOINT",
        "workspace": "default",
        "target_value": "ep-abc123",
        "window_start": 1704067200000,
    }
}
EXAMPLES = {**_OF_MODEL, **_OF_PROMPT, **_OF_GATEWAY}  # every event, with what a test sends for it
_AS_PROMPT = {
    "registered_model": "prompt",
    "model_version": "prompt_version",
    "model_version_tag": "prompt_version_tag",
    "model_version_alias": "prompt_alias",
}


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    url: str
    events: tuple[str, ...]  # keys of EXAMPLES
    description: str = ""
    status: str = "ACTIVE"
    has_secret: bool = False
    created_ms: int
    updated_ms: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook."""

    id: str
    webhook_id: str
    event: str
    state: str  # waiting, delivered, failed
    attempts: int
    next_ms: int  # of the next attempt while it waits
    http_status: int  # of the last answer; 0 for none
    error: str
    created_ms: int


def secret_name(webhook_id: str) -> str:
    """The name of a webhook's secret in the file of secrets."""
    return f"webhook/{webhook_id}"


def create_webhook(tx: Transaction, webhook: Webhook, *, who: str) -> Webhook:
    check_webhook(webhook)
    tx.run(
        SQL.insert_webhook,
        id=webhook.id,
        name=webhook.name,
        url=webhook.url,
        description=webhook.description,
        status=webhook.status,
        has_secret=webhook.has_secret,
        at_ms=webhook.created_ms,
    )
    _insert_events(tx, webhook)
    _tell(tx, webhook, "created", who)
    return webhook


def update_webhook(tx: Transaction, webhook_id: str, changes: Mapping[str, Any], *, who: str) -> Webhook:
    """Change the fields named. Raises NotFound; Invalid for a value that cannot be."""
    webhook = msgspec.structs.replace(get_webhook(tx, webhook_id), **changes, updated_ms=now_ms())
    check_webhook(webhook)
    tx.run(
        SQL.update_webhook,
        id=webhook.id,
        name=webhook.name,
        url=webhook.url,
        description=webhook.description,
        status=webhook.status,
        has_secret=webhook.has_secret,
        at_ms=webhook.updated_ms,
    )
    tx.run(SQL.delete_events, webhook_id=webhook.id)
    _insert_events(tx, webhook)
    _tell(tx, webhook, "changed", who)
    return webhook


def delete_webhook(tx: Transaction, webhook_id: str, *, who: str) -> None:
    """Raises NotFound. What still waits to be sent to it is dropped."""
    webhook = get_webhook(tx, webhook_id)
    tx.run(SQL.delete_deliveries, webhook_id=webhook_id)
    tx.run(SQL.delete_events, webhook_id=webhook_id)
    tx.run(SQL.delete_webhook, id=webhook_id)
    _tell(tx, webhook, "deleted", who)


def get_webhook(reader: Reader, webhook_id: str) -> Webhook:
    row = reader.one(SQL.webhook, id=webhook_id)
    webhook = None if row is None else _to_webhook(reader, row)
    if webhook is None or not webhook.events:  # without events: it was removed between the two reads
        raise NotFound(f"Webhook with ID {webhook_id} not found.", hint="list them with `paved webhooks`")
    return webhook


def list_webhooks(reader: Reader, *, limit: int, offset: int = 0) -> list[Webhook]:
    return [_to_webhook(reader, row) for row in reader.all(SQL.webhooks, limit=limit, offset=offset)]


def list_deliveries(reader: Reader, webhook_id: str, *, limit: int = 20) -> list[Delivery]:
    """Newest first."""
    rows = reader.all(SQL.deliveries_of_webhook, webhook_id=webhook_id, limit=limit)
    return [Delivery(**dict(row)) for row in rows]


def check_webhook(webhook: Webhook) -> None:
    """Raises Invalid. The address is checked where the settings are known."""
    if not _NAME.fullmatch(webhook.name):
        raise Invalid(
            f"Webhook name {webhook.name!r} is invalid. It must start and end with a letter or digit, "
            "be less than 63 characters long, and contain only letters, digits, dots (.), "
            "underscores (_), and hyphens (-)."
        )
    check_description(webhook.description)
    if not webhook.events:
        raise Invalid(
            "Webhook events must be a non-empty list of events", hint="name one: model_version.created"
        )


def check_event(entity: str, action: str) -> str:
    """The event of MLflow's two words. Raises Invalid for a pair that there is not."""
    event = f"{entity}.{action}".lower()
    if event not in EXAMPLES:
        actions = sorted(
            known.partition(".")[2] for known in EXAMPLES if known.startswith(f"{entity.lower()}.")
        )
        raise Invalid(
            f"Invalid action '{action.lower()}' for entity '{entity.lower()}'. Valid actions are: {actions}"
        )
    return event


def announce(tx: Transaction, event: str, data: Mapping[str, Any], *, of_prompt: bool = False) -> None:
    """Queue an event for every webhook that asked for it; costs one look at an index when none did."""
    entity, _, action = event.partition(".")
    if of_prompt:
        event = f"{_AS_PROMPT.get(entity, entity)}.{action}"
    listeners = tx.all(SQL.listeners, event=event)
    if not listeners:
        return
    entity = event.partition(".")[0]
    body = msgspec.json.encode(message(entity, action, _prompt_data(data) if of_prompt else data)).decode()
    at_ms = now_ms()
    for row in listeners:
        tx.run(
            SQL.insert_delivery,
            id=str(uuid.uuid4()),
            webhook_id=row["id"],
            event=event,
            body=body,
            at_ms=at_ms,
        )


def message(entity: str, action: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request to a webhook."""
    return {
        "entity": entity,
        "action": action,
        "timestamp": datetime.now(UTC).isoformat(),
        "data": dict(data),
    }


def _prompt_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """The text of a prompt is a field, and the tags that make it a prompt are not told."""
    changed = {key: value for key, value in data.items() if key not in ("source", "run_id")}
    if "tags" in changed:
        tags = dict(changed["tags"])
        text = tags.pop("mlflow.prompt.text", None)
        for key in ("mlflow.prompt.is_prompt", "_mlflow_prompt_type"):
            tags.pop(key, None)
        changed["tags"] = tags
        if "version" in changed:
            changed["template"] = text
    return changed


def _insert_events(tx: Transaction, webhook: Webhook) -> None:
    for place, event in enumerate(webhook.events):
        tx.run(SQL.insert_event, event=event, webhook_id=webhook.id, place=place)


def _to_webhook(reader: Reader, row: Row) -> Webhook:
    events = tuple(each["event"] for each in reader.all(SQL.events_of_webhook, webhook_id=row["id"]))
    return Webhook(**{**dict(row), "has_secret": bool(row["has_secret"]), "events": events})


def _tell(tx: Transaction, webhook: Webhook, verb: str, who: str) -> None:
    """The journal keeps no address: those of some services are secrets themselves."""
    payload = {"events": list(webhook.events), "status": webhook.status}
    write_fact(tx, who=who, verb=verb, artifact=f"webhook/{webhook.name}", payload=payload)
