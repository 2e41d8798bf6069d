from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.tst.suite import has_tests, test_files
from pavedroad.checks.source import Module, Scope

_PREDICTS = re.compile(
    r"^((make|get|run|do|batch)_)?(predict|infer|score|classify|recommend|forecast)(_|$)|"
    r"^(make|get|run|do|batch)_(predictions?|inference|scoring|recommendations?|forecasts?)$|^(inference|prediction)$"
)
_MENTIONS = re.compile(
    r"predict|infer|score|classif|recommend|forecast|invocation|test_?client|app\.test|lambda_handler",
    re.IGNORECASE,
)
NOT_A_PREDICTION = re.compile(
    r"(^|_)(plot|save|load|log|get_best|compute|metric|write|read|store|upload|download|display|show|print|report|"
    r"compare|f1|auc|r2|scorer|monitor|fetch|delete|list|cv|cross|train|evaluate|test|check)(_|$)"
)


@rule("TST304", "untested-prediction", since="0.1", team="warning", production="error", of_project=True)
def untested_prediction(project: Project) -> Iterator[Found]:
    """A test sends a row through the prediction, as a caller would.

    Why:
        A renamed column or a changed type passes every unit test and fails in the service. One known row in,
        one known answer out, finds it before the deployment does.
    Bad:
        ```text
        service.py: def predict(row)     tests/: nothing that predicts
        ```
    Good:
        ```text
        tests/test_service.py: client.post("/predict", json=row).json() == {"churn": 0.31}
        ```
    Accepts:
        Any test that names a prediction, a score, the test client or the function itself. Projects without
        tests are TST301.
    References:
        https://fastapi.tiangolo.com/tutorial/testing/
    """
    if not has_tests(project):
        return
    found = _prediction(project)
    if found is None or any(_mentions(module, found[1].name) for module in test_files(project)):
        return
    module, function = found
    yield Found(
        at=project.line(module.path, function.lineno),
        says=f"no test predicts: {function.name} is called by none of them",
        hint="send one known row through it and assert the answer and its shape",
    )


def _prediction(project: Project) -> tuple[Module, Scope] | None:
    """The function that predicts: one behind a route first, else one whose name says so."""
    tests = {module.path for module in test_files(project)}
    named = None
    for module in project.modules:
        if module.notebook or module.path in tests:
            continue
        for function in module.functions:
            if any(_is_route(decorator) for decorator in function.decorator_list):
                return module, function
            if named is None and _is_named_so(module, function):
                named = module, function
    return named


def _is_route(decorator: ast.expr) -> bool:
    """`@app.post("/predict")`."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return False
    path = decorator.args[0] if decorator.args else None
    return (
        decorator.func.attr in ("post", "get", "route", "api", "put")
        and isinstance(path, ast.Constant)
        and isinstance(path.value, str)
        and bool(re.search(r"predict|infer|score|invocations|classify|recommend|forecast", path.value))
    )


def _is_named_so(module: Module, function: Scope) -> bool:
    is_public = not function.name.startswith("_") and isinstance(module.parents.get(function), ast.Module)
    name = function.name.lower()
    return is_public and bool(_PREDICTS.search(name)) and not NOT_A_PREDICTION.search(name)


def _mentions(module: Module, name: str) -> bool:
    return name in module.text or bool(_MENTIONS.search(module.text))
