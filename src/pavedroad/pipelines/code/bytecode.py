"""What a compiled function is and touches, for functions whose source cannot be had."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType
from typing import Any, NamedTuple

from pavedroad.pipelines.code.scopes import Imported

_NAMES = ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL")
_FUNCTION_FLAG = 0x0002  # CO_NEWLOCALS


class Touched(NamedTuple):
    """What a code object reads of its module, and what it imports."""

    chains: frozenset[tuple[str, ...]]  # ("features", "add_weather") for features.add_weather
    imports: frozenset[Imported]


def describe_code(code: CodeType) -> str:
    """Text of what `code` does: no line numbers, no file name, no docstring."""
    consts = code.co_consts
    if _has_docstring(code):
        consts = (None, *consts[1:])
    return "|".join(
        (
            code.co_name,
            code.co_code.hex(),
            "(" + ",".join(_describe_constant(value) for value in consts) + ")",
            repr((code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)),
            repr((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0x3FF)),
            code.co_exceptiontable.hex(),
        )
    )


def _describe_constant(value: object) -> str:
    if isinstance(value, CodeType):
        return describe_code(value)
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(_describe_constant(item) for item in value)) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(_describe_constant(item) for item in value) + ",)"
    return f"{type(value).__name__}:{value!r}"


def _has_docstring(code: CodeType) -> bool:
    """Whether the first constant is a docstring and nothing else."""
    if not code.co_consts or not isinstance(code.co_consts[0], str) or not code.co_flags & _FUNCTION_FLAG:
        return False
    return not any(each.opcode in dis.hasconst and each.arg == 0 for each in dis.get_instructions(code))


def touched(code: CodeType) -> Touched:
    chains: set[tuple[str, ...]] = set()
    imports: set[Imported] = set()
    for each in nested(code):
        chain: tuple[str, ...] = ()
        before: list[dis.Instruction] = []
        for instruction in dis.get_instructions(each):
            name, value = instruction.opname, instruction.argval
            if name in ("LOAD_ATTR", "LOAD_METHOD") and chain:
                chain = (*chain, value)
                continue
            chains.add(chain)
            chain = (value,) if name in _NAMES else ()
            if name == "IMPORT_NAME":
                imports.update(_imported(value, *(one.argval for one in before[-2:])))
            before.append(instruction)
        chains.add(chain)
    return Touched(frozenset(chains - {()}), frozenset(imports))


def _imported(module: str, level: Any, names: Any) -> list[Imported]:
    if not isinstance(level, int) or not (names is None or isinstance(names, tuple)):
        return [Imported(module)]
    return [Imported(module, str(name), level) for name in names or ("",)]


def nested(code: CodeType) -> Iterator[CodeType]:
    """`code` and every code object inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)
