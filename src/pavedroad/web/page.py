"""A page is a struct, a template and a route; the same struct answers as JSON at the path with `.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# Everything comes from this server; `data:` is for the small marks in the style sheet.
CONTENT_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    template: str
    view: Callable[[Request], Any]  # plain function; what it returns is all that the template sees, as `page`


class Renderer:
    """Templates from the folders of the rooms that have pages."""

    def __init__(self, folders: Sequence[Path], *, filters: Iterable[tuple[str, Callable[..., Any]]] = ()) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(dict(filters))

    def html(self, template: str, page: Any, *, request: Request, status: int = 200) -> Response:
        text = self._environment.get_template(template).render(page=page, request=request)
        return Response(
            text,
            status_code=status,
            media_type="text/html",
            headers={"Content-Security-Policy": CONTENT_POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"},
        )


def page_routes(pages: Iterable[Page], renderer: Renderer) -> Iterator[Route]:
    for page in pages:
        # First, or `/artifacts/{name}` would take `/artifacts/x.json` for a name.
        twin = "/index.json" if page.path == "/" else f"{page.path}.json"
        yield Route(twin, partial(_as_json, page=page), methods=["GET"])
        yield Route(page.path, partial(_as_html, page=page, renderer=renderer), methods=["GET"])


async def _as_html(request: Request, *, page: Page, renderer: Renderer) -> Response:
    return await run_in_threadpool(lambda: renderer.html(page.template, page.view(request), request=request))


async def _as_json(request: Request, *, page: Page) -> Response:
    content = await run_in_threadpool(lambda: msgspec.json.encode(page.view(request), enc_hook=str))
    return Response(content, media_type="application/json")
