"""The tracking server inside another process, so that `import mlflow` works in a step without `paved up`."""

from __future__ import annotations

from pavedroad.kit.http_process import ServerThread
from pavedroad.record import Record
from pavedroad.server.app import make_app


def start(record: Record) -> ServerThread:
    """`.url` is its address; call `.stop()` when done. The record stays the caller's to close."""
    return ServerThread(make_app(record))
