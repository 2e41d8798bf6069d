"""`paved webhooks`: who is told of events, and whether it worked."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from pavedroad.kit.terminal import json_option, note, print_json, styled, table

if TYPE_CHECKING:
    from pavedroad.registry.webhooks import Delivery, Webhook


@click.command()
@click.argument("name", required=False, default="")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def webhooks(name: str, limit: int, as_json: bool) -> None:
    """List webhooks; with NAME (or an id) what was sent to it last.

    Make and change them with MlflowClient: create_webhook, update_webhook, test_webhook, delete_webhook.
    """
    import msgspec

    from pavedroad.config import read_settings
    from pavedroad.errors import NotFound
    from pavedroad.kit.clock import how_long_ago
    from pavedroad.record import record_of
    from pavedroad.registry.webhooks import list_deliveries, list_webhooks

    with record_of(read_settings()) as record:
        found = list_webhooks(record.db, limit=1000)
        if name:
            found = [webhook for webhook in found if name in (webhook.name, webhook.id)]
            if not found:
                raise NotFound(f"no webhook {name!r}", hint="list them with `paved webhooks`")
        sent = {hook.id: list_deliveries(record.db, hook.id, limit=limit if name else 1) for hook in found}
    if as_json:
        shown = [msgspec.to_builtins(hook) | {"deliveries": sent[hook.id]} for hook in found]
        print_json(shown)
    elif not found:
        note("no webhooks; make one with MlflowClient().create_webhook(...)")
    elif name:
        for hook in found:
            click.echo(f"{styled(hook.name, 'strong')}  {hook.status.lower()}  {hook.url}")
            click.echo(f"  {', '.join(hook.events)}")
            rows = [
                [how_long_ago(each.created_ms), each.event, each.state, each.attempts, says(each)]
                for each in sent[hook.id]
            ]
            click.echo(table(["when", "event", "state", "tries", "last answer"], rows, right=["tries"]))
    else:
        click.echo(
            table(["name", "to", "status", "events", "last"], [_row(hook, sent[hook.id]) for hook in found])
        )


def says(delivery: Delivery) -> str:
    return delivery.error or (f"answered {delivery.http_status}" if delivery.http_status else "")


def _row(webhook: Webhook, sent: list[Delivery]) -> list[str]:
    last = f"{sent[0].state}: {says(sent[0])}".rstrip(": ") if sent else "nothing sent"
    host = urlsplit(webhook.url).hostname or ""
    return [webhook.name, host, webhook.status.lower(), ", ".join(webhook.events), last]
