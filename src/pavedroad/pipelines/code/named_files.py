"""Data files that code names with an expression: `HERE / "x.csv"`, where HERE is a constant."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from pavedroad.pipelines.code import paths
from pavedroad.pipelines.code.modules import Module
from pavedroad.pipelines.code.project_modules import ProjectModules, attributes_of
from pavedroad.pipelines.code.scopes import Chain

_DEEPEST = 10  # constants made of constants


def take_named_file(modules: ProjectModules, module: Module, node: ast.expr) -> bool:
    """Add the file that `node` names; False when that cannot be said by reading."""
    try:
        value = paths.evaluate(node, lambda chain: _constant(modules, module, chain, _DEEPEST))
    except (paths.Unreadable, ValueError, TypeError, IndexError, OSError):
        return False
    if isinstance(value, str | Path):
        modules.files.take(Path(value))
    return True


def _constant(modules: ProjectModules, module: Module, chain: Chain, depth: int) -> Any:
    """The path or text that a name of the module stands for.

    Raises: paths.Unreadable when it is anything else.
    """
    base, rest = str(chain[0]), chain[1:]
    if base == paths.PACKAGE_FOLDER:
        return _package_folder(modules, str(rest[0]))
    if chain == ("__file__",) and module.file is not None:
        return module.file
    held = module.namespace.get(base)
    if isinstance(held, str | Path) and not rest:
        return held
    units = module.units(base)
    if len(units) != 1 or not depth:
        raise paths.Unreadable
    (unit,) = units
    if unit.imported is not None:
        attributes = attributes_of(unit.imported, rest)
        target, left = modules.walk(module.absolute(unit.imported), attributes, live=module.is_live)
        if target is not None and left:
            return _constant(modules, target, left, depth - 1)
    elif unit.value is not None and not rest:
        return paths.evaluate(unit.value, lambda inner: _constant(modules, module, inner, depth - 1))
    raise paths.Unreadable


def _package_folder(modules: ProjectModules, name: str) -> Path:
    located = modules.locate(name)
    if located is None or not located.folders:
        raise paths.Unreadable
    return Path(located.folders[0])
