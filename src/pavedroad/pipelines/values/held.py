"""A step's result while others still want it: in memory as long as that helps, on the shelf otherwise."""

from __future__ import annotations

import copy
import threading
from typing import Any

from pavedroad.pipelines.values import arrays, frames, plain
from pavedroad.pipelines.values.model import LostValue, Value, library_of
from pavedroad.pipelines.values.shelf import Shelf, close_tree, is_code

ABSENT: Any = object()
_SHARED_AS_IS = ("arrow", "polars")


class Held:
    """One value and how many steps still wait for it.

    Each taker gets what it may change without another one seeing it: immutable values and tables as they
    are, pandas frames as copies on write, arrays mapped anew from their file, everything else read anew.
    The last taker gets the object itself.
    """

    def __init__(
        self, value: Value, object_: Any = ABSENT, *, items: list[Held] | None = None, alone: bool = True
    ) -> None:
        self.value = value
        self.owner: Any = None  # the task that made it
        self.items = items  # of a value whose items are held one by one
        self._object = object_
        self._alone = alone  # not made together with others that may hold parts of it
        self._claims = 0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, value: Value, object_: Any = ABSENT, *, alone: bool = True) -> Held:
        """Hold a value, item by item where it is kept so."""
        if value.format != "tree":
            return cls(value, object_, alone=alone)
        items = [ABSENT] * len(value.items) if object_ is ABSENT else _items(object_)
        held = [cls.of(item, each, alone=False) for item, each in zip(value.items, items, strict=True)]
        return cls(value, items=held)

    def at(self, path: tuple[int, ...]) -> Held:
        held = self
        for place in path:
            assert held.items is not None, "only values kept item by item are unpacked"
            held = held.items[place]
        return held

    def claim(self, times: int = 1) -> None:
        """Say that so many more will take it, or give it up."""
        if self.items is not None:
            for item in self.items:
                item.claim(times)
            return
        with self._lock:
            self._claims += times

    def give_up(self) -> None:
        """One less will take it; the last one lets go of the object."""
        if self.items is not None:
            for item in self.items:
                item.give_up()
            return
        with self._lock:
            self._claims -= 1
            if self._claims <= 0 and self.value.is_stored:
                self._object = ABSENT

    def take(self, shelf: Shelf) -> Any:
        """The value for one taker that has claimed it. Raises LostValue."""
        if self.items is not None:
            return close_tree(self.value.detail, [item.take(shelf) for item in self.items])
        if not self.value.is_stored:
            return self._object
        with self._lock:
            self._claims -= 1
            is_last, there = self._claims <= 0, self._object
            if is_last:
                self._object = ABSENT
        if there is ABSENT:
            there = self._load(shelf)
            if is_last:
                return there
            if self.value.format in (*_SHARED_AS_IS, "pandas"):
                self._keep(there)
                return _shared(self.value, there)
            return there
        if is_last and self._alone and _is_own(self.value, there):
            return _own(self.value, there)
        return self._copy(shelf, there)

    def fresh(self, shelf: Shelf) -> Any:
        """The value for one that has taken it before and may have changed it. Raises LostValue."""
        if self.items is not None:
            return close_tree(self.value.detail, [item.fresh(shelf) for item in self.items])
        return self._load(shelf) if self.value.is_stored else self._object

    def _load(self, shelf: Shelf) -> Any:
        try:
            return shelf.load(self.value)
        except LostValue as error:
            raise error.at(self) from None

    def _keep(self, loaded: Any) -> None:
        with self._lock:
            if self._claims > 0 and self._object is ABSENT:
                self._object = loaded

    def _copy(self, shelf: Shelf, there: Any) -> Any:
        if self.value.format in (*_SHARED_AS_IS, "pandas") or plain.is_immutable(there):
            return _shared(self.value, there)
        if self.value.format == "npy" and there.nbytes <= arrays.SMALL_BYTES:
            return there.copy()
        return self._load(shelf)


def private(constant: Any) -> Any:
    """A constant as one call may change it: neither another call nor the pipeline sees that it did."""
    if plain.is_immutable(constant) or is_code(constant) or library_of(constant) in ("polars", "pyarrow"):
        return constant
    if library_of(constant) == "pandas" and frames.is_table(constant):
        return frames.share_pandas(constant)
    try:
        return copy.deepcopy(constant)
    except Exception:  # a lock, a connection, a class that says no: such a thing has no key either
        return constant


def _items(container: Any) -> list[Any]:
    return list(container.values() if isinstance(container, dict) else container)


def _shared(value: Value, there: Any) -> Any:
    return frames.share_pandas(there) if value.format == "pandas" else there


def _is_own(value: Value, there: Any) -> bool:
    """Whether the object itself is as good as what reading it back would give."""
    return value.format not in ("pandas", "path") and (value.format != "npy" or arrays.is_own(there))


def _own(value: Value, there: Any) -> Any:
    """The object itself, in the form that reading it back would give."""
    if value.format == "evaluation":
        return type(there)(metrics=value.detail["metrics"], data=None, name=there.name)
    return there
