"""Runs as a list: those of pipelines and those that MLflow clients started, without the steps inside."""

from __future__ import annotations

import msgspec

from pavedroad.errors import Invalid, did_you_mean
from pavedroad.kit.sql import Reader
from pavedroad.tracking import Run, search_experiments, search_runs

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "LOST")
TOP_LEVEL = "tags.`mlflow.parentRunId` IS NULL"
SHOWN_METRICS = 4


class ListedRun(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    name: str
    kind: str  # pipeline, or empty for a run of an MLflow client
    project: str
    status: str
    started_ms: int
    duration_ms: int | None = None
    metrics: dict[str, float] = {}


def list_runs(reader: Reader, *, limit: int, pipeline: str = "", status: str = "") -> list[ListedRun]:
    """Newest first. Raises Invalid for an unknown status."""
    conditions = [TOP_LEVEL]
    if status:
        if status.upper() not in STATUSES:
            raise Invalid(f"unknown status {status!r}", hint=did_you_mean(status.upper(), STATUSES))
        conditions.append(f"attributes.status = '{status.upper()}'")
    if pipeline:
        escaped = pipeline.replace("\\", "\\\\").replace("'", "\\'")
        conditions.append(f"tags.`paved.pipeline` = '{escaped}'")
    experiments, _ = search_experiments(reader, max_results=1000)
    ids = [experiment.id for experiment in experiments]
    found, _ = search_runs(
        reader,
        ids,
        filter=" AND ".join(conditions),
        order_by=["attributes.start_time DESC"],
        max_results=limit,
    )
    return [_listed(run) for run in found]


def _listed(run: Run) -> ListedRun:
    return ListedRun(
        run_id=run.id,
        name=run.name,
        kind=run.tags.get("paved.kind", ""),
        project=run.tags.get("paved.project", ""),
        status=run.status,
        started_ms=run.start_ms,
        duration_ms=None if run.end_ms is None else run.end_ms - run.start_ms,
        metrics={metric.key: metric.value for metric in run.metrics[:SHOWN_METRICS]},
    )
