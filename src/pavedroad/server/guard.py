"""Who may talk to a server without log-in: programs of this machine, not any web page its browser shows."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from pavedroad.errors import Refused

LOOPBACK = {"127.0.0.1", "localhost", "::1", "testserver"}


def refuse_strangers(request: Request, *, bound_to: str) -> None:
    """Raise Refused for a foreign Host on a loopback server, and for a write sent by another site's page."""
    host = origin = ""
    for header, value in request.scope["headers"]:  # once: this stands before every request
        if header == b"host":
            host = value.decode("latin-1")
        elif header == b"origin":
            origin = value.decode("latin-1")
    name = urlsplit(f"//{host}").hostname or ""
    if bound_to in LOOPBACK and host and name not in LOOPBACK:
        raise Refused(
            f"this server answers as localhost, not as {host!r}",
            hint="open it by its own address, or start it with --host",
        )
    if origin and request.method not in {"GET", "HEAD", "OPTIONS"} and urlsplit(origin).netloc != host:
        raise Refused(
            f"a page of {origin!r} may not write here", hint="use the command line or the MLflow client"
        )
