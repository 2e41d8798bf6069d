"""What a value is, as bytes that are the same in every process and every folder.

Plain data are described whole. Functions, classes and modules among them are named and handed to `touch`,
files to `take_file`. Anything else is described by its type only, and the description is then not `whole`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import re
import types
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import blake3

from pavedroad.pipelines.code.arrays import TooLarge, array_text
from pavedroad.pipelines.code.wrappers import dict_of

MOST_VALUES = 200_000
MOST_REDUCED = (
    20_000  # pieces of foreign objects: an object that is large inside is better passed as an input
)

_ATOMS = (bool, int, float, complex, type(None), type(Ellipsis), type(NotImplemented))
_BY_REPR = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    range,
    slice,
)
_CODE = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    types.GenericAlias,
    type,
    functools.partial,
    functools.partialmethod,
    property,
    staticmethod,
    classmethod,
    functools.cached_property,
    type(functools.lru_cache(lambda: None)),
)


class Description(NamedTuple):
    digest: str
    is_whole: bool  # False: something inside is known by its type only
    is_fixed: bool  # the value cannot change in place
    is_large: bool  # too much to describe


class Values:
    """Describes values for one fingerprint. `root` is written as <root>, so that the project may move."""

    def __init__(
        self,
        root: Path,
        *,
        touch: Callable[[object], None],
        take_file: Callable[[Path], str | None],
        is_own: Callable[[type], bool],
    ) -> None:
        self.roots = tuple(dict.fromkeys((str(root), str(root.resolve()))))
        self.touch = touch
        self.take_file = take_file
        self.is_own = is_own

    def describe(self, value: object, *, by_reduction: bool = False) -> Description:
        """`by_reduction` opens foreign objects by what they would be pickled as; for what no code makes."""
        walk = _Walk(self, by_reduction=by_reduction)
        try:
            text = walk.text(value)
        except (TooLarge, RecursionError):
            text, walk.is_whole, walk.is_large = f"large {_type_name(type(value))}", False, True
        digest = blake3.blake3(text.encode("utf-8", "surrogatepass")).hexdigest()
        return Description(digest, walk.is_whole, walk.is_fixed, walk.is_large)

    def placed(self, text: str) -> str:
        for root in self.roots:
            if root in text and len(root) > 1:
                text = text.replace(root, "<root>")
        return text


def _type_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


class _Walk:
    def __init__(self, values: Values, *, by_reduction: bool) -> None:
        self.values = values
        self.by_reduction = by_reduction
        self.is_whole = True
        self.is_fixed = True
        self.is_large = False
        self.seen = 0
        self.most = MOST_VALUES
        self.inside: dict[int, int] = {}  # id of a container around -> its depth

    def text(self, value: object) -> str:
        self.seen += 1
        if self.seen > self.most:
            raise TooLarge
        kind = type(value)
        if kind in _ATOMS or isinstance(value, _BY_REPR):
            return f"{kind.__name__}:{value!r}"
        if kind is str:
            return self._string(value)  # type: ignore[arg-type]
        if isinstance(value, bytes | bytearray | memoryview):
            self.is_fixed &= kind is bytes
            return f"bytes:{blake3.blake3(bytes(value)).hexdigest()}"
        if isinstance(value, PurePath):
            return self._path(value)
        if isinstance(value, _CODE) or _is_typing_form(value):
            return self._code(value)
        return self._composed(value)

    def _string(self, value: str) -> str:
        if value.startswith(self.values.roots) and len(value) < 4096:
            self.values.take_file(Path(value))
        return f"str:{self.values.placed(value)!r}"

    def _path(self, value: PurePath) -> str:
        path = Path(value)
        name = self.values.take_file(path) if isinstance(value, Path) else None
        return f"path:{name or self.values.placed(path.as_posix())!r}"

    def _code(self, value: object) -> str:
        self.values.touch(value)
        if _is_typing_form(value):
            return f"type:{value!r}"
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or ""
        return f"code:{getattr(value, '__module__', '')}.{name}" if isinstance(name, str) else "code"

    def _composed(self, value: object) -> str:
        if id(value) in self.inside:
            return f"again:{len(self.inside) - self.inside[id(value)]}"
        self.inside[id(value)] = len(self.inside)
        try:
            return self._container(value)
        finally:
            del self.inside[id(value)]

    def _container(self, value: object) -> str:
        kind = type(value)
        name = _type_name(kind)
        if isinstance(value, enum.Enum):
            self.values.touch(kind)
            return f"{name}:{value.name}={self.text(value.value)}"
        if isinstance(value, str | int | float | complex):
            return self._scalar(value, name)
        if isinstance(value, tuple):
            fields = getattr(kind, "_fields", None)
            if fields is not None or kind is not tuple:
                self.values.touch(kind)
            return f"{name}({','.join(map(self.text, value))})"
        if isinstance(value, frozenset | set):
            self.is_fixed &= isinstance(value, frozenset)
            return f"{name}{{{','.join(sorted(map(self.text, list(value))))}}}"
        self.is_fixed = False
        if isinstance(value, list | deque) and (kind in (list, deque) or self.values.is_own(kind)):
            return f"{name}[{','.join(map(self.text, list(value)))}]{self._state(value)}"
        if isinstance(value, Mapping) and _is_known_mapping(kind, self.values.is_own):
            return self._mapping(value, name) + self._state(value)
        return self._object(value, name)

    def _scalar(self, value: object, name: str) -> str:
        """A number or text of a class of its own, such as numpy.float64."""
        self.values.touch(type(value))
        plain = next(kind for kind in (str, int, float, complex) if isinstance(value, kind))
        return f"{name}:{plain.__repr__(value)}{self._state(value)}"

    def _mapping(self, value: Mapping[Any, Any], name: str) -> str:
        items = list(
            dict.items(value) if isinstance(value, dict) else value.items()
        )  # not a method of the project
        pairs = sorted(f"{self.text(key)}={self.text(each)}" for key, each in items)
        factory = getattr(value, "default_factory", None)
        return f"{name}{{{','.join(pairs)}}}{self.text(factory) if factory is not None else ''}"

    def _object(self, value: object, name: str) -> str:
        array = array_text(value)
        if array is not None:
            return f"{name}:{array}"
        if isinstance(value, re.Pattern):
            return f"pattern:{value.pattern!r}:{value.flags}"
        if isinstance(value, types.SimpleNamespace):
            return f"{name}{self._mapping(vars(value), '')}"
        if self.values.is_own(type(value)):
            self.values.touch(type(value))
            return f"{name}{self._state(value)}"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            self.values.touch(type(value))
            return f"{name}{self._state(value)}"
        wrapped = _wrapped(value)
        if wrapped is not None:
            return f"{name}<{self.text(wrapped)}>"
        if self.by_reduction:
            reduced = _reduced(value)
            self.most = min(self.most, self.seen + MOST_REDUCED)
            if reduced is not None:
                self.values.touch(type(value))
                return f"{name}~{self.text(reduced)}"
        self.values.touch(type(value))
        self.is_whole = False
        return f"opaque:{name}"

    def _state(self, value: object) -> str:
        """The attributes of an object of the project, read without running any of its code."""
        if not self.values.is_own(type(value)) and not dataclasses.is_dataclass(value):
            return ""
        state: dict[str, object] = {}
        for kind in type(value).__mro__:
            for name, member in list(kind.__dict__.items()):
                if isinstance(member, types.MemberDescriptorType):  # slots, and the fields of msgspec
                    with contextlib.suppress(AttributeError):  # not set
                        state[name] = member.__get__(value)
        state.update(dict_of(value))
        return self._mapping(state, "")


def _is_known_mapping(kind: type, is_own: Callable[[type], bool]) -> bool:
    return (
        kind in (dict, types.MappingProxyType)
        or kind.__module__ == "collections"
        or (issubclass(kind, dict) and is_own(kind))
    )


def _is_typing_form(value: object) -> bool:
    return type(value).__module__ in ("typing", "types") and not isinstance(
        value, types.SimpleNamespace | types.MappingProxyType | types.GeneratorType | types.CoroutineType
    )


def _wrapped(value: object) -> object:
    """The function inside a wrapper object, found without asking the wrapper's own code."""
    return dict_of(value).get("__wrapped__")


def _reduced(value: object) -> tuple[Any, ...] | None:
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # foreign code; whatever it raises only means that the value cannot be opened
        return None
    if not isinstance(reduced, tuple):
        return None
    return tuple(tuple(part) if type(part).__name__.endswith("iterator") else part for part in reduced)
