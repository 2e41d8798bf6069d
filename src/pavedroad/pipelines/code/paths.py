"""Expressions that name a data file, `HERE / "data" / "x.csv"` and its kin, read without running them."""

from __future__ import annotations

import ast
import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from pavedroad.pipelines.code.blind import chain_of

_JOINING = {"joinpath", "with_name", "with_suffix", "with_stem"}
_PASSING = {"resolve", "absolute", "expanduser", "as_posix"}
_LISTING = {"glob", "rglob", "iterdir"}
_IN_PACKAGE = {"get_data", "read_text", "read_binary", "open_text", "open_binary", "path"}  # (package, name)
_READING_PREFIXES = ("read", "open", "load", "scan", "parse", "genfromtxt", "fromfile", "from_file")
_READ_KEYWORDS = {"path", "filepath", "filepath_or_buffer", "fname", "file", "filename", "source"}
_WRITING_PREFIXES = (
    *("to_", "save", "write", "dump", "touch"),
    *("mkdir", "makedirs", "unlink", "remove", "rmtree", "rmdir"),
)
_ON_PATHS: dict[str, Callable[..., Any]] = {
    "join": os.path.join,
    "dirname": os.path.dirname,
    "abspath": os.path.normpath,  # what it is given is absolute already
    "realpath": os.path.normpath,
    "normpath": os.path.normpath,
    "fspath": os.fspath,
}
PACKAGE_FOLDER = "files()"  # what `look_up` is asked for `importlib.resources.files("package")`


class Unreadable(Exception):
    """The expression needs more than reading."""


def is_path(node: ast.expr) -> bool:
    """Whether `node` puts a name behind a folder: `/`, `joinpath`, `os.path.join`, `f"{HERE}/x"`, `glob`."""
    if isinstance(node, ast.BinOp):
        text = node.right.value if isinstance(node.right, ast.Constant) else None
        if isinstance(node.op, ast.Add):
            return isinstance(text, str) and text[:1] in ("/", os.sep)
        is_text = isinstance(text, str) or isinstance(node.right, ast.Name | ast.JoinedStr)
        return isinstance(node.op, ast.Div) and is_text
    if isinstance(node, ast.JoinedStr):
        pieces = node.values
        return len(pieces) > 1 and isinstance(pieces[0], ast.FormattedValue) and "/" in _texts(pieces)
    if isinstance(node, ast.Call):
        chain = chain_of(node.func) or ()
        if isinstance(node.func, ast.Attribute) and node.func.attr in (_JOINING | _LISTING):
            return True
        if chain[-1:] and chain[-1] in _IN_PACKAGE and len(node.args) == 2:
            return {"pkgutil", "resources"} & set(chain) != set() or len(chain) == 1
        return chain[-2:] in (("path", "join"), ("join",)) and bool(node.args)
    return False


def is_place(node: ast.expr) -> bool:
    """Whether `node` is a path or stands for a folder that paths may start from."""
    if is_path(node):
        return True
    nodes = spine(node)
    is_made = any(
        isinstance(each, ast.Call) and called(each) in ("Path", "files", "dirname") for each in nodes
    )
    return is_made or (isinstance(nodes[-1], ast.Name) and nodes[-1].id == "__file__")


def with_base(node: ast.expr, base: ast.expr) -> ast.expr:
    """A copy of the path `node` that starts from `base` instead of its first name."""
    first = spine(node)[-1]
    if node is first:
        return base
    nodes = {id(first): base}
    return _copied(node, nodes)


def _copied(node: ast.expr, nodes: dict[int, ast.expr]) -> ast.expr:
    if id(node) in nodes:
        return nodes[id(node)]
    made = copy.copy(node)
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            setattr(made, field, _copied(value, nodes))
        elif isinstance(value, list):
            setattr(
                made, field, [_copied(each, nodes) if isinstance(each, ast.expr) else each for each in value]
            )
    return made


def _texts(pieces: list[ast.expr]) -> str:
    return "".join(str(piece.value) for piece in pieces if isinstance(piece, ast.Constant))


def spine(node: ast.expr) -> list[ast.expr]:
    """`node` and what it is built on, down to a name: `(HERE / "a").parent` → that, `HERE / "a"`, `HERE`."""
    nodes = [node]
    while True:
        below = _below(nodes[-1])
        if below is None:
            return nodes
        nodes.append(below)


def _below(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.BinOp):
        return node.left
    if isinstance(node, ast.Attribute | ast.Subscript):
        return node.value
    if isinstance(node, ast.JoinedStr):
        first = node.values[0] if node.values else None
        return first.value if isinstance(first, ast.FormattedValue) else None
    if isinstance(node, ast.Call):
        callee = node.func
        if isinstance(callee, ast.Attribute) and callee.attr in (_JOINING | _PASSING | _LISTING):
            return callee.value
        return node.args[0] if node.args else None
    return None


def variables(node: ast.expr) -> Iterator[ast.Name]:
    """The names in a path, but for those of functions: `HERE` and `name` in `os.path.join(HERE, name)`."""
    if isinstance(node, ast.Call):
        below = _below(node)
        if below is not None and below not in node.args:
            yield from variables(below)
        for argument in node.args:
            yield from variables(argument)
    elif isinstance(node, ast.Name):
        yield node
    else:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from variables(child)


def writes_to(node: ast.Call) -> list[ast.expr]:
    """What a call writes to, by its name: `frame.to_csv(OUT)`, `OUT.write_text(...)`, `open(OUT, "w")`."""
    name = called(node)
    on = [node.func.value] if isinstance(node.func, ast.Attribute) else []
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    if name == "open":
        return [*on, *node.args[:1]] if any(map(_is_writing_mode, arguments)) else []
    return [*on, *arguments] if name.startswith(_WRITING_PREFIXES) else []


def reads_from(node: ast.Call) -> list[ast.expr]:
    """What a call reads, by its name: the first argument of `pd.read_csv("data/x.csv")`."""
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    name = called(node)
    if not name.startswith(_READING_PREFIXES) or (name == "open" and any(map(_is_writing_mode, arguments))):
        return []
    named = [keyword.value for keyword in node.keywords if keyword.arg in _READ_KEYWORDS]
    return [
        each for each in (*node.args[:1], *named) if isinstance(each, ast.Constant | ast.Name | ast.Attribute)
    ]


def called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_writing_mode(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    return set(node.value) <= set("wxab+t") and bool(set(node.value) & set("wxa"))


def evaluate(node: ast.expr, look_up: Callable[[tuple[str, ...]], Any]) -> Any:
    """The path or text that `node` stands for; `look_up` gives the value of a name.

    Raises: Unreadable when that cannot be said without running code.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int):
        return node.value
    chain = chain_of(node)
    if chain is not None and len(chain) == 1:
        return look_up(chain)
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(piece, look_up) for piece in node.values)
    if isinstance(node, ast.BinOp):
        return _binary(node, look_up)
    if isinstance(node, ast.Attribute):
        return _attribute(node, look_up)
    if isinstance(node, ast.Subscript):
        value, index = evaluate(node.value, look_up), evaluate(node.slice, look_up)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "parents" and isinstance(index, int):
            return value[index]
    if isinstance(node, ast.Call):
        return _call(node, look_up)
    raise Unreadable


def _piece(node: ast.expr, look_up: Callable[[tuple[str, ...]], Any]) -> str:
    return str(evaluate(node.value if isinstance(node, ast.FormattedValue) else node, look_up))


def _binary(node: ast.BinOp, look_up: Callable[[tuple[str, ...]], Any]) -> Any:
    left, right = evaluate(node.left, look_up), evaluate(node.right, look_up)
    if isinstance(node.op, ast.Div) and isinstance(left, PurePath) and isinstance(right, str | PurePath):
        return left / right
    if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right
    raise Unreadable


def _attribute(node: ast.Attribute, look_up: Callable[[tuple[str, ...]], Any]) -> Any:
    try:
        value = evaluate(node.value, look_up)
    except Unreadable:
        chain = chain_of(node)
        if chain is None:
            raise
        return look_up(chain)  # a constant of another module
    if isinstance(value, PurePath) and node.attr in ("parent", "parents", "name", "stem", "suffix"):
        return getattr(value, node.attr)
    chain = chain_of(node)
    if chain is None:
        raise Unreadable
    return look_up(chain)


def _call(node: ast.Call, look_up: Callable[[tuple[str, ...]], Any]) -> Any:
    callee, name = node.func, called(node)
    if name in _IN_PACKAGE and len(node.args) == 2:
        folder, file = _package_folder(node.args[0], look_up), evaluate(node.args[1], look_up)
        return folder / str(file)
    if name == "files" and len(node.args) == 1:
        return _package_folder(node.args[0], look_up)
    if isinstance(callee, ast.Attribute) and name in (_PASSING | _JOINING | _LISTING):
        return _method(evaluate(callee.value, look_up), name, [evaluate(each, look_up) for each in node.args])
    arguments = [evaluate(argument, look_up) for argument in node.args]
    if not arguments or not all(isinstance(each, str | PurePath) for each in arguments):
        raise Unreadable
    if name in ("Path", "PurePath", "PosixPath"):
        return Path(*arguments)
    if name == "str":
        return str(arguments[0])
    if name in _ON_PATHS:
        return _ON_PATHS[name](*arguments)
    raise Unreadable


def _method(value: Any, name: str, arguments: list[Any]) -> Any:
    if not isinstance(value, Path) or not all(isinstance(each, str | PurePath) for each in arguments):
        raise Unreadable
    if name in _PASSING:
        return value
    if name in _JOINING:
        return getattr(value, name)(*arguments)
    pattern = str(arguments[0]) if arguments else "*"
    found = value.rglob(pattern) if name == "rglob" else value.glob(pattern)
    return [path for path in sorted(found) if path.suffix != ".py" or pattern.endswith(".py")]


def _package_folder(node: ast.expr, look_up: Callable[[tuple[str, ...]], Any]) -> Any:
    """The folder of `"late_flights"`, `late_flights`, `__package__` or `__name__`."""
    if isinstance(node, ast.Constant):
        return look_up((PACKAGE_FOLDER, str(node.value)))
    chain = chain_of(node)
    if chain is None:
        raise Unreadable
    return look_up((PACKAGE_FOLDER, "", *chain))
