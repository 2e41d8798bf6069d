"""MLflow's webhook API. The secret goes in and never comes out."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.errors import Invalid
from pavedroad.kit.clock import now_ms
from pavedroad.record import Record, record_behind
from pavedroad.registry import webhooks
from pavedroad.registry.webhook_addresses import read_allowed
from pavedroad.registry.webhook_delivery import check_address, secrets_of, send
from pavedroad.registry.webhooks import EXAMPLES, LONGEST_SECRET, STATUSES, Webhook, check_event, secret_name
from pavedroad.tracking.mlflow_door import EMPTY, answer, name_of, read, read_message, write
from pavedroad.tracking.mlflow_messages import Int64, Message
from pavedroad.tracking.search import make_page_token, read_page_token

Handler = Callable[[Request], Awaitable[Response]]
PER_PAGE, MOST_PER_PAGE = 100, 1000
# MLflow's numbers for these words.
ENTITIES = dict(
    enumerate(
        (
            "ENTITY_UNSPECIFIED",
            "REGISTERED_MODEL",
            "MODEL_VERSION",
            "MODEL_VERSION_TAG",
            "MODEL_VERSION_ALIAS",
            "PROMPT",
            "PROMPT_VERSION",
            "PROMPT_TAG",
            "PROMPT_VERSION_TAG",
            "PROMPT_ALIAS",
            "BUDGET_POLICY",
        )
    )
)
ACTIONS = dict(enumerate(("ACTION_UNSPECIFIED", "CREATED", "UPDATED", "DELETED", "SET", "EXCEEDED")))
STATUS_NUMBERS = dict(enumerate(STATUSES, 1))


class Event(Message, frozen=True, kw_only=True):
    entity: int | str | None = None
    action: int | str | None = None


class ChangeWebhook(Message, frozen=True, kw_only=True):
    name: str | None = None
    url: str | None = None
    events: list[Event] | None = None
    description: str | None = None
    secret: str | None = None
    status: int | str | None = None


class CreateWebhook(ChangeWebhook, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "url", "events")


class ListWebhooks(Message, frozen=True, kw_only=True):
    max_results: Int64 | None = None
    page_token: str | None = None


class TestWebhook(Message, frozen=True, kw_only=True):
    event: Event | None = None


async def create(request: Request) -> Response:
    sent = await read_message(request, CreateWebhook)
    record = record_behind(request)
    at_ms = now_ms()
    webhook = Webhook(
        id=str(uuid.uuid4()),
        name=sent.name or "",
        url=sent.url or "",
        events=_events(sent.events or []),
        description=sent.description or "",
        status=_status(sent.status) or "ACTIVE",
        has_secret=bool(sent.secret),
        created_ms=at_ms,
        updated_ms=at_ms,
    )
    webhooks.check_webhook(webhook)
    check_address(webhook.url, record)
    await _keep_secret(record, webhook.id, sent.secret)
    work = partial(webhooks.create_webhook, webhook=webhook, who=record.settings.who)
    return answer({"webhook": _told(await write(request, work))})


async def list_(request: Request) -> Response:
    sent = await read_message(request, ListWebhooks)
    limit = sent.max_results or PER_PAGE
    if not 1 <= limit <= MOST_PER_PAGE:
        raise Invalid(f"max_results must be between 1 and {MOST_PER_PAGE}.")
    offset = read_page_token(sent.page_token or "")
    found = await read(request, partial(webhooks.list_webhooks, limit=limit + 1, offset=offset))
    page: dict[str, Any] = {"webhooks": [_told(webhook) for webhook in found[:limit]]} if found else {}
    return answer(
        {**page, "next_page_token": make_page_token(offset + limit)} if len(found) > limit else page
    )


async def get(request: Request) -> Response:
    found = await read(request, partial(webhooks.get_webhook, webhook_id=request.path_params["webhook_id"]))
    return answer({"webhook": _told(found)})


async def update(request: Request) -> Response:
    """Change what is named. An empty secret takes the secret away."""
    sent = await read_message(request, ChangeWebhook)
    record, webhook_id = record_behind(request), request.path_params["webhook_id"]
    await read(request, partial(webhooks.get_webhook, webhook_id=webhook_id))
    changes: dict[str, Any] = {}
    if sent.name:
        changes["name"] = sent.name
    if sent.url:
        check_address(sent.url, record)
        changes["url"] = sent.url
    if sent.events:
        changes["events"] = _events(sent.events)
    if sent.description is not None:
        changes["description"] = sent.description
    if sent.status is not None:
        changes["status"] = _status(sent.status)
    if sent.secret is not None:
        changes["has_secret"] = bool(sent.secret)
    work = partial(webhooks.update_webhook, webhook_id=webhook_id, changes=changes, who=record.settings.who)
    if sent.secret:
        await _keep_secret(record, webhook_id, sent.secret)
    changed = await write(request, work)
    if sent.secret == "":
        await run_in_threadpool(secrets_of(record).remove, secret_name(webhook_id))
    return answer({"webhook": _told(changed)})


async def delete(request: Request) -> Response:
    record, webhook_id = record_behind(request), request.path_params["webhook_id"]
    await write(request, partial(webhooks.delete_webhook, webhook_id=webhook_id, who=record.settings.who))
    await run_in_threadpool(secrets_of(record).remove, secret_name(webhook_id))
    return EMPTY


async def test(request: Request) -> Response:
    """Send an example now, once, and tell what came back."""
    sent = await read_message(request, TestWebhook)
    record, webhook_id = record_behind(request), request.path_params["webhook_id"]
    webhook = await read(request, partial(webhooks.get_webhook, webhook_id=webhook_id))
    event = _events([sent.event])[0] if sent.event else webhook.events[0]
    return answer({"result": await run_in_threadpool(_send_example, record, webhook, event)})


def _send_example(record: Record, webhook: Webhook, event: str) -> dict[str, Any]:
    entity, _, action = event.partition(".")
    secret = secrets_of(record).get(secret_name(webhook.id)) if webhook.has_secret else None
    if webhook.has_secret and secret is None:
        says = "Failed to test webhook: its secret is not on this machine; set it again"
        return {"success": False, "error_message": says}
    body = msgspec.json.encode(webhooks.message(entity, action, EXAMPLES[event]))
    sent = send(
        webhook.url,
        body,
        delivery_id=str(uuid.uuid4()),
        secret=secret,
        allowed=read_allowed(record.settings.webhook_hosts),
    )
    if not sent.status:
        return {"success": False, "error_message": f"Failed to test webhook: {sent.error}"}
    return {"success": sent.is_good, "response_status": sent.status, "response_body": sent.body}


def _told(webhook: Webhook) -> dict[str, Any]:
    described = {"description": webhook.description} if webhook.description else {}
    events = [event.upper().split(".") for event in webhook.events]
    return {
        "webhook_id": webhook.id,
        "name": webhook.name,
        **described,
        "url": webhook.url,
        "events": [{"entity": entity, "action": action} for entity, action in events],
        "status": webhook.status,
        "creation_timestamp": webhook.created_ms,
        "last_updated_timestamp": webhook.updated_ms,
    }


def _events(sent: list[Event]) -> tuple[str, ...]:
    events = []
    for event in sent:
        entity = name_of(event.entity, ENTITIES, ENTITIES.values(), "entity")
        action = name_of(event.action, ACTIONS, ACTIONS.values(), "action")
        events.append(check_event(entity or ENTITIES[0], action or ACTIONS[0]))
    return tuple(dict.fromkeys(events))


def _status(sent: int | str | None) -> str | None:
    return name_of(sent, STATUS_NUMBERS, STATUSES, "status")


async def _keep_secret(record: Record, webhook_id: str, secret: str | None) -> None:
    """First the file, then the row: a webhook never says that it has a secret which was not kept."""
    if not secret:
        return
    if len(secret) > LONGEST_SECRET or "\0" in secret:
        raise Invalid(f"secret exceeds the maximum length of {LONGEST_SECRET} characters")
    await run_in_threadpool(secrets_of(record).put, secret_name(webhook_id), secret)


EXACT: dict[tuple[str, str], Handler] = {("POST", "webhooks"): create, ("GET", "webhooks"): list_}
ROUTES: tuple[Route, ...] = tuple(
    Route(f"{prefix}/2.0/mlflow/webhooks/{{webhook_id}}{rest}", handler, methods=[method])
    for prefix in ("/api", "/ajax-api")
    for method, rest, handler in (
        ("GET", "", get),
        ("PATCH", "", update),
        ("DELETE", "", delete),
        ("POST", "/test", test),
    )
)
