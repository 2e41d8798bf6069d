"""What the rules about pipelines share: tasks, and the keys of a dictionary a call is given."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.source import Module, Scope

PREFECT_TASKS = ("prefect.task", "prefect.tasks.task")
OUR_STEPS = ("pavedroad.step", "pavedroad.pipelines.step")


def decorated(module: Module, *names: str) -> Iterator[tuple[Scope, ast.expr]]:
    """Functions with one of these decorators, and the decorator as it is written."""
    for function in module.functions:
        for decorator in function.decorator_list:
            named = decorator.func if isinstance(decorator, ast.Call) else decorator
            if any(name in names for name in module.names_of(named)):
                yield function, decorator


def dictionary(module: Module, value: ast.expr | None) -> ast.Dict | None:
    """A dictionary written out, or the one that a name of the module stands for."""
    if isinstance(value, ast.Dict):
        return value
    if isinstance(value, ast.Name):
        for statement in module.tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
                names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
                if value.id in names:
                    return statement.value
    return None


def keys_of(written: ast.Dict | None) -> dict[str, ast.expr]:
    if written is None:
        return {}
    pairs = zip(written.keys, written.values, strict=True)
    return {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
