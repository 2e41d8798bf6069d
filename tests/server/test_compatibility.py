"""The table of MLflow's routes is complete: it is compared with the MLflow that is installed."""

from __future__ import annotations

import re
import warnings

import pytest

from pavedroad.server.compatibility import EXTENSIONS, MLFLOW_VERSION, NOTES, rows
from pavedroad.server.not_answered import twins

Route = tuple[str, str]


def plain(path: str) -> str:
    """Parameters by place, since their names differ."""
    return re.sub(r"[{<][^}>]*[}>]", "{}", path).rstrip("/") or "/"


@pytest.fixture(scope="module")
def theirs() -> set[Route]:
    """Method and path of everything that MLflow's server answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow = pytest.importorskip("mlflow")
        if not mlflow.__version__.startswith(MLFLOW_VERSION):
            pytest.skip(f"the table is of MLflow {MLFLOW_VERSION}, {mlflow.__version__} is installed")
        from mlflow.server import app as flask_app
        from mlflow.server.fastapi_app import create_fastapi_app

        found = {
            (method, plain(rule.rule))
            for rule in flask_app.url_map.iter_rules()
            for method in rule.methods or ()
        }
        for included in create_fastapi_app(flask_app).routes:
            prefix = getattr(getattr(included, "include_context", None), "prefix", "")
            for route in getattr(getattr(included, "original_router", None), "routes", ()):
                found |= {(method, plain(prefix + route.path)) for method in route.methods}
    return {(method, path) for method, path in found if method not in ("HEAD", "OPTIONS")}


def ours(*here: str) -> set[Route]:
    return {(row.method, plain(twin)) for row in rows() if row.here in here for twin in twins(row.path)}


def test_every_route_of_mlflow_is_in_the_table(theirs: set[Route]) -> None:
    assert sorted(theirs - ours("answered", "not answered")) == []


def test_no_route_of_the_table_is_made_up(theirs: set[Route]) -> None:
    for row in rows():
        is_theirs = any((row.method, plain(twin)) in theirs for twin in twins(row.path))
        assert is_theirs == (row.here != "extension"), row


def test_no_route_is_both_answered_and_not() -> None:
    assert sorted(ours("answered", "extension") & ours("not answered")) == []


def test_every_extension_and_note_is_of_a_route() -> None:
    known = {(row.method, row.path) for row in rows()}
    assert known >= EXTENSIONS
    assert {f"{method} {path}" for method, path in known} >= NOTES.keys()
