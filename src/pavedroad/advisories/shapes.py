"""Statements that are a use by their form: what no name and no keyword shows."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pavedroad.advisories.model import Match

if TYPE_CHECKING:
    from pavedroad.advisories.uses import Scan

Found = Iterator[tuple[ast.AST, str]]
NANOSECONDS_A_SECOND = 10**9
STEP_VALUES_BEFORE = 4
LONGEST_SHOWN = 80


def shown(node: ast.AST) -> str:
    """The code of a node in one line; what is nested too deeply is not shown."""
    try:
        return " ".join(ast.unparse(node).split())[:LONGEST_SHOWN]
    except (RecursionError, ValueError):
        return "a long expression"


def chained_assignments(scan: Scan, match: Match) -> Found:
    """`frame["a"][rows] = value`"""
    for node in scan.module.parents:
        if isinstance(node, ast.Assign | ast.AugAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if _is_chained(scan, target, match):
                    yield node, shown(target)


def _is_chained(scan: Scan, target: ast.expr, match: Match) -> bool:
    if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Subscript):
        return False
    owner = target.value.value
    if isinstance(owner, ast.Attribute) and owner.attr in ("loc", "iloc"):
        owner = owner.value
    return scan.receivers.is_one_of(owner, match.receiver)


def object_dtypes(scan: Scan, match: Match) -> Found:
    """`column.dtype == object`, in a module that imports pandas."""
    if "pandas" not in scan.module.import_roots():
        return
    for node in scan.module.parents:
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In):
            continue
        sides = [node.left, *node.comparators]
        has_dtype = any(_is_dtype(side) for side in sides)
        if has_dtype and any(_is_object(scan, side) for side in sides):
            yield node, shown(node)


def _is_dtype(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_dtype(node.value)
    return isinstance(node, ast.Attribute) and node.attr in ("dtype", "dtypes")


def _is_object(scan: Scan, node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value in ("object", "O")
    if isinstance(node, ast.List | ast.Tuple):
        texts = [getattr(item, "value", getattr(item, "id", "")) for item in node.elts]
        return ("object" in texts or "O" in texts) and "string" not in texts
    return any(name in ("object", "numpy.object_", "numpy.object") for name in scan.module.names_of(node))


def dates_as_integers(scan: Scan, match: Match) -> Found:
    """`column.astype("int64") // 10**9`"""
    for node in scan.module.parents:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Div):
            left = node.left
            is_cast = isinstance(left, ast.Call) and getattr(left.func, "attr", "") in ("astype", "view")
            if is_cast and _number(node.right) == NANOSECONDS_A_SECOND:
                yield node, shown(node)


def _number(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, power = _number(node.left), _number(node.right)
        return base**power if 0 <= power <= 18 and abs(base) <= 1000 else 0
    is_number = isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return float(node.value) if is_number else 0  # type: ignore[attr-defined]


def optional_without_default(scan: Scan, match: Match) -> Found:
    """A field `name: Optional[str]` and nothing behind it."""
    for owner in scan.module.classes:
        if not scan.receivers.fits(owner.name, match.receiver):
            continue
        for node in owner.body:
            if isinstance(node, ast.AnnAssign) and node.value is None and _is_optional(scan, node.annotation):
                yield node, shown(node)


def _is_optional(scan: Scan, node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return any(isinstance(side, ast.Constant) and side.value is None for side in (node.left, node.right))
    if isinstance(node, ast.Subscript):
        return any(name.rpartition(".")[2] == "Optional" for name in scan.module.names_of(node.value))
    return False


def four_way_steps(scan: Scan, match: Match) -> Found:
    """`observation, reward, done, info = env.step(action)`, in a module that imports gym."""
    if "gym" not in scan.module.import_roots():
        return
    for node in scan.module.parents:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            target, function = node.targets[0], node.value.func
            is_step = isinstance(function, ast.Attribute) and function.attr == "step"
            if is_step and isinstance(target, ast.Tuple) and len(target.elts) == STEP_VALUES_BEFORE:
                yield node, shown(node)


def with_calls(scan: Scan, match: Match) -> Found:
    """`with Flow("x") as flow:`"""
    for node in scan.module.parents:
        if isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call):
            names = scan.module.names_of(node.context_expr.func)
            if set(names) & set(match.callable):
                yield node.context_expr, f"with {shown(node.context_expr.func)}(...)"


SHAPES: dict[str, Callable[[Scan, Match], Found]] = {
    "chained-assignment": chained_assignments,
    "dtype-is-object": object_dtypes,
    "dates-as-integers": dates_as_integers,
    "optional-without-default": optional_without_default,
    "four-way-step": four_way_steps,
    "with-call": with_calls,
}
# What the text of a module holds when the statement is in it.
SHAPE_WORDS: dict[str, tuple[str, ...]] = {
    "chained-assignment": ("][", "] [", "]\\\n"),
    "dtype-is-object": ("dtype",),
    "dates-as-integers": ("astype", "view"),
    "optional-without-default": ("Optional", "None"),
    "four-way-step": ("step",),
    "with-call": ("with ",),
}
