"""From the names that a piece of code reads to everything behind them, across the modules of the project.

A module is followed *live* when the step's own module loaded it at import time: its loaded namespace says what its
names are now, its source says how they came about. A module that only function bodies import is followed from its
file alone, loaded or not, so that a fingerprint does not depend on what has happened to run before it.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pavedroad.pipelines.code import paths
from pavedroad.pipelines.code.blind import CALLS, LOOKS_INTO, STARTS, Blind
from pavedroad.pipelines.code.files import Files
from pavedroad.pipelines.code.modules import BUILT_IN, Module, is_own, locate, project_root
from pavedroad.pipelines.code.names import Facts
from pavedroad.pipelines.code.outline import PAVEDROAD, Unit
from pavedroad.pipelines.code.parts import Parts
from pavedroad.pipelines.code.scopes import MERELY_IMPORTED, PSEUDO_ATTRIBUTES, Chain, Imported
from pavedroad.pipelines.code.source import signature_of


class Live(Protocol):
    """What looks at loaded objects; see objects.py."""

    def name(self, module: Module, base: str, rest: Chain, origin: str) -> None: ...
    def touch(self, value: object) -> None: ...


class Closure:
    """Adds everything that names lead to. `live` is set by whoever makes both."""

    live: Live

    def __init__(self, root: Path, parts: Parts, files: Files, name: str, *, warns: bool) -> None:
        self.root = root
        self.parts = parts
        self.files = files
        self.step = name
        self.warns = warns  # about code that chooses code at run time
        self.todo: list[Callable[[], None]] = []
        self.modules: dict[tuple[str, bool], Module | None] = {}
        self._seen: set[Any] = set()

    def first_time(self, *key: Any) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def run(self) -> None:
        """Work until nothing new is reached: a list instead of recursion, for projects of any depth."""
        while self.todo:
            self.todo.pop()()

    # --- modules ------------------------------------------------------------------------------------------------

    def module(self, name: str, *, live: bool) -> Module | None:
        """The project's module of that name; None for a folder without `__init__.py`."""
        if (name, live) not in self.modules:
            located = locate(name, self.root)
            module = None
            if located is not None and located.file is not None:
                loaded = located.module
                namespace = vars(loaded) if loaded is not None else None
                module = Module(name, located.file, namespace, is_live=live and loaded is not None)
                self._enter(module)
            self.modules[name, live] = module
        return self.modules[name, live]

    def live_module(self, namespace: dict[str, Any]) -> Module:
        """The module whose namespace this is, as functions carry it in `__globals__`."""
        name = str(namespace.get("__name__", "__main__"))
        known = self.modules.get((name, True))
        if known is None or known.namespace is not namespace:
            file = namespace.get("__file__")
            known = Module(name, file if isinstance(file, str) else None, namespace, is_live=True)
            self.modules[name, True] = known
            self._enter(known)
        return known

    def _enter(self, module: Module) -> None:
        file, source = module.file, module.source
        if file is None:
            return
        if self.files.label(file) is None:
            self.files.add_root(project_root(file))
        if source is None:
            if not file.endswith(".py"):  # an extension module built in the project
                self.files.take(Path(file))
            return
        if source.edited:
            self.parts.warn(
                f"step {self.step}: {self.files.label(file)} changed after it was loaded; the loaded code runs and counts, "
                "restart Python to run the new one"
            )
        if not module.is_live:
            signature = signature_of(file)
            self.parts.watch(lambda: signature_of(file) == signature)

    # --- names --------------------------------------------------------------------------------------------------

    def follow(
        self, module: Module, facts: Facts, *, local: frozenset[str] = frozenset(), assigned: ast.AST | None = None
    ) -> None:
        """Everything that one piece of code of `module` reads; `local` names are its own.

        `assigned` is the value of a plain assignment: if it is a path, the uses of the name say whether it is read.
        """
        for chain in facts.reads:
            if isinstance(chain[0], Imported):
                self.reach(module.absolute(chain[0]), _attributes(chain[0], chain[1:]), live=False)
            elif chain[0] not in local:
                self.name(module, chain)
        for chain in facts.annotations:
            if isinstance(chain[0], Imported):
                self.reach_type(module.absolute(chain[0]), _attributes(chain[0], chain[1:]), live=False)
            elif chain[0] not in local:
                self.type_name(module, chain)
        for blind in facts.blind:
            self._report(module, blind)
        for path in facts.paths:
            if path is not assigned:
                self._take_path(module, path, local)

    def name(self, module: Module, chain: Chain) -> None:
        if self.first_time("name", module.name, module.is_live, chain):
            self.todo.append(lambda: self._name(module, str(chain[0]), chain[1:]))

    def _name(self, module: Module, base: str, rest: Chain) -> None:
        origin = ""
        if module.source is not None and not module.source.edited:
            outline = module.source.outline
            units = [unit for unit in outline.by_name.get(base, ()) if not unit.is_typing_only]
            for unit in units:
                origin = self.unit(module, unit, base, rest)
                if not module.is_live and not (rest and rest[-1] in paths.WRITES):
                    self._take_assigned_path(module, unit)
            if not units and outline.stars:
                origin = self._from_stars(module, base, rest) or origin
            for unit in outline.changes(base):
                self.unit(module, unit, base, ())
            for unit in outline.assigning(base):
                self.unit(module, unit, unit.names[0], ())
            if not module.is_live and origin == "statement":
                self._unseen_changes(module, base)
        if module.is_live:
            self.live.name(module, base, rest, origin)

    def opaque(self, module: Module, base: str) -> None:
        """What may have changed a value that cannot be looked into."""
        if module.source is not None and not module.source.edited:
            for unit in module.source.outline.receives(base):
                self.unit(module, unit, base, ())

    def _unseen_changes(self, module: Module, base: str) -> None:
        """A container of a module that is only read: whoever fills it at import is to be found in the source."""
        outline = module.source.outline  # type: ignore[union-attr]
        self.opaque(module, base)
        if outline.is_filled_by_functions(base):
            self.whole(module)

    def unit(self, module: Module, unit: Unit, base: str, rest: Chain) -> str:
        """One statement. Returns what it is: "function", "class", "statement"; for imports "same", "own" or "foreign"."""
        outline = module.source.outline  # type: ignore[union-attr]
        if unit.imported is not None:
            return self._import(module, unit, base, rest)
        label = f"{'global' if unit.kind == 'statement' else unit.kind} {module.name}.{base}"
        if self.first_time("unit", id(unit), module.is_live, label):
            facts = outline.facts(unit)
            if unit.kind in ("function", "class"):
                label = f"{unit.kind} {module.name}.{unit.names[0]}"
            self.parts.add(label, facts.digest)
            self.follow(module, facts, local=frozenset(unit.names), assigned=_assigned(unit))
        return unit.kind

    def _import(self, module: Module, unit: Unit, base: str, rest: Chain) -> str:
        imported = unit.imported
        assert imported is not None
        absolute = module.absolute(imported)
        attributes = _attributes(imported, rest)
        if unit.around and self.first_time("around", id(unit), module.is_live):
            facts = module.source.outline.facts(unit)  # type: ignore[union-attr]
            self.parts.add(f"global {module.name}.{base}", facts.digest)
            self.follow(module, facts)
        if absolute == module.name and self.is_own(f"{absolute}.{imported.name}"):  # `from . import deep`
            self.reach(f"{absolute}.{imported.name}", rest, live=module.is_live)
            return "same"
        if self.is_own(absolute):
            self.reach(absolute, attributes, live=module.is_live)
            is_same = (
                module.is_live
                and imported.name
                and _held(absolute, imported.name) is module.namespace.get(base)
            )
            return "same" if is_same else "own"
        self.parts.add(f"import {module.name}.{base}", f"{absolute}:{imported.name}")
        self.foreign(absolute, attributes)
        return "foreign"

    def _from_stars(self, module: Module, base: str, rest: Chain) -> str:
        outline = module.source.outline  # type: ignore[union-attr]
        for star in reversed(outline.stars):  # the last one wins
            absolute = module.absolute(star)
            if not self.is_own(absolute):
                if not hasattr(builtins, base):
                    self.foreign(absolute, (base,))
                continue
            target = self.module(absolute, live=module.is_live)
            if target is not None and self._binds(target, base):
                self.name(target, (base, *rest))
                return "own"
        return ""

    # --- modules by attribute -----------------------------------------------------------------------------------

    def reach(self, dotted: str, attributes: Chain, *, live: bool) -> None:
        """What `dotted.a.b` leads to, or all of the module when nothing is asked of it."""
        if not self.first_time("reach", dotted, attributes, live):
            return
        if not self.is_own(dotted):
            self.foreign(dotted, attributes)
            return
        module, name, rest = self._walk(dotted, attributes, live=live)
        if module is None or rest == (MERELY_IMPORTED,):
            return
        if not rest or rest[0] in PSEUDO_ATTRIBUTES or rest[0] == "__dict__":
            self.whole(module)
        elif self._binds(module, rest[0]):
            self.name(module, rest)
        elif not str(rest[0]).startswith("__") and module.source is not None:
            if "__getattr__" in module.source.outline.by_name:
                self.name(module, ("__getattr__",))
            self._from_stars(module, str(rest[0]), rest[1:])

    def _walk(self, dotted: str, attributes: Chain, *, live: bool) -> tuple[Module | None, str, Chain]:
        """Go down packages as far as the attributes are submodules."""
        while True:
            module = self.module(dotted, live=live)
            if not attributes or attributes[0] in PSEUDO_ATTRIBUTES:
                return module, dotted, attributes
            if module is not None and self._binds(module, str(attributes[0])):
                return module, dotted, attributes
            below = f"{dotted}.{attributes[0]}"
            if not self.is_own(below):
                return module, dotted, attributes
            dotted, attributes = below, attributes[1:]

    def _binds(self, module: Module, name: str) -> bool:
        if module.source is not None and not module.source.edited:
            outline = module.source.outline
            if any(not unit.is_typing_only for unit in outline.by_name.get(name, ())):
                return True
            for star in outline.stars:
                absolute = module.absolute(star)
                target = self.module(absolute, live=module.is_live) if self.is_own(absolute) else None
                if (
                    target is not None
                    and target is not module
                    and not name.startswith("_")
                    and self._binds(target, name)
                ):
                    return True
        return module.is_live and name in module.namespace and not _is_module(module.namespace[name])

    def is_own(self, dotted: str) -> bool:
        located = locate(dotted, self.root)
        return located is not None and located.is_own

    def foreign(self, dotted: str, attributes: Chain = ()) -> None:
        """A module outside the project: its distribution counts by its version."""
        top = dotted.partition(".")[0]
        if top and top not in BUILT_IN and top != PAVEDROAD:
            plain = [str(each) for each in attributes if each not in PSEUDO_ATTRIBUTES]
            self.parts.imports.add(".".join([dotted, *plain]))

    def whole(self, module: Module) -> None:
        """Everything in a module: it was handed on as a value, or its names are looked up at run time."""
        if not self.first_time("whole", module.name, module.is_live):
            return
        if module.source is not None and not module.source.edited:
            for unit in module.source.outline.units:
                if unit.is_typing_only or unit.is_main_only:
                    continue
                for name in unit.names:
                    self.name(module, (name,))
                if not unit.names:
                    facts = module.source.outline.facts(unit)
                    self.parts.add(f"module {module.name}", facts.digest)
                    self.follow(module, facts)
            for star in module.source.outline.stars:
                self.reach(module.absolute(star), (), live=module.is_live)
        for name, value in list(module.namespace.items()) if module.is_live else ():
            if not name.startswith("__") and not _is_module(value):
                self.name(module, (name,))

    def package(self, name: str) -> None:
        """A module and, for a package, every module in it; read from their files."""
        module = self.module(name, live=False)
        located = locate(name, self.root)
        if module is not None:
            self.whole(module)
        for folder in located.folders if located is not None else ():
            for path in sorted(Path(folder).iterdir()):
                if path.suffix == ".py" and path.stem.isidentifier() and path.stem != "__init__":
                    self.package(f"{name}.{path.stem}")
                elif path.is_dir() and path.name.isidentifier() and path.name != "__pycache__":
                    self.package(f"{name}.{path.name}")

    # --- types --------------------------------------------------------------------------------------------------

    def type_name(self, module: Module, chain: Chain) -> None:
        """A name in an annotation: values of that class come along, so its code counts; nothing else does."""
        if self.first_time("type", module.name, module.is_live, chain):
            self.todo.append(lambda: self._type_name(module, str(chain[0]), chain[1:]))

    def _type_name(self, module: Module, base: str, rest: Chain) -> None:
        units = (
            module.source.outline.by_name.get(base, []) if module.source and not module.source.edited else []
        )
        for unit in units:
            if unit.imported is not None:
                live = module.is_live and not unit.is_typing_only
                self.reach_type(module.absolute(unit.imported), _attributes(unit.imported, rest), live=live)
            elif unit.kind == "class":
                self.name(module, (base,))
            elif unit.kind == "statement":
                facts = module.source.outline.facts(unit)  # type: ignore[union-attr]
                for chain in facts.reads | facts.annotations:
                    if not isinstance(chain[0], Imported):
                        self.type_name(module, chain)
        if not units and isinstance(value := module.namespace.get(base), type) and module.is_live:
            self.live.touch(value)
        elif not units and _is_module(value := module.namespace.get(base)) and module.is_live:
            self.reach_type(value.__name__, rest, live=True)

    def reach_type(self, dotted: str, attributes: Chain, *, live: bool) -> None:
        if not self.is_own(dotted):
            self.foreign(dotted, attributes)
            return
        module, _, rest = self._walk(dotted, attributes, live=live)
        if module is not None and rest:
            self.type_name(module, rest)

    # --- what cannot be followed --------------------------------------------------------------------------------

    def _report(self, module: Module, blind: Blind) -> None:
        called = self._dotted(module, blind.callee)
        if called not in CALLS:
            return
        if called in LOOKS_INTO and not (blind.subject and self._is_code(module, blind.subject)):
            return
        if called in STARTS and not self._starts_own(module, blind):
            return
        if self.warns:
            place = f"{self.files.label(module.file) if module.file else module.name}:{blind.line}"
            self.parts.warn(
                f"step {self.step}: {blind.text} in {place} {CALLS[called]}; list what it may call in depends_on="
            )

    def _dotted(self, module: Module, chain: Chain) -> str:
        """The full name of what a chain stands for, `importlib.import_module`; "" when that is not an import."""
        base, rest = chain[0], [str(each) for each in chain[1:]]
        if isinstance(base, Imported):
            return ".".join([module.absolute(base), *([base.name] if base.name else []), *rest])
        if module.source is not None:
            for unit in module.source.outline.by_name.get(base, ()):
                if unit.imported is not None:
                    return self._dotted(module, (unit.imported, *rest))
        if base in module.namespace:
            value = module.namespace[base]
            if _is_module(value):
                return ".".join([value.__name__, *rest])
            return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
        is_bound = module.source is not None and base in module.source.outline.by_name
        return f"builtins.{base}" if hasattr(builtins, base) and not is_bound else ""

    def _is_code(self, module: Module, chain: Chain) -> bool:
        """Whether a chain stands for a module or a class of the project."""
        base = chain[0]
        if isinstance(base, Imported):
            return self.is_own(module.absolute(base))
        value = module.namespace.get(base) if module.is_live else None
        if isinstance(value, type):
            return value.__module__ in sys.modules and is_own(
                getattr(sys.modules[value.__module__], "__file__", None) or ""
            )
        for unit in module.source.outline.by_name.get(base, ()) if module.source is not None else ():
            if unit.kind == "class":
                return True
            if unit.imported is not None:
                return self.is_own(module.absolute(unit.imported))
        return _is_module(value) and self.is_own(value.__name__)

    def _starts_own(self, module: Module, blind: Blind) -> bool:
        found = False
        for literal in blind.literals:
            for word in literal.split():
                path = self.root / word
                if path.suffix == ".py" and path.is_file() and self.files.take(path):
                    found = True
                elif word.replace(".", "").isidentifier() and self.is_own(word):
                    found = True
        return found

    # --- paths --------------------------------------------------------------------------------------------------

    def _take_assigned_path(self, module: Module, unit: Unit) -> None:
        value = _assigned(unit)
        if value is not None and paths.is_joined(value):
            self._take_path(module, value, frozenset())

    def _take_path(self, module: Module, node: ast.expr, local: frozenset[str]) -> None:
        base = paths.spine(node)[-1]
        if isinstance(base, ast.Name) and base.id in local:
            return
        try:
            value = paths.evaluate(node, lambda chain: self._constant(module, chain))
        except (paths.Unreadable, ValueError, TypeError, IndexError, OSError):
            if isinstance(base, ast.Name):
                self.name(module, (base.id,))
            return
        if isinstance(value, str | Path):
            self.files.take(Path(value))

    def _constant(self, module: Module, chain: Chain, depth: int = 0) -> Any:
        """The path or text that a name of the module stands for.

        Raises: paths.Unreadable when it is anything else.
        """
        base, rest = str(chain[0]), chain[1:]
        if base == paths.PACKAGE_FOLDER:
            return self._package_folder(str(rest[0]))
        if chain == ("__file__",) and module.file is not None:
            return module.file
        held = module.namespace.get(base) if module.is_live else None
        if isinstance(held, str | Path) and not rest:
            return held
        units = module.source.outline.by_name.get(base, []) if module.source is not None else []
        if len(units) != 1 or depth > 10:
            raise paths.Unreadable
        (unit,) = units
        if unit.imported is not None:
            target, _, left = self._walk(
                module.absolute(unit.imported), _attributes(unit.imported, rest), live=module.is_live
            )
            if target is None or not left:
                raise paths.Unreadable
            return self._constant(target, left, depth + 1)
        value = _assigned(unit)
        if value is not None and not rest:
            return paths.evaluate(value, lambda inner: self._constant(module, inner, depth + 1))
        raise paths.Unreadable

    def _package_folder(self, name: str) -> Path:
        located = locate(name, self.root)
        if located is None or not located.folders:
            raise paths.Unreadable
        return Path(located.folders[0])


def _assigned(unit: Unit) -> ast.expr | None:
    """The value of `X = value`, else None."""
    return unit.node.value if isinstance(unit.node, ast.Assign | ast.AnnAssign) else None


def _attributes(imported: Imported, rest: Chain) -> Chain:
    return (imported.name, *rest) if imported.name else tuple(rest)


def _held(module: str, name: str) -> object:
    """What a loaded module holds under a name now."""
    loaded = sys.modules.get(module)
    return vars(loaded).get(name, _NOTHING) if loaded is not None else _NOTHING


_NOTHING = object()


def _is_module(value: object) -> bool:
    return type(value) is type(sys) or isinstance(value, type(sys))
