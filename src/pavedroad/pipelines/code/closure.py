"""From the names that a piece of code reads to everything behind them, across the modules of the project.

A module is followed *live* when the step's own module loaded it at import time: its loaded namespace says
what its names are now, its source says how they came about. A module that only function bodies import is
followed from its source alone, loaded or not, so that a fingerprint does not depend on what ran before it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from pavedroad.pipelines.code import paths
from pavedroad.pipelines.code.facts import Facts
from pavedroad.pipelines.code.modules import BUILT_IN, Module
from pavedroad.pipelines.code.named_files import take_named_file
from pavedroad.pipelines.code.outline import PAVEDROAD, Unit
from pavedroad.pipelines.code.parts import Parts
from pavedroad.pipelines.code.project_modules import ProjectModules, attributes_of
from pavedroad.pipelines.code.scopes import (
    MERELY_IMPORTED,
    PSEUDO_ATTRIBUTES,
    WRITES,
    Chain,
    Imported,
    NamedPath,
)
from pavedroad.pipelines.code.unseen import report


class Live(Protocol):
    """What looks at loaded objects; see objects.py."""

    def name(self, module: Module, base: str, rest: Chain, origin: str) -> None: ...
    def touch(self, value: object) -> None: ...


class Closure:
    """Adds everything that names lead to. `live` is set by whoever makes both."""

    live: Live

    def __init__(self, modules: ProjectModules, parts: Parts, *, warns: bool) -> None:
        self.modules = modules
        self.parts = parts
        self.warns = warns  # about code that chooses code at run time
        self.todo: list[Callable[[], None]] = []
        self._seen: set[Any] = set()

    def first_time(self, *key: Any) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def run(self) -> None:
        """Work until nothing new is reached: a list instead of recursion, for any depth."""
        while self.todo:
            self.todo.pop()()

    # --- what a piece of code reads -----------------------------------------------------------------------

    def follow(
        self,
        module: Module,
        facts: Facts,
        *,
        local: frozenset[str] = frozenset(),
        assigned: ast.expr | None = None,
    ) -> None:
        """Everything that one piece of code of `module` reads; `local` names are its own.

        `assigned` is the value of a plain assignment: if it is a path, the uses of the name tell what for.
        """
        for chain in facts.reads:
            if isinstance(chain[0], Imported):
                self.reach(module.absolute(chain[0]), attributes_of(chain[0], chain[1:]), live=False)
            elif chain[0] not in local:
                self.name(module, chain)
        for chain in facts.annotations:
            if isinstance(chain[0], Imported):
                self.reach_type(module.absolute(chain[0]), attributes_of(chain[0], chain[1:]), live=False)
            elif chain[0] not in local:
                self.type_name(module, chain)
        for blind in facts.blind if self.warns else ():
            report(self.modules, self.parts, module, blind)
        for path in facts.paths:
            if path.node is not assigned and (path.imported is not None or path.base not in local):
                self._take_path(module, path)

    def _take_path(self, module: Module, path: NamedPath) -> None:
        if take_named_file(self.modules, module, path):
            return
        if path.imported is not None:
            self.reach(module.absolute(path.imported), attributes_of(path.imported, ()), live=False)
        elif path.base:
            self.name(module, (path.base,))

    def name(self, module: Module, chain: Chain) -> None:
        if self.first_time("name", module.name, module.is_live, chain):
            self.todo.append(lambda: self._name(module, str(chain[0]), chain[1:]))

    def _name(self, module: Module, base: str, rest: Chain) -> None:
        self._enter(module)
        origin = ""
        units = [unit for unit in module.units(base) if not unit.is_typing_only]
        for unit in units:
            origin = self.unit(module, unit, base, rest)
            is_read = not module.is_live and not (rest and rest[-1] in WRITES)
            if is_read and unit.value is not None and paths.is_path(unit.value):
                start = paths.spine(unit.value)[-1]
                self._take_path(
                    module, NamedPath(unit.value, start.id if isinstance(start, ast.Name) else "")
                )
        if not units and module.stars:
            origin = self._star(module, base, rest)
        if module.outline is not None:
            for unit in (*module.outline.changes(base), *module.outline.assigning(base)):
                self.unit(module, unit, base if unit.kind == "statement" else unit.names[0], ())
            if not module.is_live and origin == "statement":
                self._unseen_changes(module, base)
        if module.is_live:
            self.live.name(module, base, rest, origin)

    def _enter(self, module: Module) -> None:
        """What a module does to others when it is loaded: settings of libraries, imports for their effect."""
        if module.outline is None or not self.first_time("enter", module.name, module.is_live):
            return
        for unit in module.outline.effects:
            facts = module.outline.facts(unit)
            self.parts.add(f"module {module.name}", facts.digest)
            self.follow(module, facts)
        for unit in module.outline.units:
            dotted = self._loads(module, unit)
            if dotted and not module.outline.uses(unit.names[0]):
                self.reach(dotted, (), live=module.is_live)
        above = module.name.rpartition(".")[0]
        package = self.modules.by_name(above, live=module.is_live) if above else None
        if package is not None:
            self._enter(package)

    def _loads(self, module: Module, unit: Unit) -> str:
        """The module of the project that an import loads as such, rather than for a name in it; else ""."""
        if unit.loaded is None or unit.is_typing_only:
            return ""
        dotted = ".".join(filter(None, [module.absolute(unit.loaded), unit.loaded.name]))
        # What an `__init__.py` takes from its own modules, it exports.
        exports = module.is_package and bool(unit.loaded.name)
        return dotted if not exports and self.modules.is_own(dotted) else ""

    def _star(self, module: Module, base: str, rest: Chain) -> str:
        source = self.modules.star_source(module, base)
        if source is not None:
            self.name(source, (base, *rest))
            return "own"
        if not hasattr(builtins, base):
            for star in module.stars:
                self.foreign(module.absolute(star))
        return ""

    # --- statements ---------------------------------------------------------------------------------------

    def unit(self, module: Module, unit: Unit, base: str, rest: Chain) -> str:
        """One statement that binds or changes `base`.

        Returns what it is: "function", "class" or "statement"; for imports "same" (what the other module of
        the project holds now), "own" (no longer that) or "foreign".
        """
        if unit.imported is not None:
            return self._import(module, unit, unit.imported, rest)
        label = f"{'global' if unit.kind == 'statement' else unit.kind} {module.name}.{base}"
        if module.outline is not None and self.first_time("unit", id(unit), module.is_live, label):
            facts = module.outline.facts(unit)
            self.parts.add(label, facts.digest)
            self.follow(module, facts, local=frozenset(unit.names), assigned=unit.value)
        return unit.kind

    def _import(self, module: Module, unit: Unit, imported: Imported, rest: Chain) -> str:
        dotted, base = module.absolute(imported), unit.names[0]
        if unit.around and module.outline is not None and self.first_time("around", id(unit), module.is_live):
            facts = module.outline.facts(unit)
            self.parts.add(f"global {module.name}.{base}", facts.digest)
            self.follow(module, facts)
        if dotted == module.name and self.modules.is_own(f"{dotted}.{imported.name}"):  # `from . import deep`
            self.reach(f"{dotted}.{imported.name}", rest, live=module.is_live)
            return "same"
        if self.modules.is_own(dotted):
            self.reach(dotted, attributes_of(imported, rest), live=module.is_live)
            return "same" if self.modules.is_same_object(module, unit, base) else "own"
        self.parts.add(f"import {module.name}.{base}", f"{dotted}:{imported.name}")
        self.foreign(dotted, attributes_of(imported, rest))
        return "foreign"

    def opaque(self, module: Module, base: str) -> None:
        """What may have changed a value that cannot be looked into."""
        if module.outline is not None:
            for unit in module.outline.receives(base):
                self.unit(module, unit, base if unit.kind == "statement" else unit.names[0], ())

    def _unseen_changes(self, module: Module, base: str) -> None:
        """A value of a module that is only read: whoever fills it at import is to be found in the source."""
        self.opaque(module, base)
        if module.outline is not None and module.outline.is_filled_by_functions(base):
            self.whole(module)

    # --- modules ------------------------------------------------------------------------------------------

    def reach(self, dotted: str, attributes: Chain, *, live: bool) -> None:
        """What `dotted.a.b` leads to, or all of the module when nothing is asked of it."""
        if not self.first_time("reach", dotted, attributes, live):
            return
        if not self.modules.is_own(dotted):
            self.foreign(dotted, attributes)
            return
        module, rest = self.modules.walk(dotted, attributes, live=live)
        if module is None or rest == (MERELY_IMPORTED,):
            return
        if not rest or rest[0] in PSEUDO_ATTRIBUTES or rest[0] == "__dict__":
            self.whole(module)
        elif self.modules.binds(module, str(rest[0])):
            self.name(module, rest)
        elif not str(rest[0]).startswith("__"):
            self.name(module, ("__getattr__",))
            self._star(module, str(rest[0]), rest[1:])

    def foreign(self, dotted: str, attributes: Chain = ()) -> None:
        """A module outside the project: its distribution counts by its version."""
        top = dotted.partition(".")[0]
        if top and top not in BUILT_IN and top != PAVEDROAD and not self.modules.is_own(dotted):
            plain = [str(each) for each in attributes if each not in PSEUDO_ATTRIBUTES]
            self.parts.imports.add(".".join([dotted, *plain]))

    def whole(self, module: Module) -> None:
        """Everything in a module: it was handed on as a value, or its names are looked up at run time."""
        if not self.first_time("whole", module.name, module.is_live):
            return
        for unit in module.outline.units if module.outline is not None else ():
            if unit.is_typing_only or unit.is_main_only or module.outline is None:
                continue
            for name in unit.names:
                self.name(module, (name,))
            if not unit.names:
                facts = module.outline.facts(unit)
                self.parts.add(f"module {module.name}", facts.digest)
                self.follow(module, facts)
        for star in module.stars:
            self.reach(module.absolute(star), (), live=module.is_live)
        for name, value in list(module.namespace.items()):
            if not name.startswith("__") and not isinstance(value, ModuleType):
                self.name(module, (name,))

    def package(self, name: str) -> None:
        """A module and, for a package, every module in it; read from their files."""
        module = self.modules.by_name(name, live=False)
        located = self.modules.locate(name)
        if module is not None:
            self.whole(module)
        for folder in located.folders if located is not None else ():
            for path in sorted(Path(folder).iterdir()):
                is_module = path.suffix == ".py" and path.stem != "__init__"
                if path.stem.isidentifier() and (is_module or (path.is_dir() and path.name != "__pycache__")):
                    self.package(f"{name}.{path.stem}")

    # --- types --------------------------------------------------------------------------------------------

    def type_name(self, module: Module, chain: Chain) -> None:
        """A name in an annotation: values of that class come along, so its code counts; nothing else does."""
        if self.first_time("type", module.name, module.is_live, chain):
            self.todo.append(lambda: self._type_name(module, str(chain[0]), chain[1:]))

    def _type_name(self, module: Module, base: str, rest: Chain) -> None:
        units = module.units(base)
        for unit in units:
            if unit.imported is not None:
                attributes = attributes_of(unit.imported, rest)
                live = module.is_live and not unit.is_typing_only
                self.reach_type(module.absolute(unit.imported), attributes, live=live)
            elif unit.kind == "class":
                self.name(module, (base,))
            elif unit.kind == "statement" and module.outline is not None:  # `Frame = pd.DataFrame`
                facts = module.outline.facts(unit)
                for chain in facts.reads | facts.annotations:
                    if not isinstance(chain[0], Imported):
                        self.type_name(module, chain)
        if units:
            return
        value = module.namespace.get(base)
        source = self.modules.star_source(module, base)
        if source is not None:
            self.type_name(source, (base, *rest))
        elif isinstance(value, type):
            self.live.touch(value)
        elif isinstance(value, ModuleType):
            self.reach_type(value.__name__, rest, live=True)

    def reach_type(self, dotted: str, attributes: Chain, *, live: bool) -> None:
        if not self.modules.is_own(dotted):
            self.foreign(dotted, attributes)
            return
        module, rest = self.modules.walk(dotted, attributes, live=live)
        if module is not None and rest:
            self.type_name(module, rest)
