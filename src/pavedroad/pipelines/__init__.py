"""Steps and pipelines: composed as plain functions, cached by what decides their results, run on the
record.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavedroad.pipelines.composing import Pipeline, pipeline
    from pavedroad.pipelines.events import Event
    from pavedroad.pipelines.lost import mark_lost_runs
    from pavedroad.pipelines.running import PipelineRun, StepFailed, StepResult, project_of, run, run_pipeline
    from pavedroad.pipelines.steps import Resources, Step, step
    from pavedroad.pipelines.store import (
        GraphNode,
        PipelineRow,
        ProjectSnapshot,
        StepRow,
        find_step_by_step_run,
        get_pipeline_run,
        latest_project,
        newest_runs,
        project_of_run,
        read_environment,
        steps_of_run,
    )

# Loaded when asked for: defining a step must not cost the import of the record.
_MODULES = {
    "events": ("Event",),
    "lost": ("mark_lost_runs",),
    "composing": ("Pipeline", "pipeline"),
    "running": ("PipelineRun", "StepFailed", "StepResult", "project_of", "run", "run_pipeline"),
    "steps": ("Resources", "Step", "step"),
    "store": (
        "GraphNode",
        "PipelineRow",
        "ProjectSnapshot",
        "StepRow",
        "find_step_by_step_run",
        "get_pipeline_run",
        "latest_project",
        "newest_runs",
        "project_of_run",
        "read_environment",
        "steps_of_run",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Event",
    "GraphNode",
    "Pipeline",
    "PipelineRow",
    "PipelineRun",
    "ProjectSnapshot",
    "Resources",
    "Step",
    "StepFailed",
    "StepResult",
    "StepRow",
    "find_step_by_step_run",
    "get_pipeline_run",
    "latest_project",
    "mark_lost_runs",
    "newest_runs",
    "pipeline",
    "project_of",
    "project_of_run",
    "read_environment",
    "run",
    "run_pipeline",
    "step",
    "steps_of_run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
