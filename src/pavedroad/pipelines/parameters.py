"""Parameters of a pipeline: from words on a command line and tables in a file to typed values."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import msgspec

from pavedroad.errors import Invalid, did_you_mean
from pavedroad.pipelines.annotations import ANY, bare, describe

if TYPE_CHECKING:
    from pavedroad.pipelines.composing import Pipeline

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
_LISTS: tuple[Any, ...] = (list, tuple, set, frozenset, Sequence, Iterable)


class NotConvertible(Exception):
    """A word that is not of the type asked for; its message completes `--depth:`."""


def read_words(pipeline: Pipeline[..., Any], words: Sequence[str]) -> dict[str, Any]:
    """`--depth 8 --name=x --shuffle --no-cache-warm` as parameter -> text, several texts, or a truth value.

    Raises: Invalid for an unknown parameter, with the nearest known one, and for a word that belongs to none.
    """
    given: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            continue
        if not word.startswith("--"):
            raise Invalid(f"{word!r} belongs to no parameter", hint="write parameters as --name value")
        option, equals, text = word[2:].partition("=")
        name = _find(pipeline, option)
        if name is None and option.startswith("no-") and not equals:
            name = _find(pipeline, option.removeprefix("no-"))
            if name is not None:
                given[name] = False
                continue
        if name is None:
            raise _unknown(pipeline, option.replace("-", "_"))
        if equals:
            _add(given, name, text)
        elif _is_bool(pipeline, name) and not (rest and rest[0].lower() in _TRUE | _FALSE):
            given[name] = True
        elif rest and not (rest[0].startswith("--") and _find(pipeline, rest[0][2:].partition("=")[0])):
            _add(given, name, rest.pop(0))
        else:
            raise Invalid(f"--{option} has no value", hint=f"write --{option} VALUE")
    return given


def read_file(path: Path) -> dict[str, Any]:
    """The keys of a TOML file. Raises Invalid."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid TOML: {error}", hint="correct that line") from None
    except OSError as error:
        raise Invalid(
            f"cannot read {path}: {error.strerror}", hint="check the path given with --params"
        ) from None


def convert_parameters(pipeline: Pipeline[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter with its value: converted by its annotation, or its default.

    Raises: Invalid for an unknown or missing parameter, and for a value of the wrong type.
    """
    parameters = pipeline.signature.parameters
    for name in given:
        if name not in parameters:
            raise _unknown(pipeline, name)
    values: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if name in given:
            values[name] = _convert_one(pipeline, name, given[name])
        elif parameter.default is inspect.Parameter.empty:
            raise Invalid(
                f"pipeline {pipeline.name!r} needs a value for {name!r}",
                hint=f"add --{name.replace('_', '-')} VALUE",
            )
        else:
            values[name] = parameter.default
    return values


def convert(value: Any, wanted: Any) -> Any:
    """`value`, a text or what TOML gives, as the type asked for. Raises NotConvertible."""
    wanted = bare(wanted)
    if wanted is ANY or isinstance(wanted, str | typing.TypeVar):
        return value
    if wanted is type(None):
        return _to_none(value)
    origin, args = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return _to_any_of(value, args)
    if origin is Literal:
        return _to_literal(value, args)
    if (origin or wanted) in _LISTS:
        return _to_list(value, origin or wanted, args)
    if (origin or wanted) in (dict, Mapping):
        return _to_dict(value, args)
    if isinstance(wanted, type):
        return _to_type(value, wanted)
    return value


def _convert_one(pipeline: Pipeline[..., Any], name: str, value: Any) -> Any:
    wanted = pipeline.hints[name]
    default = pipeline.signature.parameters[name].default
    if wanted is ANY and isinstance(value, str) and default not in (inspect.Parameter.empty, None):
        wanted = type(default)  # `depth=8` without annotation still says that it counts
    try:
        return convert(value, wanted)
    except NotConvertible as error:
        raise Invalid(
            f"parameter {name!r} of pipeline {pipeline.name!r}: {error}",
            hint=f"give it as {describe(wanted)}",
        ) from None


def _unknown(pipeline: Pipeline[..., Any], name: str) -> Invalid:
    known = list(pipeline.signature.parameters)
    hint = did_you_mean(name, known) if known else "it takes no parameters"
    return Invalid(f"pipeline {pipeline.name!r} has no parameter {name!r}", hint=hint)


def _find(pipeline: Pipeline[..., Any], option: str) -> str | None:
    parameters = pipeline.signature.parameters
    return next((name for name in (option, option.replace("-", "_")) if name in parameters), None)


def _is_bool(pipeline: Pipeline[..., Any], name: str) -> bool:
    hint = pipeline.hints[name]
    return hint is bool or (hint is ANY and isinstance(pipeline.signature.parameters[name].default, bool))


def _add(given: dict[str, Any], name: str, text: str) -> None:
    """Said twice, a parameter is a list."""
    if name not in given:
        given[name] = text
    elif isinstance(given[name], list):
        given[name].append(text)
    else:
        given[name] = [given[name], text]


# ---------------------------------------------------------------------------------------- one type each


def _to_none(value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value.lower() in ("none", "null", "")):
        raise NotConvertible(f"{value!r} is not None")


def _to_any_of(value: Any, kinds: tuple[Any, ...]) -> Any:
    """The first member that takes the value, a text last: every word is a text."""
    told = []
    for kind in sorted(kinds, key=lambda kind: (kind is str, kind is not type(None))):
        try:
            return convert(value, kind)
        except NotConvertible as error:
            told.append(str(error))
    raise NotConvertible(told[-1])


def _to_literal(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if (value == choice and type(value) is type(choice)) or (
            isinstance(value, str) and value == str(choice)
        ):
            return choice
    raise NotConvertible(f"{value!r} is none of {', '.join(str(choice) for choice in choices)}")


def _to_list(value: Any, kind: Any, args: tuple[Any, ...]) -> Any:
    if isinstance(value, str):
        value = _from_json(value) if value.lstrip().startswith("[") else value.split(",") if value else []
    if not isinstance(value, list | tuple | set | frozenset):
        raise NotConvertible(f"{value!r} is not a list")
    if kind is tuple and args and args[-1] is not Ellipsis:
        if len(args) != len(value):
            raise NotConvertible(f"{value!r} has {len(value)} items, not {len(args)}")
        return tuple(convert(_strip(item), arg) for item, arg in zip(value, args, strict=True))
    items = [convert(_strip(item), args[0] if args else ANY) for item in value]
    return kind(items) if kind in (tuple, set, frozenset) else items


def _to_dict(value: Any, args: tuple[Any, ...]) -> dict[Any, Any]:
    if isinstance(value, str):
        value = _from_json(value)
    if not isinstance(value, Mapping):
        raise NotConvertible(f"{value!r} is not a table")
    if len(args) != 2:
        return dict(value)
    return {convert(key, args[0]): convert(item, args[1]) for key, item in value.items()}


def _to_type(value: Any, wanted: type) -> Any:
    if issubclass(wanted, enum.Enum):
        return _to_enum(value, wanted)
    for kind, to in _SCALARS.items():
        if wanted is kind:
            return to(value)
    if dataclasses.is_dataclass(wanted) or issubclass(wanted, msgspec.Struct) or typing.is_typeddict(wanted):
        return _to_struct(value, wanted)
    if isinstance(value, wanted):
        return value
    raise NotConvertible(f"a {wanted.__name__} cannot be given in words")


def _to_enum(value: Any, wanted: type[enum.Enum]) -> Any:
    for member in wanted:
        if value in (member, member.name, member.value) or (
            isinstance(value, str) and value == str(member.value)
        ):
            return member
    raise NotConvertible(f"{value!r} is none of {', '.join(member.name for member in wanted)}")


def _to_struct(value: Any, wanted: Any) -> Any:
    if isinstance(value, wanted if isinstance(wanted, type) and not typing.is_typeddict(wanted) else dict):
        return value
    try:
        if isinstance(value, str):
            return msgspec.json.decode(value.encode(), type=wanted)
        return msgspec.convert(value, wanted)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise NotConvertible(str(error)) from None


def _from_json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise NotConvertible(f"{text!r} is not JSON: {error}") from None


def _strip(item: Any) -> Any:
    return item.strip() if isinstance(item, str) else item


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise NotConvertible(f"{value!r} is neither true nor false")


def _to_int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    raise NotConvertible(f"{value!r} is not a whole number")


def _to_float(value: Any) -> float:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise NotConvertible(f"{value!r} is not a number")


def _to_str(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise NotConvertible(f"{value!r} is not a text")


def _to_path(value: Any) -> Path:
    if isinstance(value, str | Path):
        return Path(value)
    raise NotConvertible(f"{value!r} is not a path")


def _parsed_by(kind: Any, what: str, parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def to(value: Any) -> Any:
        if type(value) is kind:
            return value
        try:
            return parse(value)
        except (ValueError, TypeError, ArithmeticError):
            raise NotConvertible(f"{value!r} is not {what}") from None

    return to


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_str,
    Path: _to_path,
    datetime.date: _parsed_by(datetime.date, "a date like 2013-01-31", datetime.date.fromisoformat),
    datetime.datetime: _parsed_by(
        datetime.datetime, "a time like 2013-01-31T12:00", datetime.datetime.fromisoformat
    ),
    decimal.Decimal: _parsed_by(decimal.Decimal, "a number", decimal.Decimal),
    bytes: _parsed_by(bytes, "bytes", str.encode),
}
