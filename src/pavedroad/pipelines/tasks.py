"""What the engine works on: a task for every call of a step, made from the graph, and more while it runs
(`.map`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pavedroad.pipelines.graph import Graph, Node
from pavedroad.pipelines.lazy import Lazy, parts_of
from pavedroad.pipelines.values.held import Held, private


class From:
    """The result of another task, or one item of it."""

    __slots__ = ("path", "task")

    def __init__(self, task: Task, path: tuple[int, ...]) -> None:
        self.task = task
        self.path = path

    @property
    def held(self) -> Held:
        assert self.task.held is not None, f"{self.task.name} has no result yet"
        return self.task.held.at(self.path)

    @property
    def shown(self) -> str:
        return self.task.name + "".join(f"[{place}]" for place in self.path)


class Item:
    """An item of a list that has been there when a `.map` was spread over it."""

    __slots__ = ("held", "shown", "task")

    def __init__(self, held: Held, task: Task, shown: str) -> None:
        self.held = held
        self.task = task
        self.shown = shown


Source = From | Item


class Task:
    """One call, with its arguments: constants, and sources where results of others go."""

    __slots__ = (
        "arguments", "attempt", "claims", "dependents", "error", "held", "is_done", "is_forced", "name",
        "node", "part_of", "position", "started_ms", "step_run_id", "traceback", "waiting",
    )  # fmt: skip

    def __init__(
        self, node: Node, name: str, position: int, arguments: dict[str, Any], part_of: MapTask | None = None
    ) -> None:
        self.node = node
        self.name = name
        self.position = position
        self.arguments = arguments
        self.part_of = part_of
        self.waiting = 0  # tasks whose results are still missing
        self.dependents: list[Task] = []
        self.claims: list[tuple[int, ...]] = []  # who will take what of the result
        self.held: Held | None = None
        self.is_done = False
        self.is_forced = False  # its stored result is lost: the cache must not answer
        self.attempt = 0
        self.started_ms = 0
        self.step_run_id = ""
        self.error: BaseException | None = None
        self.traceback = ""

    def sources(self) -> Iterator[tuple[str, Source]]:
        """Every result that goes in, with its parameter."""
        for name, value in self.arguments.items():
            for source in find_sources(value):
                yield name, source


class MapTask(Task):
    """A `.map` call: becomes one task per item, as soon as the number of items is known."""

    __slots__ = ("children", "left")

    def __init__(self, node: Node, name: str, position: int, arguments: dict[str, Any]) -> None:
        super().__init__(node, name, position, arguments)
        self.children: list[Task] = []
        self.left = 0  # children without a result


def tasks_of(graph: Graph) -> list[Task]:
    """One task per node, in the order of the graph."""
    tasks: list[Task] = []

    def to_source(lazy: Lazy) -> From:
        node, path, _ = parts_of(lazy)
        return From(tasks[node.index], path)

    for node in graph.nodes:
        arguments = {name: replace_lazy(value, to_source) for name, value in node.arguments.items()}
        kind = MapTask if node.mapped else Task
        tasks.append(kind(node, node.name, node.index, arguments))
    return tasks


def replace_lazy(value: Any, to_source: Callable[[Lazy], Any]) -> Any:
    if isinstance(value, Lazy):
        return to_source(value)
    if type(value) in (list, tuple):
        return type(value)([replace_lazy(item, to_source) for item in value])
    if type(value) is dict:
        return {key: replace_lazy(item, to_source) for key, item in value.items()}
    return value


def find_sources(value: Any) -> Iterator[Source]:
    if isinstance(value, From | Item):
        yield value
    elif type(value) in (list, tuple):
        for item in value:
            yield from find_sources(item)
    elif type(value) is dict:
        for item in value.values():
            yield from find_sources(item)


def fill(value: Any, get: Callable[[Source], Any]) -> Any:
    """An argument with its sources replaced by what they give, and its constants by copies of its own."""
    if isinstance(value, From | Item):
        return get(value)
    if type(value) in (list, tuple):
        return type(value)([fill(item, get) for item in value])
    if type(value) is dict:
        return {key: fill(item, get) for key, item in value.items()}
    return private(value)


def has_sources(value: Any) -> bool:
    return next(find_sources(value), None) is not None
