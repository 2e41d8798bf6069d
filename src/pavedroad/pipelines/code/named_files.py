"""Data files that code names with an expression: `HERE / "x.csv"`, where HERE is a constant."""

from __future__ import annotations

import glob
from pathlib import Path
from types import ModuleType
from typing import Any

from pavedroad.pipelines.code import paths
from pavedroad.pipelines.code.modules import Module
from pavedroad.pipelines.code.project_modules import ProjectModules, attributes_of
from pavedroad.pipelines.code.scopes import Chain, Imported, NamedPath

_DEEPEST = 10  # constants made of constants


def take_named_file(modules: ProjectModules, module: Module, path: NamedPath) -> bool:
    """Add the files that `path` names; False when that cannot be said by reading."""

    def look_up(chain: Chain) -> Any:
        if path.imported is not None and chain[0] == path.base:
            return _imported(modules, module, path.imported, chain[1:], _DEEPEST, live=False)
        return _constant(modules, module, chain, _DEEPEST)

    try:
        value = paths.evaluate(path.node, look_up)
    except (paths.Unreadable, ValueError, TypeError, IndexError, OSError):
        return False
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Path) or (isinstance(each, str) and "\n" not in each and len(each) < 1000):
            for file in _matching(str(each)):
                modules.files.take(Path(file))
    return True


def _matching(path: str) -> list[str]:
    return sorted(glob.glob(path)) if glob.has_magic(path) else [path]  # noqa: PTH207 (it is a text)


def constant(modules: ProjectModules, module: Module, chain: Chain) -> Any:
    """The path or text that a name of the module stands for; None when that cannot be said by reading."""
    try:
        return _constant(modules, module, chain, _DEEPEST)
    except (paths.Unreadable, ValueError, TypeError, IndexError, OSError):
        return None


def _constant(modules: ProjectModules, module: Module, chain: Chain, depth: int) -> Any:
    """Raises: paths.Unreadable when it is not a path or text."""
    base, rest = str(chain[0]), chain[1:]
    if base == paths.PACKAGE_FOLDER:
        return _package_folder(modules, module, rest)
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
        return _imported(modules, module, unit.imported, rest, depth - 1, live=module.is_live)
    if unit.value is not None and not rest:
        return paths.evaluate(unit.value, lambda inner: _constant(modules, module, inner, depth - 1))
    raise paths.Unreadable


def _imported(
    modules: ProjectModules, module: Module, imported: Imported, rest: Chain, depth: int, *, live: bool
) -> Any:
    target, left = modules.walk(module.absolute(imported), attributes_of(imported, rest), live=live)
    if target is None or not left:
        raise paths.Unreadable
    return _constant(modules, target, left, depth)


def _package_folder(modules: ProjectModules, module: Module, rest: Chain) -> Path:
    """The folder of a package: `("late_flights",)` by its name, `("", "__package__")` by an expression."""
    name, chain = str(rest[0]), rest[1:]
    if chain in (("__package__",), ("__name__",)):
        name = module.package
    elif chain:
        held = module.namespace.get(chain[0])
        name = str(getattr(held, "__name__", "")) if isinstance(held, ModuleType) else ""
    located = modules.locate(name)
    if located is None or not (located.folders or located.file):
        raise paths.Unreadable
    return Path(located.folders[0]) if located.folders else Path(str(located.file)).parent
