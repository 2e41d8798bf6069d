"""What class an object is of, as far as the text shows: how a method's receiver becomes evidence.

Sources are constructors, known factories, annotations, and methods known to give the same class again. What
cannot be told is of no class, and then nothing is said about its methods.
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from pavedroad.checks.source import Module

FRAME, SERIES, ARRAY = "pandas.DataFrame", "pandas.Series", "numpy.ndarray"
ENGINE, CONNECTION, SESSION = "sqlalchemy.Engine", "sqlalchemy.Connection", "sqlalchemy.orm.Session"
DEEPEST = 12
COLLECTIONS = ("List", "list", "Sequence", "Iterable", "set", "Set", "Iterator")
FACTORIES: dict[str, str] = {
    **dict.fromkeys(
        (
            "pandas.concat",
            "pandas.merge",
            "pandas.pivot_table",
            "pandas.get_dummies",
            "pandas.json_normalize",
            "pandas.melt",
            "pandas.crosstab",
        ),
        FRAME,
    ),
    **dict.fromkeys(
        (
            "numpy.array",
            "numpy.asarray",
            "numpy.zeros",
            "numpy.ones",
            "numpy.empty",
            "numpy.full",
            "numpy.arange",
            "numpy.linspace",
            "numpy.concatenate",
            "numpy.loadtxt",
            "numpy.random.rand",
            "numpy.random.randn",
            "numpy.vstack",
            "numpy.hstack",
            "numpy.stack",
        ),
        ARRAY,
    ),
    "sqlalchemy.create_engine": ENGINE,
    "sqlalchemy.engine.create_engine": ENGINE,
    "PIL.ImageFont.truetype": "PIL.ImageFont.FreeTypeFont",
    "PIL.ImageFont.load_default": "PIL.ImageFont.ImageFont",
}
FACTORY_PATTERNS = (("pandas.read_*", FRAME), ("pandas.DataFrame.from_*", FRAME))
SAME = {  # methods and attributes that give the same class again
    FRAME: frozenset(
        {
            "copy", "drop", "dropna", "fillna", "ffill", "bfill", "reset_index", "set_index",
            "sort_values", "sort_index", "rename", "assign", "merge", "join", "head", "tail",
            "sample", "query", "astype", "append", "drop_duplicates", "replace", "round", "reindex",
            "select_dtypes", "transpose", "applymap", "filter", "nlargest", "nsmallest", "isnull",
            "isna", "clip", "shift", "interpolate", "loc", "iloc", "T",
        }
    ),
    SERIES: frozenset(
        {
            "copy", "dropna", "fillna", "ffill", "bfill", "reset_index", "sort_values",
            "sort_index", "rename", "head", "tail", "sample", "astype", "append", "drop_duplicates",
            "replace", "round", "map", "apply", "clip", "shift", "value_counts", "loc", "iloc",
        }
    ),
    ARRAY: frozenset(["copy", "reshape", "astype", "T", "flatten", "transpose", "squeeze", "clip", "round"]),
}  # fmt: skip
OTHER = {
    (ENGINE, "connect"): CONNECTION,
    (ENGINE, "begin"): CONNECTION,
    (FRAME, "to_numpy"): ARRAY,
    (FRAME, "values"): ARRAY,
    (SERIES, "to_numpy"): ARRAY,
    (SERIES, "values"): ARRAY,
    (SERIES, "to_frame"): FRAME,
    **{(FRAME, name): SERIES for name in ("sum", "mean", "median", "nunique", "squeeze", "stack")},
}
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module


class Binding:
    """A name gets a value, or an annotation says what it is."""

    __slots__ = ("annotation", "line", "of", "value")

    def __init__(
        self,
        line: int,
        value: ast.expr | None,
        annotation: ast.expr | None = None,
        of: ast.expr | None = None,
    ) -> None:
        self.line, self.value, self.annotation = line, value, annotation
        self.of = of  # what a loop goes through


class Classes(NamedTuple):
    """A project's own classes."""

    bases: dict[str, frozenset[str]]  # own name -> dotted names of everything it is made of
    own: frozenset[str]  # names of the project's files and folders: where its own imports start


def _line(binding: Binding) -> int:
    return binding.line


class Receivers:
    """Answers for one module; `classes` are those of its project."""

    def __init__(self, module: Module, classes: Classes) -> None:
        self._module = module
        self._bases = classes.bases
        self._own = classes.own
        self._bindings: dict[ast.AST, dict[str, list[Binding]]] = defaultdict(lambda: defaultdict(list))
        self._attributes: dict[str, list[Binding]] = defaultdict(list)
        self._functions = {function.name: function for function in module.functions}
        self._known: dict[Binding, str] = {}
        for node in module.parents:
            self._bind(node)
        for names in self._bindings.values():
            for found in names.values():
                found.sort(key=_line)

    def is_one_of(self, node: ast.expr, patterns: Iterable[str]) -> bool:
        name = self.class_of(node)
        return bool(name) and self.fits(name, patterns)

    def fits(self, name: str, patterns: Iterable[str]) -> bool:
        """Whether a class, or one that it is made of, is one of the named ones."""
        return any(fnmatchcase(found, pattern) for found in self.made_of(name) for pattern in patterns)

    def made_of(self, name: str) -> set[str]:
        """A class and, when it is the project's own, everything that it inherits from."""
        root, dot, _ = name.partition(".")
        is_own = not dot or not root or root in self._own
        return {name, *(self._bases.get(name.rpartition(".")[2], ()) if is_own else ())}

    def class_of(self, node: ast.expr | None, depth: int = 0) -> str:
        """The dotted name of a class, or empty."""
        if node is None or depth > DEEPEST:
            return ""
        if isinstance(node, ast.Call):
            return self._class_of_call(node, depth)
        if isinstance(node, ast.Name):
            return self._class_of_name(node, depth)
        if isinstance(node, ast.Attribute):
            return self._class_of_attribute(node, depth)
        if isinstance(node, ast.Subscript):
            return self._class_of_item(node, depth)
        if isinstance(node, ast.Await | ast.NamedExpr):
            return self.class_of(node.value, depth + 1)
        if isinstance(node, ast.IfExp):
            return self.class_of(node.body, depth + 1)
        return ""

    def binding_of(self, node: ast.Name) -> Binding | None:
        """The last assignment before a name is read, in its scope or one around it."""
        here: ast.AST = node
        is_inner = False
        while (scope := self._scope_of(here)) is not None:
            if found := self._bindings.get(scope, {}).get(node.id):
                before = bisect_left(found, node.lineno, key=_line)
                return found[before - 1] if before else found[-1] if is_inner else None
            here, is_inner = scope, True
        return None

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        while node in self._module.parents:
            node = self._module.parents[node]
            if isinstance(node, ast.ClassDef):
                return node
        return None

    # ------------------------------------------------------------------------------------------ expressions

    def _class_of_call(self, node: ast.Call, depth: int) -> str:
        for name in self._module.names_of(node.func):
            if made := self._made_by(name):
                return made
        if isinstance(node.func, ast.Attribute):
            owner = self.class_of(node.func.value, depth + 1)
            return self._through(owner, node.func.attr) if owner else ""
        if isinstance(node.func, ast.Name) and node.func.id in self._functions:
            return self._returned_by(self._functions[node.func.id], depth)
        return ""

    def _made_by(self, name: str) -> str:
        if name in FACTORIES:
            return FACTORIES[name]
        for pattern, made in FACTORY_PATTERNS:
            if fnmatchcase(name, pattern):
                return made
        tail = name.rpartition(".")[2]
        if name.startswith("?"):
            return tail if tail in self._bases else ""
        is_class = tail[:1].isupper() or name.startswith("scipy.sparse.")
        return name if is_class and ("." in name or name in self._bases) else ""

    def _through(self, owner: str, member: str) -> str:
        if member in SAME.get(owner, ()):
            return owner
        return OTHER.get((owner, member), "")

    def _returned_by(self, function: ast.FunctionDef | ast.AsyncFunctionDef, depth: int) -> str:
        if function.returns is not None:
            return self._annotated(function.returns)
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and (found := self.class_of(node.value, depth + 4)):
                return found
        return ""

    def _class_of_name(self, node: ast.Name, depth: int) -> str:
        if node.id in ("self", "cls"):
            owner = self.enclosing_class(node)
            return owner.name if owner else ""
        binding = self.binding_of(node)
        if binding is None:
            return ""
        if binding not in self._known:
            self._known[binding] = ""  # while it is looked at: `a = b; b = a` ends
            self._known[binding] = self._class_of_binding(binding, depth)
        return self._known[binding]

    def _class_of_binding(self, binding: Binding, depth: int) -> str:
        if binding.annotation is not None:
            return self._annotated(binding.annotation)
        if isinstance(binding.of, ast.Name) and (whole := self.binding_of(binding.of)) is not None:
            return self._element(whole.annotation)
        return self.class_of(binding.value, depth + 1)

    def _element(self, annotation: ast.expr | None) -> str:
        """What `list[Ride]` holds."""
        if not isinstance(annotation, ast.Subscript):
            return ""
        names = self._module.names_of(annotation.value)
        return self._annotated(annotation.slice) if names and names[0].endswith(COLLECTIONS) else ""

    def _class_of_attribute(self, node: ast.Attribute, depth: int) -> str:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            found = self._attributes.get(node.attr, [])
            for binding in found:
                if binding.annotation is not None:
                    return self._annotated(binding.annotation)
                if name := self.class_of(binding.value, depth + 2):
                    return name
            return ""
        owner = self.class_of(node.value, depth + 1)
        return self._through(owner, node.attr) if owner else ""

    def _class_of_item(self, node: ast.Subscript, depth: int) -> str:
        """`frame["a"]` is a column; a list, a comparison or a slice gives a frame again."""
        owner = self.class_of(node.value, depth + 1)
        if owner != FRAME:
            return ""
        is_place = isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "iloc")
        if is_place:
            return FRAME if isinstance(node.slice, ast.Slice | ast.Compare) else ""
        if isinstance(node.slice, ast.Constant):
            return SERIES
        kinds = (ast.List, ast.Compare, ast.Slice, ast.UnaryOp, ast.BinOp)
        return FRAME if isinstance(node.slice, kinds) else ""

    def _annotated(self, node: ast.expr) -> str:
        """The class an annotation names: through Optional, `| None` and quotes."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError):
                return ""
        if isinstance(node, ast.BinOp):
            return self._annotated(node.left)
        if isinstance(node, ast.Subscript):
            names = self._module.names_of(node.value)
            is_wrapper = any(name.rpartition(".")[2] in ("Optional", "Annotated") for name in names)
            inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            return self._annotated(inner) if is_wrapper else ""
        names = self._module.names_of(node)
        return names[0] if names else ""

    # ------------------------------------------------------------------------------------------ bindings

    def _scope_of(self, node: ast.AST) -> ast.AST | None:
        while node in self._module.parents:
            node = self._module.parents[node]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module):
                return node
        return None

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind_target(target, node.value, None)
        elif isinstance(node, ast.AnnAssign):
            self._bind_target(node.target, node.value, node.annotation)
        elif isinstance(node, ast.NamedExpr):
            self._bind_target(node.target, node.value, None)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._bind_target(node.optional_vars, node.context_expr, None)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            self._bind_target(node.target, None, None, of=node.iter)
        elif isinstance(node, ast.arg):
            function = self._scope_of(node)
            if function is not None:
                self._bindings[function][node.arg].append(Binding(0, None, node.annotation))

    def _bind_target(
        self,
        target: ast.expr,
        value: ast.expr | None,
        annotation: ast.expr | None,
        *,
        of: ast.expr | None = None,
    ) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._bind_target(item, None, None)
        elif isinstance(target, ast.Name):
            scope = self._scope_of(target)
            if scope is not None:
                self._bindings[scope][target.id].append(
                    Binding(target.lineno - (of is not None), value, annotation, of)
                )
        elif isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self":
            self._attributes[target.attr].append(Binding(target.lineno, value, annotation))


def class_bases(modules: Iterable[Module]) -> Classes:
    """The classes of a project's modules."""
    own: set[str] = set()
    direct: dict[str, set[str]] = defaultdict(set)
    for module in modules:
        own.update(module.path.removesuffix(".py").split("/"))
        for name, bases in module.class_bases.items():
            if bases:
                direct[name].update(bases)
    return Classes({name: frozenset(_all_bases(name, direct, set())) for name in direct}, frozenset(own))


def _all_bases(name: str, direct: dict[str, set[str]], seen: set[str]) -> set[str]:
    if name in seen:
        return set()
    seen.add(name)
    found = set(direct.get(name, ()))
    for base in tuple(found):
        found |= _all_bases(base.rpartition(".")[2], direct, seen)
    return found
