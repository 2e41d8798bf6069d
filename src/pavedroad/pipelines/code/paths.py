"""Expressions that name a data file, `HERE / "data" / "x.csv"` and its kin, read without running them."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from pavedroad.pipelines.code.blind import chain_of
from pavedroad.pipelines.code.scopes import BASE_OF_A_PATH, WRITTEN_TO

_JOINING = {"joinpath", "with_name", "with_suffix", "with_stem"}
_PASSING = {"resolve", "absolute", "expanduser", "as_posix"}
_WRITING_PREFIXES = (
    "to_",
    "save",
    "write",
    "dump",
    "mkdir",
    "makedirs",
    "touch",
    "unlink",
    "remove",
    "rmtree",
    "rmdir",
)
# Uses of a path, at the end of a chain, that do not depend on what the file holds.
WRITES = {"write_text", "write_bytes", "mkdir", "touch", "unlink", "rmdir", WRITTEN_TO, BASE_OF_A_PATH}
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


def is_joined(node: ast.expr) -> bool:
    """Whether `node` puts a name behind a folder: `/`, `.joinpath`, `.with_name`, `os.path.join`."""
    if isinstance(node, ast.BinOp):
        is_text = isinstance(node.right, ast.Constant) and isinstance(node.right.value, str)
        return isinstance(node.op, ast.Div) and (is_text or isinstance(node.right, ast.Name | ast.JoinedStr))
    if isinstance(node, ast.Call):
        callee = node.func
        if isinstance(callee, ast.Attribute) and callee.attr in _JOINING:
            return True
        return (chain_of(callee) or ())[-2:] in (("path", "join"), ("join",)) and bool(node.args)
    return False


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
    if isinstance(node, ast.Call):
        callee = node.func
        if isinstance(callee, ast.Attribute) and callee.attr in (_JOINING | _PASSING):
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
    callee = node.func
    name = (
        callee.attr
        if isinstance(callee, ast.Attribute)
        else callee.id
        if isinstance(callee, ast.Name)
        else ""
    )
    on = [callee.value] if isinstance(callee, ast.Attribute) else []
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    if name == "open":
        texts = [a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        writes = any(set(text) <= set("wxab+t") and set(text) & set("wxa") for text in texts)
        return [*on, *node.args[:1]] if writes else []
    return [*on, *arguments] if name.startswith(_WRITING_PREFIXES) else []


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
    callee = node.func
    name = (
        callee.attr
        if isinstance(callee, ast.Attribute)
        else callee.id
        if isinstance(callee, ast.Name)
        else ""
    )
    if isinstance(callee, ast.Attribute) and name in _PASSING:
        value = evaluate(callee.value, look_up)
        if isinstance(value, PurePath):
            return value
        raise Unreadable
    arguments = [evaluate(argument, look_up) for argument in node.args]
    if isinstance(callee, ast.Attribute) and name in _JOINING:
        value = evaluate(callee.value, look_up)
        if isinstance(value, PurePath) and all(isinstance(each, str | PurePath) for each in arguments):
            return getattr(value, name)(*arguments)
        raise Unreadable
    if name == "files" and len(arguments) == 1 and isinstance(arguments[0], str):
        return look_up((PACKAGE_FOLDER, arguments[0]))
    if not arguments or not all(isinstance(each, str | PurePath) for each in arguments):
        raise Unreadable
    if name in ("Path", "PurePath", "PosixPath"):
        return Path(*arguments)
    if name == "str":
        return str(arguments[0])
    if name in _ON_PATHS:
        return _ON_PATHS[name](*arguments)
    raise Unreadable
