"""Where a version comes from: the runs around it, who started them, and what they measured on which data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from pavedroad.errors import NotFound
from pavedroad.kit.sql import Reader
from pavedroad.registry.gate import Measured, Subject
from pavedroad.tracking import (
    DatasetInput,
    LoggedModel,
    Metric,
    Run,
    get_logged_model,
    get_run,
    run_inputs,
    run_models,
    search_runs,
)
from pavedroad.tracking.model import CONTEXT_TAG, PARENT_TAG

PROJECT_TAG, PIPELINE_TAG, STEP_TAG = "paved.project", "paved.pipeline", "paved.step"
MODELS_TAG = "paved.models"  # ids of logged models, with commas between
COMMIT_TAG = "mlflow.source.git.commit"
# What people call the data that a model is judged on; the other contexts are what it learned from.
EVALUATION_CONTEXTS = ("eval", "evaluation", "test", "testing", "validation", "valid", "val", "holdout")
MOST_STEPS = 200


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that a version comes from, the one that speaks for it first, and its logged model."""

    runs: tuple[
        Run, ...
    ] = ()  # pipeline run, the run itself, other steps; then the same around the logged model
    model: LoggedModel | None = None
    made_several: bool = False  # these runs made other models, too: what they logged may be about those

    @property
    def run(self) -> Run | None:
        return self.runs[0] if self.runs else None

    def tag(self, key: str) -> str:
        return next((run.tags[key] for run in self.runs if run.tags.get(key)), "")

    @property
    def users(self) -> list[str]:
        return list(dict.fromkeys(run.user for run in self.runs if run.user))


def provenance_of(reader: Reader, run_id: str, model_id: str) -> Provenance:
    """What is still on the record of the run and the logged model; never NotFound."""
    model = _logged_model(reader, model_id)
    runs: dict[str, Run] = {}
    for start in (run_id, model.source_run_id if model else ""):
        for run in _around(reader, start):
            runs.setdefault(run.id, run)
    made = {made.model_id for run in runs.values() for made in run_models(reader, run.id)[1]}
    made |= {name for run in runs.values() for name in run.tags.get(MODELS_TAG, "").split(",") if name}
    return Provenance(runs=tuple(runs.values()), model=model, made_several=len(made) > 1)


def subject_of(reader: Reader, title: str, provenance: Provenance) -> Subject:
    """The metrics that count for a version: those that say more surely that they are about it come first."""
    data = {run.id: _evaluation_data(run_inputs(reader, run.id)) for run in provenance.runs}
    metrics: dict[str, list[Measured]] = {}
    for layer in _layers(provenance, data):
        found: dict[str, dict[tuple[str, tuple[str, ...]], Measured]] = {}
        for measured in layer:
            same = (repr(measured.value), measured.datasets)
            found.setdefault(measured.key, {}).setdefault(same, measured)
        for key, values in found.items():
            metrics.setdefault(key, list(values.values()))
    return Subject(title=title, metrics=metrics)


def _layers(provenance: Provenance, data: dict[str, tuple[str, ...]]) -> Iterator[list[Measured]]:
    """Surest first: the model's on evaluation data, runs' that made only this model, the model's, steps'."""
    anywhere = next((digests for digests in data.values() if digests), ())
    judged_on = {digest for digests in data.values() for digest in digests}
    points = list(_last_points(provenance.model.metrics, judged_on)) if provenance.model else []
    of_model = [
        _measured(point, point.run_id, "logged model", _dataset(point) or anywhere) for point in points
    ]
    yield [each for each, point in zip(of_model, points, strict=True) if point.dataset_digest in judged_on]
    if provenance.made_several:
        yield of_model
    for run in provenance.runs:
        if not run.tags.get(STEP_TAG):
            yield [_measured(metric, run.id, "run", data[run.id] or anywhere) for metric in run.metrics]
    yield of_model
    yield [
        _measured(metric, run.id, f"step {run.tags[STEP_TAG]}", data[run.id] or anywhere)
        for run in provenance.runs
        if run.tags.get(STEP_TAG)
        for metric in run.metrics
    ]


def _measured(metric: Metric, run_id: str, where: str, datasets: tuple[str, ...]) -> Measured:
    return Measured(key=metric.key, value=metric.value, run_id=run_id, where=where, datasets=datasets)


def _last_points(metrics: Iterable[Metric], judged_on: set[str]) -> Iterator[Metric]:
    """Of every key, run and data set the last point; only those on evaluation data where there are any."""
    last: dict[str, dict[tuple[str, str], Metric]] = {}
    for metric in sorted(metrics, key=lambda metric: (metric.step, metric.at_ms)):
        last.setdefault(metric.key, {})[metric.run_id, metric.dataset_digest] = metric
    for points in last.values():
        judged = [metric for (_, digest), metric in points.items() if digest in judged_on]
        yield from judged or points.values()


def _dataset(metric: Metric) -> tuple[str, ...]:
    return (metric.dataset_digest,) if metric.dataset_digest else ()


def _evaluation_data(inputs: Iterable[DatasetInput]) -> tuple[str, ...]:
    found = {each.digest for each in inputs if each.tags.get(CONTEXT_TAG, "").lower() in EVALUATION_CONTEXTS}
    return tuple(sorted(found))


def _around(reader: Reader, run_id: str) -> Iterator[Run]:
    """The pipeline run above a run, the run itself, then the other steps."""
    run = _run(reader, run_id)
    if run is None:
        return
    above = _run(reader, run.tags.get(PARENT_TAG, ""))
    if above is not None:
        yield above
    yield run
    top = above or run
    if top.tags.get(PIPELINE_TAG):
        quoted = f"tags.`{PARENT_TAG}` = '{top.id}'"
        yield from search_runs(reader, [top.experiment_id], quoted, view="ALL", max_results=MOST_STEPS)[0]


def _run(reader: Reader, run_id: str) -> Run | None:
    try:
        return get_run(reader, run_id) if run_id else None
    except NotFound:
        return None


def _logged_model(reader: Reader, model_id: str) -> LoggedModel | None:
    try:
        return get_logged_model(reader, model_id, allow_deleted=True) if model_id else None
    except NotFound:
        return None
