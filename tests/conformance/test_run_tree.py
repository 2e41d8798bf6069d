"""One tree of runs, written through us and through MLflow's own store: both read back equal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from pavedroad.record import Record
from pavedroad.server import embedded

pytestmark = pytest.mark.filterwarnings("ignore")
AT_MS = 1_700_000_000_000
OWN_TAGS = ("mlflow.parentRunId", "mlflow.modelVersions")  # hold ids


def write_tree(mlflow: Any, client: Any, experiment: str) -> str:
    """A parent with two children; the id of the parent."""
    entities = mlflow.entities
    parent = client.create_run(experiment, start_time=AT_MS, tags={"mlflow.user": "ada"}, run_name="search")
    for number in range(2):
        tags = {"mlflow.parentRunId": parent.info.run_id, "note": "ü" * 8000}
        child = client.create_run(experiment, AT_MS + number, tags, run_name=f"trial {number}").info.run_id
        points = [entities.Metric("loss", 1 / (step + 1), AT_MS + step, step) for step in range(300)]
        unusual = [
            entities.Metric("nan", math.nan, AT_MS, 0),
            entities.Metric("low", -1e308, AT_MS, -5),
            entities.Metric("back", 2.0, AT_MS, 5),
            entities.Metric("back", 1.0, AT_MS + 9, 2),
            *points[:3],  # sent twice
        ]
        params = [
            entities.Param("lr", str(number)),
            entities.Param("a/b.c", ""),
            entities.Param("l", "x" * 6000),
        ]
        client.log_batch(child, points, params, [entities.RunTag("t", "1")])
        client.log_batch(child, unusual)
        data = entities.Dataset("flights", "abc", "local", "here", schema="s", profile="p")
        context = entities.InputTag("mlflow.data.context", "training")
        client.log_inputs(child, [entities.DatasetInput(data, [context])])
        client.log_text(child, "hello", "deep/down/a.txt")
        client.log_text(child, "", "empty.txt")
        model = client.create_logged_model(experiment, f"model-{number}", child, params={"depth": "3"})
        client.log_outputs(child, [entities.LoggedModelOutput(model.model_id, 7)])
        client.log_metric(child, "auc", 0.9, AT_MS, 1, model_id=model.model_id)
        client.set_terminated(child, "FAILED" if number else "FINISHED", AT_MS + 1000)
    client.set_terminated(parent.info.run_id, end_time=AT_MS + 2000)
    return str(parent.info.run_id)


def read_tree(client: Any, experiment: str, parent: str) -> list[dict[str, Any]]:
    """Everything but ids, and times that a server sets."""
    children = client.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{parent}'", order_by=["attributes.run_name"]
    )
    return [read_run(client, run.info.run_id) for run in (client.get_run(parent), *children)]


def read_run(client: Any, run_id: str) -> dict[str, Any]:
    run = client.get_run(run_id)
    info = run.info
    return {
        "info": (info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage),
        "params": run.data.params,
        "tags": {key: value for key, value in run.data.tags.items() if key not in OWN_TAGS},
        "last": {key: str(value) for key, value in run.data.metrics.items()},
        "points": {
            key: [
                (str(point.value), point.timestamp, point.step)
                for point in client.get_metric_history(run_id, key)
            ]
            for key in run.data.metrics
        },
        "inputs": [
            (each.dataset.to_dictionary(), [(tag.key, tag.value) for tag in each.tags])
            for each in run.inputs.dataset_inputs
        ],
        "outputs": [read_model(client, each.model_id, each.step) for each in run.outputs.model_outputs],
        "files": sorted(files_below(client, run_id)),
    }


def read_model(client: Any, model_id: str, step: int) -> tuple[Any, ...]:
    model = client.get_logged_model(model_id)
    metrics = [(metric.key, metric.value, metric.timestamp, metric.step) for metric in model.metrics]
    return step, model.name, str(model.status), model.params, metrics


def files_below(client: Any, run_id: str, folder: str | None = None) -> list[tuple[str, bool, int | None]]:
    found = []
    for entry in client.list_artifacts(run_id, folder):
        found.append((entry.path, entry.is_dir, entry.file_size))
        if entry.is_dir:
            found += files_below(client, run_id, entry.path)
    return found


def test_a_tree_of_runs_reads_back_as_from_mlflows_own_store(
    mlflow: Any, any_record: Record, tmp_path: Path
) -> None:
    theirs = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    their_experiment = theirs.create_experiment("tree", artifact_location=(tmp_path / "files").as_uri())
    server = embedded.start(any_record)
    try:
        ours = mlflow.MlflowClient(server.url)
        our_experiment = ours.create_experiment("tree")
        expected = read_tree(theirs, their_experiment, write_tree(mlflow, theirs, their_experiment))
        found = read_tree(ours, our_experiment, write_tree(mlflow, ours, our_experiment))
    finally:
        server.stop()
    assert len(expected) == 3
    assert found == expected
