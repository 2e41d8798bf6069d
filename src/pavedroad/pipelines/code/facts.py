"""The facts about one piece of source: a digest that formatting cannot change, and what the code leads to."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from typing import NamedTuple

import blake3

from pavedroad.pipelines.code.blind import (
    VARYING_PATH,
    Blind,
    blind_call,
    blind_subscript,
    chain_of,
    is_globals,
    shown,
)
from pavedroad.pipelines.code.names import NOTHING_KNOWN, KnownNames, NameWalk
from pavedroad.pipelines.code.paths import (
    called,
    is_path,
    is_place,
    reads_from,
    spine,
    variables,
    with_base,
    writes_to,
)
from pavedroad.pipelines.code.scopes import (
    BASE_OF_A_PATH,
    DEFERRED,
    MERELY_IMPORTED,
    WRITTEN_TO,
    Chain,
    Imported,
    LocalPath,
    NamedPath,
)


class Facts(NamedTuple):
    digest: str
    reads: frozenset[Chain]
    annotations: frozenset[Chain]
    blind: tuple[Blind, ...]  # code that chooses code at run time
    paths: tuple[NamedPath, ...]


def facts_of(nodes: Sequence[ast.AST], *, known: KnownNames = NOTHING_KNOWN) -> Facts:
    """The facts of statements and expressions that stand at module level, or of a nested function alone."""
    try:
        return _walk(nodes, known)
    except RecursionError:  # a sum of hundreds of terms is hundreds of levels deep
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit * 50)
        try:
            return _walk(nodes, known)
        finally:
            sys.setrecursionlimit(limit)


def _walk(nodes: Sequence[ast.AST], known: KnownNames) -> Facts:
    walk = _FactsWalk(known)
    for node in nodes:
        walk.visit(node)
    scope = walk.scope
    text = "\x1f".join(walk.out)
    return Facts(
        digest=blake3.blake3(text.encode("utf-8", "surrogatepass")).hexdigest(),
        reads=frozenset(scope.reads),
        annotations=frozenset(scope.annotations),
        blind=tuple(dict.fromkeys(scope.blind)),
        paths=tuple(scope.paths),
    )


class _FactsWalk(NameWalk):
    """A walk that also notes paths to data files and code that chooses code at run time."""

    def __init__(self, known: KnownNames) -> None:
        super().__init__(known)
        self.path_nodes: set[int] = set()  # ids of expressions inside a path already taken
        self.held_by: dict[int, str] = {}  # id of a path -> the local variable that it is assigned to

    def call(self, node: ast.Call) -> None:
        blind = blind_call(node, self.known.blind)
        if blind is not None:
            self.scope.blind.append(blind)
        self.imported_by_call(node)
        for written in writes_to(node):
            self.path_nodes.update(id(inner) for inner in spine(written))
            self.uses[id(spine(written)[-1])] = WRITTEN_TO
        for read in reads_from(node):
            self.note_path(read)
        self.take_path(node)
        self.generic(node)

    def imported_by_call(self, node: ast.Call) -> None:
        """`importlib.import_module("a.b")` is an import; `getattr(a, "b")` is `a.b`."""
        name = called(node)
        texts = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
        if not texts:
            return
        if name in ("import_module", "__import__") and isinstance(texts[0], str):
            module = texts[0].lstrip(".")
            self.scope.reads.add((Imported(module, "", len(texts[0]) - len(module)),))
        elif name in ("find_spec", "files", "get_data") and isinstance(texts[0], str):
            self.scope.reads.add((Imported(texts[0]), MERELY_IMPORTED))
        elif name == "getattr" and isinstance(texts[1:] and texts[1], str) and chain_of(node.args[0]):
            self.uses[id(spine(node.args[0])[-1])] = str(texts[1])

    def subscript(self, node: ast.Subscript) -> None:
        blind = blind_subscript(node)
        if blind is not None:
            self.scope.blind.append(blind)
        elif is_globals(node.value) and isinstance(node.slice, ast.Constant):
            self.scopes[0].reads.add((node.slice.value,))
        self.generic(node)

    def joined(self, node: ast.BinOp | ast.JoinedStr) -> None:
        self.take_path(node)
        self.generic(node)

    def take_path(self, node: ast.expr) -> None:
        """Note `HERE / "data" / "x.csv"` or `HERE.joinpath("x.csv")`, and its first name as its base."""
        if id(node) in self.path_nodes or not is_path(node):
            return
        nodes = spine(node)
        base = nodes[-1]
        self.path_nodes.update(id(inner) for inner in nodes)
        is_varying = any(name is not base and not name.id.isupper() for name in variables(node))
        blind = None
        if is_varying and isinstance(base, ast.Name):
            blind = Blind((VARYING_PATH,), (base.id,), shown(node), node.lineno)
        local = self.held_by.pop(id(node), None)
        if local is not None:
            self.uses.setdefault(id(base), DEFERRED)
            path = None if is_varying else self.named(node)
            self.scope.local_paths[local] = LocalPath(None, path, blind)
        elif is_varying:
            self.scope.blind.extend([blind] if blind is not None else [])
        else:
            self.uses.setdefault(id(base), BASE_OF_A_PATH)
            self.note_path(node)

    def note_path(self, node: ast.expr) -> None:
        self.scope.paths.append(self.named(node))

    def named(self, node: ast.expr) -> NamedPath:
        """A path, from the name that a chain of local variables starts from."""
        while isinstance(base := spine(node)[-1], ast.Name):
            scopes = (scope for scope in reversed(self.scopes) if base.id in scope.bound)
            holder = next(scopes, None)
            place = holder.places.get(base.id) if holder is not None else None
            if place is None:
                return NamedPath(node, base.id)
            node = with_base(node, place)
        return NamedPath(node)

    def assign(self, node: ast.Assign) -> None:
        target, scope = node.targets[0], self.scope
        is_variable = scope.kind == "function" and len(node.targets) == 1 and isinstance(target, ast.Name)
        if not is_variable or not is_place(node.value):
            super().assign(node)
            return
        name = target.id if isinstance(target, ast.Name) else ""
        if name in scope.top or name in scope.free or name in scope.bound:
            super().assign(node)
        else:
            self.hold(name, node)

    def hold(self, name: str, node: ast.Assign) -> None:
        """A local variable that holds a path."""
        self.held_by[id(node.value)] = name
        self.deferred = None
        place = self.named(node.value).node
        super().assign(node)
        self.held_by.pop(id(node.value), None)
        self.scope.places.setdefault(name, place)
        local = self.scope.local_paths.get(name)
        if local is not None:
            self.scope.local_paths[name] = local._replace(base=self.deferred)


_FactsWalk.handlers = NameWalk.handlers | {
    ast.Assign: _FactsWalk.assign,
    ast.Call: _FactsWalk.call,
    ast.Subscript: _FactsWalk.subscript,
    ast.BinOp: _FactsWalk.joined,
    ast.JoinedStr: _FactsWalk.joined,
}
