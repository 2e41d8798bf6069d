"""Writes a pipeline run to the record: MLflow runs, our own tables, lineage and the journal, while the
steps go on.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import msgspec

from pavedroad.catalog import Project, Ref, add_edge, ensure_artifact, pipeline_ref, write_fact
from pavedroad.environments import Environment
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import put_bytes
from pavedroad.kit.sql import Transaction
from pavedroad.pipelines import facts, store
from pavedroad.pipelines.keys import CodeParts
from pavedroad.pipelines.openlineage import Lineage
from pavedroad.pipelines.surroundings import Source, this_process
from pavedroad.pipelines.values.model import Value
from pavedroad.pipelines.writes import OrderedWrites
from pavedroad.record import Record
from pavedroad.tracking import (
    Metric,
    RunModel,
    beat,
    create_logged_model,
    end_run,
    ensure_experiment,
    finish_logged_model,
    get_run,
    log_batch,
    log_inputs,
    log_logged_model_params,
    log_outputs,
    logged_models_of_run,
    put_file,
    root_of,
    start_run,
)

PARAM_LENGTH = 500  # of a parameter as shown; MLflow keeps 6,000


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is being run."""

    project: Project
    pipeline: str
    target: str
    parameters: dict[str, str]
    graph: tuple[store.GraphNode, ...]
    who: str

    @property
    def ref(self) -> Ref:
        """The pipeline in the catalog."""
        return pipeline_ref(self.project.name, self.pipeline)


class StepDone(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known when a step has ended."""

    row: store.StepRow
    code: CodeParts | None
    params: dict[str, str]
    tags: dict[str, str]
    inputs: tuple[tuple[str, facts.Dataset], ...] = ()  # parameter, data
    entry: store.CacheEntry | None = None  # a hit: where the result comes from; a miss: what to keep
    traceback: str = ""
    used_mlflow: bool = False
    is_item: bool = False  # one of a `.map`


class Recorder:
    """One run's writer. Its methods may be called from any thread."""

    def __init__(
        self, record: Record, about: About, *, note: Callable[[str], None] = lambda text: None
    ) -> None:
        self.run_id = uuid.uuid4().hex
        target = record.settings.openlineage
        self._lineage = (
            Lineage(
                target, project=about.project.name, pipeline=about.pipeline, run_id=self.run_id, note=note
            )
            if target
            else None
        )
        self.experiment_id = ""
        self.about = about
        self.started_ms = now_ms()
        self._record = record
        self._writes = OrderedWrites(record.db)
        self._started: set[str] = set()  # step runs whose row is written or on its way
        self._alive: set[str] = set()  # those of them that have not ended
        self._codes: set[str] = set()
        self._done: list[StepDone] = []
        self._metrics: dict[str, dict[str, float]] = {}  # of step runs, as known after their transaction
        self._models: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------------------------------ the run

    def open(self) -> None:
        """Make the run known; after this, a process that dies leaves a run that says where it was."""
        process = this_process()
        row = store.PipelineRow(
            run_id=self.run_id,
            project=self.about.project.name,
            pipeline=self.about.pipeline,
            target=self.about.target,
            graph=self.about.graph,
            host=process.host,
            boot=process.boot,
            pid=process.pid,
            process_started=process.started,
            started_ms=self.started_ms,
        )
        self.experiment_id = self._record.db.write(lambda tx: self._open(tx, row))
        if self._lineage is not None:
            self._lineage.run_started(self.started_ms)

    def _open(self, tx: Transaction, row: store.PipelineRow) -> str:
        about, who = self.about, self.about.who
        experiment = ensure_experiment(tx, about.project.name, who=who)
        start_run(
            tx,
            run_id=self.run_id,
            experiment_id=experiment.id,
            name=about.pipeline,
            user=who,
            start_ms=self.started_ms,
            tags={
                **_tags(about, "pipeline"),
                "paved.target": about.target,
                "paved.host": row.host,
                "paved.pid": str(row.pid),
                "mlflow.source.name": about.target,
                "mlflow.source.type": "PROJECT",
                "mlflow.user": who,
            },
            params={facts.as_key(name): value[:PARAM_LENGTH] for name, value in about.parameters.items()},
        )
        beat(tx, [self.run_id], self.started_ms)
        store.insert_pipeline_run(tx, row)
        store.write_project(tx, about.project, run_id=self.run_id, at_ms=self.started_ms)
        project = Ref("project", about.project.name)
        description = about.project.description
        # What runs is past its draft; where it goes from there, people say.
        for ref, says in ((project, description), (about.ref, "")):
            ensure_artifact(tx, ref, who=who, owner=about.project.owner, description=says, stage="experiment")
        add_edge(tx, about.ref, "part-of", project)
        return experiment.id

    def surroundings(self, source: Source, environment: Environment) -> None:
        """Say what code and which installed packages the run used."""
        tags = {
            "paved.environment": environment.digest[: facts.SHORT_DIGEST],
            "paved.python": environment.python,
            "paved.dirty": str(source.is_dirty).lower(),
        }
        if environment.lock_file:
            tags["paved.lock"] = f"{environment.lock_file}@{environment.lock_digest[: facts.SHORT_DIGEST]}"
        if source.commit:
            tags["mlflow.source.git.commit"] = source.commit
        if source.branch and source.branch != "HEAD":
            tags["mlflow.source.git.branch"] = source.branch
        if source.untracked:
            tags["paved.untracked"] = ", ".join(source.untracked)[:PARAM_LENGTH]
        diff = put_bytes(self._record.files, source.diff.encode(), durable=False) if source.diff else None

        def write(tx: Transaction) -> None:
            log_batch(tx, self.run_id, tags=tags)
            store.write_environment(tx, self.run_id, environment)
            if diff is not None:
                put_file(tx, self.files_root(self.run_id), "source/uncommitted.diff", diff)

        self._writes.add(write)

    def alive(self) -> list[str]:
        """The run and the runs of the steps that run now."""
        with self._lock:
            return [self.run_id, *self._alive]

    def send(self) -> None:
        self._writes.send()

    def wait(self) -> None:
        self._writes.wait()

    def close(self, status: str, *, error: str = "") -> dict[str, float]:
        """End the run and wait until all of it is on disk; the run's own metrics."""
        self._writes.wait()
        metrics: dict[str, float] = {}
        self._writes.add(lambda tx: self._close(tx, status, error, metrics))
        self._writes.wait()
        if self._lineage is not None:
            done = self.steps_done()
            used, made = self._files_used(done), self._data_made(done)
            self._lineage.run_ended(status, now_ms(), error=error, inputs=used, outputs=made)
            self._lineage.close()
        return metrics

    def files_root(self, run_id: str) -> str:
        return f"{self.experiment_id}/{run_id}/artifacts"

    # ------------------------------------------------------------------------------------ its steps

    def step_started(self, step_run_id: str, step: str, started_ms: int) -> None:
        """Show a step while it runs. Without this, it is written when it has ended."""
        with self._lock:
            if step_run_id in self._started:
                return
            self._started.add(step_run_id)
            self._alive.add(step_run_id)
        tags = self._step_tags(step)
        self._writes.add(lambda tx: self._start_step(tx, step_run_id, step, started_ms, tags, {}))

    def step_done(self, done: StepDone) -> None:
        with self._lock:
            is_new = done.row.step_run_id not in self._started
            self._started.add(done.row.step_run_id)
            self._alive.discard(done.row.step_run_id)
            self._done.append(done)
            is_new_code = done.code is not None and done.code.digest not in self._codes
            if done.code is not None:
                self._codes.add(done.code.digest)
        traceback = None
        if done.traceback:
            traceback = put_bytes(
                self._record.files, done.traceback.encode("utf-8", "replace"), durable=False
            )

        def write(tx: Transaction) -> None:
            if is_new_code and done.code is not None:
                store.write_code_parts(tx, done.code)
            self._write_step(tx, done, is_new=is_new)
            if traceback is not None:
                put_file(tx, self.files_root(done.row.step_run_id), "traceback.txt", traceback)

        self._writes.add(write)
        if self._lineage is not None:
            self._tell_lineage(self._lineage, done)

    def _tell_lineage(self, lineage: Lineage, done: StepDone) -> None:
        row = done.row
        lineage.step(
            row.step_run_id,
            row.step,
            row.status,
            started_ms=row.started_ms,
            ended_ms=row.ended_ms,
            inputs=[data for _, data in self._data_of(done)],
            outputs=self._data_of_output(row),
            error=row.because if row.status != "FINISHED" else "",
            traceback=done.traceback,
        )

    def steps_done(self) -> list[StepDone]:
        return sorted(self._done, key=lambda done: (done.row.position, done.row.step))

    def _step_tags(self, step: str) -> dict[str, str]:
        return {**_tags(self.about, "step"), "paved.step": step, "mlflow.parentRunId": self.run_id}

    def _start_step(
        self,
        tx: Transaction,
        step_run_id: str,
        step: str,
        started_ms: int,
        tags: dict[str, str],
        params: dict[str, str],
    ) -> None:
        start_run(
            tx,
            run_id=step_run_id,
            experiment_id=self.experiment_id,
            name=step,
            user=self.about.who,
            start_ms=started_ms,
            tags=tags,
            params=params,
        )
        beat(tx, [step_run_id], started_ms)

    def _write_step(self, tx: Transaction, done: StepDone, *, is_new: bool) -> None:
        row, is_hit = done.row, done.row.verdict == "hit"
        entry = done.entry
        params = {**(entry.params if is_hit and entry else {}), **done.params}
        tags = {**done.tags, "paved.cache": row.verdict}
        if is_hit and entry and entry.models:
            tags["paved.models"] = ",".join(entry.models)
        if is_new:
            self._start_step(
                tx, row.step_run_id, row.step, row.started_ms, {**self._step_tags(row.step), **tags}, params
            )
        metrics = entry.metrics if is_hit and entry else facts.metrics_of(row.output)
        if metrics or not is_new:
            points = [Metric(key=key, value=value, at_ms=row.ended_ms) for key, value in metrics.items()]
            log_batch(
                tx,
                row.step_run_id,
                metrics=points,
                params={} if is_new else params,
                tags={} if is_new else tags,
            )
        if done.inputs or facts.evaluations_of(row.output):
            log_inputs(
                tx, row.step_run_id, [data.as_input(parameter) for parameter, data in self._data_of(done)]
            )
        models = entry.models if is_hit and entry else self._write_models(tx, row)
        if done.used_mlflow:
            metrics, params, models = _logged_by_client(tx, row.step_run_id, models)
        end_run(tx, row.step_run_id, row.status, row.ended_ms)
        self._metrics[row.step_run_id], self._models[row.step_run_id] = metrics, models
        self._write_cache(tx, done, metrics, params if done.used_mlflow else {}, models)

    def _write_cache(
        self,
        tx: Transaction,
        done: StepDone,
        metrics: dict[str, float],
        params: dict[str, str],
        models: tuple[str, ...],
    ) -> None:
        store.write_step(tx, done.row)
        if done.entry is not None and done.row.verdict != "hit":
            entry = msgspec.structs.replace(done.entry, metrics=metrics, params=params, models=models)
            store.write_entry(tx, entry)

    def _data_of(self, done: StepDone) -> list[tuple[str, facts.Dataset]]:
        return [*done.inputs, *(("eval", data) for data in facts.evaluations_of(done.row.output))]

    def _write_models(self, tx: Transaction, row: store.StepRow) -> tuple[str, ...]:
        values = facts.models_of(row.output) if row.status == "FINISHED" else []
        for value in values:
            self._write_model(tx, row, value)
        ids = tuple(value.detail["model_id"] for value in values)
        if ids:
            log_outputs(tx, row.step_run_id, [RunModel(model_id=model_id) for model_id in ids])
        return ids

    def _write_model(self, tx: Transaction, row: store.StepRow, value: Value) -> None:
        model = create_logged_model(
            tx,
            experiment_id=self.experiment_id,
            name=facts.as_model_name(value.detail["name"]),
            source_run_id=row.step_run_id,
            model_id=value.detail["model_id"],
            tags={"paved.step": row.step, "paved.pipeline": self.about.pipeline},
        )
        root = root_of(model.artifact_location)
        for file in value.files:
            put_file(tx, root, file.path, facts.as_stored(file))
        log_logged_model_params(tx, model.id, value.detail.get("params", {}))
        finish_logged_model(tx, model.id)

    # ------------------------------------------------------------------------------------ at its end

    def _close(self, tx: Transaction, status: str, error: str, metrics: dict[str, float]) -> None:
        ended_ms = now_ms()
        done = self.steps_done()
        metrics.clear()
        metrics.update(self._metrics_of_run(done))
        counts = {
            verdict: sum(each.row.verdict == verdict for each in done) for verdict in ("hit", "miss", "off")
        }
        models = self.models_of_run()
        tags = {f"paved.steps.{verdict}": str(number) for verdict, number in counts.items()}
        if models:
            tags["paved.models"] = ",".join(models)
        if error:
            tags["paved.error"] = error
        points = [Metric(key=key, value=value, at_ms=ended_ms) for key, value in metrics.items()]
        log_batch(tx, self.run_id, metrics=points, tags=tags)
        self._close_lineage(tx, done)
        end_run(tx, self.run_id, status, ended_ms)
        store.finish_pipeline_run(tx, self.run_id, status, ended_ms)
        write_fact(
            tx,
            who=self.about.who,
            verb={"FINISHED": "ran", "KILLED": "stopped"}.get(status, "failed"),
            artifact=self.about.ref,
            run_id=self.run_id,
            payload={"status": status, "duration_ms": ended_ms - self.started_ms, **counts, "error": error},
        )

    def models_of_run(self) -> tuple[str, ...]:
        """Ids of the logged models that its steps gave, cached ones included."""
        ids = (model for each in self.steps_done() for model in self._models.get(each.row.step_run_id, ()))
        return tuple(dict.fromkeys(ids))

    def _metrics_of_run(self, done: list[StepDone]) -> dict[str, float]:
        """What its steps measured, under their own names; when two measured the same, the later under its
        step's name.
        """
        found: dict[str, float] = {}
        for each in done:
            if each.is_item:
                continue
            for key, value in self._metrics.get(each.row.step_run_id, {}).items():
                found[key if key not in found else facts.as_key(f"{each.row.step}.{key}")] = value
        return found

    def _close_lineage(self, tx: Transaction, done: list[StepDone]) -> None:
        used: dict[tuple[str, str], tuple[str, facts.Dataset]] = {}
        for each in done:
            if not each.is_item:
                used |= {
                    (data.name, data.short_digest): (parameter, data)
                    for parameter, data in self._data_of(each)
                }
        log_inputs(tx, self.run_id, [data.as_input(parameter) for parameter, data in used.values()])
        for data in self._files_used(done):
            self._say(tx, "used", data)
        for data in self._data_made(done):
            self._say(tx, "produced", data)

    def _files_used(self, done: list[StepDone]) -> list[facts.Dataset]:
        files = [data for each in done for _, data in each.inputs if data.kind in ("file", "folder")]
        return list({(data.name, data.digest): data for data in files}.values())

    def _data_made(self, done: list[StepDone]) -> list[facts.Dataset]:
        """By steps that ran; the items of a map count as one whole, which nobody named."""
        made = [each.row for each in done if each.row.verdict != "hit" and not each.is_item]
        return [data for row in made for data in self._data_of_output(row)]

    def _data_of_output(self, row: store.StepRow) -> list[facts.Dataset]:
        if row.output is None:
            return []
        return facts.datasets_of(row.output, self.dataset_name(row.step), self.about.target)

    def dataset_name(self, step: str) -> str:
        """How the data a step gives are called: `late-flights.split`."""
        return f"{self.about.ref.name}.{step}"

    def _say(self, tx: Transaction, verb: str, data: facts.Dataset) -> None:
        ref = Ref("dataset", data.name, data.short_digest)
        ensure_artifact(tx, ref, who=self.about.who, description=data.shown)
        add_edge(tx, self.about.ref, verb, ref, run_id=self.run_id)


def _logged_by_client(
    tx: Transaction, step_run_id: str, models: tuple[str, ...]
) -> tuple[dict[str, float], dict[str, str], tuple[str, ...]]:
    """What `import mlflow` added to a step's run meanwhile."""
    run = get_run(tx, step_run_id)
    logged = [model.id for model in logged_models_of_run(tx, step_run_id)]
    return (
        {metric.key: metric.value for metric in run.metrics},
        run.params,
        tuple(dict.fromkeys([*models, *logged])),
    )


def _tags(about: About, kind: str) -> dict[str, str]:
    return {"paved.kind": kind, "paved.pipeline": about.pipeline, "paved.project": about.project.name}
