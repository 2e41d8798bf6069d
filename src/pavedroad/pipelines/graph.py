"""A pipeline as a graph of step calls: its function is called once, with values that do not exist yet."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pavedroad.errors import DefinitionError, PavedError
from pavedroad.pipelines.annotations import ANY, describe, fits, item_of, value_fits
from pavedroad.pipelines.failures import user_frames
from pavedroad.pipelines.lazy import Lazy, check_mappable, describe_lazy, parts_of

if TYPE_CHECKING:
    from pavedroad.pipelines.composing import Pipeline
    from pavedroad.pipelines.steps import Step

# A loop that never ends would otherwise fill the memory before anyone reads why.
LARGEST_GRAPH = 50_000


class Node:
    """One call of a step, or one `.map` of it."""

    __slots__ = ("arguments", "index", "mapped", "name", "step")

    def __init__(
        self, index: int, name: str, step: Step[..., Any], arguments: dict[str, Any], mapped: tuple[str, ...]
    ) -> None:
        self.index = index
        self.name = name  # unique in its graph: `train`, `train_2`
        self.step = step
        self.arguments = arguments  # parameter -> value; values hold Lazy where another node's result goes
        self.mapped = mapped  # the parameters that get one item each; empty for a plain call

    def sources(self) -> Iterator[tuple[str, Lazy]]:
        """Every place where the result of another node goes in, with the parameter it goes to."""
        for name, value in self.arguments.items():
            for lazy in find_lazy(value):
                yield name, lazy


class Graph:
    """Nodes in the order of their calls, which is an order they can run in."""

    __slots__ = ("name", "nodes", "parameters", "result")

    def __init__(self, name: str, nodes: Sequence[Node], parameters: Mapping[str, Any], result: Any) -> None:
        self.name = name
        self.nodes = tuple(nodes)
        self.parameters = dict(parameters)
        self.result = result  # what the pipeline's function returned


class Trace:
    """Collects the calls while a pipeline's function runs."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._names: dict[str, int] = {}
        self._inside: list[Pipeline[..., Any]] = []

    @contextmanager
    def inside(self, pipeline: Pipeline[..., Any]) -> Iterator[None]:
        """A pipeline called by another one becomes part of it."""
        if pipeline in self._inside:
            names = " → ".join(each.name for each in (*self._inside, pipeline))
            raise DefinitionError(
                f"pipeline {pipeline.name!r} calls itself: {names}", hint="take the call out"
            )
        self._inside.append(pipeline)
        try:
            yield
        finally:
            self._inside.pop()

    def call(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Lazy:
        arguments = _bind(step, args, kwargs)
        for name, value in arguments.items():
            _check(step, name, step.hint_of(name), value)
        return self._add(step, arguments, (), step.returns)

    def map(self, step: Step[..., Any], lists: tuple[Any, ...], fixed: dict[str, Any]) -> Lazy:
        if not lists:
            raise DefinitionError(
                f"{step.name}.map needs a list to go over", hint=f"{step.name}.map(items, other=value)"
            )
        arguments = _bind(step, lists, fixed)
        mapped = step.positional[: len(lists)]
        if len(mapped) < len(lists):
            raise DefinitionError(
                f"{step.name}.map cannot go over `*{step.variadic}`", hint="give the parameters names"
            )
        sizes = {}
        for name, value in arguments.items():
            if name in mapped:
                sizes[name] = _check_mapped(step, name, value)
            else:
                _check(step, name, step.hint_of(name), value)
        known = {size for size in sizes.values() if size is not None}
        if len(known) > 1:
            told = " and ".join(f"{name} with {size}" for name, size in sizes.items() if size is not None)
            raise DefinitionError(
                f"{step.name}.map goes over lists of different lengths: {told}", hint="make them equal"
            )
        return self._add(step, arguments, tuple(mapped), list[step.returns])  # type: ignore[name-defined]

    def _add(
        self, step: Step[..., Any], arguments: dict[str, Any], mapped: tuple[str, ...], returns: Any
    ) -> Lazy:
        if len(self.nodes) >= LARGEST_GRAPH:
            raise DefinitionError(
                f"this pipeline calls steps more than {LARGEST_GRAPH:,} times",
                hint="use `step.map` over a list",
            )
        times = self._names[step.name] = self._names.get(step.name, 0) + 1
        name = step.name if times == 1 else f"{step.name}_{times}"
        node = Node(len(self.nodes), name, step, arguments, mapped)
        self.nodes.append(node)
        return Lazy(node, (), returns)


class _Current(threading.local):
    trace: Trace | None = None


_CURRENT = _Current()


def current_trace() -> Trace | None:
    """The trace under way in this thread; None where steps and pipelines are plain functions."""
    return _CURRENT.trace


def build(pipeline: Pipeline[..., Any], parameters: Mapping[str, Any]) -> Graph:
    """Call the pipeline's function and keep what it would do.

    Raises: DefinitionError for anything that cannot become a graph, including an exception of the function
    itself.
    """
    trace = Trace()
    _CURRENT.trace = trace
    try:
        with trace.inside(pipeline):
            result = pipeline.function(**parameters)
    except PavedError:
        raise
    except RecursionError:
        raise DefinitionError(
            f"pipeline {pipeline.name!r} never ends: it calls itself", hint="take the call out"
        ) from None
    except Exception as error:
        where = user_frames(error)[-1:] or [""]
        raise DefinitionError(
            f"pipeline {pipeline.name!r} cannot be built: {type(error).__name__}: {error}",
            hint=f"look at {where[0]}" if where[0] else "",
        ) from error
    finally:
        _CURRENT.trace = None
    if not trace.nodes:
        raise DefinitionError(
            f"pipeline {pipeline.name!r} calls no steps", hint="call a @paved.step function in it"
        )
    if inspect.iscoroutine(result) or inspect.isgenerator(result):
        raise DefinitionError(
            f"pipeline {pipeline.name!r} yields or awaits", hint="write it as a plain function that returns"
        )
    return Graph(pipeline.name, trace.nodes, parameters, result)


def find_lazy(value: Any) -> Iterator[Lazy]:
    """The lazy values in an argument, also inside lists, tuples and dicts."""
    if isinstance(value, Lazy):
        yield value
    elif type(value) in (list, tuple, set):
        for item in value:
            yield from find_lazy(item)
    elif type(value) is dict:
        for item in value.values():
            yield from find_lazy(item)


def _bind(step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    try:
        bound = step.signature.bind(*args, **kwargs)
    except TypeError as error:
        raise DefinitionError(
            f"{step.name}() is called wrongly: {error}", hint=f"it takes {step.name}{step.signature}"
        ) from None
    bound.apply_defaults()
    return dict(bound.arguments)


def _check(step: Step[..., Any], name: str, wanted: Any, value: Any) -> None:
    if name == step.variadic:
        for item in value:
            _check_one(step, f"*{name}", wanted, item)
    elif name == step.keywords:
        for key, item in value.items():
            _check_one(step, key, wanted, item)
    else:
        _check_one(step, name, wanted, value)


def _check_one(step: Step[..., Any], name: str, wanted: Any, value: Any) -> None:
    if isinstance(value, Lazy):
        node, _, given = parts_of(value)
        if not fits(given, wanted):
            raise DefinitionError(
                f"step {step.name!r} takes {name}: {describe(wanted)},"
                f" but step {node.name!r} gives {describe(given)}",
                hint="correct one of the two annotations, or convert the value in a step between",
            )
    elif type(value) in (list, tuple) and any(True for _ in find_lazy(value)):
        for item in value:
            _check_one(step, name, item_of(wanted) if value_fits(value, wanted) else wanted, item)
    elif value is not step.default_of(name) and not value_fits(value, wanted):
        raise DefinitionError(
            f"step {step.name!r} takes {name}: {describe(wanted)}, but is given {_shown(value)}",
            hint="correct the value or the annotation",
        )


def _check_mapped(step: Step[..., Any], name: str, value: Any) -> int | None:
    """Check a list that `.map` goes over; its length when it is known already."""
    wanted = step.hint_of(name)
    if isinstance(value, Lazy):
        check_mappable(value, step.name)
        node, _, hint = parts_of(value)
        given = item_of(hint) if hint is not ANY else ANY
        if not fits(given, wanted):
            raise DefinitionError(
                f"step {step.name!r} takes {name}: {describe(wanted)},"
                f" but the list of step {node.name!r} holds {describe(given)}",
                hint="correct one of the two annotations, or convert the items in a step between",
            )
        return None
    if not isinstance(value, list | tuple | range):
        raise DefinitionError(
            f"{step.name}.map goes over lists, not {_shown(value)}",
            hint=f"pass it by name when it is the same for every item: {step.name}.map(items, {name}=...)",
        )
    for item in value:
        _check_one(step, name, wanted, item)
    return len(value)


def _shown(value: Any) -> str:
    if isinstance(value, Lazy):
        return describe_lazy(value)
    text = repr(value)
    return f"{type(value).__name__} {text}" if len(text) <= 60 else f"a {type(value).__name__}"
