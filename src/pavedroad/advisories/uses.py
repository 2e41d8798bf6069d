"""Where code uses what advisories are about: one pass over each module for all of them."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

import msgspec

from pavedroad.advisories.model import Advisory, Match
from pavedroad.advisories.receivers import Classes, Receivers
from pavedroad.advisories.shapes import SHAPE_WORDS, SHAPES
from pavedroad.checks.source import Call, Module

_GUARDS = ("ImportError", "ModuleNotFoundError", "AttributeError", "TypeError")
LONGEST_LITERAL = 400


class Use(NamedTuple):
    """One place that does what an advisory is about."""

    match: Match
    module: Module
    node: ast.AST
    symbol: str  # `numpy.float`, or what else was found
    call: Call | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The matches of all advisories, laid out for one pass: by what they look at first."""

    by_symbol: dict[str, list[tuple[Advisory, Match]]]
    by_import: dict[str, list[tuple[Advisory, Match]]]
    by_tail: dict[str, list[tuple[Advisory, Match]]]  # of the called name or attribute
    others: list[tuple[Advisory, Match]]
    literals: list[tuple[Advisory, Match]]
    attribute_tails: frozenset[
        str
    ]  # of attributes that may be one of the symbols, or a member without a call
    attributes: re.Pattern[str]  # any of those in a text
    decorators: re.Pattern[str]
    roots: frozenset[str]  # of imports without which no match can be


def lay_out(advisories: Iterable[Advisory]) -> Wanted:
    by_symbol, by_import, by_tail = defaultdict(list), defaultdict(list), defaultdict(list)
    others: list[tuple[Advisory, Match]] = []
    literals: list[tuple[Advisory, Match]] = []
    roots: set[str] = set()
    for advisory in advisories:
        roots.update(module.partition(".")[0] for module in advisory.modules)
        for match in advisory.match:
            one = (advisory, match)
            roots.update(name.partition(".")[0] for name in (*match.symbols, *match.callable, *match.bases))
            for symbol in match.symbols:
                if match.kind == "decorator":
                    by_tail[symbol.rpartition(".")[2]].append(one)
                    continue
                by_import[symbol].append(one)
                if match.kind == "attribute":
                    by_symbol[symbol].append(one)
            tails = {name.rpartition(".")[2] for name in match.callable} | set(match.methods)
            if match.kind == "method":
                tails |= set(match.names)
            if match.kind in ("method", "keyword", "literal-value", "decorator"):
                for tail in tails:
                    by_tail[tail].append(one)
                if match.anywhere:
                    literals.append(one)
            elif match.kind in ("class-body", "statement"):
                others.append(one)
    tails_of_attributes = {symbol.rpartition(".")[2] for symbol in by_symbol} | {
        tail for tail, found in by_tail.items() if any(not match.called for _, match in found)
    }
    tails_of_decorators = {
        tail for tail, found in by_tail.items() if any(match.kind == "decorator" for _, match in found)
    }
    return Wanted(
        by_symbol=dict(by_symbol),
        by_import=dict(by_import),
        by_tail=dict(by_tail),
        others=others,
        literals=literals,
        attribute_tails=frozenset(tails_of_attributes),
        attributes=re.compile(rf"\.\s*(?:{_any_of(tails_of_attributes)})\b"),
        decorators=re.compile(rf"@[^\n]*\b(?:{_any_of(tails_of_decorators)})\b"),
        roots=frozenset(roots),
    )


def _any_of(words: Iterable[str]) -> str:
    """An alternation; of no words, what never matches."""
    return "|".join(sorted(map(re.escape, words))) or r"(?!)"


def may_use(module: Module, wanted: Wanted, imported: frozenset[str]) -> bool:
    """Whether a module can hold a use at all, told from its text and what is kept without its tree.

    `imported`: roots that any module of the project imports.
    """
    roots = {name.partition(".")[0] for name in module.imports}
    if any(part in wanted.by_import for name in module.imports for part in prefixes(name)):
        return True
    if not wanted.roots.isdisjoint(roots) and wanted.attributes.search(module.text):
        return True
    if wanted.decorators.search(module.text):
        return True
    for name in module.call_names:
        for advisory, match in wanted.by_tail.get(name.rpartition(".")[2], ()):
            if _may_be_called(name, advisory, match, imported):
                return True
    return any(_may_hold(module, match, imported) for _, match in (*wanted.others, *wanted.literals))


def _may_be_called(name: str, advisory: Advisory, match: Match, imported: frozenset[str]) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in match.callable) or name in match.symbols:
        return True
    if not match.receiver and not match.name_is_enough:
        return match.kind != "method" and bool(match.methods)
    owners = {owner.partition(".")[0] for owner in match.receiver} | set(advisory.modules)
    return not owners.isdisjoint(imported)


def _may_hold(module: Module, match: Match, imported: frozenset[str]) -> bool:
    if match.anywhere:
        return any(word in module.text for word in _fixed_words(match.pattern))
    owners = {name.partition(".")[0] for name in (*match.receiver, *match.bases, *match.callable)}
    if owners and owners.isdisjoint(imported):
        return False
    if match.kind == "class-body":
        return any(name in module.text for name in match.names)
    return any(word in module.text for word in SHAPE_WORDS[match.shape])


def _fixed_words(pattern: str) -> tuple[str, ...]:
    """What a pattern starts with literally; an empty text when that is nothing."""
    match = re.match(r"[\w:/-]*", pattern)
    return (match[0] if match else "",)


class Scan:
    """One module looked through for everything that is wanted. Guards what was worked out about it."""

    def __init__(self, module: Module, wanted: Wanted, classes: Classes, imported: frozenset[str]) -> None:
        self.module = module
        self._wanted = wanted
        self._classes = classes
        self._imported = imported  # roots that any module of the project imports

    @cached_property
    def receivers(self) -> Receivers:
        return Receivers(self.module, self._classes)

    def uses(self) -> Iterator[tuple[Advisory, Use]]:
        yield from self._imports()
        tails = self._wanted.attribute_tails
        for node in self.module.parents:
            if type(node) is ast.Attribute and node.attr in tails and isinstance(node.ctx, ast.Load):
                yield from self._attribute(node)
        for call in self.module.calls(*self._wanted.by_tail):
            yield from self._call(call)
        for function in self.module.functions:
            if function.decorator_list:
                yield from self._decorators(function)
        yield from self._strings()
        for advisory, match in self._wanted.others:
            found = self._class_bodies(match) if match.kind == "class-body" else self._statements(match)
            for use in found:
                yield advisory, use

    # ------------------------------------------------------------------------------------------ imports

    def _imports(self) -> Iterator[tuple[Advisory, Use]]:
        for node in self.module.parsed.imports:
            if isinstance(node, ast.Import):
                names = [(alias, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [(alias, f"{node.module}.{alias.name}") for alias in node.names]
            else:
                continue
            for alias, name in names:
                for part in prefixes(name):
                    for advisory, match in self._wanted.by_import.get(part, ()):
                        if not self.is_guarded(node):
                            yield advisory, Use(match, self.module, alias, part)

    def is_guarded(self, node: ast.AST) -> bool:
        """Whether a failure here is expected: a `try` that catches it, or a branch on what is there."""
        child = node
        while child in self.module.parents:
            parent = self.module.parents[child]
            if isinstance(parent, ast.Try) and child in parent.body and _catches(parent.handlers):
                return True
            if isinstance(parent, ast.ExceptHandler) and _catches([parent]):
                return True
            if isinstance(parent, ast.If | ast.IfExp) and child is not parent.test and _asks(parent.test):
                return True
            child = parent
        return False

    # ------------------------------------------------------------------------------------------ names

    def _attribute(self, node: ast.Attribute) -> Iterator[tuple[Advisory, Use]]:
        for name in self.module.names_of(node):
            for advisory, match in self._wanted.by_symbol.get(name, ()):
                if not self.is_guarded(node):
                    yield advisory, Use(match, self.module, node, name)
        for advisory, match in self._wanted.by_tail.get(node.attr, ()):
            if match.kind == "method" and not match.called and self._has_receiver(advisory, match, node):
                yield advisory, Use(match, self.module, node, node.attr)

    def _call(self, named: Call) -> Iterator[tuple[Advisory, Use]]:
        node = named.node
        for advisory, match in self._wanted.by_tail.get(named.tail, ()):
            if match.kind == "decorator" or not match.called:
                continue
            name = self._called(advisory, match, node, [named.name])
            if not name:
                continue
            call = Call(name, node)
            for found, symbol in self._in_call(match, call):
                if not self.is_guarded(node):
                    yield advisory, Use(match, self.module, found, symbol, call)

    def _called(self, advisory: Advisory, match: Match, node: ast.Call, names: list[str]) -> str:
        """The name of what is called, when it is what the match means; else empty."""
        for name in names:
            if any(fnmatchcase(name, pattern) for pattern in match.callable):
                return name
        if not isinstance(node.func, ast.Attribute):
            return ""
        is_method = node.func.attr in match.methods or match.kind == "method"
        is_meant = is_method and self._has_receiver(advisory, match, node.func, node)
        return f"?.{node.func.attr}" if is_meant else ""

    def _has_receiver(
        self, advisory: Advisory, match: Match, function: ast.Attribute, call: ast.Call | None = None
    ) -> bool:
        if match.whole_frame and not self._is_as_read(function.value):
            return False
        if match.receiver and self.receivers.is_one_of(function.value, match.receiver):
            return True
        given = {keyword.arg for keyword in call.keywords} if call else set()
        is_here = any(module.partition(".")[0] in self._imported for module in advisory.modules)
        if given & set(match.evidence) and is_here:
            return True
        if match.name_is_enough and is_here:
            known = self.receivers.class_of(function.value)
            return not known or not match.receiver or self.receivers.fits(known, match.receiver)
        # A keyword that only this package's method takes is evidence by itself.
        return match.kind == "keyword" and bool(match.methods) and not match.receiver

    def _is_as_read(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return any(name.startswith("pandas.read_") for name in self.module.names_of(node.func))
        binding = self.receivers.binding_of(node) if isinstance(node, ast.Name) else None
        return bool(binding and binding.value and self._is_as_read(binding.value))

    def _in_call(self, match: Match, call: Call) -> Iterator[tuple[ast.AST, str]]:
        if match.kind == "method" and not match.without:
            yield call.node.func, call.tail
        elif match.most_positional >= 0:
            if len(call.node.args) > match.most_positional and not call.is_open:
                yield call.node, f"{call.tail} with {len(call.node.args)} positional arguments"
        elif match.without:
            enough = match.without_positional and len(call.node.args) >= match.without_positional
            if not enough and not call.is_open and not any(map(call.keyword, match.without)):
                yield call.node, f"{call.tail} without {match.without[0]}"
        elif match.kind == "keyword":
            for keyword in call.node.keywords:
                if keyword.arg in match.names:
                    yield keyword, f"{call.tail}({keyword.arg}=)"
        else:
            yield from self._literal_arguments(match, call)

    def _literal_arguments(self, match: Match, call: Call) -> Iterator[tuple[ast.AST, str]]:
        given = [keyword.value for keyword in call.node.keywords if keyword.arg in match.names]
        if match.position and len(call.node.args) >= match.position:
            given.append(call.node.args[match.position - 1])
        for value in given:
            for node in value.elts if isinstance(value, ast.List | ast.Tuple) else [value]:
                text = _text_of(node)
                if text is not None and _is_wanted(match, text):
                    yield node, f"{call.tail}({text!r})"

    def _decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[Advisory, Use]]:
        for decorator in node.decorator_list:
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            names = self.module.names_of(function)
            for advisory, match in self._wanted.by_tail.get(names[0].rpartition(".")[2] if names else "", ()):
                if match.kind != "decorator":
                    continue
                is_method = isinstance(function, ast.Attribute) and function.attr in match.methods
                if set(names) & set(match.symbols) or (
                    is_method and self._has_receiver(advisory, match, function)  # type: ignore[arg-type]
                ):
                    yield advisory, Use(match, self.module, function, names[0].replace("?.", ""))

    # ------------------------------------------------------------------------------------------ the rest

    def _strings(self) -> Iterator[tuple[Advisory, Use]]:
        if not self._wanted.literals:
            return
        nodes = [node for node in self.module.parents if isinstance(node, ast.JoinedStr)]
        for node in [*nodes, *self.module.strings]:
            parent = self.module.parents.get(node)
            if isinstance(parent, ast.Expr | ast.JoinedStr):
                continue
            text = _text_of(node)
            for advisory, match in self._wanted.literals:
                if text is not None and len(text) <= LONGEST_LITERAL and re.fullmatch(match.pattern, text):
                    yield advisory, Use(match, self.module, node, text)

    def _class_bodies(self, match: Match) -> Iterator[Use]:
        for node in self.module.classes:
            if not self.receivers.fits(node.name, match.bases):
                continue
            for member in node.body:
                if isinstance(member, ast.ClassDef | ast.FunctionDef) and member.name in match.names:
                    yield Use(match, self.module, member, f"{node.name}.{member.name}")

    def _statements(self, match: Match) -> Iterator[Use]:
        for node, symbol in SHAPES[match.shape](self, match):
            yield Use(match, self.module, node, symbol)


def prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def _catches(handlers: Iterable[ast.ExceptHandler]) -> bool:
    for handler in handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        for kind in kinds:
            if getattr(kind, "id", getattr(kind, "attr", "")) in _GUARDS:
                return True
    return False


def _asks(test: ast.expr) -> bool:
    """Whether a condition looks at a version or at what a module has."""
    for node in ast.walk(test):
        name = getattr(node, "id", getattr(node, "attr", ""))
        if isinstance(name, str) and (name in ("hasattr", "TYPE_CHECKING") or "version" in name.lower()):
            return True
    return False


def _text_of(node: ast.AST) -> str | None:
    """A literal's text; `{}` stands for what an f-string fills in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(str(part) for part in parts)
    return None


def _is_wanted(match: Match, text: str) -> bool:
    if len(text) > LONGEST_LITERAL:
        return False
    return text in match.values or bool(match.pattern and re.fullmatch(match.pattern, text))
