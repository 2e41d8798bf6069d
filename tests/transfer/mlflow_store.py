"""Makes a store with the real MLflow: `python mlflow_store.py URI ARTIFACTS RUNS`.

A few runs go through MLflow's client, one of every kind there is. The others, all alike, are written through
MLflow's own table classes: its `log_batch` would take minutes for thousands.
"""

from __future__ import annotations

import os
import sys
import uuid
import warnings
from pathlib import Path
from typing import Any

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_TRACKING_URI"] = sys.argv[1] if __name__ == "__main__" else ""
PARAMS, CURVES, STEPS = 10, 5, 20
START_MS = 1_700_000_000_000


def make(uri: str, artifacts: Path, runs: int) -> None:
    import mlflow
    from mlflow import MlflowClient

    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    at = artifacts.as_uri()
    many = client.create_experiment("many", artifact_location=f"{at}/many")
    every_kind(client, artifacts, f"{at}/flights")
    if not uri.startswith("/"):
        fill(client, many, artifacts / "many", runs)


def every_kind(client: Any, artifacts: Path, location: str) -> None:
    from mlflow.entities import Metric, Param, RunStatus, RunTag

    flights = client.create_experiment(
        "flights", location, tags={"owner": "ada", "team/area": "late\nflights"}
    )
    first = client.create_run(flights, START_MS, {"mlflow.user": "ada", "a/b": "x\ny"}, "first")
    run = first.info.run_id
    client.log_batch(
        run,
        [Metric("loss", 1 / (step + 1), START_MS + step, step) for step in range(900)]
        + [Metric("loss", 0.25, START_MS + 5, 5), Metric("nan", float("nan"), START_MS, 0)]
        + [Metric("inf", float("inf"), START_MS, -3), Metric("ninf", float("-inf"), START_MS, 1)],
        [
            Param("lr", "0.1"),
            Param("sub/deep.name", "two\nlines"),
            Param("long", "é" * 6000),
            Param("empty", ""),
        ],
        [RunTag("note", "ü" * 8000)],
    )
    for path in ("a.txt", "deep/down/b.txt"):
        client.log_text(run, f"text of {path}", path)
    client.log_text(run, "", "empty.txt")
    data_of(client, run)
    models_of(client, flights, run, artifacts)
    client.set_terminated(run, "FINISHED", START_MS + 5000)
    for number, status in enumerate(("FAILED", "KILLED", "SCHEDULED")):
        other = client.create_run(
            flights, START_MS + 1 + number, {"mlflow.parentRunId": run}, f"run {status}"
        )
        ended = RunStatus.is_terminated(RunStatus.from_string(status))
        if ended:
            client.set_terminated(other.info.run_id, status, START_MS + 9)
        else:
            client.update_run(other.info.run_id, status)
    client.create_run(flights, START_MS + 20, {}, "still running")
    client.delete_run(client.create_run(flights, START_MS + 30, {"k": "v"}, "deleted").info.run_id)
    gone = client.create_experiment("gone", f"{location}-gone", tags={"why": "old"})
    client.log_metric(client.create_run(gone, START_MS, {}, "of gone").info.run_id, "m", 1.5, START_MS, 2)
    client.delete_experiment(gone)


def data_of(client: Any, run: str) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    train = Dataset("flights", "abc123", "local", "flights.parquet", schema='{"a": 1}', profile='{"rows": 9}')
    test = Dataset("flights", "def456", "http", "http://example.org/f.csv")
    inputs = [
        DatasetInput(train, [InputTag("mlflow.data.context", "training"), InputTag("more", "tags")]),
        DatasetInput(test, [InputTag("mlflow.data.context", "eval")]),
    ]
    client.log_inputs(run, inputs)


def models_of(client: Any, experiment: str, run: str, artifacts: Path) -> None:
    from mlflow.entities import LoggedModelInput, LoggedModelOutput, Metric

    made = client.create_logged_model(
        experiment, "trees", run, {"t": "v"}, {"depth": "3", "text": "x" * 500}, "sklearn"
    ).model_id
    files = artifacts / "model-files"
    files.mkdir(parents=True, exist_ok=True)
    (files / "MLmodel").write_text(f"flavors: {{}}\nmodel_id: {made}\nrun_id: {run}\n")
    (files / "weights.bin").write_bytes(bytes(range(256)))
    client.log_model_artifacts(made, str(files))
    client.finalize_logged_model(made, "READY")
    client.log_outputs(run, [LoggedModelOutput(made, 7)])
    client.log_inputs(run, models=[LoggedModelInput(made)])
    point = Metric("auc", 0.9, START_MS, 1, model_id=made, dataset_name="flights", dataset_digest="abc123")
    client.log_batch(run, [point])
    client.log_artifacts(run, str(files), "old-model")
    client.create_registered_model("flights", {"owner": "ada", "k": "v"}, "Late or not")
    uri = client.get_run(run).info.artifact_uri
    sources = [f"models:/{made}", f"{uri}/old-model", f"models:/{made}", "s3://nowhere/model"]
    for number, source in enumerate(sources, 1):
        client.create_model_version(
            "flights", source, run if "nowhere" not in source else None, {"n": str(number)},
            description=f"number {number}",
        )  # fmt: skip
    client.delete_model_version("flights", "3")
    client.transition_model_version_stage("flights", "1", "Archived")
    client.transition_model_version_stage("flights", "2", "Production")
    client.set_registered_model_alias("flights", "champion", "2")
    client.set_registered_model_alias("flights", "old", "1")
    client.create_registered_model("empty")


def fill(client: Any, experiment: str, folder: Path, runs: int) -> None:
    """Runs of a sweep, through the classes of MLflow's tables."""
    from mlflow.store.tracking.dbmodels import models as tables

    with client._tracking_client.store.ManagedSessionMaker() as session:
        for start in range(0, runs, 500):
            rows: dict[Any, list[dict[str, Any]]] = {
                table: [] for table in (tables.SqlRun, tables.SqlParam, tables.SqlTag, tables.SqlMetric)
            }
            rows[tables.SqlLatestMetric] = []
            for number in range(start, min(start + 500, runs)):
                one_of_many(tables, rows, experiment, folder, number)
            for table, found in rows.items():
                session.bulk_insert_mappings(table, found)
            session.commit()


def one_of_many(
    tables: Any, rows: dict[Any, list[dict[str, Any]]], experiment: str, folder: Path, number: int
) -> None:
    run = uuid.UUID(int=number + 2**100).hex
    at = START_MS + number
    files = folder / run / "artifacts"
    files.mkdir(parents=True)
    (files / "notes.txt").write_text(f"notes of run {number}")
    rows[tables.SqlRun].append(
        {
            "run_uuid": run, "name": f"sweep-{number}", "user_id": f"user{number % 7}", "status": "FINISHED",
            "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "", "source_version": "",
            "start_time": at, "end_time": at + 1000, "lifecycle_stage": "active",
            "artifact_uri": files.as_uri(), "experiment_id": int(experiment),
        }
    )  # fmt: skip
    texts = {f"p{place}": str((number * 31 + place) % 1000) for place in range(PARAMS)}
    rows[tables.SqlParam] += [{"run_uuid": run, "key": key, "value": text} for key, text in texts.items()]
    texts = {
        "mlflow.runName": f"sweep-{number}",
        "mlflow.user": f"user{number % 7}",
        "group": str(number % 9),
    }
    rows[tables.SqlTag] += [{"run_uuid": run, "key": key, "value": text} for key, text in texts.items()]
    for curve in range(CURVES):
        points = [
            {
                "run_uuid": run, "key": f"m{curve}", "value": (number * 17 + step * 3 + curve) % 997 / 997,
                "timestamp": at + step, "step": step, "is_nan": False,
            }
            for step in range(STEPS)
        ]  # fmt: skip
        rows[tables.SqlMetric] += points
        rows[tables.SqlLatestMetric].append(points[-1])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    make(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
