"""Does what one step gives fit what another takes? Answered from annotations, before anything runs.

The rule is a type checker's, without its fine print: what is not annotated or cannot be resolved fits,
`bool` is an `int`, an `int` is a `float`, containers are compared item by item, and every member of a union
that is given must fit.
"""

from __future__ import annotations

import collections.abc
import enum
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

ANY = Any  # what a missing annotation means
_WIDER: Mapping[type, tuple[type, ...]] = {
    bool: (int, float, complex),
    int: (float, complex),
    float: (complex,),
}
_NONE = type(None)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Parameter (or `return`) -> type; what cannot be resolved is Any, never an error."""
    written = getattr(function, "__annotations__", {})
    try:
        return typing.get_type_hints(function)
    except Exception:  # a name that only type checkers import: resolve the others one by one
        return {name: _resolve(value, function) for name, value in written.items()}


def fixed_items(hint: Any) -> tuple[Any, ...] | None:
    """The item types of `tuple[A, B]` or of a NamedTuple; None for anything without a fixed number of
    items.
    """
    hint = bare(hint)
    if get_origin(hint) is tuple:
        items = get_args(hint)
        return None if len(items) == 2 and items[1] is Ellipsis else items
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        fields = hints_of(hint)
        return tuple(fields.get(name, ANY) for name in hint._fields)
    return None


def item_of(hint: Any) -> Any:
    """What iterating over a value of this type gives."""
    hint = bare(hint)
    items = fixed_items(hint)
    if items is not None:
        return Union[items] if items else ANY  # noqa: UP007 (built at run time)
    origin, args = get_origin(hint), get_args(hint)
    if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable) and args:
        return args[0]
    return ANY


def is_iterable(hint: Any) -> bool:
    """Whether `.map` can go over a value of this type; True when it cannot be told."""
    hint = bare(hint)
    if _says_nothing(hint):
        return True
    kind = get_origin(hint) or hint
    if kind in (Union, types.UnionType):
        return all(is_iterable(member) for member in get_args(hint))
    if not isinstance(kind, type):
        return True
    return hasattr(kind, "__iter__") and not issubclass(kind, str | bytes | Mapping)


def fits(given: Any, wanted: Any) -> bool:
    """Whether a value of type `given` may go where `wanted` is asked for."""
    given, wanted = bare(given), bare(wanted)
    if _says_nothing(given) or _says_nothing(wanted) or given == wanted:
        return True
    if _is_union(given):
        return all(fits(member, wanted) for member in get_args(given))
    if _is_union(wanted):
        return any(fits(given, member) for member in get_args(wanted))
    if get_origin(given) is Literal:
        return all(value_fits(value, wanted) for value in get_args(given))
    if get_origin(wanted) is Literal:
        return False
    return _kind_fits(given, wanted) and _items_fit(given, wanted)


def value_fits(value: Any, wanted: Any) -> bool:
    """Whether a value known when the graph is built may go where `wanted` is asked for; containers are not
    opened.
    """
    wanted = bare(wanted)
    if _says_nothing(wanted):
        return True
    if _is_union(wanted):
        return any(value_fits(value, member) for member in get_args(wanted))
    if get_origin(wanted) is Literal:
        return any(value == member and type(value) is type(member) for member in get_args(wanted))
    if isinstance(value, type) or type(value).__module__ == "numpy":
        return True  # a class stands for itself; a NumPy scalar goes where a number goes
    return _kind_fits(type(value), wanted)


def describe(hint: Any) -> str:
    """A type as a person writes it: `list[int]`, `pa.Table` as `Table`."""
    if hint is ANY or hint is inspect.Parameter.empty:
        return "anything"
    if hint is None or hint is _NONE:
        return "None"
    if _is_union(hint):
        return " | ".join(describe(member) for member in get_args(hint))
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, args))}]"
    if origin is not None and args:
        inner = ", ".join("..." if arg is Ellipsis else describe(arg) for arg in args)
        return f"{describe(origin)}[{inner}]"
    return getattr(hint, "__name__", None) or str(hint).removeprefix("typing.")


def _resolve(annotation: Any, function: Callable[..., Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    module = sys.modules.get(getattr(function, "__module__", ""))
    names = {**vars(module), **getattr(function, "__globals__", {})} if module else {}
    try:
        # paved: ignore[SEC703] the user's own annotation, resolved as typing.get_type_hints does
        return eval(annotation, names)  # noqa: S307
    except Exception:
        return ANY


def bare(hint: Any) -> Any:
    """Without what says nothing about the value: Annotated, Final, NewType, an alias."""
    while True:
        if hint is None:
            return _NONE
        if get_origin(hint) is typing.Annotated:
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint


def _says_nothing(hint: Any) -> bool:
    return (
        hint is ANY
        or hint is inspect.Parameter.empty
        or isinstance(hint, str | typing.TypeVar | typing.ForwardRef)
        or getattr(hint, "_is_protocol", False)
    )


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _kind_fits(given: Any, wanted: Any) -> bool:
    given_kind, wanted_kind = get_origin(given) or given, get_origin(wanted) or wanted
    if not isinstance(given_kind, type) or not isinstance(wanted_kind, type):
        return True
    if typing.is_typeddict(given_kind) or typing.is_typeddict(wanted_kind):
        return _as_dict(given_kind) is _as_dict(wanted_kind)
    try:
        if issubclass(given_kind, wanted_kind):
            return True
    except TypeError:  # a protocol or an odd metaclass that answers no such question
        return True
    return any(issubclass(wider, wanted_kind) for wider in _wider(given_kind))


def _wider(kind: type) -> tuple[type, ...]:
    for narrow, wide in _WIDER.items():
        if issubclass(kind, narrow) and not issubclass(kind, enum.Enum):
            return wide
    return ()


def _as_dict(kind: type) -> type:
    return dict if typing.is_typeddict(kind) or issubclass(kind, Mapping) else kind


def _items_fit(given: Any, wanted: Any) -> bool:
    wanted_origin, wanted_args = get_origin(wanted), get_args(wanted)
    if not wanted_args or not _is_container(wanted_origin):
        return True
    fixed = fixed_items(given)
    if wanted_origin is tuple:
        wanted_fixed = fixed_items(wanted)
        if fixed is None or wanted_fixed is None:
            return fits(item_of(given), item_of(wanted))
        return len(fixed) == len(wanted_fixed) and all(map(fits, fixed, wanted_fixed))
    if fixed is not None:
        return all(fits(item, wanted_args[0]) for item in fixed)
    given_args = get_args(given)
    # list[A] for Iterable[B], dict[K, V] for Mapping[K, V]: compared as far as both say something.
    return not _is_container(get_origin(given)) or all(map(fits, given_args, wanted_args))


def _is_container(origin: Any) -> bool:
    """The containers whose arguments are the types of their items, unlike `ndarray[shape, dtype]`."""
    return isinstance(origin, type) and origin.__module__ in ("builtins", "collections", "collections.abc")
