"""From exception to answer: JSON where programs ask, a page where people do. Never a traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pavedroad.errors import Invalid, NotFound, PavedError
from pavedroad.server.not_answered import not_answered

LOG = logging.getLogger("pavedroad.server")
API_PREFIXES = ("/api/", "/ajax-api/", "/v2/")


class ErrorPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the error template sees: what, why, what next."""

    status: int
    message: str
    hint: str


class WrongMethod(Invalid):
    code = "BAD_REQUEST"
    status = 405


class TooLarge(Invalid):
    code = "BAD_REQUEST"
    status = 413


class UnknownPath(NotFound):
    code = "ENDPOINT_NOT_FOUND"


class Broken(PavedError):
    """A mistake of ours: the caller gets a number that stands beside the traceback in the log."""


def as_refusal(error: Exception, request: Request) -> PavedError:
    if isinstance(error, PavedError):
        return error
    path = request.url.path
    if isinstance(error, HTTPException):
        if error.status_code in (404, 405) and (missing := not_answered(request.method, path)) is not None:
            return missing
        if error.status_code == 404:
            return UnknownPath(f"nothing is at {path}", hint="check the address")
        if error.status_code == 405:
            return WrongMethod(f"{path} does not answer {request.method}", hint="use another method")
        return Invalid(str(error.detail), hint="check the request")
    if isinstance(error, ClientDisconnect):  # nobody is there to read it
        return Invalid("the request was cut off", hint="send it again")
    number = secrets.token_hex(4)
    LOG.error("request %s %s failed, number %s", request.method, path, number, exc_info=error)
    return Broken(
        f"something here is broken (number {number})", hint="look for that number in the server's log"
    )


def answer(error: PavedError, request: Request, html: Callable[[ErrorPage], Response]) -> Response:
    """JSON for `/api/…`, `.json` and callers that ask for it; HTML otherwise."""
    path = request.url.path
    wants_html = "text/html" in request.headers.get("accept", "")
    if path.startswith(API_PREFIXES) or path.endswith(".json") or not wants_html:
        content = msgspec.json.encode({"error_code": error.code, "message": str(error)})
        return Response(content, status_code=error.status, media_type="application/json")
    return html(ErrorPage(status=error.status, message=error.message, hint=error.hint))
