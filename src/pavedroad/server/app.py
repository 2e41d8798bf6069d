"""The table of everything this server answers, and the few lines that choose the row.

MLflow's fixed paths are one dictionary from (method, path) to handler, which costs a tenth of matching
routes in turn; the rest (paths with parameters, pages) goes through Starlette's router.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import pavedroad.advisories.pages
import pavedroad.catalog.pages
import pavedroad.environments.api
import pavedroad.environments.pages
import pavedroad.housekeeping.api
import pavedroad.housekeeping.forms
import pavedroad.housekeeping.pages
import pavedroad.overview.pages
import pavedroad.pipelines.pages
import pavedroad.registry.mlflow_api
import pavedroad.registry.pages
import pavedroad.tracking.mlflow_api
import pavedroad.tracking.pages
import pavedroad.tracking.points_doors
import pavedroad.tracking.runs_doors
import pavedroad.tracking.sandbox_door
import pavedroad.web.filters
from pavedroad.record import Record
from pavedroad.server.errors import ErrorPage, TooLarge, WrongMethod, answer, as_refusal
from pavedroad.server.guard import refuse_strangers
from pavedroad.web import Renderer, form_routes, page_routes

Handler = Callable[[Request], Awaitable[Response]]

PACKAGE = Path(__file__).parent.parent
ROOMS_WITH_TEMPLATES = (
    "web",
    "catalog",
    "tracking",
    "pipelines",
    "registry",
    "housekeeping",
    "environments",
    "advisories",
    "overview",
)
PAGES = (
    *pavedroad.overview.pages.PAGES,
    *pavedroad.catalog.pages.PAGES,
    *pavedroad.tracking.pages.PAGES,
    *pavedroad.housekeeping.pages.PAGES,
    *pavedroad.environments.pages.PAGES,
    *pavedroad.pipelines.pages.PAGES,
    *pavedroad.registry.pages.PAGES,
    *pavedroad.advisories.pages.PAGES,
)
FORMS = (*pavedroad.tracking.pages.FORMS, *pavedroad.housekeeping.forms.FORMS)
# Threads that answer MLflow's reads; more of them would only wait for one another, most is work in Python.
READERS = 4
LARGEST_DROPPED_BYTES = 2**30
MLFLOW_PREFIXES = ("/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/")
EXACT: dict[tuple[str, str], Handler] = {
    (method, prefix + path): handler
    for prefix in MLFLOW_PREFIXES
    for table in (pavedroad.tracking.mlflow_api.EXACT, pavedroad.registry.mlflow_api.EXACT)
    for (method, path), handler in table.items()
}
EXACT_PATHS = {path for _, path in EXACT}


async def health(request: Request) -> Response:
    return PlainTextResponse("OK")


async def show_version(request: Request) -> Response:
    return PlainTextResponse(version("pavedroad"))


def make_app(record: Record) -> ASGIApp:
    renderer = Renderer(
        [PACKAGE / room / "templates" for room in ROOMS_WITH_TEMPLATES], filters=pavedroad.web.filters.FILTERS
    )
    routes: list[BaseRoute] = [
        Route("/health", health),
        Route("/version", show_version),
        *pavedroad.tracking.mlflow_api.ROUTES,
        *pavedroad.registry.mlflow_api.ROUTES,
        Mount("/static", StaticFiles(directory=PACKAGE / "web" / "static")),
        *pavedroad.tracking.runs_doors.ROUTES,
        *pavedroad.tracking.points_doors.ROUTES,
        *pavedroad.housekeeping.api.ROUTES,
        *pavedroad.environments.api.ROUTES,
        *pavedroad.tracking.sandbox_door.ROUTES,
        *page_routes(PAGES, renderer),
        *form_routes(FORMS),
    ]
    starlette = Starlette(routes=routes)
    starlette.router.redirect_slashes = False
    starlette.state.record = record
    starlette.state.readers = CapacityLimiter(READERS)
    return App(starlette, renderer, record)


class App:
    """ASGI: guard, limit the body, choose the handler, turn a refusal into an answer."""

    def __init__(self, starlette: Starlette, renderer: Renderer, record: Record) -> None:
        self._starlette = starlette
        self._renderer = renderer
        self._settings = record.settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._starlette(scope, receive, send)
            return
        scope["app"] = self._starlette
        started = False

        async def send_and_remember(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        request = Request(scope, self._limited(scope, receive))
        try:
            refuse_strangers(request, bound_to=self._settings.host)
            await self._choose(request, scope, send_and_remember)
        except Exception as error:
            if started:  # half an answer is out: only closing the connection can still say that it failed
                raise
            refusal = as_refusal(error, request)
            if isinstance(error, TooLarge):
                await _let_it_finish(receive)
            html = partial(self._error_page, request=request)
            await answer(refusal, request, html)(scope, receive, send)

    async def _choose(self, request: Request, scope: Scope, send: Send) -> None:
        path = scope["path"]
        handler = EXACT.get((scope["method"], path))
        if handler is not None:
            response = await handler(request)
            await response(scope, request.receive, send)
        elif path in EXACT_PATHS:
            raise WrongMethod(f"{path} does not answer {request.method}", hint="use another method")
        else:
            await self._starlette.router(scope, request.receive, send)

    def _error_page(self, page: ErrorPage, *, request: Request) -> Response:
        return self._renderer.html("web/error.html", page, request=request, status=page.status)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Count what arrives; artifacts are streamed to disk and have no limit."""
        if "/mlflow-artifacts/" in scope["path"]:
            return receive
        largest, seen = self._settings.max_body_bytes, 0

        async def receive_limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > largest:
                raise TooLarge(
                    f"the request is larger than {largest:,} bytes", hint="send less, or raise max_body_bytes"
                )
            return message

        return receive_limited


async def _let_it_finish(receive: Receive) -> None:
    """Read what a client still sends: closing on it would reset the connection before it sees the answer."""
    dropped, more = 0, True
    while more and dropped < LARGEST_DROPPED_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message.get("more_body", False)
