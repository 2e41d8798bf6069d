"""What a step's result can depend on in code."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import blake3
import msgspec

from pavedroad.pipelines.code.bytecode import describe_code, touched

__all__ = ["CodeFingerprint", "fingerprint"]


class CodeFingerprint(msgspec.Struct, frozen=True, kw_only=True):
    parts: dict[str, str]  # `function late_flights.features.add_weather` -> 16 hexadecimal digits
    packages: dict[str, str] = {}  # distribution -> installed version
    warnings: list[str] = []  # what cannot be seen, each with the next step


def fingerprint(
    function: Any, *, root: Path | None = None, depends_on: Any = (), version: str | None = None
) -> CodeFingerprint:
    """The parts of the code that the result of `function` can depend on."""
    parts: dict[str, str] = {}
    if version is not None:
        label = f"version {function.__module__}.{function.__qualname__}"
        return CodeFingerprint(parts={label: blake3.blake3(version.encode()).hexdigest()[:16]})
    todo = [function, *depends_on]
    while todo:
        each = todo.pop()
        if not isinstance(each, types.FunctionType):
            continue
        label = f"function {each.__module__}.{each.__qualname__}"
        if label in parts:
            continue
        parts[label] = blake3.blake3(describe_code(each.__code__).encode()).hexdigest()[:16]
        todo.extend(each.__globals__.get(chain[0]) for chain in touched(each.__code__).chains)
    return CodeFingerprint(parts=dict(sorted(parts.items())))
