"""A module's source as a list of units, found by the names they bind or change.

A unit is a simple statement, a definition, or one imported name; compound statements at module level are
taken apart, and each unit keeps the conditions and loops around it: they decide whether and how it runs.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from pavedroad.pipelines.code.blind import chain_of, is_candidate
from pavedroad.pipelines.code.facts import Facts, facts_of
from pavedroad.pipelines.code.names import KnownNames, is_type_checking
from pavedroad.pipelines.code.paths import spine
from pavedroad.pipelines.code.scopes import Imported

PAVEDROAD = "pavedroad"
# Libraries whose settings do not change results.
_HARMLESS = {
    *("logging", "warnings", "sys", "signal", "faulthandler", "atexit", "dotenv", "rich", "tqdm"),
    *(PAVEDROAD, "mlflow"),
}


class Unit:
    """One statement of a module with what surrounds it."""

    __slots__ = ("around", "imported", "is_main_only", "is_typing_only", "kind", "loaded", "names", "node")

    def __init__(self, kind: str, node: ast.AST, names: tuple[str, ...], place: _Place) -> None:
        self.kind = kind  # "function", "class", "import" or "statement"
        self.node = node
        self.names = names
        self.imported: Imported | None = None  # what its name stands for
        self.loaded: Imported | None = None  # what it loads: a.b for `import a.b`, which binds a
        self.around = place.around
        self.is_typing_only = place.is_typing_only
        self.is_main_only = place.is_main_only

    def covers(self, line: int) -> bool:
        nodes = (*self.around, self.node)
        return any(first_line(node) <= line <= (getattr(node, "end_lineno", 0) or 0) for node in nodes)

    @property
    def value(self) -> ast.expr | None:
        """The value of `X = value`, else None."""
        return self.node.value if isinstance(self.node, ast.Assign | ast.AnnAssign) else None

    @property
    def nodes(self) -> list[ast.AST]:
        return [*self.around] if self.kind == "import" else [*self.around, self.node]


class _Place:
    """Where a statement stands: the headers around it."""

    def __init__(
        self, around: tuple[ast.AST, ...] = (), *, is_typing_only: bool = False, is_main_only: bool = False
    ):
        self.around = around
        self.is_typing_only = is_typing_only
        self.is_main_only = is_main_only

    def within(self, *headers: ast.AST | None) -> _Place:
        around = (*self.around, *(header for header in headers if header is not None))
        return _Place(around, is_typing_only=self.is_typing_only, is_main_only=self.is_main_only)


class Outline:
    def __init__(self, tree: ast.Module, text: bytes) -> None:
        self.tree = tree
        self._says_global = b"global" in text
        self.units: list[Unit] = []
        self.by_name: dict[str, list[Unit]] = defaultdict(list)
        self.stars: list[Imported] = []
        self._facts: dict[int, Facts] = {}
        self._changes: tuple[dict[str, list[Unit]], dict[str, list[Unit]]] | None = None
        self._assigning: dict[str, list[Unit]] | None = None
        self._nested: dict[int, dict[tuple[str, int], list[ast.AST]]] = {}
        self._read(tree.body, _Place())
        for unit in self.units:
            for name in unit.names:
                self.by_name[name].append(unit)
        self.by_name = dict(self.by_name)
        self.known = KnownNames(
            paved=frozenset(name for name, imported in self._imports() if imported.is_from(PAVEDROAD)),
            blind=frozenset(name for name, imported in self._imports() if is_candidate(imported.name)),
        )

    def _imports(self) -> Iterator[tuple[str, Imported]]:
        return ((unit.names[0], unit.imported) for unit in self.units if unit.imported is not None)

    # --- questions ----------------------------------------------------------------------------------------

    def facts(self, unit: Unit) -> Facts:
        nodes = unit.nodes
        return self.facts_of(nodes[0] if len(nodes) == 1 else unit, nodes)

    def facts_of(self, key: object, nodes: Sequence[ast.AST], known: KnownNames | None = None) -> Facts:
        """The facts of `nodes`, remembered by `key`, which is one of them or a unit."""
        facts = self._facts.get(id(key))
        if facts is None:
            facts = self._facts[id(key)] = facts_of(nodes, known=self.known if known is None else known)
        return facts

    def changes(self, name: str) -> list[Unit]:
        """Statements that change what `name` stands for: `CONFIG["x"] = 3`, `MODELS.append(m)`."""
        return self._change_index()[0].get(name, [])

    def receives(self, name: str) -> list[Unit]:
        """Statements and decorators that hand it to a call, which may change it: `register(MODELS)`."""
        return self._change_index()[1].get(name, [])

    @cached_property
    def effects(self) -> list[Unit]:
        """Bare calls into libraries, such as `np.random.seed(0)`: what they change shows nowhere else."""
        found: list[Unit] = []
        for unit in self.units:
            if unit.kind == "statement" and not (unit.names or unit.is_main_only or unit.is_typing_only):
                call = unit.node.value if isinstance(unit.node, ast.Expr) else None
                chain = chain_of(call.func) if isinstance(call, ast.Call) else None
                makers = self.by_name.get(chain[0], []) if chain else []
                if any(
                    maker.imported and maker.imported.module.partition(".")[0] not in _HARMLESS
                    for maker in makers
                ):
                    found.append(unit)
        return found

    def uses(self, name: str) -> bool:
        """Whether the module reads `name` anywhere, or exports it."""
        return name in self._used

    @cached_property
    def _used(self) -> set[str]:
        used = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        for unit in self.by_name.get("__all__", ()):
            used |= {str(text.value) for text in ast.walk(unit.node) if isinstance(text, ast.Constant)}
        return used

    def assigning(self, name: str) -> list[Unit]:
        """Definitions that hold `global name`."""
        if self._assigning is None:
            self._assigning = defaultdict(list)
            for unit in self.units if self._says_global else ():
                if unit.kind in ("function", "class"):
                    for node in ast.walk(unit.node):
                        if isinstance(node, ast.Global):
                            for each in node.names:
                                self._assigning[each].append(unit)
        return self._assigning.get(name, [])

    def is_filled_by_functions(self, name: str) -> bool:
        """Whether a function of the module changes the global `name` in place, as `register` does."""
        for unit in self.by_name_of_kind("function"):
            is_read = any(chain[0] == name for chain in self.facts(unit).reads)
            if is_read and any(name in _changed_by(node) for node in ast.walk(unit.node)):
                return True
        return False

    def by_name_of_kind(self, kind: str) -> list[Unit]:
        return [unit for unit in self.units if unit.kind == kind]

    def definition(self, name: str, line: int) -> ast.AST | None:
        """The one function, lambda or class called `name` that starts at `line` (at its first decorator)."""
        found = []
        for unit in self.units:
            if unit.kind != "import" and unit.covers(line):
                if unit.kind != "statement" and (unit.names[0], first_line(unit.node)) == (name, line):
                    return unit.node
                found += self._nested_in(unit).get((name, line), [])
        return found[0] if len(found) == 1 else None

    def _nested_in(self, unit: Unit) -> dict[tuple[str, int], list[ast.AST]]:
        known = self._nested.get(id(unit))
        if known is None:
            known = self._nested[id(unit)] = defaultdict(list)
            for node in (inner for each in (*unit.around, unit.node) for inner in ast.walk(each)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                    known[getattr(node, "name", "<lambda>"), first_line(node)].append(node)
        return known

    # --- reading ------------------------------------------------------------------------------------------

    def _read(self, body: list[ast.stmt], place: _Place) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.units.append(Unit("function", node, (node.name,), place))
            elif isinstance(node, ast.ClassDef):
                self.units.append(Unit("class", node, (node.name,), place))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._read_import(node, place)
            elif isinstance(node, ast.If):
                self._read_if(node, place)
            elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
                self._read_try(node, place)
            elif isinstance(node, ast.For | ast.While | ast.With):
                self._read_block(node, place)
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                self.units.append(Unit("statement", node, tuple(dict.fromkeys(_bound(node))), place))

    def _read_import(self, node: ast.Import | ast.ImportFrom, place: _Place) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                if alias.name == "*":
                    self.stars.append(Imported(node.module or "", "", node.level))
                    continue
                imported = Imported(node.module or "", alias.name, node.level)
                name = alias.asname or alias.name
            else:
                name = alias.asname or alias.name.partition(".")[0]
                imported = Imported(alias.name if alias.asname else name)
            unit = Unit("import", node, (name,), place)
            unit.imported = imported
            unit.loaded = imported if isinstance(node, ast.ImportFrom) else Imported(alias.name)
            self.units.append(unit)

    def _read_if(self, node: ast.If, place: _Place) -> None:
        if is_type_checking(node.test):
            self._read(node.body, _Place(place.around, is_typing_only=True))
            self._read(node.orelse, place)
        elif _is_main_test(node.test):
            self._read(node.body, _Place(place.around, is_main_only=True))
            self._read(node.orelse, place)
        else:
            self._read_headers([node.test], place)
            for body in node.body, node.orelse:
                self._read(body, place.within(node.test))

    def _read_try(self, node: Any, place: _Place) -> None:
        self._read(node.body, place)
        for handler in node.handlers:
            self._read(handler.body, place.within(handler.type))
        self._read(node.orelse, place)
        self._read(node.finalbody, place)

    def _read_block(self, node: ast.For | ast.While | ast.With, place: _Place) -> None:
        headers: list[ast.AST]
        if isinstance(node, ast.For):
            headers = [node.target, node.iter]
        elif isinstance(node, ast.While):
            headers = [node.test]
        else:
            headers = list(node.items)
        self._read_headers(headers, place)
        self._read(node.body, place.within(*headers))
        self._read(getattr(node, "orelse", []), place.within(*headers))

    def _read_headers(self, headers: list[ast.AST], place: _Place) -> None:
        """Names that a `for`, `with` or `:=` binds are bound by the headers alone."""
        names = tuple(dict.fromkeys(name for header in headers for name in _bound(header)))
        if names:
            nothing = ast.Expr(ast.Constant(None))
            self.units.append(Unit("statement", nothing, names, place.within(*headers)))

    def _change_index(self) -> tuple[dict[str, list[Unit]], dict[str, list[Unit]]]:
        if self._changes is None:
            changes: dict[str, list[Unit]] = defaultdict(list)
            receives: dict[str, list[Unit]] = defaultdict(list)
            for unit in self.units:
                if unit.kind == "import" or unit.is_typing_only or unit.is_main_only:
                    continue
                for index, names in (changes, _changed(unit)), (receives, _passed(unit)):
                    for name in dict.fromkeys(names):
                        if name not in unit.names:
                            index[name].append(unit)
            self._changes = (changes, receives)
        return self._changes


def first_line(node: Any) -> int:
    decorators = getattr(node, "decorator_list", None)
    return int(decorators[0].lineno if decorators else getattr(node, "lineno", 0))


def _is_main_test(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and chain_of(test.left) == ("__name__",)


_NAMING = (ast.MatchAs, ast.MatchStar, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _bound(node: ast.AST) -> Iterator[str]:
    for inner in _outside_functions(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, ast.alias):
            yield inner.asname or inner.name.partition(".")[0]
        elif isinstance(inner, _NAMING) and inner.name:
            yield inner.name


def _changed(unit: Unit) -> Iterator[str]:
    if unit.kind == "statement":
        is_call = isinstance(unit.node, ast.Expr)
        for inner in _outside_functions(unit.node):
            if is_call or not isinstance(inner, ast.Call):  # `A = np.array(..)` does not change np
                yield from _changed_by(inner)


def _changed_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
        yield from _root_name(node)
    elif isinstance(node, ast.AugAssign | ast.Delete):
        for target in node.targets if isinstance(node, ast.Delete) else [node.target]:
            yield from _root_name(target)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _root_name(node.func.value)


def _passed(unit: Unit) -> Iterator[str]:
    for inner in _running_at_import(unit):
        if isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Attribute):
                yield from _root_name(inner.func.value)
            for argument in (*inner.args, *(keyword.value for keyword in inner.keywords)):
                yield from _root_name(argument.value if isinstance(argument, ast.Starred) else argument)


def _running_at_import(unit: Unit) -> Iterator[ast.AST]:
    if unit.kind in ("function", "class"):
        for decorator in unit.node.decorator_list:  # type: ignore[attr-defined]
            yield from ast.walk(decorator)
    else:
        yield from _outside_functions(unit.node)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and everything below it that is not inside a function body or a comprehension's own names."""
    todo = [node]
    while todo:
        current = todo.pop()
        yield current
        if isinstance(current, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            todo.extend(generator.iter for generator in current.generators)
            todo.extend(inner for inner in ast.walk(current) if isinstance(inner, ast.Call | ast.NamedExpr))
        elif not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(current))


def _root_name(node: ast.expr) -> Iterator[str]:
    base = spine(node)[-1]
    if isinstance(base, ast.Name):
        yield base.id
