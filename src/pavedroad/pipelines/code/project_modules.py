"""The modules of one project as one fingerprint sees them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from pavedroad.pipelines.code.files import Files
from pavedroad.pipelines.code.modules import Located, Module, locate, project_root
from pavedroad.pipelines.code.outline import Unit
from pavedroad.pipelines.code.parts import Parts
from pavedroad.pipelines.code.scopes import PSEUDO_ATTRIBUTES, Chain, Imported
from pavedroad.pipelines.code.source import signature_of

_NOTHING = object()


class ProjectModules:
    """Finds modules by name or namespace, and what their names stand for."""

    def __init__(self, root: Path, parts: Parts, files: Files, step: str) -> None:
        self.root = root
        self.files = files
        self.step = step  # for messages
        self._parts = parts
        self._modules: dict[tuple[str, bool], Module | None] = {}
        self._located: dict[str, Located | None] = {}

    def locate(self, name: str) -> Located | None:
        if name not in self._located:
            self._located[name] = locate(name, self.root)
        return self._located[name]

    def is_own(self, name: str) -> bool:
        located = self.locate(name)
        return located is not None and located.is_own

    def by_name(self, name: str, *, live: bool) -> Module | None:
        """The project's module of that name; None for a folder without `__init__.py`."""
        if (name, live) not in self._modules:
            located = self.locate(name)
            module = None
            if located is not None and located.file is not None:
                namespace = vars(located.module) if located.module is not None else None
                module = Module(name, located.file, namespace, is_live=live)
                self._meet(module)
            self._modules[name, live] = module
        return self._modules[name, live]

    def by_namespace(self, namespace: dict[str, Any]) -> Module:
        """The live module whose namespace this is, as functions carry it in `__globals__`."""
        name = str(namespace.get("__name__", "__main__"))
        known = self._modules.get((name, True))
        if known is None or known.namespace is not namespace:
            file = namespace.get("__file__")
            known = Module(name, file if isinstance(file, str) else None, namespace, is_live=True)
            self._modules[name, True] = known
            self._meet(known)
        return known

    def walk(self, dotted: str, attributes: Chain, *, live: bool) -> tuple[Module | None, Chain]:
        """Go down packages as long as attributes are submodules: the last module, and what is left to ask."""
        while True:
            module = self.by_name(dotted, live=live)
            if not attributes or attributes[0] in PSEUDO_ATTRIBUTES:
                return module, attributes
            name = str(attributes[0])
            if (module is not None and self.binds(module, name)) or not self.is_own(f"{dotted}.{name}"):
                return module, attributes
            dotted, attributes = f"{dotted}.{name}", attributes[1:]

    def binds(self, module: Module, name: str) -> bool:
        """Whether the module itself gives a meaning to `name`, which may also be that of a submodule."""
        if (
            any(not unit.is_typing_only for unit in module.units(name))
            or self.star_source(module, name) is not None
        ):
            return True
        return (
            module.is_live and name in module.namespace and not isinstance(module.namespace[name], ModuleType)
        )

    def star_source(self, module: Module, name: str, seen: frozenset[str] = frozenset()) -> Module | None:
        """The module that `name` comes from through `from ... import *`; the last star wins."""
        for star in reversed(module.stars):
            dotted = module.absolute(star)
            if dotted in seen or not self.is_own(dotted):
                continue
            target = self.by_name(dotted, live=module.is_live)
            if target is None or (name.startswith("_") and not target.units("__all__")):
                continue
            if target.units(name) or self.star_source(target, name, seen | {module.name, dotted}) is not None:
                return target
        return None

    def is_same_object(self, module: Module, unit: Unit, base: str) -> bool:
        """Whether an imported name still holds what its module holds under that name."""
        imported = unit.imported
        loaded = (
            sys.modules.get(module.absolute(imported)) if imported is not None and module.is_live else None
        )
        if imported is None or loaded is None:
            return False
        return vars(loaded).get(imported.name, _NOTHING) is module.namespace.get(base)

    def _meet(self, module: Module) -> None:
        """What follows from a module being part of the project's code at all."""
        file, source = module.file, module.source
        if file is None:
            return
        if self.files.label(file) is None:
            self.files.add_root(project_root(file))
        if source is None:
            if not file.endswith(".py"):  # an extension module built in the project
                self.files.take(Path(file))
            return
        if not module.is_live:
            signature = signature_of(file)
            self._parts.watch.that(lambda: signature_of(file) == signature)
        if source.edited or (not module.is_live and source.is_shadowed):
            # What is made now is made by other code than the file shows: never the same as a clean start.
            self._parts.add(f"module {module.name}", f"not what runs: {source.digest}")
            self._parts.warn(
                f"step {self.step}: {self.files.label(file)} changed after it was loaded or compiled, "
                "and the older code runs; restart Python (`touch` the file if that does not help)"
            )


def attributes_of(imported: Imported, rest: Chain) -> Chain:
    """What an import asks of its module: the name it takes, then the attributes asked of that."""
    return (imported.name, *rest) if imported.name else tuple(rest)
