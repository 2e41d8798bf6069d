"""Tells of code that chooses code at run time, once it is clear that its names mean what they seem to."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import ModuleType

from pavedroad.pipelines.code.blind import CALLS, LOOKS_INTO, STARTS, VARYING_PATH, Blind
from pavedroad.pipelines.code.modules import Module, is_own
from pavedroad.pipelines.code.named_files import constant
from pavedroad.pipelines.code.parts import Parts
from pavedroad.pipelines.code.project_modules import ProjectModules
from pavedroad.pipelines.code.scopes import Chain, Imported


def report(modules: ProjectModules, parts: Parts, module: Module, blind: Blind) -> None:
    file = modules.files.label(module.file) if module.file else module.name
    place = f"step {modules.step}: {blind.text} in {file}:{blind.line}"
    if blind.callee == (VARYING_PATH,):
        if blind.subject and _is_code_folder(modules, module, blind.subject):
            parts.warn(f"{place} names a file at run time; list what it may read in depends_on=")
        return
    called = _full_name(module, blind.callee)
    if called not in CALLS:
        return
    if called in LOOKS_INTO and not (blind.subject and _is_code(modules, module, blind.subject)):
        return
    if called in STARTS and not _starts_own(modules, blind):
        return
    parts.warn(f"{place} {CALLS[called]}; list what it may call in depends_on=")


def _is_code_folder(modules: ProjectModules, module: Module, chain: Chain) -> bool:
    """Whether a name stands for a folder that does not count with all that is in it."""
    if isinstance(chain[0], Imported):
        return False
    value = constant(modules, module, chain)
    return isinstance(value, str | Path) and modules.files.is_code_folder(Path(value))


def _full_name(module: Module, chain: Chain) -> str:
    """The full name of what a chain stands for, `importlib.import_module`; "" when that is not known."""
    base, rest = chain[0], [str(each) for each in chain[1:]]
    if isinstance(base, Imported):
        return ".".join([module.absolute(base), *([base.name] if base.name else []), *rest])
    for unit in module.units(base):
        return _full_name(module, (unit.imported, *rest)) if unit.imported is not None else ""
    if base in module.namespace:
        value = module.namespace[base]
        if isinstance(value, ModuleType):
            return ".".join([value.__name__, *rest])
        return f"{getattr(value, '__module__', '')}.{base}"
    return f"builtins.{base}" if hasattr(builtins, base) else ""


def _is_code(modules: ProjectModules, module: Module, chain: Chain) -> bool:
    """Whether a chain stands for a module or a class of the project."""
    base = chain[0]
    if isinstance(base, Imported):
        return modules.is_own(module.absolute(base))
    value = module.namespace.get(base)
    if isinstance(value, type):
        return is_own(getattr(sys.modules.get(value.__module__), "__file__", None) or sys.executable)
    if isinstance(value, ModuleType):
        return modules.is_own(value.__name__)
    for unit in module.units(base):
        if unit.imported is not None:
            return modules.is_own(module.absolute(unit.imported))
    return any(unit.kind == "class" for unit in module.units(base))


def _starts_own(modules: ProjectModules, blind: Blind) -> bool:
    """Whether a literal argument names a module of the project or a script, which is added as a file."""
    found = False
    for word in " ".join(blind.literals).split():
        script = modules.root / word
        is_script = script.suffix == ".py" and script.is_file() and modules.files.take(script) is not None
        is_module = word.replace(".", "").isidentifier() and modules.is_own(word)
        found = found or is_script or is_module
    return found
