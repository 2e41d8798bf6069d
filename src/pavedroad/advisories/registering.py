"""What a project tells the record: its packages, the names it uses, and what each advisory means for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pavedroad.advisories.deciding import Versions
from pavedroad.advisories.matching import Case, assess
from pavedroad.advisories.model import Advisory
from pavedroad.advisories.receivers import Receivers, class_bases
from pavedroad.advisories.uses import prefixes
from pavedroad.checks import open_project
from pavedroad.checks.project import Project
from pavedroad.checks.source import Module

MOST_SYMBOLS = 20_000
LONGEST_SYMBOL = 200


class Held(msgspec.Struct, frozen=True, kw_only=True):
    package: str
    version: str  # exact when a lock says so, else the declared range
    decided_by: str  # lock or range
    path: str


class SymbolUse(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str  # `numpy.float`, `pandas.DataFrame.append`, `torch.load(weights_only=)`, `?.fillna(method=)`
    path: str  # of the first use
    line: int
    number: int  # of uses


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    project: str
    owner: str
    commit: str
    packages: tuple[Held, ...]
    symbols: tuple[SymbolUse, ...]
    cases: tuple[Case, ...]


def registration_of(root: Path, advisories: tuple[Advisory, ...]) -> Registration:
    """Read a project, without importing or running any of it."""
    project = open_project(root)
    return Registration(
        project=project.settings.name,
        owner=project.settings.owner,
        commit=project.commit,
        packages=tuple(packages_of(project)),
        symbols=tuple(symbols_of(project)),
        cases=tuple(assess(project, advisories)),
    )


def packages_of(project: Project) -> Iterator[Held]:
    versions = Versions(project)
    seen = set()
    for unit in versions.units:
        locked = versions.locked(unit)
        for name, found in locked.items():
            if (name, unit.lock) not in seen and found[0][0]:
                seen.add((name, unit.lock))
                yield Held(package=name, version=found[0][0], decided_by="lock", path=unit.lock)
        for declared in unit.declared:
            key = (declared.name, declared.file)
            if declared.name not in locked and key not in seen and not declared.direct:
                seen.add(key)
                decision = versions.everywhere((declared.name,))
                said = next((one for one in decision if one.path == declared.file), None)
                text = said.versions if said else declared.specifier
                yield Held(package=declared.name, version=text, decided_by="range", path=declared.file)


def symbols_of(project: Project) -> list[SymbolUse]:
    """Each name that the project uses, with its first place, however often it is used."""
    first: dict[str, tuple[str, int]] = {}
    number: dict[str, int] = {}
    modules = project.modules
    classes = class_bases(modules)
    for module in modules:
        for symbol, line in _symbols_in(module, Receivers(module, classes)):
            if len(symbol) <= LONGEST_SYMBOL and (symbol in first or len(first) < MOST_SYMBOLS):
                first.setdefault(symbol, (module.path, line))
                number[symbol] = number.get(symbol, 0) + 1
    return [
        SymbolUse(symbol=symbol, path=path, line=line, number=number[symbol])
        for symbol, (path, line) in first.items()
    ]


def _symbols_in(module: Module, receivers: Receivers) -> Iterator[tuple[str, int]]:
    for name, line in module.imports.items():
        if not name.startswith("."):
            for part in prefixes(name):
                yield part, module.place_of_line(line).line
    for node in module.parents:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            for name in module.names_of(node):
                if not name.startswith("?"):
                    yield name, module.place(node).line
        elif isinstance(node, ast.Call):
            line = module.place(node).line
            for name in _called(module, receivers, node):
                if (
                    name.startswith("?")
                    or module.names_of(node.func) != [name]
                    or isinstance(node.func, ast.Name)
                ):
                    yield name, line  # a dotted name is an attribute, and was told as such
                for keyword in node.keywords:
                    if keyword.arg:
                        yield f"{name}({keyword.arg}=)", line


def _called(module: Module, receivers: Receivers, node: ast.Call) -> Iterator[str]:
    """What a call may be: its dotted name, `Class.method` for a known receiver, `?.method` for any."""
    names = [name for name in module.names_of(node.func) if not name.startswith("?")]
    yield from (name for name in names if "." in name)
    if isinstance(node.func, ast.Attribute) and not names:
        yield f"?.{node.func.attr}"
        if owner := receivers.class_of(node.func.value):
            for made_of in receivers.made_of(owner):
                yield f"{made_of}.{node.func.attr}"
