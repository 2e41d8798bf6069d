from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.arguments import add_argument
from pavedroad.checks.model import UNSAFE, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Call, Module

# Flavours that work a signature out by themselves (transformers, langchain, openai, ...) are not listed.
FLAVOURS = frozenset(
    {
        "sklearn", "xgboost", "lightgbm", "catboost", "pytorch", "tensorflow", "keras", "pyfunc", "onnx",
        "spark", "statsmodels", "prophet", "pmdarima", "h2o", "paddle", "fastai", "spacy", "gluon", "mxnet",
        "diviner",
    }
)  # fmt: skip


OUR_MODEL = ("pavedroad.Model", "pavedroad.models.Model", "pavedroad.models.files.Model")
NOT_DATA = ("self", "context", "params")  # arguments of a predict beside its input
MODEL_AND_NAME = 4  # more positional arguments than this may hold a signature


@rule(
    "MOD505",
    "model-without-signature",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    by_module=True,
)
def model_without_signature(project: Project) -> Iterator[Found]:
    """A logged model says which columns it takes.

    Why:
        Without a signature a service cannot refuse a request with a missing or renamed column: it answers
        with a wrong number. 43% of the public projects that log a model gave neither signature nor example.
    Bad:
        ```python
        import mlflow

        mlflow.sklearn.log_model(model, name="churn")
        ```
    Good:
        ```python
        import mlflow

        mlflow.sklearn.log_model(model, name="churn", input_example=X_train.head())
        ```
    Accepts:
        signature or input_example, and for paved.Model signature or example: the signature follows from it.
        Tests are left alone.
    Fix:
        Adds the first rows that the model was fitted on as the example, where the same function shows them.
    References:
        https://mlflow.org/docs/latest/ml/model/signatures/
    """
    for module in project.modules:
        if project.is_test(module.path):
            continue
        for call in module.calls("Model", package="pavedroad"):
            if call.name in OUR_MODEL and not call.is_open and not _is_given(call, "signature", "example"):
                yield Found(
                    at=module.place(call.node),
                    says="paved.Model without signature or example",
                    hint="pass example=X.head(): the signature follows from it",
                    fix=_fix(module, call, "example"),
                )
        for call in module.calls("log_model", package="mlflow"):
            if _flavour(call) in FLAVOURS and not call.is_open and not _describes_itself(module, call):
                yield Found(
                    at=module.place(call.node),
                    says=f"mlflow.{_flavour(call)}.log_model without signature or input_example",
                    hint="pass input_example=X.head(): the signature follows from it",
                    fix=_fix(module, call, "input_example"),
                )


def _fix(module: Module, call: Call, keyword: str) -> Fix | None:
    rows = _fitted_on(module, call)
    argument = f"{keyword}={rows}[:5]"
    edit = add_argument(module, call, argument) if rows else None
    return Fix(says=f"add {argument}", safety=UNSAFE, edits=(edit,)) if edit else None


def _fitted_on(module: Module, call: Call) -> str:
    """The rows that the logged model learned from in the same function, by name; empty when not seen."""
    named = [keyword.value for keyword in call.node.keywords if keyword.arg and keyword.arg.endswith("model")]
    model = next(iter([*call.node.args[:1], *named]), None)
    if not isinstance(model, ast.Name):
        return ""
    for fit in reversed(module.calls("fit")):
        rows = fit.node.args[0] if fit.node.args else None
        is_before = fit.node.lineno < call.node.lineno and _scope(module, fit.node) is _scope(
            module, call.node
        )
        if is_before and isinstance(rows, ast.Name) and model.id in _models_of(module, fit):
            return rows.id
    return ""


def _models_of(module: Module, fit: Call) -> list[str]:
    """The names of what is fitted: `model.fit(X)`, `model = Model().fit(X)`."""
    function, parent = fit.node.func, module.parents.get(fit.node)
    holder = function.value if isinstance(function, ast.Attribute) else None
    targets = parent.targets if isinstance(parent, ast.Assign) else []
    return [node.id for node in (holder, *targets) if isinstance(node, ast.Name)]


def _scope(module: Module, node: ast.AST) -> ast.AST | None:
    parent = module.parents.get(node)
    while parent is not None and not isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
        parent = module.parents.get(parent)
    return parent


def _flavour(call: Call) -> str:
    parts = call.name.split(".")
    return parts[1] if len(parts) == 3 else ""


def _describes_itself(module: Module, call: Call) -> bool:
    if _is_given(call, "signature", "input_example") or len(call.node.args) > MODEL_AND_NAME:
        return True
    return _flavour(call) == "pyfunc" and _has_typed_predict(module)


def _has_typed_predict(module: Module) -> bool:
    """MLflow reads the signature of a Python model off the type hints of its `predict`."""
    for function in module.functions:
        data = [argument for argument in function.args.args if argument.arg not in NOT_DATA]
        if function.name == "predict" and data and data[-1].annotation is not None:
            return True
    return False


def _is_given(call: Call, *keywords: str) -> bool:
    values = [call.keyword(name) for name in keywords]
    return any(value is not None and not _is_none(value) for value in values)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
