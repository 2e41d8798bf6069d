"""Python source as rules see it: parsed once, indexed in one walk, with every call's full name resolved.

Names are resolved from the text alone; nothing is imported. What a rule can ask a `Module`:

    calls("read_csv", package="pandas")  calls by the last part of the name, in the order of the text
    names_of(expression)                 the dotted name: `numpy.random.seed` for `np.random.seed`, `?.fit` if
                                         the receiver is unknown; imports in a function hold there only; its
                                         parameters and variables hide imports of their name
    made_by(expression)                  the call that made an object, also for `self.x`
    values_of(expression)                the expressions a name or `self.x` was given
    decorators(function), bases(class)   dotted names
    function_of(node), enclosing(node)   where a node stands
    awaits(function)                     (a function here) whether an async function ever waits
    call_names, function_names           known without the tree: ask them first, across a project
    imports, aliases, stars              what it imports; `optional_imports` in try or if, `typing_imports`

A `Call` knows its `keyword("x")`, `literal("x")`, `argument(0, "x")`, and whether it `is_open` to more than
we see.
"""

from __future__ import annotations

import ast
import codecs
import io
import itertools
import re
import sys
import tokenize
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import msgspec

from pavedroad.checks.model import Place
from pavedroad.checks.notebook import Notebook, read_notebook
from pavedroad.errors import Invalid

LARGEST_BYTES = 4 * 2**20
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# Functions that seed every generator: `set_seed`, `fix_all_seeds`, `seed_everything`.
_SEED_HELPER = re.compile(
    r"(set|fix|init|reset|all|random|global|manual)\w*_seeds?|seed_\w+|seed_?all|seed_?everything", re.I
)
Scope = ast.FunctionDef | ast.AsyncFunctionDef


class Call(msgspec.Struct, frozen=True):
    """One call, with the dotted name of what it calls: `sklearn.model_selection.train_test_split`."""

    name: str  # a receiver we cannot resolve is `?`: `?.log_model`
    node: ast.Call

    @property
    def tail(self) -> str:
        return self.name.rpartition(".")[2]

    def is_from(self, package: str) -> bool:
        return self.name == package or self.name.startswith(f"{package}.")

    def keyword(self, name: str) -> ast.expr | None:
        return next((keyword.value for keyword in self.node.keywords if keyword.arg == name), None)

    def literal(self, name: str) -> object:
        """The constant given for a keyword; None when it is absent or no constant."""
        value = self.keyword(name)
        return value.value if isinstance(value, ast.Constant) else None

    def argument(self, position: int, name: str = "") -> ast.expr | None:
        """What is given at a position (behind no `*args`) or by keyword."""
        before = self.node.args[: position + 1]
        if len(before) > position and not any(isinstance(each, ast.Starred) for each in before):
            return before[position]
        return self.keyword(name) if name else None

    @property
    def is_open(self) -> bool:
        """Whether `*args` or `**options` may bring more arguments than we see."""
        stars = any(isinstance(argument, ast.Starred) for argument in self.node.args)
        return stars or any(keyword.arg is None for keyword in self.node.keywords)


class Parsed:
    """One walk over a tree: what is large, and can be had again from the text."""

    __slots__ = (
        "calls",
        "classes",
        "functions",
        "hidden",
        "imports",
        "parents",
        "raw_calls",
        "stored",
        "strings",
        "tree",
    )

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parents: dict[ast.AST, ast.AST] = {}
        self.functions: list[Scope] = []
        self.classes: list[ast.ClassDef] = []
        self.strings: list[ast.Constant] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self.raw_calls: list[ast.Call] = []
        self.stored: dict[str, list[ast.Name]] = {}  # names that get a value, with the places
        self.calls: dict[str, list[Call]] | None = None
        self.hidden: dict[str, list[ast.AST]] | None = None
        self._walk()

    def _walk(self) -> None:
        left: list[ast.AST] = [self.tree]
        parents, keep = self.parents, _KEPT
        while left:
            node = left.pop()
            kind = type(node)
            if kind in keep:
                keep[kind](self, node)
                if kind is ast.Constant or kind is ast.Name:
                    continue
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, list):
                    for item in reversed(value):
                        if isinstance(item, ast.AST):
                            parents[item] = node
                            left.append(item)
                elif isinstance(value, ast.AST) and value._fields:
                    parents[value] = node
                    left.append(value)

    def keep_name(self, node: ast.Name) -> None:
        if type(node.ctx) is ast.Store:
            self.stored.setdefault(node.id, []).append(node)

    def keep_string(self, node: ast.Constant) -> None:
        if type(node.value) is str:
            self.strings.append(node)


_KEPT: dict[type, Callable[[Parsed, Any], None]] = {
    ast.Call: lambda parsed, node: parsed.raw_calls.append(node),
    ast.Constant: Parsed.keep_string,
    ast.Name: Parsed.keep_name,
    ast.Import: lambda parsed, node: parsed.imports.append(node),
    ast.ImportFrom: lambda parsed, node: parsed.imports.append(node),
    ast.FunctionDef: lambda parsed, node: parsed.functions.append(node),
    ast.AsyncFunctionDef: lambda parsed, node: parsed.functions.append(node),
    ast.ClassDef: lambda parsed, node: parsed.classes.append(node),
}


class Module:
    """A Python file, or the code of a notebook. Guards the parsed tree and its index.

    What is large is dropped by `release` and read again when asked for: rules may hold on to a module, not to
    nodes of its tree beyond their own turn.
    """

    def __init__(
        self,
        path: str,
        text: str,
        *,
        notebook: Notebook | None = None,
        on_parse: Callable[[Module], None] | None = None,
    ) -> None:
        self.path = path
        self.text = text
        # A carriage return alone ends a line for Python too, though nobody means it: no fix for such a file.
        self.has_odd_lines = "\r" in text.replace("\r\n", "")
        self.notebook = notebook
        self.error = ""
        self.error_at = Place(path=path)
        self.imports: dict[str, int] = {}  # dotted name -> line of its first import
        self.aliases: dict[str, str] = {}  # local name -> dotted name
        self.stars: list[str] = []  # modules of `from x import *`
        self.optional_imports: set[str] = set()  # inside try/except ImportError, or below an `if`
        self.typing_imports: set[str] = set()  # only below `if TYPE_CHECKING`
        self._local_aliases: dict[str, list[tuple[ast.AST, str]]] = {}  # of imports inside functions
        self._own: set[str] = set()
        self._lines: list[str] | None = None
        self._on_parse = on_parse
        self._parsed: Parsed | None = None
        self._index_names(self.parsed)
        # What many rules ask of every module stays when the tree goes.
        self.has_code = bool(self.parsed.tree.body)
        self.class_names = frozenset(sys.intern(each.name) for each in self.parsed.classes)
        self.class_bases = {each.name: tuple(self.bases(each)) for each in self.parsed.classes}
        self.function_names = frozenset(sys.intern(function.name) for function in self.parsed.functions)
        self.call_names = frozenset(sys.intern(call.name) for call in self.all_calls())
        self._tails = frozenset(map(sys.intern, self._all_calls()))

    # ------------------------------------------------------------------------------------------ the tree

    @property
    def parsed(self) -> Parsed:
        if self._parsed is None:
            self._parsed = Parsed(self._parse())
            self._index_local_imports(self._parsed)
            if self._on_parse:
                self._on_parse(self)
        return self._parsed

    def release(self) -> None:
        """Let go of what is large."""
        self._parsed = self._lines = None
        self._local_aliases = {}

    @property
    def tree(self) -> ast.Module:
        return self.parsed.tree

    @property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return self.parsed.parents

    @property
    def functions(self) -> list[Scope]:
        return self.parsed.functions

    @property
    def classes(self) -> list[ast.ClassDef]:
        return self.parsed.classes

    @property
    def strings(self) -> list[ast.Constant]:
        return self.parsed.strings

    # ------------------------------------------------------------------------------------------ text

    @property
    def lines(self) -> list[str]:
        if self._lines is None:
            self._lines = re.split(r"\r\n?|\n", self.text) if self.has_odd_lines else self.text.split("\n")
        return self._lines

    @cached_property
    def line_count(self) -> int:
        return len(self.lines)

    def place(self, node: ast.AST) -> Place:
        line, end_line = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
        column = self._characters(line, node.col_offset) + 1  # type: ignore[attr-defined]
        end_column = self._characters(end_line, node.end_col_offset or 0) + 1  # type: ignore[attr-defined]
        return self._in_cell(line, end_line, column, end_column)

    def place_of_line(self, line: int) -> Place:
        return self._in_cell(line, 0, 1, 0)

    def offset(self, line: int, column_bytes: int) -> int:
        """Where an ast position is in `text`, in characters."""
        return self._starts[line - 1] + self._characters(line, column_bytes)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins, and where the next would."""
        return list(itertools.accumulate((len(text) + 1 for text in self.lines), initial=0))

    def _characters(self, line: int, column_bytes: int) -> int:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return column_bytes if text.isascii() else len(text.encode()[:column_bytes].decode(errors="ignore"))

    def _in_cell(self, line: int, end_line: int, column: int, end_column: int) -> Place:
        cell = 0
        if self.notebook:
            cell, first = self.notebook.cell_of(line)
            line, end_line = first, end_line - line + first if end_line else 0
        return Place(
            path=self.path, line=line, column=column, end_line=end_line, end_column=end_column, cell=cell
        )

    # ------------------------------------------------------------------------------------------ calls

    def calls(self, *tails: str, package: str = "") -> list[Call]:
        """Calls of anything named so, in the order of the text; `package` keeps those from that package."""
        if self._tails.isdisjoint(tails):
            return []
        known = self._all_calls()
        found = [call for tail in tails for call in known.get(tail, ())]
        found = [call for call in found if not package or call.is_from(package)]
        return sorted(found, key=lambda call: (call.node.lineno, call.node.col_offset))

    def all_calls(self) -> Iterator[Call]:
        for calls in self._all_calls().values():
            yield from calls

    def _all_calls(self) -> dict[str, list[Call]]:
        parsed = self.parsed
        if parsed.calls is None:
            parsed.calls = {}
            for node in parsed.raw_calls:
                for name in self.names_of(node.func):
                    parsed.calls.setdefault(name.rpartition(".")[2], []).append(Call(name, node))
        return parsed.calls

    # ------------------------------------------------------------------------------------------ names

    def names_of(self, node: ast.expr) -> list[str]:
        """The dotted names an expression may stand for; more than one only after a star import."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return [".".join(["?", *reversed(parts)])] if parts else []
        rest = list(reversed(parts))
        if meaning := self._imported_as(node):
            return [".".join([meaning, *rest])]
        own = ".".join(["?", *rest]) if rest else node.id
        stars = () if node.id in self._own else self.stars
        return [own, *(".".join([star, node.id, *rest]) for star in stars)]

    def _imported_as(self, node: ast.Name) -> str:
        """The dotted name that an import gives a name where it stands, if an import does."""
        name = node.id
        if name in self._local_aliases or (name in self.aliases and name in self._hidden_names):
            for function in self.enclosing(node, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda):
                for scope, meaning in self._local_aliases.get(name, ()):
                    if scope is function:
                        return meaning
                if function in self._hidden_names.get(name, ()):
                    return ""
        return self.aliases.get(name, "")

    @property
    def _hidden_names(self) -> dict[str, list[ast.AST]]:
        """Imported names that are also a parameter or a variable of a function, with those functions."""
        parsed = self.parsed
        if parsed.hidden is None:
            parsed.hidden = _hidden_names(self, parsed)
        return parsed.hidden

    def enclosing(self, node: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """What a node stands in, from the inside out; of these kinds when any is named."""
        parents = self.parsed.parents
        above = parents.get(node)
        while above is not None:
            if not kinds or isinstance(above, kinds):
                yield above
            above = parents.get(above)

    def function_of(self, node: ast.AST) -> Scope | None:
        """The function whose body a node stands in; None at the module's or a class's level."""
        for above in self.enclosing(node, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
            return above if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef) else None
        return None

    def decorators(self, node: Scope | ast.ClassDef) -> list[str]:
        """Dotted names of the decorators, called or not: `?.get` for `@app.get("/")`."""
        called = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
        return [name for each in called for name in self.names_of(each)[:1]]

    def bases(self, node: ast.ClassDef) -> list[str]:
        """Dotted names of the base classes."""
        return [name for base in node.bases for name in self.names_of(base)[:1]]

    def values_of(self, node: ast.expr) -> list[ast.expr]:
        """What a name or `self.x` was given, in the order of the text; empty when nothing is known.

        A name is looked for in its own function, then in the module; `self.x` in all methods of the class.
        """
        if isinstance(node, ast.Name):
            stored = self.parsed.stored.get(node.id, ())
            for scope in (self.function_of(node), None):
                given = [value for name in stored if self.function_of(name) is scope
                         for value in self._given(name)]  # fmt: skip
                if given:
                    return given
            return []
        is_own = (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
        )
        return self._values_of_attribute(node) if is_own and isinstance(node, ast.Attribute) else []

    def made_by(self, node: ast.expr) -> list[str]:
        """Dotted names of the calls that made an object.

        `torch.nn.Linear` for `nn.Linear(2)`, for `layer` after `layer = nn.Linear(2)`; for `self.layer` too.
        """
        made = [node] if isinstance(node, ast.Call) else self.values_of(node)
        return [name for value in made if isinstance(value, ast.Call) for name in self.names_of(value.func)]

    def _given(self, name: ast.Name) -> Iterator[ast.expr]:
        above = self.parsed.parents.get(name)
        if isinstance(above, ast.Assign | ast.AnnAssign | ast.NamedExpr) and above.value is not None:
            yield above.value
        elif isinstance(above, ast.withitem) and above.optional_vars is name:
            yield above.context_expr

    def _values_of_attribute(self, node: ast.Attribute) -> list[ast.expr]:
        owner = next(self.enclosing(node, ast.ClassDef), None)
        if owner is None:
            return []
        values = []
        for each in ast.walk(owner):
            targets = each.targets if isinstance(each, ast.Assign) else ()
            if isinstance(each, ast.AnnAssign) and each.value is not None:
                targets = [each.target]
            for target in targets:
                same = isinstance(target, ast.Attribute) and target.attr == node.attr
                if same and isinstance(target.value, ast.Name) and target.value.id == "self":  # type: ignore[attr-defined]
                    values.append(each.value)  # type: ignore[attr-defined]
        return values

    @cached_property
    def sets_seed(self) -> bool:
        """Whether it seeds NumPy's global generator, itself or through a function whose name says so."""
        if not self.call_names.isdisjoint(("numpy.random.seed", "numpy.random.mtrand.seed")):
            return True
        return any(
            _SEED_HELPER.fullmatch(name.rpartition(".")[2])
            and not name.startswith(("torch.", "random.", "tensorflow.random."))
            for name in self.call_names
        )

    def import_roots(self) -> dict[str, int]:
        """Top-level packages it imports from elsewhere, with the line."""
        roots: dict[str, int] = {}
        for name, line in self.imports.items():
            root = name.partition(".")[0]
            if root and root not in sys.stdlib_module_names:
                roots.setdefault(root, line)
        return roots

    # ------------------------------------------------------------------------------------------ reading

    def _parse(self) -> ast.Module:
        try:
            return parse_quietly(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 1
            self.error = _said(error)
            self.error_at = self.place_of_line(min(line, len(self.lines)))
            return self._parse_cells() if self.notebook else ast.Module(body=[], type_ignores=[])

    def _parse_cells(self) -> ast.Module:
        """The cells that parse; in a notebook one broken cell is common and the others still count."""
        assert self.notebook is not None
        body: list[ast.stmt] = []
        for cell in self.notebook.cells:
            try:
                tree = parse_quietly(cell.source)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            ast.increment_lineno(tree, cell.first_line - 1)
            body += tree.body
        return ast.Module(body=body, type_ignores=[])

    def _index_names(self, parsed: Parsed) -> None:
        for node in parsed.imports:
            for local, meaning, dotted in imported_names(node):
                self.imports.setdefault(dotted, node.lineno)
                self._note_condition(node, dotted)
                if local == "*":
                    self.stars.append(meaning)
                    continue
                # Of two imports in try and except the first is the one meant; elsewhere the last holds.
                is_fallback = isinstance(parsed.parents.get(node), ast.ExceptHandler)
                is_local = self.function_of(node) is not None
                if local not in self.aliases or not (is_fallback or is_local):
                    self.aliases[local] = meaning
        for definition in (*parsed.functions, *parsed.classes):
            if isinstance(parsed.parents.get(definition), ast.Module):
                self._own.add(definition.name)  # a name the module defines itself is not the imported one
                self.aliases.pop(definition.name, None)

    def _note_condition(self, node: ast.AST, dotted: str) -> None:
        for above in self.enclosing(node, ast.If, ast.Try, ast.FunctionDef, ast.AsyncFunctionDef):
            if isinstance(above, ast.If) and "TYPE_CHECKING" in ast.dump(above.test):
                self.typing_imports.add(dotted)
            elif isinstance(above, ast.If) or (isinstance(above, ast.Try) and above.handlers):
                self.optional_imports.add(dotted)

    def _index_local_imports(self, parsed: Parsed) -> None:
        self._local_aliases = {}
        for node in parsed.imports:
            above = parsed.parents.get(node)
            while above is not None and not isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
                above = parsed.parents.get(above)
            if above is not None:
                for local, meaning, _dotted in imported_names(node):
                    self._local_aliases.setdefault(local, []).append((above, meaning))


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str, str]]:
    """(local name, what it means, what is imported) of each name; the local name of a star is `*`."""
    if isinstance(node, ast.Import):
        for name in node.names:
            root = name.name.partition(".")[0]
            yield name.asname or root, name.name if name.asname else root, name.name
        return
    module = "." * node.level + (node.module or "")
    for name in node.names:
        if name.name == "*":
            yield "*", module, module
        else:
            dotted = f"{module}{'' if module.endswith('.') else '.'}{name.name}"
            yield name.asname or name.name, dotted, dotted


def awaits(function: Scope) -> bool:
    """Whether a function itself gives way: `await`, `yield`, `async for` or `with`, async comprehension."""
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Yield | ast.YieldFrom):
            return True
        if isinstance(node, ast.comprehension) and node.is_async:
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            left.extend(ast.iter_child_nodes(node))
    return False


def _hidden_names(module: Module, parsed: Parsed) -> dict[str, list[ast.AST]]:
    hidden: dict[str, list[ast.AST]] = {}
    for function in parsed.functions:
        given = function.args
        parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        for parameter in parameters:
            if parameter is not None and parameter.arg in module.aliases:
                hidden.setdefault(parameter.arg, []).append(function)
    for name in module.aliases.keys() & parsed.stored.keys():
        for stored in parsed.stored[name]:
            owner = module.function_of(stored)
            if owner is not None:
                hidden.setdefault(name, []).append(owner)
    return hidden


def parse_quietly(text: str) -> ast.Module:
    """ast.parse, without the warnings it prints about someone else's escapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def decode_python(data: bytes) -> str:
    """The text of a Python file by its own coding line. Raises Invalid."""
    return decode_text(data)[0]


def decode_text(data: bytes) -> tuple[str, str]:
    """Text and encoding: what a byte order mark or a coding line says, else UTF-8. Raises Invalid."""
    if b"\0" in data:
        raise Invalid("it holds null bytes", hint="save it as UTF-8 text")
    encoding = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    for line in data.split(b"\n", 2)[:2]:
        if (match := _CODING.match(line)) and match.group(1).lower() not in (b"utf-8", b"utf8"):
            encoding = match.group(1).decode("ascii", "replace")
            break
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        line_number = data.count(b"\n", 0, error.start) + 1
        raise Invalid(f"line {line_number} is not {encoding.upper()}", hint="save it as UTF-8") from None
    except (LookupError, ValueError):
        raise Invalid(f"unknown encoding {encoding!r}", hint="save it as UTF-8") from None


def notebook_module(path: str, text: str, *, on_parse: Callable[[Module], None] | None = None) -> Module:
    """Raises Invalid when the text is no notebook."""
    notebook = read_notebook(text)
    return Module(path, notebook.text, notebook=notebook, on_parse=on_parse)


def comments(text: str) -> Iterator[tuple[int, int, str]]:
    """(line, column, text) of every comment of a Python text, as far as it can be read."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.start[1] + 1, token.string
    except (tokenize.TokenError, SyntaxError):
        return


def _said(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"line {error.lineno or 1}: {error.msg}"
    if isinstance(error, RecursionError | MemoryError):
        return "it is nested too deeply"
    return str(error)
