"""Where the saved outputs of a notebook stand in its text, so that one can be taken out and the rest stays.

The JSON reader of the standard library gives values without places. Here it reads each output by itself,
and this module walks the brackets around them: one pass, no copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Output(msgspec.Struct, frozen=True, kw_only=True):
    value: Any
    start: int
    end: int


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """The outputs of one cell, with the offsets of the list that holds them."""

    cell: int  # from 1, counting every cell
    start: int
    end: int
    items: tuple[Output, ...]


def saved_outputs(text: str) -> Iterator[Outputs]:
    """The outputs of every cell that has some. Raises ValueError for what is no notebook."""
    for key, at in _members(text, _skip(text, 0)):
        if key == "cells":
            for number, cell in enumerate(_elements(text, at), 1):
                yield from _outputs_of(text, number, cell)


def _outputs_of(text: str, number: int, at: int) -> Iterator[Outputs]:
    for key, value_at in _members(text, at):
        if key == "outputs" and text[value_at : value_at + 1] == "[":
            items = tuple(
                Output(value=value, start=start, end=end)
                for start in _elements(text, value_at)
                for value, end in [_DECODER.raw_decode(text, start)]
            )
            if items:
                end = _skip(text, items[-1].end) + 1
                yield Outputs(cell=number, start=value_at, end=end, items=items)


def without(text: str, outputs: Outputs, removed: set[int]) -> str:
    """The list of outputs without the items of these indexes, laid out as before."""
    kept = [item for index, item in enumerate(outputs.items) if index not in removed]
    if not kept:
        return "[]"
    between = text[outputs.items[0].end : outputs.items[1].start] if len(outputs.items) > 1 else ", "
    inner = between.join(text[item.start : item.end] for item in kept)
    return text[outputs.start : outputs.items[0].start] + inner + text[outputs.items[-1].end : outputs.end]


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Key and the value's offset, for each member of the object at an offset."""
    if text[at : at + 1] != "{":
        return
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # over the colon
        yield key, at
        at = _next(text, _DECODER.raw_decode(text, at)[1])


def _elements(text: str, at: int) -> Iterator[int]:
    """The offset of each element of the list at an offset."""
    if text[at : at + 1] != "[":
        return
    at = _skip(text, at + 1)
    while text[at : at + 1] not in ("]", ""):
        yield at
        at = _next(text, _DECODER.raw_decode(text, at)[1])


def _next(text: str, at: int) -> int:
    """Behind a value and the comma that may follow."""
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at : at + 1] == "," else at


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
