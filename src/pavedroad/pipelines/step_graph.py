"""The graph of a run as a picture: one node for each place in the graph, however often a `.map` called it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from pavedroad.kit.clock import duration
from pavedroad.kit.layers import Arc, Node, draw_layers
from pavedroad.kit.svg import Svg
from pavedroad.pipelines.lost import why_lost
from pavedroad.pipelines.store import PipelineRow, StepRow
from pavedroad.web.states import state_of

WORST_FIRST = ("FAILED", "KILLED", "RUNNING", "miss", "off", "hit")


class GraphStep(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the graph with what its calls say together."""

    name: str
    needs: list[str]
    verdict: str  # hit, miss, off, RUNNING, FAILED, KILLED; SCHEDULED before its first call
    calls: int
    cached: int
    duration_ms: int
    peak_memory_bytes: int
    because: str
    step_run_id: str  # of the call that decided the verdict

    @property
    def note(self) -> str:
        word = state_of(self.verdict).word
        if not self.calls:
            return word
        if self.calls > 1:
            return f"{self.calls} calls, {self.cached} cached, {duration(self.duration_ms)}"
        return f"{word}, {duration(self.duration_ms)}" if self.duration_ms else word


def graph_of(
    pipeline: PipelineRow, steps: Iterable[StepRow], running: Mapping[str, str] | None = None
) -> list[GraphStep]:
    """In the order of the graph; calls of a node that the graph does not know come last.

    `running` maps steps that have begun and not ended to their step runs.
    """
    begun = {step.partition("[")[0]: step_run_id for step, step_run_id in (running or {}).items()}
    calls: dict[str, list[StepRow]] = {node.name: [] for node in pipeline.graph}
    for step in steps:
        calls.setdefault(step.node or step.step, []).append(step)
    needs = {node.name: list(node.needs) for node in pipeline.graph}
    is_over = pipeline.status != "RUNNING"
    together = [_together(name, needs.get(name, []), rows, is_over=is_over) for name, rows in calls.items()]
    return [
        msgspec.structs.replace(node, verdict="RUNNING", step_run_id=begun[node.name])
        if node.name in begun and node.verdict != "FAILED"
        else node
        for node in together
    ]


def is_lost(pipeline: PipelineRow) -> bool:
    """Whether the run says that it is running while its process is gone."""
    return pipeline.status == "RUNNING" and bool(why_lost(pipeline.process, pipeline.heartbeat_ms))


def draw_steps(steps: Iterable[GraphStep]) -> Svg:
    steps = list(steps)
    nodes = []
    for step in steps:
        state = state_of(step.verdict)
        nodes.append(
            Node(
                key=step.name,
                label=step.name,
                note=step.note,
                mark=state.mark,
                tone=state.tone,
                href=f"/runs/{step.step_run_id}" if step.step_run_id else "",
                title=f"{step.name}: {step.note}" + (f"; {step.because}" if step.because else ""),
            )
        )
    arcs = [Arc(source=need, target=step.name) for step in steps for need in step.needs]
    return draw_layers(nodes, arcs, title="Steps of the pipeline")


def _together(name: str, needs: list[str], rows: list[StepRow], *, is_over: bool) -> GraphStep:
    if not rows:
        return GraphStep(
            name=name,
            needs=needs,
            verdict="skipped" if is_over else "SCHEDULED",
            calls=0,
            cached=0,
            duration_ms=0,
            peak_memory_bytes=0,
            because="",
            step_run_id="",
        )
    worst = min(rows, key=lambda row: WORST_FIRST.index(_verdict(row)))
    return GraphStep(
        name=name,
        needs=needs,
        verdict=_verdict(worst),
        calls=len(rows),
        cached=sum(_verdict(row) == "hit" for row in rows),
        duration_ms=sum(max(0, row.duration_ms) for row in rows),
        peak_memory_bytes=max(row.peak_memory_bytes for row in rows),
        because=worst.because,
        step_run_id=worst.step_run_id,
    )


def _verdict(row: StepRow) -> str:
    """A finished call tells whether it came from the cache, another one what became of it."""
    if row.status == "FINISHED" and row.verdict in ("hit", "miss", "off"):
        return row.verdict
    return row.status if row.status in WORST_FIRST else "KILLED"
