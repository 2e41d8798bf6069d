"""What the seed rules share: is a call seeded, and how to write a seed into it."""

from __future__ import annotations

import ast
from functools import lru_cache

from pavedroad.checks.arguments import add_argument
from pavedroad.checks.model import UNSAFE, Edit, Fix
from pavedroad.checks.source import Call, Module

DEFAULT_SEED = "42"
_SEED_CONSTANTS = ("SEED", "RANDOM_SEED", "RANDOM_STATE", "RANDOM_STATE_SEED", "GLOBAL_SEED", "DEFAULT_SEED")


def is_seeded(call: Call) -> bool:
    """Whether `random_state` is given, or may be among arguments that we cannot see."""
    value = call.keyword("random_state")
    if value is None:
        return call.is_open
    return not (isinstance(value, ast.Constant) and value.value is None)


def seed_fix(module: Module, call: Call, *, argument: str = "random_state=") -> Fix | None:
    """Write a seed as the last argument: the module's own constant where it has one, else 42."""
    if module.notebook or module.has_odd_lines:
        return None  # a notebook's text lies inside JSON
    seed = _seed_of(module)
    edit = _replace_none(module, call, seed) or add_argument(module, call, f"{argument}{seed}")
    return Fix(says=f"add {argument}{seed}", safety=UNSAFE, edits=(edit,)) if edit else None


@lru_cache(maxsize=1)
def _seed_of(module: Module) -> str:
    """How the module spells its seed; asked again and again for the same one."""
    names = _top_level_names(module)
    return next((name for name in _SEED_CONSTANTS if name in names), DEFAULT_SEED)


def _top_level_names(module: Module) -> set[str]:
    names = {name for name in module.aliases if name.isupper()}
    for statement in module.tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        names.update(target.id for target in targets if isinstance(target, ast.Name))
    return names


def _replace_none(module: Module, call: Call, seed: str) -> Edit | None:
    value = call.keyword("random_state")
    if value is None:
        return None
    start = module.offset(value.lineno, value.col_offset)
    return Edit(path=module.path, start=start, end=start + len("None"), text=seed)
