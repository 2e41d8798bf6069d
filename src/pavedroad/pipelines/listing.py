"""Runs as a list: those of pipelines and those that MLflow clients started, without the steps inside."""

from __future__ import annotations

import msgspec

from pavedroad.errors import Invalid, did_you_mean
from pavedroad.kit.sql import Reader
from pavedroad.tracking import Run
from pavedroad.tracking.model import LOST, RUN_STATUSES
from pavedroad.tracking.run_values import with_values
from pavedroad.tracking.runs_query import RunsQuery, check_query, page_of, scope_of

SHOWN_METRICS = 4
STATUSES = (*RUN_STATUSES, LOST)


class ListedRun(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    name: str
    kind: str  # pipeline, or empty for a run of an MLflow client
    project: str
    status: str
    started_ms: int
    duration_ms: int | None = None
    metrics: dict[str, float] = {}


def narrowed(query: RunsQuery, *, pipeline: str = "", status: str = "") -> RunsQuery:
    """The query, and besides only runs of a pipeline or in a state. Raises Invalid."""
    check_query(query)  # alone, so that a refusal shows what was typed
    conditions = [f"({query.filter})"] if query.filter else []
    if status:
        if status.upper() not in STATUSES:
            raise Invalid(f"unknown status {status!r}", hint=did_you_mean(status.upper(), STATUSES))
        conditions.append(f"attributes.status = '{status.upper()}'")
    if pipeline:
        name = pipeline.replace("'", "''")
        conditions.append(f"tags.`paved.pipeline` = '{name}'")
    return msgspec.structs.replace(query, filter=" AND ".join(conditions))


def list_runs(reader: Reader, query: RunsQuery, *, limit: int) -> list[ListedRun]:
    """The first runs that match, in the order of the query."""
    page = page_of(reader, query, scope_of(reader, query), offset=0, limit=limit)
    return [_listed(run) for run in with_values(reader, page.rows)]


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
