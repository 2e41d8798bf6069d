"""What has to stay as it is for a fingerprint to hold; asking must be cheap, it is done for every step."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

_MISSING = object()


class Watch:
    def __init__(self) -> None:
        self._names: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._functions: list[tuple[types.FunctionType, types.CodeType, Any, Any]] = []
        self._classes: list[tuple[type, tuple[object, ...]]] = []
        self._cells: list[tuple[types.CellType, object]] = []
        self._others: list[Callable[[], bool]] = []

    def name(self, namespace: dict[str, Any], name: str) -> None:
        """That a name goes on meaning what it means in a module, or nothing."""
        _, names = self._names.setdefault(id(namespace), (namespace, {}))
        names[name] = namespace.get(name, _MISSING)

    def function(self, function: types.FunctionType) -> None:
        """That a function keeps its code and its defaults."""
        self._functions.append((function, function.__code__, function.__defaults__, function.__kwdefaults__))

    def attributes(self, kind: type) -> None:
        """That a class keeps its attributes."""
        self._classes.append((kind, tuple(vars(kind).values())))

    def cell(self, cell: types.CellType) -> None:
        """That a variable of a closure keeps its value."""
        self._cells.append((cell, cell.cell_contents))

    def that(self, is_unchanged: Callable[[], bool]) -> None:
        self._others.append(is_unchanged)

    def is_unchanged(self) -> bool:
        for namespace, names in self._names.values():
            get = namespace.get
            for name, value in names.items():
                if get(name, _MISSING) is not value:
                    return False
        for function, code, defaults, keywords in self._functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return False
            if function.__kwdefaults__ is not keywords:
                return False
        return (
            all(_are_same(vars(kind).values(), values) for kind, values in self._classes)
            and all(cell.cell_contents is value for cell, value in self._cells)
            and all(is_unchanged() for is_unchanged in self._others)
        )


def _are_same(now: Any, before: tuple[object, ...]) -> bool:
    return len(now) == len(before) and all(map(_is, now, before))


def _is(one: object, other: object) -> bool:
    return one is other
