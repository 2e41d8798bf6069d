"""`@paved.step`: a plain function that a pipeline can call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, overload

import msgspec

from pavedroad.errors import DefinitionError, did_you_mean
from pavedroad.pipelines.annotations import ANY, hints_of
from pavedroad.pipelines.graph import current_trace

P = ParamSpec("P")
R = TypeVar("R")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) *([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What a step needs while it runs."""

    cpu: int = 1
    memory_bytes: int = 0  # 0: not limited
    gpu: int = 0


class StepOptions(msgspec.Struct, frozen=True, kw_only=True):
    retries: int = 0  # how often it is tried again after an exception
    backoff_s: float = 1.0  # before the first retry; doubles with each, give or take a quarter
    timeout_s: float | None = None
    resources: Resources = Resources()
    isolate: bool = False
    cache: bool = True
    version: str | None = None
    depends_on: tuple[Any, ...] = ()

    @property
    def needs_process(self) -> bool:
        """A thread can be neither ended nor kept from taking memory, so these run in a process of their
        own.
        """
        return self.isolate or self.timeout_s is not None or self.resources.memory_bytes > 0


class Step(Generic[P, R]):
    """A function with its options. Called outside a pipeline it is that function."""

    def __init__(self, function: Callable[P, R], options: StepOptions) -> None:
        self.function = function
        self.options = options
        self.name = function.__name__
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        trace = current_trace()
        if trace is None:
            return self.function(*args, **kwargs)
        return trace.call(self, args, kwargs)  # type: ignore[return-value]

    def map(self, *lists: Any, **fixed: Any) -> list[R]:
        """Call the step for each item.

        Positional arguments are lists, gone through together; keyword arguments are the same for every item.
        A list may come from another step: then its length is known only when that step has run.
        """
        trace = current_trace()
        if trace is not None:
            return trace.map(self, lists, fixed)  # type: ignore[return-value]
        return [self.function(*items, **fixed) for items in zip(*lists, strict=True)]

    def __reduce__(self) -> str:
        return self.function.__qualname__  # pickled by name, as the function would be

    def __repr__(self) -> str:
        return f"<step {self.qualified_name}>"

    @property
    def qualified_name(self) -> str:
        """`late_flights.training.train`: what the cache knows it by."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @cached_property
    def positional(self) -> tuple[str, ...]:
        """Names of the parameters that take a positional argument."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return tuple(each.name for each in self.signature.parameters.values() if each.kind in kinds)

    @cached_property
    def variadic(self) -> str:
        """The name behind `*`, or empty."""
        return self._name_of(inspect.Parameter.VAR_POSITIONAL)

    @cached_property
    def keywords(self) -> str:
        """The name behind `**`, or empty."""
        return self._name_of(inspect.Parameter.VAR_KEYWORD)

    @property
    def returns(self) -> Any:
        return self._hints.get("return", ANY)

    def hint_of(self, name: str) -> Any:
        return self._hints.get(name, ANY)

    def default_of(self, name: str) -> Any:
        parameter = self.signature.parameters.get(name)
        return inspect.Parameter.empty if parameter is None else parameter.default

    def call_with(self, arguments: Mapping[str, Any]) -> R:
        """Call the function with arguments by parameter name, `*` and `**` ones under their own."""
        if not self._needs_positions:
            return self.function(**arguments)  # type: ignore[call-arg]
        bound = inspect.BoundArguments(self.signature, dict(arguments))
        return self.function(*bound.args, **bound.kwargs)

    @cached_property
    def _needs_positions(self) -> bool:
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return any(each.kind not in named for each in self.signature.parameters.values())

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return hints_of(self.function)

    def _name_of(self, kind: inspect._ParameterKind) -> str:
        return next((each.name for each in self.signature.parameters.values() if each.kind is kind), "")


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *,
    retries: int = 0,
    backoff_s: float = 1.0,
    timeout_s: float | None = None,
    resources: Mapping[str, Any] | None = None,
    isolate: bool = False,
    cache: bool = True,
    version: str | None = None,
    depends_on: Sequence[Any] = (),
) -> Callable[[Callable[P, R]], Step[P, R]]: ...
def step(function: Any = None, /, **options: Any) -> Any:
    """Make a function a step.

    - `retries`, `backoff_s`: try again after an exception, waiting longer each time.
    - `timeout_s`: end it after so many seconds; it then runs in a process of its own.
    - `resources`: `{"cpu": 2, "memory": "2GB", "gpu": 1}`; with `memory` it runs in a process of its own.
    - `isolate=True`: run it in a process of its own.
    - `cache=False`: run it every time. `version="2"`: the cache looks at this word instead of the code.
    - `depends_on=[helper, Path("rules.json")]`: functions, classes, modules and files that the cache cannot
      see by itself.

    Raises: DefinitionError for anything that cannot be a step.
    """
    chosen = _to_options(options)
    if function is None:
        return lambda function: Step(_check_function(function), chosen)
    return Step(_check_function(function), chosen)


def _check_function(function: Any) -> Any:
    if isinstance(function, Step):
        raise DefinitionError(f"{function.name!r} is a step already", hint="use @paved.step once")
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, staticmethod | classmethod) or not inspect.isfunction(function):
        raise DefinitionError(
            f"{name} is not a plain function, so it cannot be a step",
            hint="write `def` and use @paved.step on top",
        )
    if name == "<lambda>":
        raise DefinitionError("a lambda has no name, so it cannot be a step", hint="write it with `def`")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise DefinitionError(
            f"{name}() is async, so it cannot be a step",
            hint="write a plain function that calls `asyncio.run(...)`",
        )
    if inspect.isgeneratorfunction(function):
        raise DefinitionError(f"{name}() yields, so it cannot be a step", hint="return a list")
    return function


def _to_options(given: dict[str, Any]) -> StepOptions:
    known = StepOptions.__struct_fields__
    for name in given:
        if name not in known:
            raise DefinitionError(f"@paved.step has no option {name!r}", hint=did_you_mean(name, known))
    values = dict(given)
    if "resources" in values:
        values["resources"] = _to_resources(values["resources"])
    if "depends_on" in values:
        values["depends_on"] = _to_dependencies(values["depends_on"])
    try:
        options = msgspec.convert(values, StepOptions)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"@paved.step: {error}", hint="see docs/pipelines.md for its options") from None
    for name, too_small in (
        ("retries", options.retries < 0),
        ("backoff_s", not 0 <= options.backoff_s < float("inf")),
        ("timeout_s", options.timeout_s is not None and not options.timeout_s > 0),
    ):
        if too_small:
            raise DefinitionError(
                f"@paved.step: {name}={given[name]!r} is too small", hint="give a larger number"
            )
    return options


def _to_dependencies(given: Any) -> tuple[Any, ...]:
    if isinstance(given, list | tuple | set | frozenset):
        return tuple(given)
    return (given,)


def _to_resources(given: Any) -> Resources:
    if isinstance(given, Resources) or given is None:
        return given or Resources()
    if not isinstance(given, Mapping):
        raise DefinitionError(
            f"resources={given!r} is not a dict", hint='write resources={"cpu": 2, "memory": "2GB"}'
        )
    known = ("cpu", "memory", "gpu")
    for name in given:
        if name not in known:
            raise DefinitionError(f"unknown resource {name!r}", hint=did_you_mean(str(name), known))
    return Resources(
        cpu=_to_count("cpu", given.get("cpu", 1), at_least=1),
        memory_bytes=to_bytes(given["memory"]) if given.get("memory") else 0,
        gpu=_to_count("gpu", given.get("gpu", 0), at_least=0),
    )


def _to_count(name: str, value: Any, *, at_least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise DefinitionError(
            f"{name}={value!r} is not a whole number from {at_least} up", hint="correct resources="
        )
    return value


def to_bytes(size: Any) -> int:
    """`"2GB"` and `"512 MiB"` as a number of bytes; a number is bytes already."""
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    match = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if match is None or float(match[1]) == 0:
        raise DefinitionError(f"memory={size!r} is not a size", hint='write it as "2GB" or "512MiB"')
    return int(float(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2].lower()])
