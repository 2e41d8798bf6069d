"""What is inside functions, classes and the objects that wrap them, read without running their code."""

from __future__ import annotations

import ast
import functools
import sys
import types
from collections.abc import Iterator

from pavedroad.pipelines.code.modules import BUILT_IN, Module, is_own
from pavedroad.pipelines.code.outline import PAVEDROAD

_CODE = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.GenericAlias,
    type,
    functools.partial,
    property,
    staticmethod,
    classmethod,
)


def is_code(value: object) -> bool:
    """Whether a value is code, or wraps code: a decorated function, a step."""
    return isinstance(value, _CODE) or dict_of(value).get("__wrapped__") is not None


def is_foreign(value: object) -> bool:
    """Whether a value is code of a library or of Python, and known by its name alone."""
    if isinstance(value, types.FunctionType):
        return not is_own_function(value)
    if isinstance(value, type):
        return not is_own_class(value)
    return isinstance(value, types.BuiltinFunctionType)


def is_own_function(function: types.FunctionType) -> bool:
    file = function.__globals__.get("__file__")
    if isinstance(file, str):
        return is_own(file)
    code_file = function.__code__.co_filename
    if code_file.startswith("<") or not code_file:
        return str(function.__globals__.get("__name__", "")).partition(".")[0] not in sys.stdlib_module_names
    return is_own(code_file)


def is_own_class(kind: type) -> bool:
    if kind.__module__.partition(".")[0] in BUILT_IN:
        return False
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if isinstance(file, str):
        return is_own(file)
    return kind.__module__ == "__main__" or any(is_own_function(each) for _, each in methods_of(kind))


def methods_of(kind: type) -> Iterator[tuple[str, types.FunctionType]]:
    """The plain functions behind a class's own attributes, by attribute."""
    for key, value in list(vars(kind).items()):
        for each in (value, *inside(value)):
            if isinstance(each, types.FunctionType):
                yield key, each


def inside(value: object) -> Iterator[object]:
    """The code inside properties, methods, caches and wrappers, and the code in tables."""
    for candidate in _candidates(value):
        if isinstance(candidate, types.FunctionType | types.MethodType | type | functools.partial):
            yield candidate
        elif isinstance(candidate, staticmethod | classmethod | property):
            yield from inside(candidate)


def _candidates(value: object) -> list[object]:
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, functools.cached_property):
        return [value.func]
    if isinstance(value, functools.singledispatchmethod):
        return [value.func, *value.dispatcher.registry.values()]
    if isinstance(value, dict | types.MappingProxyType):
        return list(value.values())
    if isinstance(value, list | tuple):
        return list(value)
    return list(dict_of(value).values())  # `__wrapped__` is there


def dict_of(value: object) -> dict[str, object]:
    """An object's own attributes; empty when its class answers for them itself."""
    for kind in type(value).__mro__:
        entry = kind.__dict__.get("__dict__")
        if isinstance(entry, types.GetSetDescriptorType):
            found = entry.__get__(value)
            return found if isinstance(found, dict) else {}
        if entry is not None:
            break
    return {}


def depends_on_of(value: object) -> tuple[object, ...]:
    """What a step that is called as a function lists in its own `depends_on=`."""
    if not type(value).__module__.startswith(f"{PAVEDROAD}."):
        return ()
    found = getattr(dict_of(value).get("options"), "depends_on", ())
    return found if isinstance(found, tuple) else ()


def full_name(value: object, module: Module | None = None) -> str:
    """`late_flights.features.add_weather`; for an object that is not code, the name of its class."""
    if isinstance(value, functools.partial):
        return full_name(value.func)
    if isinstance(value, types.FunctionType):
        name, owner = value.__code__.co_qualname, value.__module__
    elif isinstance(value, type | types.BuiltinFunctionType | types.MethodType):
        name, owner = value.__qualname__, value.__module__
    else:
        name, owner = type(value).__qualname__, type(value).__module__
    return f"{module.name if module is not None else owner}.{name}"


def subclasses_of(kind: type) -> Iterator[type]:
    below: list[type] = type.__subclasses__(kind)
    for each in below:
        yield each
        yield from subclasses_of(each)


def written_defaults(node: ast.AST | None) -> dict[str, object]:
    """The defaults that stand in a definition as plain constants."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return {}
    positional = [*node.args.posonlyargs, *node.args.args]
    pairs = [
        *zip(reversed(positional), reversed(node.args.defaults), strict=False),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    return {argument.arg: default.value for argument, default in pairs if isinstance(default, ast.Constant)}
