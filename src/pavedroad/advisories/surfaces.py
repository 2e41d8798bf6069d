"""What a release offers: its public names and the arguments of its functions, read from its files.

A wheel or a folder of Python is parsed; nothing of it is imported or run.
"""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pavedroad.checks.source import decode_python, parse_quietly
from pavedroad.errors import Invalid, NotFound

LARGEST_FILE_BYTES = 4 * 2**20
MOST_BYTES = 512 * 2**20
NOT_PUBLIC = ("tests", "test", "testing", "conftest", "setup", "docs", "examples", "benchmarks")


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    names: frozenset[str]  # dotted: `scipy.integrate.simps`
    arguments: dict[str, frozenset[str]]  # of functions and of constructors; absent when they are open


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What one module defines, and from where it takes everything."""

    offered: dict[str, frozenset[str] | None]
    stars: tuple[str, ...]  # modules of `from x import *`
    listed: frozenset[str] | None  # a literal `__all__`


def read_surface(place: Path) -> Surface:
    """Raises NotFound, Invalid."""
    if not place.exists():
        raise NotFound(f"no wheel or folder {place}", hint="name a .whl file, or a version with --download")
    sources: dict[str, Source] = {}
    for module, is_package, text in _modules(place):
        try:
            sources[module] = _source(module, is_package, parse_quietly(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    names: set[str] = set()
    arguments: dict[str, frozenset[str]] = {}
    for module in sources:
        if not _is_public(module):
            continue
        names.add(module)
        for name, found in _all_of(module, sources, set()).items():
            names.add(f"{module}.{name}")
            if found is not None:
                arguments[f"{module}.{name}"] = found
    if not names:
        raise Invalid(f"{place} holds no Python", hint="name a wheel, or a folder with a package in it")
    return Surface(names=frozenset(names), arguments=arguments)


def _is_public(module: str) -> bool:
    return not any(part.startswith("_") or part in NOT_PUBLIC for part in module.split("."))


def _all_of(module: str, sources: dict[str, Source], seen: set[str]) -> dict[str, frozenset[str] | None]:
    """The public names of a module, with those that it takes from others by a star."""
    source = sources.get(module)
    if source is None or module in seen:
        return {}
    seen.add(module)
    found: dict[str, frozenset[str] | None] = {}
    for star in source.stars:
        found |= _all_of(star, sources, seen)
    if source.listed is not None:
        return found | {name: source.offered.get(name) for name in source.listed}
    return found | {name: made for name, made in source.offered.items() if not name.startswith("_")}


def _source(module: str, is_package: bool, tree: ast.Module) -> Source:
    offered: dict[str, frozenset[str] | None] = {}
    stars = []
    for node in _statements(tree):
        offered.update(_defined(node))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            stars.append(_absolute(module, is_package, node))
    listed = _listed(tree)
    return Source(offered=offered, stars=tuple(stars), listed=None if listed is None else frozenset(listed))


def _absolute(module: str, is_package: bool, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _modules(place: Path) -> Iterator[tuple[str, bool, str]]:
    files = _in_folder(place) if place.is_dir() else _in_wheel(place)
    for path, data in files:
        parts = path.removesuffix(".py").split("/")
        is_package = parts[-1] == "__init__"
        parts = parts[:-1] if is_package else parts
        if not parts or any("." in part or "-" in part for part in parts):
            continue
        try:
            yield ".".join(parts), is_package, decode_python(data)
        except Invalid:
            continue


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*.py")):
        if not file.is_symlink() and file.stat().st_size <= LARGEST_FILE_BYTES:
            yield file.relative_to(folder).as_posix(), file.read_bytes()


def _in_wheel(wheel: Path) -> Iterator[tuple[str, bytes]]:
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if not entry.filename.endswith(".py") or entry.file_size > LARGEST_FILE_BYTES:
                    continue
                left -= entry.file_size
                if left < 0:
                    raise Invalid(f"{wheel} holds more than {MOST_BYTES >> 20} MiB of Python", hint="")
                with archive.open(entry) as file:
                    yield entry.filename, file.read(LARGEST_FILE_BYTES)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Invalid(f"{wheel} is no wheel: {error}", hint="name a .whl file") from None


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Also those that stand under `if` and `try`."""
    left: list[ast.stmt] = list(tree.body)
    while left:
        node = left.pop(0)
        yield node
        if isinstance(node, ast.If | ast.Try):
            left += [*node.body, *node.orelse]
            left += [each for handler in getattr(node, "handlers", []) for each in handler.body]


def _defined(node: ast.stmt) -> Iterator[tuple[str, frozenset[str] | None]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name, _arguments(node.args)
    elif isinstance(node, ast.ClassDef):
        makers = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
        yield node.name, _arguments(makers[0].args) if makers else None
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from ((each.id, None) for each in ast.walk(target) if isinstance(each, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, None
    elif isinstance(node, ast.ImportFrom) and (node.level or node.module):
        yield from ((alias.asname or alias.name, None) for alias in node.names if alias.name != "*")


def _arguments(arguments: ast.arguments) -> frozenset[str] | None:
    if arguments.kwarg is not None:
        return None
    named = [*arguments.args, *arguments.kwonlyargs]
    return frozenset(each.arg for each in named if each.arg not in ("self", "cls"))


def _listed(tree: ast.Module) -> set[str] | None:
    """What a literal `__all__` holds; None without one, or when it is computed."""
    found: set[str] = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                found = set(ast.literal_eval(node.value))  # type: ignore[attr-defined]
            except (ValueError, TypeError):
                return None
        elif isinstance(node, ast.AugAssign) and getattr(node.target, "id", "") == "__all__":
            return None
    return found or None
