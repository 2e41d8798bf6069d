"""A record that tells a story: flights become features, features a model, and one candidate is refused.

Everything is written by the functions that the product writes with; only the times and numbers are made up.
`python -m tests.web.story HOME` makes one to look at.
"""

from __future__ import annotations

import math
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.catalog import Project, Ref, add_edge, ensure_artifact, set_details, set_stage, write_fact
from pavedroad.config import Settings
from pavedroad.environments import Environment, Host
from pavedroad.environments.examination import Report
from pavedroad.environments.probe import Line
from pavedroad.environments.store import save_report
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import put_bytes
from pavedroad.kit.sql import Transaction
from pavedroad.pipelines.store import (
    GraphNode,
    PipelineRow,
    StepRow,
    finish_pipeline_run,
    insert_pipeline_run,
    write_environment,
    write_project,
    write_step,
)
from pavedroad.pipelines.surroundings import this_process
from pavedroad.record import Record, open_record
from pavedroad.registry.decisions import approve, exempt
from pavedroad.registry.promotion import promote
from pavedroad.registry.registration import create_model, register_version
from pavedroad.tracking import (
    DatasetInput,
    Metric,
    create_logged_model,
    delete_run,
    end_run,
    ensure_experiment,
    finish_logged_model,
    log_batch,
    log_input,
    put_file,
    root_of,
    start_run,
)

GATES: dict[str, Any] = {
    "owner": True,
    "signature": True,
    "model_card": True,
    "metric": {"name": "auc", "at_least": 0.7},
    "not_worse_than": {"metric": "auc", "tolerance": 0.005},
    "approval": {"people": 1},
}
GRAPH = (
    GraphNode(name="load_flights", function="late_flights.data.load_flights"),
    GraphNode(name="load_weather", function="late_flights.data.load_weather"),
    GraphNode(name="load_planes", function="late_flights.data.load_planes"),
    GraphNode(
        name="join_weather",
        function="late_flights.features.join_weather",
        needs=("load_flights", "load_weather"),
    ),
    GraphNode(
        name="add_features", function="late_flights.features.add", needs=("join_weather", "load_planes")
    ),
    GraphNode(name="check_contract", function="late_flights.contract.check", needs=("add_features",)),
    GraphNode(name="split", function="late_flights.split.by_month", needs=("add_features",)),
    GraphNode(name="train", function="late_flights.model.train", needs=("split", "check_contract")),
    GraphNode(name="evaluate", function="late_flights.model.evaluate", needs=("split", "train")),
)
CARD = """# Late flights

Tells at departure whether a flight will land **more than 15 minutes late**.

## Data

Every flight that left New York in 2013, with the weather of the hour before departure.
Months 1 to 9 train, 10 and 11 test.

| airport | flights | late |
|---|---:|---:|
| EWR | 120,835 | 24 % |
| JFK | 111,279 | 19 % |
| LGA | 104,662 | 21 % |

## Where it fails

- It knows nothing of what happened to the plane earlier that day.
- Snow days are rare in the data: do not trust it in January.

<script>alert("a card is text")</script>
"""
MLMODEL = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.pkl
    python_version: 3.11.7
  sklearn:
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.9.0
signature:
  inputs: '[{"type": "string", "name": "origin", "required": true},
    {"type": "string", "name": "carrier", "required": true},
    {"type": "long", "name": "hour", "required": true},
    {"type": "double", "name": "wind_speed", "required": false},
    {"type": "double", "name": "distance", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]'
  params: null
"""
DIFF = """\
diff --git a/late_flights/settings.py b/late_flights/settings.py
--- a/late_flights/settings.py
+++ b/late_flights/settings.py
@@ -3,3 +3,3 @@
 # Minutes after which a flight is late.
-LIMIT = 10
+LIMIT = 15
"""
HOUR_MS = 3_600_000


class Told(msgspec.Struct, kw_only=True):
    """What the tests ask for by name."""

    runs: list[str]  # pipeline runs, oldest first; the last one failed
    steps: dict[str, str]  # of the newest good run: step -> run id
    model: str
    versions: int


def story_settings(home: Path, **values: Any) -> Settings:
    return Settings(home=home, user="ada", gates=GATES, **values)


EXAMINED = Report(
    machine="lab",
    system="Linux x86_64, glibc 2.36",
    project="late-flights",
    python="3.11.7",
    at_ms=1,
    took_ms=400,
    lines=[Line(check="gpu", verdict="ok", says="CPU only: no GPU here, and none is asked for")],
)


def tell_story(record: Record) -> Told:
    """Four runs, three versions: 1 was champion, 2 is, 3 is refused; the last run failed."""
    now = now_ms()
    runs, steps = [], {}
    for at, (auc, verdicts) in enumerate(((0.731, "mmmmmmmmm"), (0.752, "hhhhhmmmm"), (0.694, "hhhhhhhmm"))):
        run_id, steps = record.db.write(
            lambda tx, at=at, auc=auc, verdicts=verdicts: _pipeline_run(
                tx, record, now - (60 - 20 * at) * HOUR_MS, auc, verdicts
            )
        )
        runs.append(run_id)
        record.db.write(lambda tx, run_id=run_id: _register(tx, run_id))
        approve(record, "late-flights", at + 1, who="grace", note="looked at the errors by airport")
        if at == 2:
            exempt(
                record,
                "late-flights",
                3,
                "model_card",
                reason="the card is being rewritten for the new weather columns",
                owner="grace",
                until=_day(now + 5 * 24 * HOUR_MS),
                who="ada",
            )
        promote(record, "late-flights", at + 1, "champion", who="ada")
    failed, _ = record.db.write(lambda tx: _pipeline_run(tx, record, now - 2 * HOUR_MS, math.nan, "hhhF"))
    record.db.write(_surroundings_of_the_road)
    record.db.write(lambda tx: save_report(tx, EXAMINED, who="ada"))
    return Told(runs=[*runs, failed], steps=steps, model="late-flights", versions=3)


def _pipeline_run(
    tx: Transaction, record: Record, start_ms: int, auc: float, verdicts: str
) -> tuple[str, dict[str, str]]:
    process = this_process()
    run_id = uuid.uuid4().hex
    experiment = ensure_experiment(tx, "late-flights", who="ada")
    tags = {"paved.project": "late-flights", "paved.pipeline": "late-flights"}
    target = "late_flights.pipeline:late_flights"
    start_run(
        tx,
        run_id=run_id,
        experiment_id=experiment.id,
        name="late-flights",
        user="ada",
        start_ms=start_ms,
        tags={
            **tags,
            "paved.kind": "pipeline",
            "mlflow.source.name": target,
            "mlflow.source.git.commit": "4f0c2d1b9a7e6c5d4f0c2d1b9a7e6c5d4f0c2d1b",
            "mlflow.source.git.branch": "main",
        },
        params={"depth": "8", "learning_rate": "0.1", "limit_minutes": "15", "months": "1-9"},
    )
    row = PipelineRow(
        run_id=run_id,
        project="late-flights",
        pipeline="late-flights",
        target=target,
        graph=GRAPH,
        host=process.host,
        boot=process.boot,
        pid=process.pid,
        process_started=process.started,
        started_ms=start_ms,
    )
    insert_pipeline_run(tx, row)
    project = Project(
        name="late-flights",
        owner="flight-ops",
        description="Will this flight land more than 15 minutes late? Asked at departure.",
    )
    write_project(tx, project, run_id=run_id, at_ms=start_ms)
    write_environment(tx, run_id, _environment())
    pipeline, place = Ref("pipeline", "late-flights"), Ref("project", "late-flights")
    ensure_artifact(tx, place, who="ada", owner="flight-ops", description=project.description)
    ensure_artifact(tx, pipeline, who="ada", owner="flight-ops")
    add_edge(tx, pipeline, "part-of", place)
    steps, at_ms = _steps(tx, record, experiment.id, run_id, start_ms, verdicts)
    is_good = not math.isnan(auc)
    if is_good:
        _results(tx, record, run_id, experiment.id, steps["train"], auc, at_ms)
    else:
        log_batch(tx, run_id, tags={"paved.error": "join_weather: KeyError: 'wind_speed'"})
    _data(tx, run_id, pipeline)
    status = "FINISHED" if is_good else "FAILED"
    end_run(tx, run_id, status, at_ms)
    finish_pipeline_run(tx, run_id, status, at_ms)
    write_fact(
        tx,
        who="ada",
        verb="ran" if is_good else "failed",
        artifact=pipeline,
        run_id=run_id,
        at_ms=at_ms,
        payload={
            "duration_ms": at_ms - start_ms,
            "error": "" if is_good else "join_weather: KeyError: 'wind_speed'",
        },
    )
    return run_id, steps


def _steps(
    tx: Transaction, record: Record, experiment_id: str, run_id: str, start_ms: int, verdicts: str
) -> tuple[dict[str, str], int]:
    steps: dict[str, str] = {}
    at_ms = start_ms
    for position, (node, letter) in enumerate(zip(GRAPH, verdicts, strict=False)):
        step_run_id = uuid.uuid4().hex
        steps[node.name] = step_run_id
        verdict, status = {"h": ("hit", "FINISHED"), "m": ("miss", "FINISHED"), "F": ("miss", "FAILED")}[
            letter
        ]
        took = 4 if letter == "h" else 900 + 700 * position
        start_run(
            tx,
            run_id=step_run_id,
            experiment_id=experiment_id,
            name=node.name,
            user="ada",
            start_ms=at_ms,
            tags={
                "paved.kind": "step",
                "paved.step": node.name,
                "paved.project": "late-flights",
                "paved.pipeline": "late-flights",
                "paved.cache": verdict,
                "mlflow.parentRunId": run_id,
            },
        )
        write_step(
            tx,
            StepRow(
                run_id=run_id,
                step=node.name,
                node=node.name,
                position=position,
                step_run_id=step_run_id,
                function=node.function,
                cache_key=f"{position:064x}",
                verdict=verdict,
                status=status,
                started_ms=at_ms,
                ended_ms=at_ms + took,
                peak_memory_bytes=0 if letter == "h" else 180_000_000 + 40_000_000 * position,
                because="KeyError: 'wind_speed'" if letter == "F" else "",
            ),
        )
        at_ms += took
        end_run(tx, step_run_id, status, at_ms)
        if letter == "F":
            text = put_bytes(
                record.files, b"Traceback (most recent call last):\n  ...\nKeyError: 'wind_speed'\n"
            )
            put_file(tx, f"{experiment_id}/{step_run_id}/artifacts", "traceback.txt", text)
    return steps, at_ms


def _results(
    tx: Transaction, record: Record, run_id: str, experiment_id: str, train: str, auc: float, at_ms: int
) -> None:
    curve = [
        Metric(key=key, value=start * math.exp(-step / 30) + floor, at_ms=at_ms - 6000 + step * 50, step=step)
        for key, start, floor in (
            ("train/log_loss", 0.4, 0.29),
            ("test/log_loss", 0.36, 0.35 + (0.8 - auc) / 4),
        )
        for step in range(120)
    ]
    for run in (run_id, train):
        log_batch(tx, run, metrics=curve)
    log_batch(
        tx,
        run_id,
        metrics=[
            Metric(key=key, value=value, at_ms=at_ms)
            for key, value in {
                "auc": auc,
                "accuracy": auc + 0.09,
                "late_share": 0.2217,
                "rows": 306_442.0,
            }.items()
        ],
    )
    root = f"{experiment_id}/{run_id}/artifacts"
    put_file(tx, root, "source/uncommitted.diff", put_bytes(record.files, DIFF.encode()))
    put_file(
        tx,
        root,
        "errors_by_airport.csv",
        put_bytes(record.files, b"airport,flights,errors\nEWR,120835,0.21\nJFK,111279,0.19\n"),
    )
    model = create_logged_model(tx, experiment_id=experiment_id, name="late-flights", source_run_id=train)
    for path, data in (
        ("MLmodel", MLMODEL.encode()),
        ("README.md", CARD.encode()),
        ("model.pkl", f"{auc}".encode() * 900),
    ):
        put_file(tx, root_of(model.artifact_location), path, put_bytes(record.files, data))
    finish_logged_model(tx, model.id)
    log_batch(tx, run_id, tags={"paved.models": model.id})


def _data(tx: Transaction, run_id: str, pipeline: Ref) -> None:
    for name, digest, context in (
        ("flights", "ab12cd34ef56", "train"),
        ("weather", "7788aa0011ff", "train"),
        ("planes", "00ff11ee22dd", "train"),
        ("flights-test", "5511aa33cc77", "eval"),
    ):
        log_input(
            tx,
            run_id,
            DatasetInput(
                name=name,
                digest=digest,
                source_type="local",
                source=f'{{"uri": "data/{name}.parquet"}}',
                tags={"mlflow.data.context": context},
            ),
        )
        ref = Ref("dataset", name, digest)
        ensure_artifact(tx, ref.unversioned, who="ada", owner="data-team")
        ensure_artifact(tx, ref, who="ada", owner="data-team")
        add_edge(tx, pipeline, "used", ref, run_id=run_id)


def _register(tx: Transaction, run_id: str) -> None:
    model_id = tx.value(
        "SELECT t.value FROM tags t JOIN runs r ON r.no = t.run_no WHERE r.id = :run AND t.key = :key",
        run=run_id,
        key="paved.models",
    )
    if tx.value("SELECT 1 FROM registered_models WHERE name = 'late-flights'") is None:
        create_model(
            tx, "late-flights", who="ada", description="Late by more than 15 minutes, told at departure."
        )
    register_version(
        tx, "late-flights", source=f"models:/{model_id}", run_id=run_id, model_id=str(model_id), who="ada"
    )


def _surroundings_of_the_road(tx: Transaction) -> None:
    """A service, an application that asks it, and a draft that nobody owns."""
    service, board = Ref("service", "late-flights"), Ref("application", "gate-board")
    ensure_artifact(tx, service, who="bob", owner="flight-ops", stage="production")
    add_edge(tx, service, "serves", Ref("model", "late-flights", "2"))
    ensure_artifact(
        tx, board, who="bob", owner="airport-apps", description="Shows late flights at the gates."
    )
    set_stage(tx, board, "experiment", who="bob")
    add_edge(tx, board, "used", service)
    ensure_artifact(tx, Ref("project", "churn"), who="carol", description="Who will leave next month?")
    ensure_artifact(tx, Ref("pipeline", "churn"), who="carol")
    add_edge(tx, Ref("pipeline", "churn"), "part-of", Ref("project", "churn"))
    set_details(tx, Ref("dataset", "flights"), who="carol", links={"source": "https://example.org/flights"})
    tried = start_run(tx, experiment_id="0", name="first-try", user="carol")
    delete_run(tx, tried, who="carol")


def _environment() -> Environment:
    return Environment(
        python="3.11.7",
        implementation="cpython",
        lock_file="uv.lock",
        lock_digest="c0ffee" * 10 + "c0ff",
        installed={"numpy": "2.3.4", "pandas": "3.1.0", "pyarrow": "25.0.0", "scikit-learn": "1.9.0"},
        host=Host(name="workstation", system="Linux", machine="x86_64", libc="glibc 2.36", cpus=2),
        digest="e" * 64,
    )


def _day(at_ms: int) -> str:
    from pavedroad.kit.clock import utc_iso

    return utc_iso(at_ms)[:10]


if __name__ == "__main__":
    opened = open_record(story_settings(Path(sys.argv[1])))
    print(tell_story(opened))
    opened.close()
