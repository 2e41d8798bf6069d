"""A page is a struct, a template and a route; the same struct answers as JSON at the path with `.json`.

    Page(path="/runs", template="tracking/runs.html", view=show_runs, parts={"live": "tracking/_live.html"})

`view` is a plain function from the request to a struct; the struct is all that the template sees, as `page`.
`?part=live` answers that piece alone, for a page that keeps itself fresh.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pavedroad.errors import NotFound, did_you_mean

STATIC = Path(__file__).parent / "static"
# Everything comes from this server; `data:` is for pictures that a model card may hold.
CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",  # "back" shows what is true now, not what was
}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    template: str
    view: Callable[[Request], Any]
    parts: Mapping[str, str] = {}  # name -> template of a piece that is fetched again


class Elsewhere(Exception):
    """Raised by a view: what was asked for is shown at another address."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class Renderer:
    """Templates from the folders of the rooms that have pages."""

    def __init__(
        self, folders: Sequence[Path], *, filters: Iterable[tuple[str, Callable[..., Any]]] = ()
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(dict(filters))
        self._environment.globals.update(
            static=static_address, twin=twin_address, release=version("pavedroad")
        )

    def html(self, template: str, page: Any, *, request: Request, status: int = 200) -> Response:
        text = self._environment.get_template(template).render(page=page, request=request)
        return Response(text, status_code=status, media_type="text/html", headers=HEADERS)


def page_routes(pages: Iterable[Page], renderer: Renderer) -> Iterator[Route]:
    # A browser asks for it by itself where no page names one, as for the JSON of a page.
    yield Route("/favicon.ico", lambda request: RedirectResponse(static_address("mark.svg")), methods=["GET"])
    for page in pages:
        # First, or `/artifacts/{name}` would take `/artifacts/x.json` for a name.
        yield Route(_twin(page.path), partial(_as_json, page=page, renderer=renderer), methods=["GET"])
        yield Route(page.path, partial(_as_html, page=page, renderer=renderer), methods=["GET"])


def twin_address(request: Request) -> str:
    """Where this page's struct answers as JSON, with the same query."""
    query = f"?{request.url.query}" if request.url.query else ""
    return _twin(quote(request.url.path)) + query


def static_address(name: str) -> str:
    """A file of the look; the address changes with its content, so that a browser may keep it."""
    return f"/static/{name}?{_fingerprint(name)}"


async def _as_html(request: Request, *, page: Page, renderer: Renderer) -> Response:
    try:
        return await run_in_threadpool(_render, request, page, renderer)
    except Elsewhere as elsewhere:
        return RedirectResponse(elsewhere.address)


async def _as_json(request: Request, *, page: Page, renderer: Renderer) -> Response:
    if not request.scope.get("raw_path", b".json").endswith(b".json"):  # see kit.http.segment
        last = list(request.path_params)[-1]
        request.path_params[last] += ".json"
        return await _as_html(request, page=page, renderer=renderer)
    try:
        content = await run_in_threadpool(page.view, request)
    except Elsewhere as elsewhere:
        return RedirectResponse(f"{elsewhere.address}.json")
    body = msgspec.json.encode(content, enc_hook=str)
    return Response(body, status_code=status_of(content), media_type="application/json")


def _render(request: Request, page: Page, renderer: Renderer) -> Response:
    part = request.query_params.get("part")
    if part is not None and part not in page.parts:
        raise NotFound(f"this page has no part {part!r}", hint=did_you_mean(part, page.parts))
    template = page.template if part is None else page.parts[part]
    content = page.view(request)
    return renderer.html(template, content, request=request, status=status_of(content))


def status_of(content: Any) -> int:
    """200, unless the struct says otherwise: a list that explains a filter it cannot read is still a 400."""
    return int(getattr(content, "http_status", 200))


def _twin(path: str) -> str:
    return "/index.json" if path == "/" else f"{path}.json"


def _fingerprint(name: str) -> str:
    if name not in _FINGERPRINTS:
        _FINGERPRINTS[name] = f"{zlib.crc32((STATIC / name).read_bytes()):08x}"
    return _FINGERPRINTS[name]


_FINGERPRINTS: dict[str, str] = {}
