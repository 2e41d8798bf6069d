"""YAML with the place of every key and value. Nothing is constructed; what aliases add up to is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

import msgspec
import yaml

from pavedroad.checks.model import Place
from pavedroad.errors import Invalid

MOST_NODES = 100_000  # with every alias counted as often as it is used: an anchor bomb ends here
MOST_NESTED = 64
LARGEST_CHARACTERS = 2 * 2**20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"


class Yaml(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One value of a document: a scalar, a list or a mapping. Lines and columns count from 1."""

    kind: str  # scalar, list or mapping
    line: int
    column: int
    end_line: int
    end_column: int  # exclusive
    text: str = ""  # of a scalar, without its quotes
    style: str = ""  # of a scalar: '', ' or ", or | and > for blocks
    items: tuple[Yaml, ...] = ()
    entries: dict[str, Yaml] = {}
    keys: dict[str, Yaml] = {}  # name -> where the key itself stands
    nodes: int = 1  # how many values it holds, itself included

    def get(self, *names: str) -> Yaml | None:
        """The value below these keys, one inside the other; None when one is missing."""
        found: Yaml | None = self
        for name in names:
            found = found.entries.get(name) if found is not None else None
        return found

    def text_at(self, *names: str) -> str:
        """The scalar below these keys; empty when there is none."""
        found = self.get(*names)
        return found.text if found is not None else ""

    @property
    def scalars(self) -> tuple[Yaml, ...]:
        """Itself when it is a scalar, the scalars of a list: `push` and `[push, pull]` are written alike."""
        if self.kind == "scalar":
            return (self,)
        return tuple(item for item in self.items if item.kind == "scalar")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written there: `key:` alone, `null` or `~`."""
        return self.kind == "scalar" and not self.style and self.text in ("", "~", "null", "Null", "NULL")

    @property
    def is_true(self) -> bool:
        return self.kind == "scalar" and self.text.lower() in ("true", "yes", "on")

    @property
    def first_text_line(self) -> int:
        """The line on which the text of a scalar begins: a block begins below its `|`."""
        return self.line + 1 if self.style in ("|", ">") else self.line

    def place(self, path: str) -> Place:
        """Where it stands; of a block or a collection the first line only."""
        one_line = self.end_line == self.line
        return Place(
            path=path, line=self.line, column=self.column, end_column=self.end_column if one_line else 0
        )

    def walk(self) -> Iterator[Yaml]:
        """Itself and every value inside, in order."""
        left = [self]
        while left:
            node = left.pop()
            yield node
            left.extend(reversed((*node.items, *node.entries.values())))


def read_yaml(text: str) -> tuple[Yaml, ...]:
    """Every document of a text that holds something.

    Raises: Invalid, with the line, for what is not YAML, is a template of YAML, or would not stay small.
    """
    if len(text) > LARGEST_CHARACTERS:
        raise Invalid(f"it is larger than {LARGEST_CHARACTERS >> 20} MiB", hint="keep data out of YAML")
    try:
        return _Reader(text).documents()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        raise Invalid(f"line {line}: {problem}", hint="correct it") from None
    except (RecursionError, ValueError) as error:
        raise Invalid(f"line 1: {error}", hint="correct it") from None


class _Reader:
    """Builds values from the parser's events. Guards the anchors of one document."""

    def __init__(self, text: str) -> None:
        self._loader = _LOADER(text)
        self._anchors: dict[str, Yaml] = {}
        self._nodes = 0

    def documents(self) -> tuple[Yaml, ...]:
        found = []
        try:
            while not self._loader.check_event(yaml.StreamEndEvent):
                if isinstance(self._loader.get_event(), yaml.DocumentStartEvent):
                    self._anchors = {}
                    document = self._value(0)
                    if not document.is_empty:
                        found.append(document)
        finally:
            self._loader.dispose()
        return tuple(found)

    def _value(self, depth: int) -> Yaml:
        event = self._loader.get_event()
        line = _places(event, event)["line"]
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Invalid(f"line {line}: no anchor {event.anchor!r}", hint="correct it")
            found = self._anchors[event.anchor]
            self._count(found.nodes, line)
            return found
        self._count(1, line)
        if depth > MOST_NESTED:
            raise Invalid(f"line {line}: it is nested too deeply", hint="correct it")
        if isinstance(event, yaml.MappingStartEvent):
            found = self._mapping(event, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            found = self._list(event, depth)
        else:
            places = _places(event, event)
            found = Yaml(kind="scalar", text=event.value, style=event.style or "", **places)
        if event.anchor:
            self._anchors[event.anchor] = found
        return found

    def _list(self, event: yaml.Event, depth: int) -> Yaml:
        items = []
        while not self._loader.check_event(yaml.SequenceEndEvent):
            items.append(self._value(depth + 1))
        nodes = 1 + sum(item.nodes for item in items)
        return Yaml(kind="list", items=tuple(items), nodes=nodes, **_places(event, self._loader.get_event()))

    def _mapping(self, event: yaml.Event, depth: int) -> Yaml:
        entries: dict[str, Yaml] = {}
        keys: dict[str, Yaml] = {}
        merged: list[Yaml] = []
        while not self._loader.check_event(yaml.MappingEndEvent):
            key = self._value(depth + 1)
            if key.kind != "scalar":
                # `{{ name }}` of a template reads as a mapping whose key is a mapping.
                raise Invalid(f"line {key.line}: a key is no text", hint="is it a template?")
            value = self._value(depth + 1)
            if key.text == _MERGE and not key.style:
                merged += value.items if value.kind == "list" else (value,)
            else:
                entries[key.text] = value
                keys[key.text] = key
        places = _places(event, self._loader.get_event())
        for other in merged:
            self._count(sum(value.nodes for value in other.entries.values()), places["line"])
            entries = {**other.entries, **entries}
            keys = {**other.keys, **keys}
        nodes = 1 + sum(value.nodes + 1 for value in entries.values())
        return Yaml(kind="mapping", entries=entries, keys=keys, nodes=nodes, **places)

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise Invalid(
                f"line {line}: it holds more than {MOST_NODES} values", hint="keep data out of YAML"
            )


class _Marks(TypedDict):
    line: int
    column: int
    end_line: int
    end_column: int


def _places(first: yaml.Event, last: yaml.Event) -> _Marks:
    start, end = first.start_mark, last.end_mark
    assert start is not None  # every event has marks
    assert end is not None
    return {
        "line": start.line + 1,
        "column": start.column + 1,
        "end_line": end.line + 1,
        "end_column": end.column + 1,
    }
