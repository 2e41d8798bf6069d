"""What serving tells others: services, and how fast a candidate answered."""

from __future__ import annotations

from typing import Literal

import msgspec

ServiceState = Literal["live", "stopped", "gone", "elsewhere"]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One process that serves, or served, a model version."""

    name: str
    instance: str  # of this start of it
    model: str
    version: int
    alias: str = ""  # it was asked for by; it keeps the version it started with
    url: str
    host: str
    pid: int
    started_ms: int
    state: ServiceState = "live"  # gone: ended without saying so; elsewhere: on a machine we cannot look at


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How a version answered while it was really served."""

    p50_ms: float
    p99_ms: float
    requests: int
    errors: int
    seconds: float
    concurrency: int = 1
    start_s: float = 0.0  # from starting the process to its first answer


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """What a server did until it was told to stop."""

    requests: int
    errors: int
    rows: int
    seconds: float
