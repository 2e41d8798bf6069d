"""The tracking server inside another process, so that `import mlflow` works in a step without `paved up`."""

from __future__ import annotations

from pavedroad.record import Record
from pavedroad.server.app import make_app
from pavedroad.server.process import ServerThread


def start(record: Record) -> ServerThread:
    """`.url` is its address; call `.stop()` when done. The record stays the caller's to close."""
    return ServerThread(make_app(record))
