"""Pavedroad: the tooling and the processes that take a model from an empty folder to a gated service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavedroad.errors import PavedError
    from pavedroad.models import Evaluation, Model
    from pavedroad.pipelines import Pipeline, PipelineRun, Step, StepFailed, pipeline, run, step

# What `import pavedroad as paved` promises. Each is loaded when it is first used: the import costs nothing.
_HOMES = {
    "Evaluation": "pavedroad.models",
    "Model": "pavedroad.models",
    "PavedError": "pavedroad.errors",
    "Pipeline": "pavedroad.pipelines",
    "PipelineRun": "pavedroad.pipelines",
    "Step": "pavedroad.pipelines",
    "StepFailed": "pavedroad.pipelines",
    "pipeline": "pavedroad.pipelines",
    "run": "pavedroad.pipelines",
    "step": "pavedroad.pipelines",
}

__all__ = [
    "Evaluation",
    "Model",
    "PavedError",
    "Pipeline",
    "PipelineRun",
    "Step",
    "StepFailed",
    "pipeline",
    "run",
    "step",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pavedroad' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
