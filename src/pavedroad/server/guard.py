"""Who may talk to a server without log-in: programs of this machine, not any web page its browser shows."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request

from pavedroad.errors import Refused

LOOPBACK = {"127.0.0.1", "localhost", "::1", "testserver"}


@lru_cache(maxsize=256)
def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # `[::1`
        return ""


def _address_in(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def refuse_strangers(request: Request, *, bound_to: str) -> None:
    """Raise Refused for a foreign Host on a loopback server, and for a write sent by another site's page."""
    host = origin = ""
    for header, value in request.scope["headers"]:  # once: this stands before every request
        if header == b"host":
            host = value.decode("latin-1")
        elif header == b"origin":
            origin = value.decode("latin-1")
    if bound_to in LOOPBACK and host and _name_in(host) not in LOOPBACK:
        raise Refused(
            f"this server answers as localhost, not as {host!r}",
            hint="open it by its own address, or start it with --host",
        )
    if origin and request.method not in {"GET", "HEAD", "OPTIONS"} and _address_in(origin) != host:
        raise Refused(
            f"a page of {origin!r} may not write here", hint="use the command line or the MLflow client"
        )
