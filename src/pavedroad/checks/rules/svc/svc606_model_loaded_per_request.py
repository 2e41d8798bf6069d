from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.svc.web import routes, web_modules
from pavedroad.checks.source import Call, Module, Scope

LOADERS = re.compile(
    r"joblib\.load|(pickle|cloudpickle|dill)\.load|torch\.(jit\.)?load|skops\.io\.load|onnxruntime\.InferenceSession|"
    r"((tensorflow\.)?keras|tf\.keras)\.(models|saving)\.load_model|tensorflow\.saved_model\.load|"
    r"mlflow\.(\w+\.)?load_model|bentoml\.\w+\.load_model|transformers\.(\w+\.from_pretrained|pipeline)|"
    r"sentence_transformers\.(SentenceTransformer|CrossEncoder)|(spacy|stanza)\.load|fasttext\.load_model|"
    r"whisper\.load_model"
)
_RELOADS = re.compile(
    r"load|refresh|activate|switch|warm|update|register|upload|admin|train|startup", re.IGNORECASE
)


@rule(
    "SVC606",
    "model-loaded-per-request",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    by_module=True,
)
def model_loaded_per_request(project: Project) -> Iterator[Found]:
    """A service loads its model once, not for every request.

    Why:
        Reading and unpickling the model takes longer than predicting with it, and each request in flight
        holds a copy: slow first, out of memory under load.
    Bad:
        ```python
        import joblib
        from fastapi import FastAPI

        app = FastAPI()


        @app.post("/predict")
        def predict(rows: list[float]) -> float:
            model = joblib.load("model.joblib")
            return model.predict([rows])[0]
        ```
    Good:
        ```python
        import joblib
        from fastapi import FastAPI

        app = FastAPI()
        model = joblib.load("model.joblib")


        @app.post("/predict")
        def predict(rows: list[float]) -> float:
            return model.predict([rows])[0]
        ```
    Accepts:
        Loading below a condition or into a global, cached functions, and routes made for it (reload,
        activate, train).
    References:
        https://fastapi.tiangolo.com/advanced/events/
    """
    for module in web_modules(project):
        helpers = {
            function.name: function
            for function in module.functions
            if not function.decorator_list and isinstance(module.parents.get(function), ast.Module)
        }
        for route in routes(module):
            if _RELOADS.search(route.path) or _RELOADS.search(route.function.name):
                continue
            name = route.path or route.function.name
            for call in _loads(module, route.function, helpers):
                yield Found(
                    at=module.place(call.node),
                    says=f"{call.tail} loads a model for every request to {name}",
                    hint="load it once at start-up, or cache the function that loads it",
                )


def _loads(module: Module, function: Scope, helpers: dict[str, Scope]) -> Iterator[Call]:
    """Calls in a function, each time it runs, that load a model, or a plain function that does."""
    if _has_global(function):
        return
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or _is_conditional(module, node, function):
            continue
        call = Call(module.names_of(node.func)[0], node) if module.names_of(node.func) else None
        if call is None:
            continue
        helper = helpers.get(call.name)
        if LOADERS.fullmatch(call.name) or (
            helper is not None and helper is not function and any(True for _ in _loads(module, helper, {}))
        ):
            yield call


def _has_global(function: Scope) -> bool:
    return any(isinstance(node, ast.Global | ast.Nonlocal) for node in ast.walk(function))


def _is_conditional(module: Module, node: ast.AST, function: Scope) -> bool:
    for above in module.enclosing(node, ast.If, ast.IfExp, ast.BoolOp, ast.FunctionDef, ast.AsyncFunctionDef):
        return above is not function
    return True
