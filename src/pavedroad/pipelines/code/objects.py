"""Loaded functions, classes and values: what they are now, and what they bring along.

Nothing here runs code of the project: attributes are read from `__dict__`s, never asked of objects.
"""

from __future__ import annotations

import ast
import builtins
import functools
import sys
import types
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from pavedroad.pipelines.code.bytecode import describe_code, touched
from pavedroad.pipelines.code.closure import Closure
from pavedroad.pipelines.code.modules import Module, is_own
from pavedroad.pipelines.code.names import Facts
from pavedroad.pipelines.code.outline import PAVEDROAD
from pavedroad.pipelines.code.parts import short
from pavedroad.pipelines.code.paths import WRITES
from pavedroad.pipelines.code.scopes import Chain
from pavedroad.pipelines.code.source import Source, source_of_code
from pavedroad.pipelines.code.values import Values

_GENERATED = {
    "__doc__",
    "__module__",
    "__dict__",
    "__weakref__",
    "__annotations__",
    "__qualname__",
    "__slots__",
}


class Objects:
    def __init__(self, closure: Closure) -> None:
        self.closure = closure
        self.parts = closure.parts
        self.values = Values(
            closure.root,
            touch=self.touch,
            take_file=lambda path: closure.files.take(path),
            is_own=self.is_own_class,
        )
        self.kept: list[object] = []  # ids are remembered, so what they are of must live as long
        closure.live = self

    # --- names --------------------------------------------------------------------------------------------------

    def name(self, module: Module, base: str, rest: Chain, origin: str) -> None:
        """What a live module holds under a name. `origin`: what its source says that is; "" when it says nothing."""
        namespace = module.namespace
        if base not in namespace:
            if not hasattr(builtins, base):
                self.parts.watch(lambda: base not in namespace)
            return
        value = namespace[base]
        self.parts.watch(lambda: namespace.get(base) is value)
        if origin in ("same", "foreign") or (base.startswith("__") and base != "__doc__"):
            return
        if isinstance(value, types.ModuleType):
            if not origin:
                self.closure.reach(value.__name__, rest, live=True)
        elif isinstance(value, PurePath) and rest and rest[-1] in WRITES:
            self.parts.add(f"value {module.name}.{base}", self.values.placed(value.as_posix()))
        elif _is_code(value):
            self.touch(value)
            self._attributes(module, value, rest)
            if not origin:
                self.parts.add(f"import {module.name}.{base}", _full_name(value))
        else:
            self._value(f"value {module.name}.{base}", value, module, base, origin)

    def _attributes(self, module: Module, value: object, rest: Chain) -> None:
        """What the code itself does not show: its documentation, the classes made from a class."""
        if rest[:1] == ("__doc__",):
            self.parts.add(f"docstring {_full_name(value)}", str(getattr(value, "__doc__", "")))
        elif rest[:1] == ("__subclasses__",) and isinstance(value, type):
            for kind in _subclasses(value):
                self.touch(kind)

    def _value(self, label: str, value: object, module: Module, base: str, origin: str) -> None:
        described = self.values.describe(value)
        if described.is_whole or not origin:
            self.parts.add(label, described.digest)
        if described.is_whole:
            if not described.is_fixed:
                self.parts.watch(lambda: self.values.describe(value).digest == described.digest)
            return
        self.closure.opaque(module, base)
        where = f"global {base} in {module.name}"
        if described.is_large:
            self.parts.warn(
                f"step {self.closure.step}: {where} is too large to compare; only the code that makes it counts, "
                "pass it as an input"
            )
        elif not origin:
            if module.source is not None and module.source.edited:
                self.parts.add(f"global {module.name}.{base}", short("before the edit", module.source.text))
            self.parts.warn(
                f"step {self.closure.step}: {where} cannot be compared (a {type(value).__name__}); pass it as an input"
            )

    # --- objects ------------------------------------------------------------------------------------------------

    def touch(self, value: object) -> None:
        """Add a function, a class, or whatever wraps one."""
        if self.closure.first_time("object", id(value)):
            self.kept.append(value)
            self.closure.todo.append(lambda: self._touch(value))

    def _touch(self, value: object) -> None:
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, types.ModuleType):
            self.closure.reach(value.__name__, (), live=True)
        elif isinstance(value, functools.partial | functools.partialmethod):
            self._partial(value)
        elif isinstance(value, types.MethodType):
            self.touch(value.__func__)
            if not isinstance(value.__self__, type):
                self._captured(f"argument {_full_name(value.__func__)}(self)", value.__self__)
            else:
                self.touch(value.__self__)
        else:
            for inner in _inside(value):
                self.touch(inner)
            self._foreign(value)

    def _foreign(self, value: object) -> None:
        module = getattr(value, "__module__", None) or type(value).__module__
        if isinstance(module, str):
            self.closure.foreign(module)

    def _partial(self, value: functools.partial[Any] | functools.partialmethod[Any]) -> None:
        self.touch(value.func)
        name = _full_name(value.func)
        for index, argument in enumerate(value.args):
            self._captured(f"argument {name}({index})", argument)
        for key, argument in value.keywords.items():
            self._captured(f"argument {name}({key})", argument)

    def _captured(self, label: str, value: object) -> None:
        """A value that no statement of the source explains: a closure's cell, a partial's argument, a default."""
        described = self.values.describe(value, by_reduction=True)
        self.parts.add(label, described.digest)
        if not described.is_fixed:
            again = lambda: self.values.describe(value, by_reduction=True).digest == described.digest  # noqa: E731
            self.parts.watch(again)
        if not described.is_whole:
            reason = "is too large to compare" if described.is_large else "cannot be compared"
            self.parts.warn(
                f"step {self.closure.step}: {label} {reason} (a {type(value).__name__}); pass it as an input"
            )

    # --- functions ----------------------------------------------------------------------------------------------

    def _function(self, function: types.FunctionType) -> None:
        code, namespace = function.__code__, function.__globals__
        defaults, keywords = function.__defaults__, function.__kwdefaults__
        self.parts.watch(
            lambda: (
                function.__code__ is code
                and function.__defaults__ is defaults
                and function.__kwdefaults__ is keywords
            )
        )
        self._cells(function)
        self._function_attributes(function)
        if not _is_own_function(function):
            self._foreign(function)
            return
        module = self.closure.live_module(namespace)
        source = source_of_code(code, namespace)
        node = source.definition(code) if source is not None else None
        self._defaults(function, module, node)
        label = f"function {module.name}.{code.co_qualname}"
        local = frozenset(code.co_freevars)
        if source is not None and node is not None:
            facts = source.outline.facts_of(node, [node], self._paved_names(source, namespace))
            self.parts.add(label, facts.digest)
            self.closure.follow(module, facts, local=local)
        else:
            self._bytecode(module, label, code, local)
        top = code.co_qualname.partition(".")[0]
        if "<locals>" not in code.co_qualname and top != "<lambda>":
            self.closure.name(module, (top,))  # other definitions of the name; the whole class of a method

    def _bytecode(self, module: Module, label: str, code: types.CodeType, local: frozenset[str]) -> None:
        found = touched(code)
        reads = frozenset(chain for chain in found.chains if chain[0] not in local)
        self.parts.add(label, short(describe_code(code)))
        self.closure.follow(module, Facts("", reads, frozenset(), (), ()))
        for name in found.imports:
            self.closure.reach(name, (), live=False)

    def _paved_names(self, source: Source, namespace: dict[str, Any]) -> frozenset[str]:
        """Names of Pavedroad as a notebook cell sees them: another cell has imported them."""
        if source.signature is not None:
            return source.outline.paved_names
        return frozenset(
            name
            for name, value in list(namespace.items())
            if str(
                getattr(value, "__name__" if isinstance(value, types.ModuleType) else "__module__", "")
            ).partition(".")[0]
            == PAVEDROAD
        )

    def _defaults(self, function: types.FunctionType, module: Module, node: ast.AST | None) -> None:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        values = dict(zip(reversed(names), reversed(function.__defaults__ or ()), strict=False))
        values.update(function.__kwdefaults__ or {})
        written = _written_defaults(node)
        for name, value in values.items():
            if name not in written or type(value) is not type(written[name]) or value != written[name]:
                self._captured(f"default {module.name}.{code.co_qualname}({name})", value)

    def _cells(self, function: types.FunctionType) -> None:
        name = _full_name(function)
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            self.parts.watch(lambda cell=cell, value=value: cell.cell_contents is value)  # type: ignore[misc]
            if isinstance(value, type | types.FunctionType | types.ModuleType):
                self.touch(value)
            elif _is_own_function(function):
                self._captured(f"closure {name}({variable})", value)
            else:
                for inner in _inside(value):
                    self.touch(inner)

    def _function_attributes(self, function: types.FunctionType) -> None:
        for key, value in list(vars(function).items()):
            if key == "__wrapped__" or not _is_own_function(function):
                for inner in [value] if _is_code(value) else _inside(value):
                    self.touch(inner)
            else:
                self._captured(f"attribute {_full_name(function)}.{key}", value)

    # --- classes ------------------------------------------------------------------------------------------------

    def is_own_class(self, kind: type) -> bool:
        module = sys.modules.get(kind.__module__)
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            return is_own(file)
        return kind.__module__ == "__main__" or any(_is_own_function(each) for _, each in _methods(kind))

    def _class(self, kind: type) -> None:
        if not self.is_own_class(kind):
            self._foreign(kind)
            return
        for base in kind.__mro__[1:]:
            self.touch(base)
        if type(kind) is not type:
            self.touch(type(kind))
        members = dict(vars(kind))
        self.parts.watch(lambda: [*map(id, vars(kind).values())] == [*map(id, members.values())])
        namespace = (
            vars(sys.modules[kind.__module__])
            if kind.__module__ in sys.modules
            else {"__name__": kind.__module__}
        )
        module = self.closure.live_module(namespace)
        covered = self._class_source(kind, module)
        if not covered:
            bases = ",".join(_full_name(base) for base in kind.__bases__)
            self.parts.add(f"class {_full_name(kind, module)}", short(bases, *sorted(members)))
        for key, value in members.items():
            if key not in _GENERATED:
                self._member(kind, module, key, value, covered=covered)

    def _class_source(self, kind: type, module: Module) -> bool:
        """Add the class statement; False when there is none that made what is loaded."""
        source = module.source
        top = kind.__qualname__.partition(".")[0]
        if source is None or (
            source.edited and not all(self._is_written(source, each) for _, each in _methods(kind))
        ):
            return False
        if "<locals>" not in kind.__qualname__:
            self.closure.name(module, (top,))
            return top in source.outline.by_name
        node = source.class_definition(kind.__qualname__)
        if node is None:
            return False
        facts = source.outline.facts_of(node, [node])
        self.parts.add(f"class {_full_name(kind, module)}", facts.digest)
        self.closure.follow(module, facts)
        return True

    def _is_written(self, source: Source, function: types.FunctionType) -> bool:
        return function.__code__.co_filename != source.file or source.holds(function.__code__)

    def _member(self, kind: type, module: Module, key: str, value: object, *, covered: bool) -> None:
        label = f"{_full_name(kind, module)}.{key}"
        functions = [each for name, each in _methods(kind) if name == key]
        if functions:
            for function in functions:
                is_generated = function.__code__.co_filename.startswith("<") and key.startswith("__")
                is_written = covered and module.source is not None and module.source.holds(function.__code__)
                if not _is_own_function(function):
                    self._foreign(function)
                elif not is_generated and not is_written:
                    self.touch(function)
                elif is_written:
                    self._defaults(function, module, module.source.definition(function.__code__))
                    self._cells(function)
        elif _is_code(value):
            self.touch(value)
        elif not key.startswith("__") and not isinstance(
            value, types.MemberDescriptorType | types.GetSetDescriptorType
        ):
            described = self.values.describe(value)
            if described.is_whole:
                self.parts.add(f"value {label}", described.digest)
                if not described.is_fixed:
                    self.parts.watch(lambda: self.values.describe(value).digest == described.digest)


def _written_defaults(node: ast.AST | None) -> dict[str, object]:
    """The defaults that stand in a definition as plain constants."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return {}
    positional = [*node.args.posonlyargs, *node.args.args]
    pairs = [
        *zip(reversed(positional), reversed(node.args.defaults), strict=False),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    return {argument.arg: default.value for argument, default in pairs if isinstance(default, ast.Constant)}


def _is_own_function(function: types.FunctionType) -> bool:
    file = function.__globals__.get("__file__")
    name = str(function.__globals__.get("__name__", ""))
    if isinstance(file, str):
        return is_own(file)
    code_file = function.__code__.co_filename
    if code_file.startswith("<") or not code_file:
        return name.partition(".")[0] not in sys.stdlib_module_names
    return is_own(code_file)


def _methods(kind: type) -> Iterator[tuple[str, types.FunctionType]]:
    for key, value in list(vars(kind).items()):
        for inner in (value, *_inside(value)):
            if isinstance(inner, types.FunctionType):
                yield key, inner


def _inside(value: object) -> Iterator[object]:
    """The functions inside properties, methods, caches and wrappers; the entries of tables of functions."""
    if isinstance(value, property):
        candidates: list[object] = [value.fget, value.fset, value.fdel]
    elif isinstance(value, staticmethod | classmethod):
        candidates = [value.__func__]
    elif isinstance(value, functools.cached_property):
        candidates = [value.func]
    elif isinstance(value, functools.singledispatchmethod):
        candidates = [value.func, *value.dispatcher.registry.values()]
    elif isinstance(value, dict | types.MappingProxyType):
        candidates = list(value.values())
    elif isinstance(value, list | tuple):
        candidates = list(value)
    else:
        candidates = list(_dict_of(value).values())  # with `__wrapped__`
    for candidate in candidates:
        if isinstance(candidate, types.FunctionType | type | functools.partial):
            yield candidate
        elif isinstance(candidate, staticmethod | classmethod | property | types.MethodType):
            yield from _inside(candidate) if not isinstance(candidate, types.MethodType) else [candidate]


def _dict_of(value: object) -> dict[str, object]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_code(value: object) -> bool:
    return isinstance(
        value,
        types.FunctionType
        | types.BuiltinFunctionType
        | types.MethodType
        | type
        | functools.partial
        | property
        | staticmethod
        | classmethod
        | types.GenericAlias,
    ) or (_dict_of(value).get("__wrapped__") is not None)


def _full_name(value: object, module: Module | None = None) -> str:
    if isinstance(value, functools.partial):
        return _full_name(value.func)
    if isinstance(value, types.FunctionType):
        name, owner = value.__code__.co_qualname, value.__module__
    elif isinstance(value, type | types.BuiltinFunctionType | types.MethodType):
        name, owner = value.__qualname__, value.__module__
    else:  # asking the object itself could run its code
        name, owner = type(value).__qualname__, type(value).__module__
    return f"{module.name if module is not None else owner}.{name}"


def _subclasses(kind: type) -> Iterator[type]:
    for each in type.__subclasses__(kind):
        yield each
        yield from _subclasses(each)
