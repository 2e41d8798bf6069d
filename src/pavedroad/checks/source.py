"""Python source as rules see it: parsed once, indexed in one walk, with every call's full name resolved.

Names are resolved from the text alone: aliases, `from x import y as z`, attribute chains, star imports.
Nothing is imported.
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import sys
import tokenize
import warnings
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

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

    @property
    def is_open(self) -> bool:
        """Whether `*args` or `**options` may bring more arguments than we see."""
        stars = any(isinstance(argument, ast.Starred) for argument in self.node.args)
        return stars or any(keyword.arg is None for keyword in self.node.keywords)


class Module:
    """A Python file, or the code of a notebook. Guards the parsed tree and its index."""

    def __init__(self, path: str, text: str, *, notebook: Notebook | None = None) -> None:
        self.path = path
        self.text = text
        # A carriage return alone ends a line for Python too, though nobody means it: no fix for such a file.
        self.has_odd_lines = "\r" in text.replace("\r\n", "")
        self.lines = re.split(r"\r\n?|\n", text) if self.has_odd_lines else text.split("\n")
        self.notebook = notebook
        self.error = ""
        self.error_at = Place(path=path)
        self.functions: list[Scope] = []
        self.classes: list[ast.ClassDef] = []
        self.strings: list[ast.Constant] = []
        self.imports: dict[str, int] = {}  # dotted name -> line of its first import
        self.aliases: dict[str, str] = {}
        self._stars: list[str] = []
        self._own: set[str] = set()
        self._raw_calls: list[ast.Call] = []
        self._calls: dict[str, list[Call]] | None = None
        self.parents: dict[ast.AST, ast.AST] = {}
        self.tree = self._parse()
        self._index()

    # ------------------------------------------------------------------------------------------ text

    def place(self, node: ast.AST) -> Place:
        line, end_line = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
        column = self._characters(line, node.col_offset) + 1  # type: ignore[attr-defined]
        end_column = self._characters(end_line, node.end_col_offset or 0) + 1  # type: ignore[attr-defined]
        return self._in_cell(line, end_line, column, end_column)

    def place_of_line(self, line: int) -> Place:
        return self._in_cell(line, 0, 1, 0)

    def offset(self, line: int, column_bytes: int) -> int:
        """Where an ast position is in `text`, in characters."""
        return sum(len(text) + 1 for text in self.lines[: line - 1]) + self._characters(line, column_bytes)

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

    # ------------------------------------------------------------------------------------------ names

    def calls(self, *tails: str, package: str = "") -> list[Call]:
        """Calls of anything named so, in the order of the text; `package` keeps those from that package."""
        if self._calls is None:
            self._calls = defaultdict(list)
            for node in self._raw_calls:
                for name in self.names_of(node.func):
                    self._calls[name.rpartition(".")[2]].append(Call(name, node))
        found = [call for tail in tails for call in self._calls.get(tail, ())]
        found = [call for call in found if not package or call.is_from(package)]
        return sorted(found, key=lambda call: (call.node.lineno, call.node.col_offset))

    def all_calls(self) -> Iterator[Call]:
        self.calls()
        for calls in (self._calls or {}).values():
            yield from calls

    def names_of(self, node: ast.expr) -> list[str]:
        """The dotted names an expression may stand for; more than one only after a star import."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return [".".join(["?", *reversed(parts)])] if parts else []
        rest = list(reversed(parts))
        if node.id in self.aliases:
            return [".".join([self.aliases[node.id], *rest])]
        own = ".".join(["?", *rest]) if rest else node.id
        stars = () if node.id in self._own else self._stars
        return [own, *(".".join([star, node.id, *rest]) for star in stars)]

    @cached_property
    def sets_seed(self) -> bool:
        """Whether it seeds NumPy's global generator, itself or through a function whose name says so."""
        for call in self.all_calls():
            if call.name in ("numpy.random.seed", "numpy.random.mtrand.seed"):
                return True
            if _SEED_HELPER.fullmatch(call.tail) and not call.name.startswith(
                ("torch.", "random.", "tensorflow.random.")
            ):
                return True
        return False

    # ------------------------------------------------------------------------------------------ one walk

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

    def _index(self) -> None:
        left: list[ast.AST] = [self.tree]
        while left:
            node = left.pop()
            kind = type(node)
            if kind is ast.Call:
                self._raw_calls.append(node)  # type: ignore[arg-type]
            elif kind is ast.Constant:
                if type(node.value) is str:  # type: ignore[attr-defined]
                    self.strings.append(node)  # type: ignore[arg-type]
                continue
            elif kind is ast.Import or kind is ast.ImportFrom:
                self._index_import(node)  # type: ignore[arg-type]
            elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
                self.functions.append(node)  # type: ignore[arg-type]
            elif kind is ast.ClassDef:
                self.classes.append(node)  # type: ignore[arg-type]
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, list):
                    for item in reversed(value):
                        if isinstance(item, ast.AST):
                            self.parents[item] = node
                            left.append(item)
                elif isinstance(value, ast.AST) and value._fields:
                    self.parents[value] = node
                    left.append(value)
        self._forget_shadowed()

    def _index_import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for name in node.names:
                self.imports.setdefault(name.name, node.lineno)
                local = name.asname or name.name.partition(".")[0]
                self.aliases[local] = name.name if name.asname else local
            return
        module = "." * node.level + (node.module or "")
        for name in node.names:
            if name.name == "*":
                self._stars.append(module)
                self.imports.setdefault(module, node.lineno)
            else:
                dotted = f"{module}{'' if module.endswith('.') else '.'}{name.name}"
                self.imports.setdefault(dotted, node.lineno)
                self.aliases[name.asname or name.name] = dotted

    def _forget_shadowed(self) -> None:
        """A name the module defines itself is not the imported one."""
        for node in (*self.functions, *self.classes):
            if isinstance(self.parents.get(node), ast.Module):
                self._own.add(node.name)
                self.aliases.pop(node.name, None)

    def import_roots(self) -> dict[str, int]:
        """Top-level packages it imports from elsewhere, with the line."""
        roots: dict[str, int] = {}
        for name, line in self.imports.items():
            root = name.partition(".")[0]
            if root and root not in sys.stdlib_module_names:
                roots.setdefault(root, line)
        return roots


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


def notebook_module(path: str, text: str) -> Module:
    """Raises Invalid when the text is no notebook."""
    notebook = read_notebook(text)
    return Module(path, notebook.text, notebook=notebook)


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
