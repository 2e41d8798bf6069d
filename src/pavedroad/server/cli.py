"""`paved up`."""

from __future__ import annotations

import click

from pavedroad.kit.terminal import json_option, note, styled


@click.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port (default 8400, or the next free one; 0: any)."
)
@json_option
def up(host: str | None, port: int | None, as_json: bool) -> None:
    """Start the server: the MLflow API and the pages, in one process.

    Stop it with Ctrl-C or SIGTERM; requests in flight are answered first.
    """
    import logging

    import msgspec

    from pavedroad.advisories.watching import watching_advisories
    from pavedroad.config import read_settings
    from pavedroad.kit.http_process import bind, serve_until_told, url_of
    from pavedroad.pipelines.lost import looking_for_lost_runs, mark_lost_runs
    from pavedroad.record import record_of
    from pavedroad.registry.policy import read_team_gates
    from pavedroad.registry.webhook_delivery import delivering_webhooks
    from pavedroad.server.app import make_app

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    settings = read_settings(overrides={"host": host, "port": port})
    read_team_gates(settings.gates)  # wrong ones are said now, not at the first promotion
    with (
        record_of(settings) as record,
        bind(settings.host, settings.port, next_free=port is None) as listening,
    ):
        url = url_of(listening)
        taken = listening.getsockname()[1] != settings.port and settings.port != 0

        def ready() -> None:
            if as_json:
                click.echo(
                    msgspec.json.encode({"url": url, "home": str(settings.home), "ready": True}).decode()
                )
                return
            if taken:
                note(f"port {settings.port} is taken; using {url}")
            click.echo(f"{styled('Pavedroad', 'strong')} is up at {url}")
            click.echo(f"  record   {settings.home}")
            click.echo(f"  mlflow   export MLFLOW_TRACKING_URI={url}")
            click.echo("  stop     Ctrl-C")

        mark_lost_runs(record)
        with looking_for_lost_runs(record), delivering_webhooks(record), watching_advisories(record):
            serve_until_told(make_app(record), listening, ready=ready)
