"""The registry half of MLflow's REST API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]

EXACT: dict[tuple[str, str], Handler] = {}
ROUTES: tuple[Route, ...] = ()
