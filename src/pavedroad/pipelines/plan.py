"""What a run would do: `paved run --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pavedroad.catalog import Project
from pavedroad.errors import PavedError
from pavedroad.kit.clock import now_ms
from pavedroad.pipelines.cache import Cache, Call, shown_parameter
from pavedroad.pipelines.composing import Pipeline
from pavedroad.pipelines.graph import build
from pavedroad.pipelines.keys import KeyMaker
from pavedroad.pipelines.parameters import convert_parameters
from pavedroad.pipelines.spread import spread
from pavedroad.pipelines.tasks import From, MapTask, Task, tasks_of
from pavedroad.pipelines.values.held import Held
from pavedroad.pipelines.values.model import LostValue
from pavedroad.pipelines.values.shelf import Shelf, tree_value
from pavedroad.pipelines.why import nearest, summarise
from pavedroad.record import Record

CACHED, RUN = "cached", "run"


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    step: str
    verdict: str  # cached or run
    because: str
    needs: tuple[str, ...] = ()
    output: str = ""  # of a cached one


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    pipeline: str
    project: str
    parameters: dict[str, str]
    steps: list[PlannedStep]


def make_plan(
    pipeline: Pipeline[..., Any],
    *,
    params: Mapping[str, Any],
    record: Record,
    project: Project,
    use_cache: bool = True,
) -> Plan:
    """Look up every step that can be looked up; nothing runs and nothing is written."""
    values = convert_parameters(pipeline, params)
    graph = build(pipeline, values)
    shelf = Shelf(record.files, record.settings.home / "work")
    cache = Cache(record, shelf, KeyMaker(project.root), root=project.root, use=use_cache)
    planner = _Planner(record, cache, shelf, use_cache=use_cache)
    steps = [step for task in tasks_of(graph) for step in planner.look_at(task)]
    return Plan(
        pipeline=graph.name,
        project=project.name,
        parameters={name: shown_parameter(name, value) for name, value in values.items()},
        steps=steps,
    )


class _Planner:
    def __init__(self, record: Record, cache: Cache, shelf: Shelf, *, use_cache: bool) -> None:
        self._record = record
        self._cache = cache
        self._shelf = shelf
        self._use_cache = use_cache

    def look_at(self, task: Task) -> list[PlannedStep]:
        needs = tuple(dict.fromkeys(source.task.node.name for _, source in task.sources()))
        waits = self._waits_for(task)
        if waits:
            return [_planned(task, RUN, f"input from {' and '.join(waits)} will change", needs)]
        if isinstance(task, MapTask):
            return self._look_at_items(task, needs)
        return [self._look_up(task, needs)]

    def _waits_for(self, task: Task) -> list[str]:
        """The steps before whose results are not known yet."""
        unknown = [
            source.task
            for _, source in task.sources()
            if isinstance(source, From) and source.task.held is None
        ]
        return list(dict.fromkeys(other.node.name for other in unknown))

    def _look_at_items(self, task: MapTask, needs: tuple[str, ...]) -> list[PlannedStep]:
        try:
            task.children = spread(task, self._shelf)
        except (LostValue, PavedError) as error:
            return [_planned(task, RUN, str(error), needs)]
        planned = [self._look_up(child, needs) for child in task.children]
        items = [child.held for child in task.children if child.held is not None]
        if len(items) == len(task.children):
            task.held = Held(tree_value("list", [], [item.value for item in items]), items=items)
        return planned or [_planned(task, CACHED, "goes over an empty list", needs)]

    def _look_up(self, task: Task, needs: tuple[str, ...]) -> PlannedStep:
        call = self._cache.call_of(task, str)
        if call.key is None:
            return _planned(task, RUN, f"not cached: {call.because}", needs)
        entry = self._cache.find(task, call)
        if entry is not None:
            task.held = Held.of(entry.output)
            return _planned(task, CACHED, f"same key as run {entry.run_id[:8]}", needs, entry.output.shown)
        return _planned(task, RUN, self._why(task, call), needs)

    def _why(self, task: Task, call: Call) -> str:
        if not self._use_cache:
            return "--no-cache"
        assert call.key is not None
        function = task.node.step.qualified_name
        found = nearest(self._record.db, function, call.code, call.key.inputs, "", now_ms() + 1)
        if found is None:
            return "never ran before"
        earlier, differences = found
        return summarise(differences) if differences else f"the result of run {earlier.run_id[:8]} is gone"


def _planned(task: Task, verdict: str, because: str, needs: tuple[str, ...], output: str = "") -> PlannedStep:
    return PlannedStep(step=task.name, verdict=verdict, because=because, needs=needs, output=output)
