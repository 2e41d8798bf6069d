"""A record with rows in every table of tracking and pipelines, for what must reach all of them."""

from __future__ import annotations

import msgspec

from pavedroad.kit.files import put_bytes
from pavedroad.pipelines import store as pipelines
from pavedroad.pipelines.keys import CodeParts
from pavedroad.pipelines.values.model import Value, ValueFile
from pavedroad.record import Record
from pavedroad.tracking import (
    DatasetInput,
    Metric,
    RunModel,
    create_experiment,
    create_logged_model,
    finish_logged_model,
    log_batch,
    log_inputs,
    log_logged_model_params,
    log_outputs,
    put_file,
    root_of,
    set_logged_model_tags,
    start_run,
)
from pavedroad.tracking.store import get_run, set_experiment_tag


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    experiment_id: str
    run_id: str
    model_id: str
    digests: dict[str, str]  # what holds the file: its digest


def fill(record: Record, name: str = "flights", *, at_ms: int = 1_700_000_000_000) -> Filled:
    """An experiment with one run that logged one of everything, of a pipeline that cached its result."""
    digests = {
        what: put_bytes(record.files, f"{what} of {name}".encode()).digest
        for what in ("artifact", "model", "value", "step")
    }
    return record.db.write(lambda tx: _fill(tx, name, digests, at_ms))


def _fill(tx, name, digests, at_ms):
    experiment = create_experiment(tx, name, who="ada", tags={"team": "ops"})
    run_id = start_run(tx, experiment_id=experiment.id, name="first", start_ms=at_ms, params={"depth": "8"})
    model = create_logged_model(tx, experiment_id=experiment.id, name="model", source_run_id=run_id)
    loss = [Metric(key="loss", value=1 / (step + 1), at_ms=at_ms + step, step=step) for step in range(5)]
    auc = Metric(key="auc", value=0.9, at_ms=at_ms, model_id=model.id)
    log_batch(tx, run_id, metrics=[*loss, auc], tags={"by": "hand"})
    many = [Metric(key="many", value=step / 7, at_ms=at_ms + step, step=step) for step in range(3000)]
    log_batch(tx, run_id, metrics=many)  # enough to be packed
    log_batch(tx, run_id, metrics=[Metric(key=f"share {at}", value=at / 8, at_ms=at_ms) for at in range(8)])
    data = DatasetInput(name="rides", digest="d1", source_type="local", source="x", tags={"k": "v"})
    log_inputs(tx, run_id, [data])
    log_outputs(tx, run_id, [RunModel(model_id=model.id)])
    log_logged_model_params(tx, model.id, {"depth": "8"})
    set_logged_model_tags(tx, model.id, {"stage": "trial"})
    put_file(tx, root_of(model.artifact_location), "MLmodel", stored(digests, "model", name))
    finish_logged_model(tx, model.id)
    put_file(tx, root_of(get_run(tx, run_id).artifact_uri), "plots/a.txt", stored(digests, "artifact", name))
    _fill_pipelines(tx, name, run_id, digests, at_ms)
    set_experiment_tag(tx, experiment.id, "more", "1")
    return Filled(experiment_id=experiment.id, run_id=run_id, model_id=model.id, digests=digests)


def _fill_pipelines(tx, name, run_id, digests, at_ms):
    code = CodeParts(digest=f"code-{name}", parts={"f": "1"})
    row = pipelines.PipelineRow(
        run_id=run_id, project=name, pipeline="main", target="flow:main", host="here", boot="b", pid=1,
        process_started="1", started_ms=at_ms,
    )  # fmt: skip
    pipelines.insert_pipeline_run(tx, row)
    pipelines.write_code_parts(tx, code)
    step = pipelines.StepRow(
        run_id=run_id, step="train", node="train", position=0, step_run_id="s" * 32, function="flow.train",
        cache_key=f"key-{name}", verdict="miss", status="FINISHED", started_ms=at_ms, ended_ms=at_ms + 1,
        code=code.digest, output=value(digests, "step", name),
    )  # fmt: skip
    pipelines.write_step(tx, step)
    entry = pipelines.CacheEntry(
        cache_key=f"key-{name}", function="flow.train", step="train", run_id=run_id, step_run_id="s" * 32,
        created_ms=at_ms, duration_ms=1, output=value(digests, "value", name),
    )  # fmt: skip
    pipelines.write_entry(tx, entry)
    tx.run(pipelines.SQL.insert_environment, digest=f"env-{name}", description="{}", at_ms=at_ms)
    tx.run(pipelines.SQL.set_environment, run_id=run_id, environment=f"env-{name}")
    tx.run(
        pipelines.SQL.insert_project_snapshot, project=name, at_ms=at_ms, run_id=run_id, root="/x",
        manifest_json="{}",
    )  # fmt: skip
    pipelines.finish_pipeline_run(tx, run_id, "FINISHED", at_ms + 2)


def stored(digests, what, name):
    from pavedroad.tracking import StoredFile

    return StoredFile(digest=digests[what], size_bytes=len(f"{what} of {name}"))


def value(digests, what, name):
    file = ValueFile(digest=digests[what], size_bytes=len(f"{what} of {name}"))
    return Value(format="pickle", digest=digests[what], size_bytes=file.size_bytes, files=(file,))


def tables(record: Record) -> dict[str, list[str]]:
    """Every table with its columns, as the database has them."""
    if record.db.dialect == "sqlite":
        names = record.db.all(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return {
            row["name"]: [column["name"] for column in record.db.all(f"PRAGMA table_info({row['name']})")]
            for row in names
        }
    found: dict[str, list[str]] = {}
    for row in record.db.all(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    ):
        found.setdefault(row["table_name"], []).append(row["column_name"])
    return found


def count_rows(record: Record) -> dict[str, int]:
    return {name: record.db.value(f"SELECT COUNT(*) FROM {name}") for name in tables(record)}
