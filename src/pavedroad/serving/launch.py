"""Serving a version from the record, from resolving its alias to the fact that it stopped."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.kit.http_process import bind, serve_until_told, url_of
from pavedroad.record import Record
from pavedroad.serving.app import App
from pavedroad.serving.counters import Counters
from pavedroad.serving.loading import load_served_model
from pavedroad.serving.model import Service, Stopped
from pavedroad.serving.service import alive, new_service, record_start, record_stop
from pavedroad.serving.version_files import find_served_version, is_trusted, lay_out

PORT = 8500


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is being served, for whoever tells the user."""

    service: Service
    example: dict[str, Any] | None
    warning: str  # about the model's example; empty when all is well
    port_taken: bool  # the usual port was, so that another one is used
    load_s: float


def serve(
    record: Record,
    target: str,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    trust: bool = False,
    ready: Callable[[Ready], None],
) -> Stopped:
    """Serve `name@alias` or `name@version` until SIGTERM or Ctrl-C. An alias that moves later changes nothing
    here.

    Raises: NotFound, Damaged, Refused and what `load_model` raises, all before anything is answered.
    """
    started = time.monotonic()
    version, alias = find_served_version(record, target)
    with (
        tempfile.TemporaryDirectory(prefix="paved-serve-") as folder,
        bind(host, PORT if port is None else port, next_free=port is None) as listening,
    ):
        place = Path(folder).resolve()
        lay_out(record, version, place)
        trusted = trust or is_trusted(record, version)
        model, warning = load_served_model(
            place, name=version.name, version=str(version.version), trusted=trusted
        )
        service = new_service(version, alias=alias, url=url_of(listening))
        counters = Counters(model=model.name, version=model.version, started_s=time.time())
        app = App(model, counters, max_body_bytes=record.settings.max_body_bytes)

        def tell() -> None:
            record_start(record, service)
            taken = port is None and listening.getsockname()[1] != PORT
            load_s = time.monotonic() - started
            ready(
                Ready(
                    service=service, example=model.example, warning=warning, port_taken=taken, load_s=load_s
                )
            )

        with alive(record.settings, service):
            serve_until_told(app, listening, ready=tell)
    stopped = Stopped(
        requests=counters.answered,
        errors=counters.failed,
        rows=counters.rows,
        seconds=time.monotonic() - started,
    )
    record_stop(record, service, stopped)
    return stopped
