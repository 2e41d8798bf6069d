"""`@paved.pipeline`: a function that composes steps by calling them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from pavedroad.errors import DefinitionError
from pavedroad.pipelines.annotations import ANY, hints_of
from pavedroad.pipelines.graph import current_trace

if TYPE_CHECKING:
    from pathlib import Path

    from pavedroad.pipelines.running import PipelineRun

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline(Generic[P, R]):
    """A function of steps. Called, it is that function; `run` runs it on the record.

    Called by another pipeline, its steps become part of that one.
    """

    def __init__(self, function: Callable[P, R], name: str) -> None:
        self.function = function
        self.name = name
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        trace = current_trace()
        if trace is None:
            return self.function(*args, **kwargs)
        with trace.inside(self):
            return self.function(*args, **kwargs)

    def run(
        self,
        *,
        home: str | Path | None = None,
        workers: int | None = None,
        use_cache: bool = True,
        **parameters: Any,
    ) -> PipelineRun:
        """Run it with these parameters, on the record of `home` (default: as `paved run` would find it).

        Raises: StepFailed when a step fails; Invalid for a parameter that is unknown, missing or of the wrong
        type.
        """
        # Late, because it loads the record, which defining a pipeline does not need.
        from pavedroad.pipelines.running import run

        return run(self, params=parameters, home=home, workers=workers, use_cache=use_cache)

    def __repr__(self) -> str:
        return f"<pipeline {self.qualified_name}>"

    @property
    def qualified_name(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @cached_property
    def hints(self) -> Mapping[str, Any]:
        """Parameter -> type, Any where there is none."""
        found = hints_of(self.function)
        return {name: found.get(name, ANY) for name in self.signature.parameters}


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...
@overload
def pipeline(*, name: str = "") -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...
def pipeline(function: Any = None, /, *, name: str = "") -> Any:
    """Make a function a pipeline, named after the function unless `name` is given.

    Raises: DefinitionError for anything that cannot be one.
    """
    if function is None:
        return lambda function: Pipeline(_check_function(function), name or function.__name__)
    return Pipeline(_check_function(function), name or function.__name__)


def _check_function(function: Any) -> Any:
    if isinstance(function, Pipeline):
        raise DefinitionError(f"{function.name!r} is a pipeline already", hint="use @paved.pipeline once")
    name = getattr(function, "__name__", repr(function))
    if not inspect.isfunction(function) or name == "<lambda>":
        raise DefinitionError(
            f"{name} is not a plain function, so it cannot be a pipeline", hint="write it with `def`"
        )
    if (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    ):
        raise DefinitionError(
            f"{name}() yields or awaits, so it cannot be a pipeline",
            hint="write a plain function that calls steps and returns",
        )
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise DefinitionError(
                f"pipeline {name!r} takes {parameter}, which no command line can give",
                hint="give every parameter a name",
            )
    return function
