"""HTML that a run logged, to be looked at: in an origin of its own, without network, cookies or forms.

A figure of plotly is HTML with a script. The policy below lets that script draw, and keeps it from all else:
`sandbox` without `allow-same-origin` gives the page an origin that is nobody's, `default-src 'none'` lets it
ask for nothing, and the server refuses what an origin that is not its own sends.
"""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.errors import Invalid
from pavedroad.tracking.artifact_files import get_file
from pavedroad.tracking.file_answer import file_answer
from pavedroad.tracking.mlflow_artifacts import safe_path
from pavedroad.tracking.mlflow_door import read
from pavedroad.tracking.previews import HTML, suffix_of

POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


async def show_html(request: Request) -> Response:
    path = safe_path(request.path_params["path"])
    if suffix_of(path) not in HTML:
        raise Invalid(f"{path[-80:]!r} is no HTML", hint="look at it under /files/")
    stored = await read(request, partial(get_file, root="", path=path))
    answer = await file_answer(request, stored, path)
    answer.headers["Content-Disposition"] = "inline"
    answer.headers["Content-Type"] = "text/html; charset=utf-8"
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return answer


ROUTES: tuple[Route, ...] = (Route("/sandbox/{path:path}", show_html, methods=["GET"]),)
