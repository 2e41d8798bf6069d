"""The process that serves a candidate while it is measured: `python -m pavedroad.serving.candidate JSON`.

It knows nothing of the record, says its address on one line, and ends when its standard input does: when
whoever measures ends, in whatever way.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.http_process import bind, serve_until_told
from pavedroad.serving.app import App
from pavedroad.serving.counters import Counters
from pavedroad.serving.loading import load_served_model


class Order(msgspec.Struct, frozen=True, kw_only=True):
    folder: str
    name: str
    version: str
    trusted: bool
    max_body_bytes: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The one line that it prints: an address, or why there is none."""

    port: int = 0
    example: dict[str, object] | None = None
    warning: str = ""
    error: str = ""
    code: str = ""
    hint: str = ""


def main() -> int:
    order = msgspec.json.decode(sys.argv[1], type=Order)
    with bind("127.0.0.1", 0) as listening:
        try:
            model, warning = load_served_model(
                Path(order.folder), name=order.name, version=order.version, trusted=order.trusted
            )
        except PavedError as error:
            _say(Report(error=error.message, code=error.code, hint=error.hint))
            return error.exit_code
        counters = Counters(model=order.name, version=order.version, started_s=time.time())
        app = App(model, counters, max_body_bytes=order.max_body_bytes)
        port = listening.getsockname()[1]
        threading.Thread(target=_stop_with_input, daemon=True).start()
        serve_until_told(
            app, listening, ready=lambda: _say(Report(port=port, example=model.example, warning=warning))
        )
    return 0


def _say(report: Report) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()


def _stop_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
