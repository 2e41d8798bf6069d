"""Python's scopes, as far as needed to say which names a piece of code takes from its module."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, NamedTuple

from pavedroad.pipelines.code.blind import Blind

Chain = tuple[Any, ...]  # a name of the module, or an Imported, then attributes: ("features", "add_weather")

# Pseudo-attributes at the end of a chain: what the name is used for, where that says more than the name.
BASE_OF_A_PATH = "/"
WRITTEN_TO = ">"
MERELY_IMPORTED = "."
DEFERRED = "?"  # only in the walk: the first name of a path that a local variable will hold
# Uses of a path, at the end of a chain, that do not depend on what the file holds.
WRITES = {
    *("write_text", "write_bytes", "mkdir", "touch", "unlink", "rmdir", "name", "stem", "suffix"),
    *(WRITTEN_TO, BASE_OF_A_PATH),
}
PSEUDO_ATTRIBUTES = {BASE_OF_A_PATH, WRITTEN_TO, MERELY_IMPORTED}


class Imported(NamedTuple):
    """`from module import name`, or `import module` when name is empty."""

    module: str
    name: str = ""
    level: int = 0

    def is_from(self, top: str) -> bool:
        return not self.level and self.module.partition(".")[0] == top


class NamedPath(NamedTuple):
    """An expression that may name a data file."""

    node: ast.expr
    base: str = ""  # the name it starts from
    imported: Imported | None = None  # what that is, if the function itself imports it


class LocalPath(NamedTuple):
    """A path that a local variable holds: it counts as read or written with what becomes of the variable."""

    base: Chain | None
    path: NamedPath | None
    blind: Blind | None


class Scope:
    """What one scope binds and what it reads. Read outwards: `read`, then `hand_over` when the scope ends."""

    __slots__ = (
        "annotations",
        "blind",
        "bound",
        "free",
        "imports",
        "kind",
        "local_paths",
        "name",
        "paths",
        "places",
        "reads",
        "submodules",
        "top",
    )

    def __init__(self, kind: str, name: str = "") -> None:
        self.kind = kind  # "module", "function", "class" or "comprehension"
        self.name = name
        self.bound: set[str] = set()
        self.top: set[str] = set()  # declared `global`
        self.free: set[str] = set()  # declared `nonlocal`
        self.imports: dict[str, list[Imported]] = {}
        self.submodules: dict[str, list[Imported]] = {}  # `import a.b` binds a and loads a.b
        self.reads: set[Chain] = set()
        self.annotations: set[Chain] = set()
        self.blind: list[Blind] = []
        self.paths: list[NamedPath] = []
        self.local_paths: dict[str, LocalPath] = {}
        self.places: dict[
            str, ast.expr | None
        ] = {}  # local variable -> the path it holds; None: more than one

    def bind(self, name: str) -> None:
        if name in self.top or self.kind == "module":
            self.reads.add((name,))  # what is assigned to a global is part of that global
        elif name not in self.free:
            if name in self.bound:
                self.places[name] = None
            self.bound.add(name)

    def bind_import(self, name: str, imported: Imported) -> None:
        self.bind(name)
        self.imports.setdefault(name, []).append(imported)

    def read(self, chain: Chain, *, annotation: bool = False) -> None:
        if self.kind == "class" and self.hides(chain[0]):
            # Bound by an earlier line of this class body; its methods do not see it.
            self.reads.update((imported, *chain[1:]) for imported in self.imports.get(chain[0], ()))
        else:
            (self.annotations if annotation else self.reads).add(chain)

    def hides(self, name: object) -> bool:
        return name in self.bound and name not in self.top

    def hand_over(self, parent: Scope, module: Scope) -> None:
        """Give what is not bound here to `parent`, which Python asks next; `global` names to `module`."""
        for name, local in reversed(self.local_paths.items()):  # later ones start from earlier ones
            self._settle(name, local)
        for chain in self.reads:
            self._hand_over(chain, parent.reads, module.reads)
        for chain in self.annotations:
            self._hand_over(chain, parent.annotations, module.annotations)
        if self.kind != "class":
            self._hand_over_imports(parent)
        parent.blind.extend(blind for each in self.blind for blind in self._blind_outside(each))
        parent.paths.extend(path for each in self.paths for path in self._path_outside(each))

    def _settle(self, name: str, local: LocalPath) -> None:
        """What a local variable that holds a path is used for: written only, or read as well."""
        uses = [chain for chain in self.reads if chain[0] == name]
        is_read = not uses or any(chain[-1] not in WRITES for chain in uses)
        if local.base is not None:
            reads_all = is_read and local.blind is not None
            self.reads.add(local.base if reads_all else (*local.base, BASE_OF_A_PATH))
        if is_read and local.path is not None:
            self.paths.append(local.path)
        if is_read and local.blind is not None:
            self.blind.append(local.blind)

    def _path_outside(self, path: NamedPath) -> Iterable[NamedPath]:
        if path.imported is not None or not self.hides(path.base):
            yield path
        else:
            for imported in self.imports.get(path.base, ()):
                yield path._replace(imported=imported)

    def _hand_over(self, chain: Chain, parent: set[Chain], module: set[Chain]) -> None:
        base = chain[0]
        if base in self.top:
            module.add(chain)
        elif self.kind == "class" or not self.hides(base):
            parent.add(chain)
        else:
            parent.update(self._through_imports(chain))

    def _hand_over_imports(self, parent: Scope) -> None:
        used = {chain[0] for chain in (*self.reads, *self.annotations)}
        for name, imports in self.imports.items():
            submodules = self.submodules.get(name, [])
            if name in used:
                parent.reads.update((imported, MERELY_IMPORTED) for imported in submodules)
            else:  # imported for what the import does
                parent.reads.update((imported,) for imported in submodules or imports)

    def _through_imports(self, chain: Chain) -> list[Chain]:
        return [(imported, *chain[1:]) for imported in self.imports.get(chain[0], ())]

    def _blind_outside(self, blind: Blind) -> Iterable[Blind]:
        """The same finding with names that hold outside this scope; nothing when it is about local values."""
        callees = self._through_imports(blind.callee) if self.hides(blind.callee[0]) else [blind.callee]
        subjects: list[Chain | None] = [blind.subject]
        if blind.subject is not None and self.hides(blind.subject[0]):
            subjects = list(self._through_imports(blind.subject))
        for callee in callees:
            for subject in subjects:
                yield blind._replace(callee=callee, subject=subject)
