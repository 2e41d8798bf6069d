"""Where runs of pipelines, their steps and the cache are kept. Reading takes a Reader, writing a
Transaction.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pavedroad.catalog import Project
from pavedroad.environments import Environment
from pavedroad.errors import NotFound, did_you_mean
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.pipelines.keys import CodeParts, Part
from pavedroad.pipelines.surroundings import Process
from pavedroad.pipelines.values.model import Value

SQL = load_queries("pavedroad.pipelines")
_VALUE = msgspec.json.Decoder(Value)
_PARTS = msgspec.json.Decoder(dict[str, Part])
_encode = msgspec.json.Encoder().encode


class GraphNode(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a run's graph, before anything ran."""

    name: str
    function: str
    needs: tuple[str, ...] = ()  # names of the nodes whose results it takes
    is_map: bool = False


class PipelineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a pipeline, and the process it runs in."""

    run_id: str
    project: str
    pipeline: str
    target: str  # `late_flights.pipeline:late_flights`
    status: str = "RUNNING"
    graph: tuple[GraphNode, ...] = ()
    environment: str = ""  # digest
    host: str
    boot: str
    pid: int
    process_started: str
    started_ms: int
    heartbeat_ms: int = 0

    @property
    def process(self) -> Process:
        return Process(host=self.host, boot=self.boot, pid=self.pid, started=self.process_started)


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a step in a run."""

    run_id: str
    step: str  # `train`, `clean[3]`
    node: str  # `clean`: its place in the graph
    position: int
    step_run_id: str  # its MLflow run
    function: str  # `late_flights.training.train`
    cache_key: str = ""
    verdict: str  # hit, miss or off
    status: str  # FINISHED, FAILED or KILLED
    started_ms: int
    ended_ms: int
    attempts: int = 1
    peak_memory_bytes: int = 0
    code: str = ""  # digest of its code parts
    inputs: dict[str, Part] = {}
    output: Value | None = None
    cached_from: str = ""  # the step run that made the result of a hit
    because: str = ""  # why there is no cache, or what went wrong

    @property
    def duration_ms(self) -> int:
        return self.ended_ms - self.started_ms


class CacheEntry(msgspec.Struct, frozen=True, kw_only=True):
    cache_key: str
    function: str
    step: str
    run_id: str
    step_run_id: str
    created_ms: int
    duration_ms: int
    output: Value
    metrics: dict[str, float] = {}  # that the step logged, for the runs that take its result from here
    params: dict[str, str] = {}
    models: tuple[str, ...] = ()  # ids of the logged models it made


class ProjectSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The `[tool.paved]` of a project as it was when a run of it started."""

    project: str
    at_ms: int
    run_id: str
    root: str
    manifest: Project


# ------------------------------------------------------------------------------------------------- runs


def insert_pipeline_run(tx: Transaction, row: PipelineRow) -> None:
    values = {name: getattr(row, name) for name in _PROCESS_FIELDS}
    tx.run(SQL.insert_pipeline_run, graph=_text(row.graph), **values)


_PROCESS_FIELDS = (
    "run_id", "project", "pipeline", "target", "host", "boot", "pid", "process_started", "started_ms",
)  # fmt: skip


def finish_pipeline_run(tx: Transaction, run_id: str, status: str, at_ms: int) -> None:
    tx.run(SQL.finish_pipeline_run, run_id=run_id, status=status, at_ms=at_ms)


def get_pipeline_run(reader: Reader, run_id: str) -> PipelineRow:
    """Raises NotFound for a run that is not one of a pipeline."""
    row = reader.one(SQL.pipeline_run, run_id=run_id)
    if row is None:
        raise NotFound(f"run {run_id!r} is not the run of a pipeline", hint="list runs with `paved runs`")
    return _to_pipeline_row(row)


def newest_runs(
    reader: Reader, *, project: str = "", pipeline: str = "", limit: int = 20
) -> list[PipelineRow]:
    rows = reader.all(SQL.pipeline_runs_newest, project=project, pipeline=pipeline, limit=limit)
    return [_to_pipeline_row(row) for row in rows]


def running_runs(reader: Reader) -> list[PipelineRow]:
    return [_to_pipeline_row(row) for row in reader.all(SQL.running)]


def beat(tx: Transaction, run_id: str, at_ms: int) -> int | None:
    """Say that the run's process is alive; for one that was marked as lost, how long it was silent in ms."""
    before = tx.one(SQL.status_and_beat, run_id=run_id)
    tx.run(SQL.beat, run_id=run_id, at_ms=at_ms)
    return at_ms - before["heartbeat_ms"] if before is not None and before["status"] == "LOST" else None


def mark_lost(tx: Transaction, run_id: str) -> bool:
    """Whether it was running until now, for all that was known."""
    return tx.run(SQL.mark_lost, run_id=run_id) > 0


def running_inside(reader: Reader, run_id: str, experiment_id: str) -> list[str]:
    """The runs of the steps that have begun and not ended."""
    rows = reader.all(SQL.running_inside, run_id=run_id, experiment_id=int(experiment_id))
    return [row["id"] for row in rows]


# ------------------------------------------------------------------------------------------------ steps


def write_step(tx: Transaction, row: StepRow) -> None:
    values = {name: getattr(row, name) for name in _STEP_FIELDS}
    tx.run(
        SQL.upsert_step_run,
        inputs=_text(row.inputs),
        output="" if row.output is None else _text(row.output),
        **values,
    )


_STEP_FIELDS = tuple(name for name in StepRow.__struct_fields__ if name not in ("inputs", "output"))


def steps_of_run(reader: Reader, run_id: str) -> list[StepRow]:
    """In the order of the graph."""
    return [_to_step(row) for row in reader.all(SQL.steps_of_run, run_id=run_id)]


def get_step(reader: Reader, run_id: str, step: str) -> StepRow:
    """Raises NotFound, with the nearest step of the run."""
    row = reader.one(SQL.step_of_run, run_id=run_id, step=step)
    if row is None:
        known = [each.step for each in steps_of_run(reader, run_id)]
        hint = did_you_mean(step, known) if len(known) <= 30 else "list them with `paved show RUN`"
        raise NotFound(
            f"run {run_id[:8]} has no step {step!r}", hint=hint if known else "no step of it has run"
        )
    return _to_step(row)


def find_step_by_step_run(reader: Reader, step_run_id: str) -> StepRow | None:
    """The call whose MLflow run this is."""
    row = reader.one(SQL.step_by_step_run, step_run_id=step_run_id)
    return None if row is None else _to_step(row)


class EarlierCall(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    step: str
    step_run_id: str
    cache_key: str
    verdict: str
    started_ms: int
    code: str
    inputs: dict[str, Part]
    output: Value | None


def earlier_calls(
    reader: Reader, function: str, *, run_id: str, before_ms: int, limit: int = 50
) -> list[EarlierCall]:
    """Calls of the same function in other runs, newest first."""
    rows = reader.all(SQL.earlier_calls, function=function, run_id=run_id, before_ms=before_ms, limit=limit)
    return [EarlierCall(**{**dict(row), **_decoded(row)}) for row in rows]


# ------------------------------------------------------------------------------------------------ cache


def find_entry(reader: Reader, cache_key: str) -> CacheEntry | None:
    row = reader.one(SQL.cache_entry, cache_key=cache_key)
    if row is None:
        return None
    values = dict(row)
    values["output"] = _VALUE.decode(values["output"])
    values["metrics"] = msgspec.json.decode(values["metrics"])
    values["params"] = msgspec.json.decode(values["params"])
    values["models"] = tuple(msgspec.json.decode(values["models"]))
    return CacheEntry(**values)


def write_entry(tx: Transaction, entry: CacheEntry) -> None:
    values = {name: getattr(entry, name) for name in entry.__struct_fields__}
    values |= {name: _text(values[name]) for name in ("output", "metrics", "params", "models")}
    tx.run(SQL.upsert_cache_entry, **values)


def delete_entry(tx: Transaction, entry: CacheEntry) -> None:
    """Forget a result whose files are gone; one that another run wrote since stays."""
    tx.run(SQL.delete_cache_entry, cache_key=entry.cache_key, step_run_id=entry.step_run_id)


def write_code_parts(tx: Transaction, code: CodeParts) -> None:
    tx.run(SQL.insert_code_parts, digest=code.digest, parts=_text(code.parts), shown=_text(code.shown))


def read_code_parts(reader: Reader, digest: str) -> CodeParts:
    """Without parts when they are not known."""
    row = reader.one(SQL.code_parts, digest=digest)
    if row is None:
        return CodeParts(digest=digest, parts={})
    kind = dict[str, str]
    return CodeParts(
        digest=digest,
        parts=msgspec.json.decode(row["parts"], type=kind),
        shown=msgspec.json.decode(row["shown"], type=kind),
    )


# ------------------------------------------------------------------------- environments and projects


def write_environment(tx: Transaction, run_id: str, environment: Environment) -> None:
    tx.run(SQL.insert_environment, digest=environment.digest, description=_text(environment), at_ms=now_ms())
    tx.run(SQL.set_environment, run_id=run_id, environment=environment.digest)


def read_environment(reader: Reader, digest: str) -> Environment | None:
    text = reader.value(SQL.environment, digest=digest)
    return None if text is None else msgspec.json.decode(text, type=Environment)


def write_project(tx: Transaction, project: Project, *, run_id: str, at_ms: int) -> None:
    manifest = msgspec.json.encode(project, enc_hook=str).decode()
    tx.run(
        SQL.insert_project_snapshot,
        project=project.name,
        at_ms=at_ms,
        run_id=run_id,
        root=str(project.root),
        manifest_json=manifest,
    )


def latest_project(reader: Reader, name: str) -> ProjectSnapshot | None:
    """The project as its last run saw it."""
    return _to_snapshot(reader.one(SQL.latest_project, project=name))


def project_of_run(reader: Reader, run_id: str) -> ProjectSnapshot | None:
    """The project as this pipeline run saw it."""
    return _to_snapshot(reader.one(SQL.project_of_run, run_id=run_id))


# ------------------------------------------------------------------------------------- rows to structs


def _to_pipeline_row(row: Row) -> PipelineRow:
    values = dict(row)
    values["graph"] = msgspec.json.decode(values["graph"], type=tuple[GraphNode, ...])
    return PipelineRow(**values)


def _to_step(row: Row) -> StepRow:
    return StepRow(**{**dict(row), **_decoded(row)})


def _decoded(row: Row) -> dict[str, Any]:
    return {
        "inputs": _PARTS.decode(row["inputs"]),
        "output": _VALUE.decode(row["output"]) if row["output"] else None,
    }


def _to_snapshot(row: Row | None) -> ProjectSnapshot | None:
    if row is None:
        return None
    values = dict(row)
    manifest = msgspec.json.decode(
        values.pop("manifest_json"), type=Project, dec_hook=lambda kind, text: kind(text)
    )
    return ProjectSnapshot(manifest=manifest, **values)


def _text(value: Any) -> str:
    return _encode(value).decode()
