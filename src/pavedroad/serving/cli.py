"""`paved serve`."""

from __future__ import annotations

import click

from pavedroad.kit.terminal import json_option, note, styled


@click.command()
@click.argument("model", metavar="MODEL@ALIAS")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port (default 8500, or the next free one; 0: any)."
)
@click.option("--trust", is_flag=True, help="Load it even if it is a pickle that no run on this record made.")
@json_option
def serve(model: str, host: str, port: int | None, trust: bool, as_json: bool) -> None:
    """Serve a model version over HTTP, in a process of its own.

    MODEL@ALIAS is flights@champion, flights@3 or just flights, which means its champion. The server answers
    the Open Inference Protocol (/v2) and MLflow's /invocations, and keeps the version it started with.

    Stop it with Ctrl-C or SIGTERM; requests in flight are answered first.
    """
    import logging

    import msgspec

    from pavedroad.config import read_settings
    from pavedroad.kit.clock import duration
    from pavedroad.kit.text import count
    from pavedroad.record import record_of
    from pavedroad.serving.curl import curl_line
    from pavedroad.serving.launch import Ready
    from pavedroad.serving.launch import serve as serve_version

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")

    def ready(what: Ready) -> None:
        service = what.service
        if as_json:
            line = {**msgspec.to_builtins(service), "ready": True, "example": what.example}
            click.echo(msgspec.json.encode(line).decode())
            return
        if what.port_taken:
            note(f"port 8500 is taken; using {service.url}")
        if what.warning:
            note(f"{styled('warning', 'warn')}: the model has a flaw: {what.warning}")
        named = f" ({service.alias})" if service.alias else ""
        click.echo(
            f"{styled(f'{service.model}@{service.version}', 'strong')}{named} is served at {service.url}"
        )
        click.echo(f"  loaded   in {duration(what.load_s * 1000)}, files checked against their digests")
        click.echo(f"  infer    {service.url}/v2/models/{service.model}/infer")
        click.echo(f"  metrics  {service.url}/metrics")
        if what.example is not None:
            click.echo(f"  try it   {curl_line(service.url, what.example)}")
        click.echo("  stop     Ctrl-C")

    with record_of(read_settings()) as record:
        stopped = serve_version(record, model, host=host, port=port, trust=trust, ready=ready)
    if not as_json:
        failed = f", {stopped.errors} refused" if stopped.errors else ""
        note(f"stopped after {count(stopped.requests, 'request')}{failed}")
