"""MLflow's unchanged client against our tracking: what it logs is what it reads back."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pavedroad.config import Settings
from pavedroad.record import open_record
from pavedroad.server import embedded

# MLflow, pandas and scikit-learn warn about one another; their warnings are not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on each database. Its tests have experiments of their own."""
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").new_database(migrated=True)
    record = open_record(Settings(home=tmp_path_factory.mktemp("tracking"), user="ada", database=database))
    server = embedded.start(record)
    yield server.url
    server.stop()
    record.close()


@pytest.fixture
def client(mlflow: Any, url: str) -> Iterator[Any]:
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    yield mlflow.MlflowClient(url)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.autolog(disable=True)


@pytest.fixture
def experiment(mlflow: Any, client: Any, request: pytest.FixtureRequest) -> str:
    return str(mlflow.set_experiment(request.node.name).experiment_id)


@pytest.fixture
def refusal(mlflow: Any) -> type[Exception]:
    kind: type[Exception] = mlflow.exceptions.RestException
    return kind


# ------------------------------------------------------------------------------------------------ experiments


def test_an_experiment_lives_dies_and_returns(client: Any, refusal: type[Exception]) -> None:
    made = client.create_experiment("lifecycle", tags={"team": "red"})
    client.rename_experiment(made, "lifecycle 2")
    client.set_experiment_tag(made, "more", "tags")
    client.delete_experiment_tag(made, "more")
    client.delete_experiment(made)
    gone = client.get_experiment(made)
    assert (gone.name, gone.lifecycle_stage, gone.tags) == ("lifecycle 2", "deleted", {"team": "red"})
    client.restore_experiment(made)
    assert client.get_experiment_by_name("lifecycle 2").lifecycle_stage == "active"
    assert client.get_experiment_by_name("nobody") is None
    with pytest.raises(refusal, match="RESOURCE_ALREADY_EXISTS"):
        client.create_experiment("lifecycle 2")
    with pytest.raises(refusal, match="No Experiment with id=9999 exists"):
        client.get_experiment("9999")


def test_a_deleted_name_is_used_again_at_once(client: Any) -> None:
    first = client.create_experiment("again")
    client.delete_experiment(first)
    second = client.create_experiment("again")
    assert client.get_experiment_by_name("again").experiment_id == second != first


def test_experiments_are_searched(mlflow: Any, client: Any) -> None:
    for name in ("search-a", "search-b"):
        client.create_experiment(name, tags={"for": "search"})
    found = client.search_experiments(filter_string="tags.for = 'search'", order_by=["name DESC"])
    assert [one.name for one in found] == ["search-b", "search-a"]
    page = client.search_experiments(max_results=1, filter_string="name LIKE 'search-%'")
    rest = client.search_experiments(
        max_results=5, filter_string="name LIKE 'search-%'", page_token=page.token
    )
    assert [one.name for one in (*page, *rest)] == ["search-b", "search-a"]
    assert rest.token is None
    everything = client.search_experiments(view_type=mlflow.entities.ViewType.ALL, max_results=1000)
    assert {"Default", "search-a"} <= {one.name for one in everything}


# ------------------------------------------------------------------------------------------------------- runs


def test_a_fluent_run_reads_back_as_it_was_logged(mlflow: Any, client: Any, experiment: str) -> None:
    with mlflow.start_run(run_name="first", tags={"a": "b"}, description="what it is") as active:
        mlflow.log_param("depth", 8)
        mlflow.log_params({"lr": 0.1, "empty": "", "naïve": "漢字 🛣"})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"loss": 0.25, "acc": 1}, step=2)
        mlflow.set_tag("t", "1")
        mlflow.set_tags({"u": 2, "v": "gone"})
        mlflow.delete_tag("v")
    run = client.get_run(active.info.run_id)
    assert run.data.params == {"depth": "8", "lr": "0.1", "empty": "", "naïve": "漢字 🛣"}
    assert run.data.metrics == {"loss": 0.25, "acc": 1.0}
    assert {
        "a": "b",
        "t": "1",
        "u": "2",
        "mlflow.note.content": "what it is",
    }.items() <= run.data.tags.items()
    assert "v" not in run.data.tags
    assert (run.info.run_name, run.info.status, run.info.experiment_id) == ("first", "FINISHED", experiment)
    assert run.info.end_time >= run.info.start_time


def test_a_run_is_resumed_and_a_failed_one_says_so(mlflow: Any, client: Any, experiment: str) -> None:
    with mlflow.start_run() as active:
        mlflow.log_metric("m", 1)
    with mlflow.start_run(run_id=active.info.run_id):
        mlflow.log_metric("m", 2, step=1)
    assert client.get_run(active.info.run_id).data.metrics == {"m": 2.0}
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as failing:
        1 / 0  # noqa: B018
    assert client.get_run(failing.info.run_id).info.status == "FAILED"


def test_nested_runs_know_their_parent(mlflow: Any, client: Any, experiment: str) -> None:
    with mlflow.start_run() as parent:
        children = []
        for _ in range(2):
            with mlflow.start_run(nested=True) as child:
                children.append(child.info.run_id)
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert {run.info.run_id for run in found} == set(children)
    assert client.get_parent_run(children[0]).info.run_id == parent.info.run_id


def test_a_run_is_renamed_deleted_and_restored(
    mlflow: Any, client: Any, experiment: str, refusal: type[Exception]
) -> None:
    run_id = client.create_run(experiment, run_name="old").info.run_id
    client.update_run(run_id, name="new")
    assert client.get_run(run_id).data.tags["mlflow.runName"] == "new"
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(refusal, match="must be in the 'active' state"):
        client.set_tag(run_id, "a", 1)
    deleted = client.search_runs([experiment], run_view_type=mlflow.entities.ViewType.DELETED_ONLY)
    assert [run.info.run_id for run in deleted] == [run_id]
    client.restore_run(run_id)
    client.set_tag(run_id, "a", 1)


def test_a_terminated_run_keeps_its_time(client: Any, experiment: str) -> None:
    run_id = client.create_run(experiment, start_time=1000).info.run_id
    client.set_terminated(run_id, "KILLED", end_time=2000)
    info = client.get_run(run_id).info
    assert (info.status, info.start_time, info.end_time) == ("KILLED", 1000, 2000)


# --------------------------------------------------------------------------------------- refusals and limits


def test_a_changed_param_is_refused(mlflow: Any, client: Any, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    client.log_param(run_id, "lr", 1)
    client.log_param(run_id, "lr", 1)
    with pytest.raises(mlflow.exceptions.MlflowException, match="Changing param values is not allowed"):
        client.log_param(run_id, "lr", 2)
    with pytest.raises(mlflow.exceptions.MlflowException, match="Changing param values is not allowed"):
        client.log_batch(run_id, params=[mlflow.entities.Param("lr", "3")])
    assert client.get_run(run_id).data.params == {"lr": "1"}


def test_what_is_unknown_is_not_found(client: Any, refusal: type[Exception]) -> None:
    for ask in (lambda: client.get_run("0" * 32), lambda: client.log_metric("0" * 32, "a", 1)):
        with pytest.raises(refusal, match=r"RESOURCE_DOES_NOT_EXIST: Run with id=0{32} not found"):
            ask()


def test_long_values_are_cut_as_by_mlflows_own_server(client: Any, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    client.log_param(run_id, "p", "x" * 6000)
    client.set_tag(run_id, "t", "y" * 8000)
    data = client.get_run(run_id).data
    assert (len(data.params["p"]), len(data.tags["t"])) == (6000, 8000)


def test_a_bad_name_is_refused(mlflow: Any, client: Any, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    for log in (
        lambda: client.log_metric(run_id, "a?", 1),
        lambda: client.log_param(run_id, "../a", 1),
        lambda: client.set_tag(run_id, "a" * 251, 1),
    ):
        with pytest.raises(
            mlflow.exceptions.MlflowException, match=r"INVALID_PARAMETER_VALUE|Invalid value|exceeds"
        ):
            log()


# ---------------------------------------------------------------------------------------------------- metrics


def test_nan_and_infinity_come_back(client: Any, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    values = {"nan": math.nan, "inf": math.inf, "minus": -math.inf, "tiny": 5e-324}
    for key, value in values.items():
        client.log_metric(run_id, key, value)
    found = client.get_run(run_id).data.metrics
    assert math.isnan(found.pop("nan"))
    assert found == {"inf": math.inf, "minus": -math.inf, "tiny": 5e-324}
    assert math.isnan(client.get_metric_history(run_id, "nan")[0].value)


def test_a_batch_of_a_thousand_points_is_a_history(mlflow: Any, client: Any, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    points = [mlflow.entities.Metric("loss", 1 / (i + 1), 1000 + i, i) for i in range(1000)]
    for part in (points[:600], points[600:]):
        client.log_batch(run_id, metrics=part)
    history = client.get_metric_history(run_id, "loss")
    assert [(point.step, point.value, point.timestamp) for point in history] == [
        (point.step, point.value, point.timestamp) for point in points
    ]


def test_a_history_longer_than_a_page_is_read_whole(mlflow: Any, client: Any, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    for start in range(0, 27_000, 1000):
        points = [mlflow.entities.Metric("m", i, i, i) for i in range(start, start + 1000)]
        client.log_batch(run_id, metrics=points)
    assert [point.step for point in client.get_metric_history(run_id, "m")] == list(range(27_000))


# ----------------------------------------------------------------------------------------------------- search


@pytest.fixture
def ten_runs(client: Any, experiment: str) -> str:
    for number in range(10):
        run_id = client.create_run(experiment, run_name=f"run {number}", start_time=100 + number).info.run_id
        if number % 3:
            client.log_metric(run_id, "acc", math.nan if number == 4 else number / 10)
        client.log_param(run_id, "parity", "odd" if number % 2 else "even")
        client.set_tag(run_id, "my tag", f"v{number}")
        if number > 7:
            client.set_terminated(run_id)
    return experiment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics.acc > 0.4", "578"),
        ("metrics.acc != 0.1", "24578"),
        ("metrics.acc <= 0.2 and params.parity = 'odd'", "1"),
        ("params.parity != 'odd' AND attributes.start_time >= 106", "68"),
        ("tags.`my tag` = 'v3'", "3"),
        ('tags."my tag" IN_ERROR', None),
        ("tags.`my tag` LIKE 'v%' AND run_name ILIKE 'RUN 1'", "1"),
        ("status = 'FINISHED'", "89"),
        ("attribute.status != 'RUNNING' and end_time > 0", "89"),
        ("params.nothing IS NULL AND start_time < 102", "01"),
        ("tags.`my tag` IS NOT NULL AND start_time > 108", "9"),
        ("metrics.acc > 0.7 OR (params.parity = 'even' AND NOT start_time > 102)", "028"),
        ("user_id = 'nobody'", ""),
    ],
)
def test_runs_are_found_by_filter(
    client: Any, ten_runs: str, refusal: type[Exception], text: str, expected: str | None
) -> None:
    if expected is None:
        with pytest.raises(refusal, match="Invalid clause"):
            client.search_runs([ten_runs], text)
        return
    found = client.search_runs([ten_runs], text)
    assert sorted(run.info.run_name[-1] for run in found) == list(expected)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([], "9876543210"),
        (["start_time ASC"], "0123456789"),
        (["metrics.acc DESC"], "8752149630"),
        (["metrics.acc ASC"], "1257849630"),
        (["params.parity", "attributes.start_time"], "0246813579"),
        (["tags.`my tag` DESC"], "9876543210"),
    ],
)
def test_runs_come_in_order_nan_after_numbers_and_missing_last(
    client: Any, ten_runs: str, order: list[str], expected: str
) -> None:
    found = client.search_runs([ten_runs], order_by=order)
    assert "".join(run.info.run_name[-1] for run in found) == expected


def test_runs_come_in_pages_and_as_a_frame(mlflow: Any, client: Any, ten_runs: str) -> None:
    names, token = [], None
    while True:
        page = client.search_runs([ten_runs], order_by=["start_time"], max_results=4, page_token=token)
        names += [run.info.run_name[-1] for run in page]
        token = page.token
        if not token:
            break
    assert "".join(names) == "0123456789"
    frame = mlflow.search_runs([ten_runs], "metrics.acc > 0.4", order_by=["metrics.acc"])
    assert list(frame["metrics.acc"]) == [0.5, 0.7, 0.8]
    assert set(frame["params.parity"]) == {"odd", "even"}


# ------------------------------------------------------------------------------------------------------- data


def test_a_dataset_is_an_input_of_its_run(mlflow: Any, client: Any, experiment: str) -> None:
    import pandas as pd

    frame = pd.DataFrame({"wind": [1.0, 2.0], "late": [0, 1]})
    dataset = mlflow.data.from_pandas(frame, source="rides.parquet", name="rides", targets="late")
    with mlflow.start_run() as active:
        mlflow.log_input(dataset, context="training", tags={"more": "tags"})
        mlflow.log_input(dataset, context="training")
    (used,) = client.get_run(active.info.run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("rides", dataset.digest)
    assert {tag.key: tag.value for tag in used.tags} == {"mlflow.data.context": "training", "more": "tags"}
    assert json.loads(used.dataset.schema)["mlflow_colspec"]
    found = client.search_runs([experiment], "dataset.name = 'rides' AND datasets.context = 'training'")
    assert [run.info.run_id for run in found] == [active.info.run_id]
    assert found[0].inputs.dataset_inputs[0].dataset.digest == dataset.digest


# -------------------------------------------------------------------------------------------------- artifacts


def test_files_texts_and_tables_are_logged_listed_and_read(
    mlflow: Any, client: Any, experiment: str, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a b.txt").write_text("hello")
    (folder / "top.bin").write_bytes(b"\x00\xff")
    with mlflow.start_run() as active:
        mlflow.log_artifacts(str(folder), "out")
        mlflow.log_artifact(str(folder / "top.bin"))
        mlflow.log_text("naïve", "notes/n.txt")
        mlflow.log_dict({"a": [1]}, "d.json")
        mlflow.log_table({"x": [1, 2]}, "t.json")
    run_id = active.info.run_id
    assert {(file.path, file.is_dir, file.file_size) for file in client.list_artifacts(run_id)} >= {
        ("out", True, None),
        ("notes", True, None),
        ("top.bin", False, 2),
    }
    assert [file.path for file in client.list_artifacts(run_id, "out/sub")] == ["out/sub/a b.txt"]
    assert client.list_artifacts(run_id, "nothing") == []
    local = Path(
        mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path="out", dst_path=str(tmp_path / "got")
        )
    )
    assert (local / "sub" / "a b.txt").read_text() == "hello"
    assert (local / "top.bin").read_bytes() == b"\x00\xff"
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/n.txt") == "naïve"
    assert mlflow.artifacts.load_dict(f"{active.info.artifact_uri}/d.json") == {"a": [1]}
    assert list(mlflow.load_table("t.json", run_ids=[run_id])["x"]) == [1, 2]
    whole = Path(
        mlflow.artifacts.download_artifacts(active.info.artifact_uri, dst_path=str(tmp_path / "whole"))
    )
    assert (whole / "d.json").is_file()


def test_a_large_file_goes_up_and_down_unchanged(client: Any, experiment: str, tmp_path: Path) -> None:
    run_id = client.create_run(experiment).info.run_id
    large = tmp_path / "large.bin"
    large.write_bytes(
        b"".join(hashlib.sha256(str(i).encode()).digest() * 32_768 for i in range(40))
    )  # 40 MiB
    client.log_artifact(run_id, str(large))
    got = Path(client.download_artifacts(run_id, "large.bin", str(tmp_path)))
    assert hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(large.read_bytes()).digest()


def test_files_are_deleted(mlflow: Any, client: Any, experiment: str) -> None:
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "x", "a/b.txt")
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(run.info.artifact_uri).delete_artifacts("a/b.txt")
    assert client.list_artifacts(run.info.run_id, "a") == []


# --------------------------------------------------------------------------------------------------- models


def test_a_scikit_learn_run_is_logged_by_itself(mlflow: Any, client: Any, experiment: str) -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog(log_datasets=True, serialization_format="cloudpickle")
    rows = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = LogisticRegression(C=0.5).fit(rows, np.array([0, 0, 1, 1]))
    mlflow.sklearn.autolog(disable=True)
    (run,) = client.search_runs([experiment])
    assert run.data.params["C"] == "0.5"
    assert run.data.metrics["training_accuracy_score"] == 1.0
    assert run.info.status == "FINISHED"
    assert [used.tags[0].value for used in run.inputs.dataset_inputs] == ["train"]
    (made,) = run.outputs.model_outputs
    loaded = mlflow.sklearn.load_model(f"models:/{made.model_id}")
    assert list(loaded.predict(rows)) == list(model.predict(rows))
    assert "estimator.html" in {file.path for file in client.list_artifacts(run.info.run_id)}


def test_a_model_is_logged_found_and_loaded(mlflow: Any, client: Any, experiment: str) -> None:
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    with mlflow.start_run() as active:
        logged = mlflow.sklearn.log_model(
            LinearRegression().fit(frame, [0.0, 2.0, 4.0]),
            name="line",
            params={"degree": 1},
            tags={"team": "red"},
            input_example=frame.head(1),
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
        mlflow.log_metric("rmse", 0.1, model_id=logged.model_id)
    found = client.get_logged_model(logged.model_id)
    assert (found.name, str(found.status), found.source_run_id) == ("line", "READY", active.info.run_id)
    assert found.params["degree"] == "1"
    assert found.tags["team"] == "red"
    assert [(metric.key, metric.value) for metric in found.metrics] == [("rmse", 0.1)]
    for uri in (f"models:/{logged.model_id}", f"runs:/{active.info.run_id}/line"):
        predictor = mlflow.pyfunc.load_model(uri)
        assert list(predictor.predict(frame)) == pytest.approx([0.0, 2.0, 4.0])
    searched = client.search_logged_models(
        [experiment],
        filter_string="metrics.rmse < 1 AND tags.team = 'red' AND name = 'line'",
        order_by=[{"field_name": "metrics.rmse", "ascending": False}],
    )
    assert [model.model_id for model in searched] == [logged.model_id]
    assert [output.model_id for output in client.get_run(active.info.run_id).outputs.model_outputs] == [
        logged.model_id
    ]


def test_a_logged_model_is_tagged_and_deleted(
    mlflow: Any, client: Any, experiment: str, refusal: type[Exception]
) -> None:
    model = client.create_logged_model(experiment, name="bare", params={"a": "1"}, tags={"t": "1"})
    client.set_logged_model_tags(model.model_id, {"t": "2", "u": "3"})
    client.delete_logged_model_tag(model.model_id, "u")
    client.log_model_params(model.model_id, {"b": "2"})
    finished = client.finalize_logged_model(model.model_id, "FAILED")
    assert (finished.tags, finished.params, str(finished.status)) == (
        {"t": "2"},
        {"a": "1", "b": "2"},
        "FAILED",
    )
    client.delete_logged_model(model.model_id)
    with pytest.raises(refusal, match="not found"):
        client.get_logged_model(model.model_id)


# ------------------------------------------------------------------------------------------ many at once


def test_eight_threads_log_to_one_run_and_to_their_own(mlflow: Any, client: Any, experiment: str) -> None:
    shared = client.create_run(experiment).info.run_id

    def work(thread: int) -> str:
        own: str = client.create_run(experiment, run_name=f"thread {thread}").info.run_id
        for step in range(15):
            client.log_metric(own, "m", step, step=step)
            client.log_metric(shared, "m", thread, timestamp=thread, step=step)
        client.log_batch(shared, params=[mlflow.entities.Param(f"p{thread}", str(thread))])
        client.set_tag(shared, f"t{thread}", "x" * thread)
        client.log_text(shared, str(thread), f"f{thread}.txt")
        return own

    with ThreadPoolExecutor(8) as threads:
        runs = list(threads.map(work, range(8)))
    for run_id in runs:
        assert [point.step for point in client.get_metric_history(run_id, "m")] == list(range(15))
    assert len(client.get_metric_history(shared, "m")) == 8 * 15
    data = client.get_run(shared).data
    assert data.params == {f"p{thread}": str(thread) for thread in range(8)}
    assert all(data.tags[f"t{thread}"] == "x" * thread for thread in range(8))
    assert len(client.list_artifacts(shared)) == 8


PROCESS = """
import sys, mlflow
url, experiment, shared, number = sys.argv[1:]
mlflow.set_tracking_uri(url)
client = mlflow.MlflowClient(url)
with mlflow.start_run(experiment_id=experiment, run_name=number):
    for step in range(20):
        mlflow.log_metric("m", step, step=step)
        client.log_metric(shared, "m", float(number), timestamp=int(number), step=step)
    mlflow.log_param("number", number)
    mlflow.log_text(number, "n.txt")
client.log_param(shared, f"p{number}", number)
client.create_model_version("side-by-side", f"s3://models/{number}")
"""


def test_eight_processes_log_side_by_side(mlflow: Any, client: Any, experiment: str, url: str) -> None:
    shared = client.create_run(experiment, run_name="shared").info.run_id
    client.create_registered_model("side-by-side")
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROCESS, url, experiment, shared, str(number)]
        )
        for number in range(8)
    ]
    assert [process.wait(timeout=180) for process in started] == [0] * 8
    numbers = {str(number) for number in range(8)}
    runs = client.search_runs([experiment], "status = 'FINISHED'")
    assert {run.data.params["number"] for run in runs} == numbers
    for run in runs:
        assert len(client.get_metric_history(run.info.run_id, "m")) == 20
        assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/n.txt") == run.data.params["number"]
    assert len(client.get_metric_history(shared, "m")) == 8 * 20
    assert set(client.get_run(shared).data.params.values()) == numbers
    versions = client.search_model_versions("name = 'side-by-side'")
    assert {version.source.rpartition("/")[2] for version in versions} == numbers
    assert {int(version.version) for version in versions} == set(range(1, 9))
