"""Every route of MLflow's server and what becomes of it here, from the tables that answer requests."""

from __future__ import annotations

import re

import msgspec

import pavedroad.housekeeping.api
import pavedroad.registry.mlflow_api
import pavedroad.tracking.mlflow_api
from pavedroad.server.not_answered import AREAS, TWINS

MLFLOW_VERSION = "3.17"  # whose list of routes this is
PREFIX = "/api/2.0/mlflow/"
OURS = "/api/pavedroad/"
# Routes of ours beside MLflow's.
EXTENSIONS = {
    ("PUT", "/api/2.0/mlflow-artifacts/mpu/part/{upload_id}/{number:int}"),
    ("GET", "/api/2.0/mlflow/model-versions/get-artifact"),
}
# Of the server itself, outside of any room.
OF_THE_SERVER = (("GET", "/health"), ("GET", "/version"), ("GET", "/"))
_REFUSED_WHILE_GATED = "refused while it holds a gated alias"
_RANGES = "with `Range`, `If-Range`, `ETag`"
NOTES = {
    "GET /": "our overview instead of MLflow's pages",
    "GET /version": "ours; MLflow's client only needs an answer",
    "GET /api/3.0/mlflow/server-info": "no workspaces, no presigned addresses, plain PUT and GET by default",
    "POST /api/2.0/mlflow/runs/search": "also `OR`, `NOT`, parentheses; optional `fields`, `count`",
    "GET /api/2.0/mlflow/runs/get": "a run whose process died is FAILED",
    "POST /api/2.0/mlflow/registered-models/alias": "a gated alias asks its gates; 403 with what they say",
    "DELETE /api/2.0/mlflow/registered-models/delete": _REFUSED_WHILE_GATED,
    "POST /api/2.0/mlflow/registered-models/rename": _REFUSED_WHILE_GATED,
    "DELETE /api/2.0/mlflow/model-versions/delete": f"{_REFUSED_WHILE_GATED}; numbers stay taken",
    "POST /api/2.0/mlflow/model-versions/transition-stage": "Production asks the gates",
    "POST /api/2.0/mlflow/model-versions/create": "files and digests are those of this moment",
    "GET /api/2.0/mlflow-artifacts/artifacts/{path:path}": _RANGES,
    "PUT /api/2.0/mlflow-artifacts/artifacts/{path:path}": "refused below `registry/`",
    "DELETE /api/2.0/mlflow-artifacts/artifacts/{path:path}": "refused below `registry/`",
    "POST /api/2.0/mlflow-artifacts/mpu/create/{path:path}": "parts go to this server, not to a bucket",
    "PUT /api/2.0/mlflow-artifacts/mpu/part/{upload_id}/{number:int}": "where a part goes",
    "GET /get-artifact": _RANGES,
    "GET /model-versions/get-artifact": _RANGES,
    "GET /api/2.0/mlflow/model-versions/get-artifact": "the same under the API's prefix",
    "GET /api/2.0/mlflow/logged-models/{model_id}/artifacts/files": _RANGES,
    "POST /api/2.0/mlflow/webhooks": "see [webhooks](webhooks.md)",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One route; its twin under `/ajax-api/` has no row of its own."""

    method: str
    path: str
    area: str
    here: str  # answered, extension, not answered
    note: str = ""


def rows() -> list[Row]:
    answered = {(method, _without_twin(path)) for method, path in (*_answered(), *OF_THE_SERVER)}
    ours = [
        Row(
            method=method,
            path=path,
            area=_area(path),
            here="extension" if (method, path) in EXTENSIONS or path.startswith(OURS) else "answered",
            note=NOTES.get(f"{method} {path}", ""),
        )
        for method, path in sorted(answered, key=lambda route: (_area(route[1]), route[1], route[0]))
    ]
    missing = [
        Row(method=method, path=path, area=area.name, here="not answered", note=area.instead)
        for area in AREAS
        for method, path in area.routes()
    ]
    return ours + missing


def _answered() -> list[tuple[str, str]]:
    rooms = (pavedroad.tracking.mlflow_api, pavedroad.registry.mlflow_api)
    exact = [(method, PREFIX + path) for room in rooms for method, path in room.EXACT]
    routes = [
        (method, route.path)
        for door in (*rooms, pavedroad.housekeeping.api)
        for route in door.ROUTES
        if not route.path.startswith("//")  # another spelling of a route that is there
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    return exact + routes


def _without_twin(path: str) -> str:
    return path.replace(TWINS[1], TWINS[0], 1) if path.startswith(TWINS[1]) else path


def _area(path: str) -> str:
    """The noun of a path: what stands after the prefix."""
    found = re.search(r"/mlflow/([a-z-]+)", path)
    noun = found[1] if found else path.strip("/").partition("/")[0]
    if path.startswith(OURS):
        return "ours alone"
    if "artifact" in path and noun not in ("logged-models", "model-versions"):
        return "artifacts"
    return noun if noun in _NOUNS else "server"


_NOUNS = (
    "experiments",
    "runs",
    "metrics",
    "logged-models",
    "registered-models",
    "model-versions",
    "webhooks",
)
