"""The fingerprint of a step's code."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.pipelines.code.closure import Closure
from pavedroad.pipelines.code.files import Files
from pavedroad.pipelines.code.modules import project_root
from pavedroad.pipelines.code.objects import Objects
from pavedroad.pipelines.code.packages import folders_signature, installed
from pavedroad.pipelines.code.parts import Parts, short
from pavedroad.pipelines.code.project_modules import ProjectModules
from pavedroad.pipelines.code.source import forget_sources
from pavedroad.pipelines.code.watch import Watch

# With `version=` these still count: they are data, not code, or they tell two steps from one function apart.
_NOT_CODE = ("file", "folder", "closure", "argument")


class CodeFingerprint(msgspec.Struct, frozen=True, kw_only=True):
    parts: dict[str, str]  # `function late_flights.features.add_weather` -> 16 hexadecimal digits
    packages: dict[str, str] = {}  # distribution -> installed version
    warnings: list[str] = []  # what cannot be seen, each with the next step
    shown: dict[str, str] = {}  # label -> the value itself, where it is small and no secret


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    question: tuple[Any, ...]
    answer: CodeFingerprint
    watch: Watch
    packages: tuple[tuple[str, int], ...]


_lock = threading.RLock()
_remembered: dict[int, _Remembered] = {}
MOST_REMEMBERED = 1_000


def fingerprint(
    function: Any, *, root: Path | None = None, depends_on: Iterable[Any] = (), version: str | None = None
) -> CodeFingerprint:
    """The parts of the code that the result of `function` can depend on.

    root:       the project's folder; by default the nearest above the function's file with a pyproject.toml.
    depends_on: more functions, classes, modules (a package with all in it) and Paths that count.
    version:    counts instead of the code; packages, files, `depends_on` and captured values still count.
    Raises: DefinitionError for something in `depends_on` that is none of these, or a Path to nothing.
    """
    extra = tuple(depends_on)
    question = (function, root, extra, version)
    with _lock:
        known = _remembered.get(id(function))
        if known is not None and _still_holds(known, question):
            return known.answer
        answer, watch = _compute(function, root, extra, version)
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[id(function)] = _Remembered(
            question=question, answer=answer, watch=watch, packages=folders_signature()
        )
        return answer


def forget() -> None:
    """Drop all that is remembered between fingerprints."""
    with _lock:
        _remembered.clear()
        forget_sources()


def _still_holds(known: _Remembered, question: tuple[Any, ...]) -> bool:
    (function, root, extra, version), (asked, at, more, asked_version) = known.question, question
    return (
        function is asked
        and (root, version) == (at, asked_version)
        and len(extra) == len(more)
        and all(one is other for one, other in zip(extra, more, strict=True))
        and known.watch.is_unchanged()
        and known.packages == folders_signature()
    )


def _compute(
    function: Any, root: Path | None, extra: tuple[Any, ...], version: str | None
) -> tuple[CodeFingerprint, Watch]:
    inner = _function_of(function)
    name = getattr(inner, "__name__", type(inner).__name__)
    folder = root if root is not None else project_root(_file_of(inner))
    parts = Parts()
    modules = ProjectModules(folder, parts, Files(folder, parts, name), name)
    closure = Closure(modules, parts, warns=not extra and version is None)
    objects = Objects(closure)
    objects.touch(function)
    closure.run()
    if version is not None:
        parts.keep_only(_NOT_CODE)
        parts.add(f"version {_label(inner)}", short(version))
    for each in extra:
        objects.depend_on(each)
    closure.run()
    answer = CodeFingerprint(
        parts=parts.digests(),
        packages=installed(parts.imports),
        warnings=list(parts.warnings),
        shown=parts.shown,
    )
    return answer, parts.watch


def _function_of(function: Any) -> Any:
    """The plain function inside a step, a partial or a method."""
    for _ in range(100):
        below = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if below is None:
            break
        function = below
    return getattr(function, "__func__", function)


def _file_of(function: Any) -> str | None:
    code = getattr(function, "__code__", None)
    if code is not None and not code.co_filename.startswith("<"):
        return str(code.co_filename)
    file = getattr(sys.modules.get(getattr(function, "__module__", "")), "__file__", None)
    return file if isinstance(file, str) else None


def _label(function: Any) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', '')}.{name}"
