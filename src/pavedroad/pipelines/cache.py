"""The cache of one run: the key of a call, and whether its result is there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.pipelines import facts, store
from pavedroad.pipelines.keys import CodeParts, Key, KeyMaker
from pavedroad.pipelines.secrets import MASKED, is_secret
from pavedroad.pipelines.tasks import From, Item, Source, Task, has_sources
from pavedroad.pipelines.values.model import NotStorable
from pavedroad.pipelines.values.plain import is_plain
from pavedroad.pipelines.values.shelf import Digest, Shelf, tree_digest
from pavedroad.record import Record

SHOWN_LENGTH = 120


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call as far as it is known before it runs."""

    code: CodeParts
    key: Key | None  # None: it cannot be cached
    because: str = ""  # why it cannot
    params: dict[str, str] = {}
    data: tuple[tuple[str, facts.Dataset], ...] = ()  # parameter, what it reads


class Cache:
    def __init__(self, record: Record, shelf: Shelf, keys: KeyMaker, *, root: Path, use: bool) -> None:
        self._record = record
        self._shelf = shelf
        self._keys = keys
        self._root = root
        self._use = use

    def call_of(self, task: Task, dataset_name: Any) -> Call:
        """Digest every argument. `dataset_name` gives the name of a step's data."""
        step = task.node.step
        code = self._keys.code_of(step)
        inputs: dict[str, tuple[Digest, str]] = {}
        params: dict[str, str] = {}
        data: list[tuple[str, facts.Dataset]] = []
        because = "" if step.options.cache else "cache=False"
        for name, value in task.arguments.items():
            is_input = has_sources(value)
            if not is_input:
                params[facts.as_key(name)] = shown_parameter(name, value)
            try:
                digest = self._digest(value)
            except NotStorable as error:
                because = because or f"{name}: {error}"
                continue
            label = f"{'input' if is_input else 'parameter'} {name}"
            inputs[label] = (digest, _shown_sources(value) if is_input else shown_parameter(name, value))
            data += self._data_in(name, value, digest, dataset_name)
        key = None if because else self._keys.key(step, inputs)
        return Call(code=code, key=key, because=because, params=params, data=tuple(data))

    def find(self, task: Task, call: Call, *, check: bool = False) -> store.CacheEntry | None:
        """The result for this call if it is stored and whole. One that is not is forgotten."""
        if not self._use or call.key is None or task.is_forced:
            return None
        entry = store.find_entry(self._record.db, call.key.digest)
        if entry is None:
            return None
        if not self._shelf.is_there(entry.output, check=check):
            self.forget(entry)
            return None
        return entry

    def forget(self, entry: store.CacheEntry) -> None:
        self._record.db.submit(lambda tx: store.delete_entry(tx, entry))

    def _digest(self, value: Any) -> Digest:
        if isinstance(value, From | Item):
            kept = value.held.value
            if not kept.is_stored:
                raise NotStorable(f"the result of {value.shown} lives in memory only")
            return Digest(kept.identity, kept.code)
        if not has_sources(value):
            return self._shelf.digest(value)
        keys = list(value) if isinstance(value, dict) else []
        items = value.values() if isinstance(value, dict) else value
        return tree_digest(type(value).__name__, keys, [self._digest(item) for item in items])

    def _data_in(
        self, name: str, value: Any, digest: Digest, dataset_name: Any
    ) -> Iterable[tuple[str, facts.Dataset]]:
        if isinstance(value, Path) and value.exists():
            yield name, facts.dataset_of_file(value, digest.identity.rpartition(":")[2], self._root)
        elif isinstance(value, From | Item) and value.held.items is None:
            kept = value.held.value
            for data in facts.datasets_of(
                kept, _name_of(value, dataset_name), value.task.node.step.qualified_name
            ):
                yield name, data


def _name_of(source: Source, dataset_name: Any) -> str:
    path = source.path if isinstance(source, From) else ()
    return ".".join([dataset_name(source.task.name), *map(str, path)])


def shown_parameter(name: str, value: Any) -> str:
    """A parameter as a person reads it; a text that may be a secret is masked."""
    return MASKED if isinstance(value, str) and is_secret(name) else shown_value(value)


def shown_value(value: Any) -> str:
    """A parameter as a person reads it."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, Path) or is_plain(value):
        text = str(value)
    elif isinstance(value, type) or callable(value):
        text = getattr(value, "__qualname__", type(value).__name__)
    else:
        text = f"a {type(value).__name__}"
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"


def _shown_sources(value: Any) -> str:
    from_sources = [value] if isinstance(value, From | Item) else []
    if not from_sources:
        return "several steps"
    source = from_sources[0]
    return f"{source.shown}: {source.held.value.shown}"
