"""YAML as lock files use it, read from the parser's events: bounded, with lines, every scalar a text.

`version: 1.10` stays `1.10`. Depth and aliases have limits, so that a small file cannot stand for gigabytes.
"""

from __future__ import annotations

import re
from typing import Any

from pavedroad.errors import Invalid

DEEPEST = 40
MOST_ALIASES = 50
_DEEP_FLOW = re.compile(rf"(?:[\[{{]\s*){{{DEEPEST}}}|(?:- ){{{DEEPEST}}}")


class Table(dict[str, Any]):
    """A mapping that knows its line, from 1."""

    line: int = 0


def read_yaml(file: str, text: str) -> Any:
    """The first document: tables, lists, texts and None. Raises Invalid with the line."""
    import yaml  # 15 ms, and most projects have no such file

    if match := _DEEP_FLOW.search(text):
        raise _too_deep(file, text.count("\n", 0, match.start()) + 1)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _build(file, yaml.parse(text, Loader=loader), yaml)
    except yaml.YAMLError as error:
        raise Invalid(f"{file} is not valid YAML: {_problem(error)}", hint="correct that line") from None
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{file}, line 1: not valid YAML: {error}", hint="correct the file") from None


def _build(file: str, events: Any, yaml: Any) -> Any:
    """Without recursion: the open containers are a stack, a key waits until its value is there."""
    root: list[Any] = []
    open_: list[Any] = [root]
    keys: list[Any] = [None]
    anchors: dict[str, Any] = {}
    aliases = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            open_.pop()
            keys.pop()
            continue
        if isinstance(event, yaml.DocumentEndEvent):
            break
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            is_null = event.style is None and event.value in ("", "~", "null")
            value = None if is_null else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
        elif isinstance(event, yaml.MappingStartEvent):
            value = Table()
            value.line = line
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > MOST_ALIASES:
                raise Invalid(
                    f"{file}, line {line}: more than {MOST_ALIASES} YAML aliases", hint="write them out"
                )
            value = anchors.get(event.anchor)
        else:
            continue
        _put(open_[-1], keys, value)
        if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
            anchors[event.anchor] = value
        if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            open_.append(value)
            keys.append(None)
            if len(open_) > DEEPEST:
                raise _too_deep(file, line)
    return root[0] if root else None


def _put(container: Any, keys: list[Any], value: Any) -> None:
    if isinstance(container, list):
        container.append(value)
    elif keys[-1] is None:
        keys[-1] = value if isinstance(value, str) else ""  # a key that is no text: nobody asks for it
    else:
        container[keys[-1]] = value
        keys[-1] = None


def _too_deep(file: str, line: int) -> Invalid:
    return Invalid(f"{file}, line {line}: nested deeper than {DEEPEST}", hint="that is not a lock file")


def _problem(error: Exception) -> str:
    """One line of what PyYAML spreads over four."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark and problem:
        return f"line {mark.line + 1}: {problem}"
    return "line 1: " + " ".join(str(error).split())
