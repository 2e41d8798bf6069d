"""Loaded functions, classes and values: what they are now, and what they bring along.

Nothing here runs code of the project: attributes are read from `__dict__`s, never asked of objects.
"""

from __future__ import annotations

import ast
import functools
import sys
import types
from pathlib import Path, PurePath
from typing import Any

from pavedroad.errors import DefinitionError
from pavedroad.pipelines.code.bytecode import describe_code, touched
from pavedroad.pipelines.code.closure import Closure
from pavedroad.pipelines.code.facts import Facts
from pavedroad.pipelines.code.modules import BUILT_IN, Module
from pavedroad.pipelines.code.names import KnownNames
from pavedroad.pipelines.code.outline import PAVEDROAD
from pavedroad.pipelines.code.parts import short
from pavedroad.pipelines.code.scopes import WRITES, Chain
from pavedroad.pipelines.code.source import Source, source_of_code
from pavedroad.pipelines.code.values import Description, Values
from pavedroad.pipelines.code.wrappers import (
    depends_on_of,
    full_name,
    inside,
    is_code,
    is_foreign,
    is_own_class,
    is_own_function,
    methods_of,
    subclasses_of,
    written_defaults,
)

_MADE_BY_PYTHON = {
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
        self.modules = closure.modules
        self.values = Values(
            self.modules.root, touch=self.touch, take_file=self.modules.files.take, is_own=is_own_class
        )
        self._kept: list[object] = []  # ids are remembered, so what they are of must live as long
        self._silent = Values(
            self.modules.root, touch=lambda _: None, take_file=self.modules.files.label, is_own=is_own_class
        )
        closure.live = self

    def _warn(self, text: str) -> None:
        self.parts.warn(f"step {self.modules.step}: {text}")

    # --- names --------------------------------------------------------------------------------------------

    def name(self, module: Module, base: str, rest: Chain, origin: str) -> None:
        """What a live module holds under a name. `origin`: what its source says of it, "" for nothing."""
        self.parts.watch.name(module.namespace, base)
        if base not in module.namespace:
            return
        value = module.namespace[base]
        if origin in ("same", "foreign") or (base.startswith("__") and base != "__doc__"):
            return
        label = f"value {module.name}.{base}"
        if isinstance(value, types.ModuleType):
            if not origin:
                self._module(value, rest)
        elif isinstance(value, PurePath) and rest and rest[-1] in WRITES:
            self.parts.add(label, self.values.placed(value.as_posix()))
        elif is_code(value):
            self.touch(value)
            self._asked_of(value, rest)
            if origin in ("", "own") or is_foreign(value):
                self.parts.add(f"import {module.name}.{base}", full_name(value))
        else:
            self._global(label, value, module, base, origin)

    def _module(self, value: types.ModuleType, rest: Chain) -> None:
        has_place = vars(value).get("__file__") or vars(value).get("__path__")
        if has_place or value.__name__.partition(".")[0] in BUILT_IN:
            self.closure.reach(value.__name__, rest, live=True)
        elif rest:  # made in memory
            self.closure.name(self.modules.by_namespace(vars(value)), rest)
        else:
            self.closure.whole(self.modules.by_namespace(vars(value)))

    def _asked_of(self, value: object, rest: Chain) -> None:
        """What code is asked for that its text does not show: documentation, classes made from a class."""
        if rest[:1] == ("__doc__",):
            self.parts.add(f"docstring {full_name(value)}", str(getattr(value, "__doc__", "")))
        elif rest[:1] == ("__subclasses__",) and isinstance(value, type):
            for kind in subclasses_of(value):
                self.touch(kind)

    def _global(self, label: str, value: object, module: Module, base: str, origin: str) -> None:
        described = self._describe(label, value)
        if described.is_whole:
            return
        self.closure.opaque(module, base)
        where = f"global {base} in {module.name}"
        if described.is_large:
            self._warn(
                f"{where} is too large to compare; only the code that makes it counts, pass it as an input"
            )
        elif not origin and not (module.source is not None and module.source.edited):
            self._warn(f"{where} cannot be compared (a {type(value).__name__}); pass it as an input")

    def _describe(self, label: str, value: object, *, by_reduction: bool = False) -> Description:
        described = self.values.describe(value, by_reduction=by_reduction)
        self.parts.add(label, described.digest)
        self.parts.show(label, value)
        if not described.is_fixed:
            again, digest = self._silent, described.digest
            self.parts.watch.that(lambda: again.describe(value, by_reduction=by_reduction).digest == digest)
        return described

    # --- objects ------------------------------------------------------------------------------------------

    def touch(self, value: object) -> None:
        """Add a function, a class, or whatever wraps one."""
        if self.closure.first_time("object", id(value)):
            self._kept.append(value)
            self.closure.todo.append(lambda: self._touch(value))

    def depend_on(self, each: object) -> None:
        """What a step lists in `depends_on=`.

        Raises: DefinitionError for anything but functions, classes, modules and Paths, or a Path to nothing.
        """
        where = f"depends_on= of step {self.modules.step}"
        if isinstance(each, Path):
            path = each if each.is_absolute() else self.modules.root / each
            if not path.exists():
                raise DefinitionError(f"{where}: no file {each}", hint="correct the path")
            self.modules.files.take(path, whole_folders=True, outside=True)
        elif isinstance(each, types.ModuleType):
            if self.modules.is_own(each.__name__):
                self.closure.package(each.__name__)
            else:
                self.closure.foreign(each.__name__)
        elif callable(each):
            self.touch(each)
        else:
            hint = "list functions, classes, modules and pathlib.Paths"
            raise DefinitionError(f"{where}: cannot depend on {each!r}", hint=hint)

    def _touch(self, value: object) -> None:
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, types.ModuleType):
            self._module(value, ())
        elif isinstance(value, functools.partial | functools.partialmethod):
            self._partial(value)
        elif isinstance(value, types.MethodType):
            self.touch(value.__func__)
            if isinstance(value.__self__, type):
                self.touch(value.__self__)
            else:
                self._captured(f"argument {full_name(value.__func__)}(self)", value.__self__)
        elif is_own_class(type(value)):
            self._captured(f"value {full_name(value)}", value)
        else:
            for each in inside(value):
                self.touch(each)
            for each in depends_on_of(value):
                self.depend_on(each)
            self._foreign(value)

    def _foreign(self, value: object) -> None:
        module = getattr(value, "__module__", None) if isinstance(value, types.FunctionType | type) else None
        self.closure.foreign(str(module or type(value).__module__))

    def _partial(self, value: functools.partial[Any] | functools.partialmethod[Any]) -> None:
        self.touch(value.func)
        name = full_name(value.func)
        for key, argument in [*enumerate(value.args), *value.keywords.items()]:
            self._captured(f"argument {name}({key})", argument)

    def _captured(self, label: str, value: object) -> None:
        """A value that no statement explains: a closure's cell, a partial's argument, a default."""
        described = self._describe(label, value, by_reduction=True)
        if not described.is_whole:
            reason = "is too large to compare" if described.is_large else "cannot be compared"
            self._warn(f"{label} {reason} (a {type(value).__name__}); pass it as an input")

    # --- functions ----------------------------------------------------------------------------------------

    def _function(self, function: types.FunctionType) -> None:
        code, namespace = function.__code__, function.__globals__
        self.parts.watch.function(function)
        self._cells(function)
        self._function_attributes(function)
        if not is_own_function(function):
            self._foreign(function)
            return
        module = self.modules.by_namespace(namespace)
        source = source_of_code(code, namespace)
        node = source.definition(code) if source is not None else None
        label = f"function {module.name}.{code.co_qualname}"
        local = frozenset(code.co_freevars)
        if source is not None and node is not None:
            facts = source.outline.facts_of(node, [node], _names_of_cells(source, namespace))
            self.parts.add(label, facts.digest)
            self.closure.follow(module, facts, local=local)
        else:
            self._bytecode(module, label, code, local)
        self._defaults(function, module, node)
        top = code.co_qualname.partition(".")[0]
        if "<locals>" not in code.co_qualname and top != "<lambda>":
            self.closure.name(module, (top,))  # other definitions of the name; the whole class of a method

    def _bytecode(self, module: Module, label: str, code: types.CodeType, local: frozenset[str]) -> None:
        found = touched(code)
        reads = frozenset(chain for chain in found.chains if chain[0] not in local)
        self.parts.add(label, short(describe_code(code)))
        self.closure.follow(module, Facts("", reads, frozenset(), (), ()))
        for imported in found.imports:
            self.closure.reach(
                module.absolute(imported), (imported.name,) if imported.name else (), live=False
            )

    def _defaults(self, function: types.FunctionType, module: Module, node: ast.AST | None) -> None:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        values = dict(zip(reversed(names), reversed(function.__defaults__ or ()), strict=False))
        values.update(function.__kwdefaults__ or {})
        written = written_defaults(node)
        for name, value in values.items():
            if name not in written or type(value) is not type(written[name]) or value != written[name]:
                self._captured(f"default {module.name}.{code.co_qualname}({name})", value)

    def _cells(self, function: types.FunctionType) -> None:
        name = full_name(function)
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            self.parts.watch.cell(cell)
            if isinstance(value, type | types.FunctionType | types.ModuleType):
                self.touch(value)
            elif is_own_function(function):
                self._captured(f"closure {name}({variable})", value)
            else:
                for each in inside(value):
                    self.touch(each)

    def _function_attributes(self, function: types.FunctionType) -> None:
        for key, value in list(vars(function).items()):
            if key == "__wrapped__" or not is_own_function(function):
                for each in [value] if is_code(value) else inside(value):
                    self.touch(each)
            else:
                self._captured(f"attribute {full_name(function)}.{key}", value)

    # --- classes ------------------------------------------------------------------------------------------

    def _class(self, kind: type) -> None:
        if not is_own_class(kind):
            self._foreign(kind)
            return
        for base in kind.__mro__[1:]:
            self.touch(base)
        if type(kind) is not type:
            self.touch(type(kind))
        members = dict(vars(kind))
        self.parts.watch.attributes(kind)
        loaded = sys.modules.get(kind.__module__)
        module = self.modules.by_namespace(
            vars(loaded) if loaded is not None else {"__name__": kind.__module__}
        )
        is_written = self._class_statement(kind, module)
        if not is_written:
            bases = [full_name(base) for base in kind.__bases__]
            self.parts.add(f"class {full_name(kind, module)}", short(*bases, *sorted(members)))
        methods = set()
        for key, function in methods_of(kind):
            methods.add(key)
            self._method(kind, function, module, key, is_written=is_written)
        for key, value in members.items():
            if key not in methods and key not in _MADE_BY_PYTHON:
                self._member(f"{full_name(kind, module)}.{key}", value)

    def _class_statement(self, kind: type, module: Module) -> bool:
        """Add the class statement; False when there is none that made what is loaded."""
        source = module.source
        if source is None or (
            source.edited and not all(_is_in(source, each) for _, each in methods_of(kind))
        ):
            return False
        if "<locals>" not in kind.__qualname__ and module.outline is not None:
            top = kind.__qualname__.partition(".")[0]
            self.closure.name(module, (top,))
            return bool(module.units(top))
        node = source.class_definition(kind.__qualname__)
        if node is None:
            return False
        facts = source.outline.facts_of(node, [node])
        self.parts.add(f"class {full_name(kind, module)}", facts.digest)
        self.closure.follow(module, facts)
        return True

    def _member(self, name: str, value: object) -> None:
        if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
            return
        if is_code(value):
            self.touch(value)
        elif not name.rpartition(".")[2].startswith("__"):
            self._describe(f"value {name}", value)

    def _method(
        self, kind: type, function: types.FunctionType, module: Module, key: str, *, is_written: bool
    ) -> None:
        source = module.source
        if not is_own_function(function):
            self._foreign(function)
        elif is_written and source is not None and _is_of(kind, function) and source.holds(function.__code__):
            if function.__defaults__ or function.__kwdefaults__:
                self._defaults(function, module, source.definition(function.__code__))
            self._cells(function)
        elif not (
            function.__code__.co_filename.startswith("<") and key.startswith("__")
        ):  # made by dataclass
            self.touch(function)


def _names_of_cells(source: Source, namespace: dict[str, Any]) -> KnownNames | None:
    """Names of Pavedroad as a notebook cell sees them: another cell has imported them."""
    if source.signature is not None:
        return None
    names = set()
    for name, value in list(namespace.items()):
        if isinstance(value, types.ModuleType):
            owner = value.__name__
        else:
            owner = str(value.__module__) if isinstance(value, types.FunctionType | type) else ""
        if owner.partition(".")[0] == PAVEDROAD:
            names.add(name)
    return KnownNames(paved=frozenset(names), blind=source.outline.known.blind)


def _is_of(kind: type, function: types.FunctionType) -> bool:
    """Whether a function was written in the body of the class."""
    return function.__code__.co_qualname.startswith(f"{kind.__qualname__}.")


def _is_in(source: Source, function: types.FunctionType) -> bool:
    return function.__code__.co_filename != source.file or source.holds(function.__code__)
