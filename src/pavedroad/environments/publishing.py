"""Sending an examination to the environment board: of the record here, or of a server."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request

import msgspec

from pavedroad.config import Settings
from pavedroad.environments.examination import Report
from pavedroad.environments.store import save_report
from pavedroad.errors import Invalid, PavedError, Refused, Unavailable
from pavedroad.record import record_of

PATH = "/api/pavedroad/environments"
LIMIT_S = 10


class Push(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent."""

    report: Report
    who: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answers."""

    id: int


def publish(settings: Settings, report: Report, *, server: str = "") -> str:
    """Keep it on the record of `settings`, or send it to a server; the answer says where it is seen."""
    if server:
        kept = _send(server, Push(report=report, who=settings.who))
        return f"kept by the server: {server.rstrip('/')}/environments/{kept.id}"
    with record_of(settings) as record:
        number = record.db.write(lambda tx: save_report(tx, report, who=settings.who))
    return f"kept on the record; seen at /environments/{number} of `paved up`"


def _send(server: str, push: Push) -> Kept:
    if not server.startswith(("http://", "https://")):
        raise Invalid(f"{server!r} is no address of a server", hint="write http://HOST:PORT")
    try:
        request = urllib.request.Request(  # noqa: S310 - http and https only, see above
            server.rstrip("/") + PATH,
            data=msgspec.json.encode(push),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read(), type=Kept)
    except urllib.error.HTTPError as error:
        raise _refusal(server, error) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        said = getattr(error, "reason", None) or error
        raise Unavailable(f"{server} cannot be reached: {said}", hint="check the address") from None
    except msgspec.MsgspecError:
        raise Unavailable(f"{server} answers like no Pavedroad server", hint="check the address") from None


def _refusal(server: str, error: urllib.error.HTTPError) -> PavedError:
    try:
        said = msgspec.json.decode(error.read()).get("message", "")
    except (msgspec.MsgspecError, AttributeError, OSError):
        said = ""
    if error.code == 404 and not said:
        return Unavailable(
            f"{server} has no environment board", hint="update the server, or check the address"
        )
    return Refused(f"{server} refuses the result: {said or error.code}", hint="see the server's answer")
