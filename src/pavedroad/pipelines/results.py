"""From what a step's function returned to values on the shelf."""

from __future__ import annotations

from typing import Any

from pavedroad.errors import DefinitionError
from pavedroad.pipelines.annotations import describe, fixed_items
from pavedroad.pipelines.steps import Step
from pavedroad.pipelines.values.model import NotStorable, Value
from pavedroad.pipelines.values.shelf import Owner, Shelf, tree_value, unstored


def keep_result(shelf: Shelf, step: Step[..., Any], result: Any, owner: Owner) -> tuple[Value, list[str]]:
    """The value as it is kept, and why parts of it are not.

    Raises: DefinitionError when the annotation promises another number of values.
    """
    promised = fixed_items(step.returns)
    if promised is None:
        return _keep(shelf, result, owner)
    if not isinstance(result, tuple) or len(result) != len(promised):
        given = f"a tuple of {len(result)}" if isinstance(result, tuple) else f"a {type(result).__name__}"
        raise DefinitionError(
            f"{step.name}() promises {describe(step.returns)} but returned {given}",
            hint="correct its annotation or what it returns",
        )
    kept = [_keep(shelf, item, owner) for item in result]
    kind = type(result)
    name = "tuple" if kind is tuple else f"{kind.__module__}:{kind.__qualname__}"
    return tree_value(name, [], [value for value, _ in kept]), [
        reason for _, reasons in kept for reason in reasons
    ]


def _keep(shelf: Shelf, result: Any, owner: Owner) -> tuple[Value, list[str]]:
    try:
        return shelf.store(result, owner), []
    except NotStorable as error:
        return unstored(result), [str(error)]
