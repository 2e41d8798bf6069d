"""Serving: a process of its own that answers for one model version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavedroad.serving.model import Latency, Service, Stopped

if TYPE_CHECKING:
    from pavedroad.serving.latency import drive, measure_latency, request_message
    from pavedroad.serving.launch import Ready, serve
    from pavedroad.serving.service import list_services

__all__ = [
    "Latency",
    "Ready",
    "Service",
    "Stopped",
    "drive",
    "list_services",
    "measure_latency",
    "request_message",
    "serve",
]

# numpy and uvicorn are needed by whoever serves, not by a page that lists services.
_LAZY = {
    "Ready": "launch",
    "drive": "latency",
    "list_services": "service",
    "measure_latency": "latency",
    "request_message": "latency",
    "serve": "launch",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
