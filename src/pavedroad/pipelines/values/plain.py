"""Plain Python values, and pickles of everything else that pickles."""

from __future__ import annotations

import datetime
import decimal
import fractions
import io
import pickle
import types
import uuid
from typing import Any

from pavedroad.kit.files import digest_of
from pavedroad.pipelines.values.model import LostValue, NotStorable, Value

PROTOCOL = 5
DEEPEST = 50  # nesting; beyond it (or in a cycle) a value is not plain
_ATOMS = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, datetime.date, datetime.datetime, datetime.time,
        datetime.timedelta, decimal.Decimal, fractions.Fraction, uuid.UUID, range,
    }
)  # fmt: skip
_IMMUTABLE = (type(None), bool, int, float, complex, str, bytes)
_ITEMS = (list, tuple, set, frozenset)


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value consists of Python's own types, so that reading its pickle runs no foreign code."""
    kind = type(value)
    if kind in _ATOMS:
        return True
    if depth > DEEPEST:
        return False
    if kind in _ITEMS:
        return all(is_plain(item, depth + 1) for item in value)
    if kind is dict:
        return all(is_plain(key, depth + 1) and is_plain(item, depth + 1) for key, item in value.items())
    return _is_numpy_scalar(value)


def is_immutable(value: Any) -> bool:
    """Whether a value can be handed to several steps as it is."""
    return type(value) in _IMMUTABLE


def dump_plain(value: Any) -> bytes:
    """The same bytes for equal values: without the memo, it does not matter which strings are one object."""
    target = io.BytesIO()
    pickler = pickle.Pickler(target, protocol=PROTOCOL)
    pickler.fast = True  # safe: is_plain has found no cycle
    pickler.dump(value)
    return target.getvalue()


def dump_pickle(value: Any, target: Any) -> list[Any]:
    """Write it; the classes and functions whose code its behaviour depends on. Raises NotStorable."""
    pickler = _Watching(target)
    try:
        pickler.dump(value)
    except Exception as error:  # a class's own __reduce__ can raise anything
        raise NotStorable(f"a {type(value).__name__} cannot be pickled: {error}") from error
    return list(pickler.code.values())


class _Watching(pickle.Pickler):
    """A pickler that remembers what it writes as a mere name: classes and functions."""

    def __init__(self, target: Any) -> None:
        super().__init__(target, protocol=PROTOCOL)
        self.code: dict[int, Any] = {}

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, type | types.FunctionType):
            value = type(value)
        self.code.setdefault(id(value), value)
        return NotImplemented


def load_pickle(source: Any) -> Any:
    """Raises LostValue: a class may have moved since, or the bytes may be another Python's."""
    try:
        return pickle.load(source)  # noqa: S301 (written by a step on this record, digest checked)
    except Exception as error:
        raise LostValue(f"cannot be read any more: {type(error).__name__}: {error}") from error


def plain_value(data: bytes, shown: str) -> Value:
    return Value(format="plain", digest=digest_of(data), size_bytes=len(data), inline=data, shown=shown)


def describe_plain(value: Any) -> str:
    if type(value) in (list, tuple, set, frozenset, dict):
        return f"{type(value).__name__} of {len(value)}"
    if type(value) in (str, bytes) and len(value) > 38:
        return f"{type(value).__name__} of {len(value):,} {'characters' if type(value) is str else 'bytes'}"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _is_numpy_scalar(value: Any) -> bool:
    kind = type(value)
    return kind.__module__ == "numpy" and any(each.__name__ == "generic" for each in kind.__mro__)
