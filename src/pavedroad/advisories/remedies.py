"""The patch for one use: edits by position, so that comments and layout stay as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from packaging.requirements import Requirement

from pavedroad.advisories.deciding import Decision
from pavedroad.advisories.model import Advisory, Remedy
from pavedroad.advisories.ranges import holds, overlaps, pinned
from pavedroad.advisories.uses import Use
from pavedroad.checks.arguments import add_argument
from pavedroad.checks.model import SAFE, UNSAFE, Edit, Fix
from pavedroad.checks.source import Module

_OPPOSITE = {">=": "<", "<": ">="}


def fix_for(advisory: Advisory, use: Use, decision: Decision) -> Fix | None:
    """The first remedy that can be written for this use; None when a person has to."""
    module = use.module
    if module.notebook or module.has_odd_lines:
        return None
    for remedy in advisory.fix:
        write = WRITERS.get(remedy.kind)
        if write is None or not _is_about(remedy, use):
            continue
        edits = tuple(write(remedy, use))
        if edits:
            is_ours = decision.package in advisory.packages
            safety = remedy.safety if not is_ours or works_now(remedy, decision) else UNSAFE
            return Fix(says=_says(remedy, use), safety=safety, edits=edits)
    return None


def works_now(remedy: Remedy, decision: Decision) -> bool:
    """Whether the new form works with every version the project may have."""
    if remedy.safety != SAFE or not remedy.needs:
        return remedy.safety == SAFE
    needed = Requirement(remedy.needs)
    if decision.by == "lock":
        return holds(decision.versions, str(needed.specifier))
    if decision.by == "undeclared" or not decision.versions:
        return overlaps(">9998", str(needed.specifier))  # the newest is installed
    if pin := pinned(decision.versions):
        return holds(pin.rstrip(".*"), str(needed.specifier))
    outside = [
        f"{_OPPOSITE[one.operator]}{one.version}" for one in needed.specifier if one.operator in _OPPOSITE
    ]
    return bool(outside) and not any(overlaps(decision.versions, versions) for versions in outside)


def _is_about(remedy: Remedy, use: Use) -> bool:
    name = use.call.name if use.call else use.symbol
    return not remedy.only or any(fnmatchcase(name, pattern) for pattern in remedy.only)


def _says(remedy: Remedy, use: Use) -> str:
    if remedy.says:
        return remedy.says
    if remedy.kind == "replace-name":
        return f"write {remedy.names[use.symbol]} for {use.symbol}"
    if remedy.kind in ("rename-keyword", "rename-method"):
        old = _keyword(use) or use.symbol.rpartition(".")[2]
        return f"write {remedy.names.get(old, '')} for {old}"
    if remedy.kind == "add-keyword":
        return f"add {remedy.text}"
    return {
        "replace-literal": "write the new value",
        "remove-keyword": "leave the argument out",
        "replace-call": "write the call that takes its place",
        "fill-method": "call ffill() or bfill()",
        "chained-to-loc": "assign in one step through loc",
        "default-none": "add = None",
    }[remedy.kind]


def _span(module: Module, node: ast.AST) -> tuple[int, int]:
    start = module.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
    return start, module.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def _edit(module: Module, start: int, end: int, text: str) -> Edit:
    return Edit(path=module.path, start=start, end=end, text=text)


def _keyword(use: Use) -> str:
    return use.node.arg or "" if isinstance(use.node, ast.keyword) else ""


def replaced_name(remedy: Remedy, use: Use) -> Iterator[Edit]:
    new = remedy.names.get(use.symbol)
    if new is None:
        return
    module, node = use.module, use.node
    if isinstance(node, ast.alias):
        yield from _replaced_import(new, use, node)
        return
    if isinstance(node, ast.Call):
        node = node.func
    start, end = _span(module, node)
    if "." not in new:
        yield _edit(module, start, end, new)
        return
    old_parts, new_parts = use.symbol.split("."), new.split(".")
    is_sibling = old_parts[:-1] == new_parts[:-1]
    if isinstance(node, ast.Attribute) and is_sibling:
        yield _edit(module, end - len(node.attr), end, new_parts[-1])
    elif isinstance(node, ast.Attribute) and len(new_parts) < len(old_parts):
        dropped = module.text[start:end].split(".")
        kept = dropped[: len(dropped) - (len(old_parts) - len(new_parts) + 1)]
        if (
            kept
            and module.names_of(node)[0] == use.symbol
            and old_parts[: len(new_parts) - 1] == new_parts[:-1]
        ):
            yield _edit(module, start, end, ".".join([*kept, new_parts[-1]]))


def _replaced_import(new: str, use: Use, node: ast.alias) -> Iterator[Edit]:
    """`from a import old` as `from a import new as old`: the rest of the module stays true."""
    module = use.module
    statement = module.parents[node]
    if not isinstance(statement, ast.ImportFrom) or f"{statement.module}.{node.name}" != use.symbol:
        return
    package, _, name = new.rpartition(".")
    local = node.asname or node.name
    written = name if name == local else f"{name} as {local}"
    if package == statement.module:
        start, end = _span(module, node)
        yield _edit(module, start, end, written)
    elif len(statement.names) == 1:
        start, end = _span(module, statement)
        line = f"from {package} import {written}" if package else f"import {written}"
        yield _edit(module, start, end, line)


def renamed_keyword(remedy: Remedy, use: Use) -> Iterator[Edit]:
    node = use.node
    if not isinstance(node, ast.keyword) or node.arg not in remedy.names or use.call is None:
        return
    new = remedy.names[node.arg]
    if use.call.keyword(new) is None:
        start, _ = _span(use.module, node)
        yield _edit(use.module, start, start + len(node.arg), new)


def renamed_method(remedy: Remedy, use: Use) -> Iterator[Edit]:
    node = use.node.func if isinstance(use.node, ast.Call) else use.node
    if isinstance(node, ast.Attribute) and node.attr in remedy.names:
        _, end = _span(use.module, node)
        yield _edit(use.module, end - len(node.attr), end, remedy.names[node.attr])


def removed_keyword(remedy: Remedy, use: Use) -> Iterator[Edit]:
    node = use.node
    if isinstance(node, ast.keyword) and node.arg in remedy.names_only and use.call is not None:
        yield from _without(use.module, use.call.node, node)


def _without(module: Module, call: ast.Call, keyword: ast.keyword) -> Iterator[Edit]:
    """Take an argument out with the comma beside it."""
    arguments: list[ast.expr | ast.keyword] = sorted(
        [*call.args, *call.keywords], key=lambda node: (node.lineno, node.col_offset)
    )
    at = arguments.index(keyword)
    start, end = _span(module, keyword)
    if at > 0:
        start = _span(module, arguments[at - 1])[1]
    elif at + 1 < len(arguments):
        end = _span(module, arguments[at + 1])[0]
    if "#" not in module.text[start:end]:
        yield _edit(module, start, end, "")


def added_keyword(remedy: Remedy, use: Use) -> Iterator[Edit]:
    if use.call is not None and (edit := add_argument(use.module, use.call, remedy.text)):
        yield edit


def replaced_literal(remedy: Remedy, use: Use) -> Iterator[Edit]:
    node = use.node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return
    new: str | float | None = None
    if remedy.prefix:
        old, begin = remedy.prefix
        new = begin + node.value.removeprefix(old)
    elif node.value in remedy.values:
        new = remedy.values[node.value]
    elif match := re.fullmatch(r"(\d+)([A-Z])", node.value):
        new = f"{match[1]}{remedy.values[match[2]]}" if match[2] in remedy.values else None
    start, end = _span(use.module, node)
    written = use.module.text[start:end]
    if new is None or written[:1] not in "'\"" or written[:3] in ("'''", '"""'):
        return
    text = f"{written[0]}{new}{written[0]}" if isinstance(new, str) else repr(new)
    yield _edit(use.module, start, end, text)


def replaced_call(remedy: Remedy, use: Use) -> Iterator[Edit]:
    """`f(x, squared=False)` as `f(x) ** 0.5`: needs no import, and means the same in every version."""
    node, call = use.node, use.call
    if not isinstance(node, ast.keyword) or call is None or node.arg not in remedy.drop:
        return
    suffix = remedy.names.get(call.name)
    is_constant = isinstance(node.value, ast.Constant)
    if suffix is None or not is_constant or call.is_open:
        return
    value = node.value.value  # type: ignore[attr-defined]
    yield from _without(use.module, call.node, node)
    if value == remedy.drop[node.arg]:
        if isinstance(use.module.parents.get(call.node), ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Await):
            start, end = _span(use.module, call.node)
            yield _edit(use.module, start, start, "(")
            yield _edit(use.module, end, end, f" {suffix.replace('**', '** ')})")
        else:
            _, end = _span(use.module, call.node)
            yield _edit(use.module, end, end, f" {suffix.replace('**', '** ')}")


def filled(remedy: Remedy, use: Use) -> Iterator[Edit]:
    """`x.fillna(method="ffill", inplace=True)` as `x.ffill(inplace=True)`."""
    node, call = use.node, use.call
    if not isinstance(node, ast.keyword) or call is None or call.tail != "fillna" or call.node.args:
        return
    value = node.value.value if isinstance(node.value, ast.Constant) else None
    name = {"ffill": "ffill", "pad": "ffill", "bfill": "bfill", "backfill": "bfill"}.get(str(value))
    function = call.node.func
    if name and isinstance(function, ast.Attribute):
        _, end = _span(use.module, function)
        yield _edit(use.module, end - len(function.attr), end, name)
        yield from _without(use.module, call.node, node)


def through_loc(remedy: Remedy, use: Use) -> Iterator[Edit]:
    """`frame["a"][rows] = value` as `frame.loc[rows, "a"] = value`."""
    target = use.node.targets[0] if isinstance(use.node, ast.Assign) else getattr(use.node, "target", None)
    if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Subscript):
        return
    owner, first, second = target.value.value, target.value.slice, target.slice
    if isinstance(first, ast.Constant) and not isinstance(second, ast.Slice) and isinstance(owner, ast.Name):
        start, end = _span(use.module, target)
        text = use.module.text
        rows, column = text[slice(*_span(use.module, second))], text[slice(*_span(use.module, first))]
        yield _edit(use.module, start, end, f"{owner.id}.loc[{rows}, {column}]")


def default_none(remedy: Remedy, use: Use) -> Iterator[Edit]:
    if isinstance(use.node, ast.AnnAssign):
        _, end = _span(use.module, use.node)
        yield _edit(use.module, end, end, " = None")


WRITERS: dict[str, Callable[[Remedy, Use], Iterator[Edit]]] = {
    "replace-name": replaced_name,
    "rename-keyword": renamed_keyword,
    "rename-method": renamed_method,
    "remove-keyword": removed_keyword,
    "add-keyword": added_keyword,
    "replace-literal": replaced_literal,
    "replace-call": replaced_call,
    "fill-method": filled,
    "chained-to-loc": through_loc,
    "default-none": default_none,
}
