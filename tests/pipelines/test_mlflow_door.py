"""The real `mlflow` client inside steps: what it logs belongs to the step's run, without any server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

pytest.importorskip("mlflow")

from pavedroad.pipelines import events as ev
from pavedroad.pipelines.mlflow_door import MlflowDoor
from pavedroad.server import embedded
from pavedroad.tracking import (
    find_experiment,
    get_run,
    logged_models_of_run,
    metric_history,
    run_inputs,
    search_runs,
    start_run,
)

# MLflow and what it loads warn of each other; that is not what is tested here.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FLOW = """
import mlflow
from sklearn.linear_model import LinearRegression

@paved.step
def load(n: int) -> list[int]:
    return list(range(n))

@paved.step
def fit(values: list[int], depth: int = 3) -> float:
    mlflow.log_param("chosen", depth)
    mlflow.set_tag("colour", "green")
    for step, value in enumerate(values):
        mlflow.log_metric("loss", value, step=step)
    return float(sum(values))

@paved.step
def nested(total: float) -> float:
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_metric("inner", total)
    mlflow.log_metric("outer", total)
    return total

@paved.pipeline
def main(n: int = 3):
    return nested(fit(load(n)))
"""


@pytest.fixture
def no_traces(monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("DO_NOT_TRACK", "true")


@pytest.fixture
def flow(project, monkeypatch, no_traces):
    monkeypatch.chdir(project.root)
    project.write("flow.py", FLOW)
    yield project
    assert [path.name for path in project.root.iterdir() if path.name.startswith("ml")] == []


def run(project, **options):
    opened = []

    def open_door():
        opened.append(embedded.start(project.record))
        return opened[-1]

    done = project.run(open_door=open_door, **options)
    return done, opened


def runs_of(done) -> dict[str, str]:
    return {step.name: step.run_id for step in done.steps}


def test_what_a_step_logs_is_on_its_own_run(flow):
    done, _ = run(flow)
    db, ids = flow.record.db, runs_of(done)
    fitted = get_run(db, ids["fit"])
    assert fitted.params == {"depth": "3", "chosen": "3"}
    assert fitted.tags["colour"] == "green"
    assert [point.value for point in metric_history(db, ids["fit"], "loss")] == [0, 1, 2]
    assert fitted.status == "FINISHED"
    assert get_run(db, ids["load"]).metrics == []
    assert get_run(db, done.id).metric("loss") == 2
    assert done.metrics == {"loss": 2, "outer": 3}


def test_a_nested_run_of_the_user_is_a_child_of_the_step(flow):
    done, _ = run(flow)
    db, ids = flow.record.db, runs_of(done)
    experiment = get_run(db, done.id).experiment_id
    (child,), _ = search_runs(db, [experiment], filter="attributes.run_name = 'child'")
    assert child.tags["mlflow.parentRunId"] == ids["nested"]
    assert child.metric("inner") == 3
    assert child.status == "FINISHED"
    assert get_run(db, ids["nested"]).metric("outer") == 3


def test_a_bare_start_run_is_the_steps_own_run(flow):
    """As in code that was written for MLflow alone."""
    import mlflow

    flow.replace(
        "flow.py",
        'with mlflow.start_run(run_name="child", nested=True):',
        "with mlflow.start_run(tags={'a': 'b'}):",
    )
    before = mlflow.start_run
    done, _ = run(flow)
    assert done.status == "FINISHED", done.traceback
    step = get_run(flow.record.db, runs_of(done)["nested"])
    assert (step.metric("inner"), step.metric("outer"), step.tags["a"]) == (3, 3, "b")
    assert mlflow.start_run is before


def test_a_cached_step_shows_what_its_maker_logged(flow):
    first, _ = run(flow)
    again, opened = run(flow)
    assert opened == []  # nothing ran, so nothing was started
    assert set(again.verdicts().values()) == {"hit"}
    taken = get_run(flow.record.db, runs_of(again)["fit"])
    assert taken.metric("loss") == 2
    assert taken.params == {"depth": "3", "chosen": "3"}
    assert taken.tags["paved.cached_from"] == runs_of(first)["fit"]
    assert again.metrics == first.metrics


def test_afterwards_mlflow_is_as_it_was(flow):
    import mlflow

    before = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")}
    _, (server,) = run(flow)
    assert {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")} == before
    assert not mlflow.is_tracking_uri_set()
    assert mlflow.active_run() is None
    assert server.url


@pytest.mark.parametrize("ends_first", [0, 1])
def test_a_run_that_ends_leaves_mlflow_to_the_one_beside_it(project, no_traces, ends_first):
    import mlflow

    db = project.record.db
    doors = [
        MlflowDoor(
            lambda: embedded.start(project.record),
            experiment_id=lambda: "0",
            show_step=lambda run_id, step: None,
            note=pytest.fail,
        )
        for _ in range(2)
    ]
    runs = [db.write(lambda tx: start_run(tx, experiment_id="0")) for _ in range(3)]
    for door, run_id in zip(doors, runs, strict=False):
        with door.activity(run_id, "step", ("mlflow",)):
            mlflow.log_metric("m", 1)
    with doors[1 - ends_first].activity(runs[2], "step", ("mlflow",)):
        doors[ends_first].close()
        mlflow.log_metric("m", 2)
    doors[1 - ends_first].close()
    assert [metric_history(db, run_id, "m")[0].value for run_id in runs] == [1, 1, 2]
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert not mlflow.is_tracking_uri_set()
    assert not hasattr(mlflow.start_run, "__wrapped__")


def test_runs_that_come_and_go_side_by_side_lose_nothing(project, no_traces):
    """Each door opens and closes while steps of others are amid their calls."""
    import mlflow

    runs = [project.record.db.write(lambda tx: start_run(tx, experiment_id="0")) for _ in range(24)]
    failures: list[BaseException] = []

    def go(mine: list[str]) -> None:
        try:
            for run_id in mine:
                door = MlflowDoor(
                    lambda: embedded.start(project.record),
                    experiment_id=lambda: "0",
                    show_step=lambda run_id, step: None,
                    note=pytest.fail,
                )
                with door.activity(run_id, "step", ("mlflow",)):
                    for step in range(5):
                        mlflow.log_metric("m", step, step=step)
                door.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(runs[place::4],)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {len(metric_history(project.record.db, run_id, "m")) for run_id in runs} == {5}
    assert not mlflow.is_tracking_uri_set()


def test_a_step_that_fails_leaves_no_run_open(flow):
    import mlflow

    flow.replace("flow.py", "return float(sum(values))", "raise ValueError('no')")
    done, _ = run(flow)
    failed = get_run(flow.record.db, runs_of(done)["fit"])
    assert (failed.status, failed.metric("loss")) == ("FAILED", 2)
    assert mlflow.active_run() is None


def test_side_by_side_each_step_logs_to_its_own_run(project, monkeypatch, no_traces):
    monkeypatch.chdir(project.root)
    project.write(
        "flow.py",
        """
import time
import mlflow

@paved.step
def one(x: int) -> int:
    for step in range(3):
        mlflow.log_metric("x", x, step=step)
        time.sleep(0.02)
    return x

@paved.pipeline
def main():
    return one.map([1, 2, 3, 4, 5, 6])
""",
    )
    done, _ = run(project, workers=3)
    for name, run_id in runs_of(done).items():
        points = metric_history(project.record.db, run_id, "x")
        assert [point.value for point in points] == [int(name[4]) + 1] * 3


def test_autologging_and_models_of_scikit_learn_go_to_the_run(project, monkeypatch, no_traces):
    monkeypatch.chdir(project.root)
    project.write(
        "flow.py",
        """
import mlflow
import numpy as np
from sklearn.linear_model import LinearRegression

@paved.step
def train(n: int) -> float:
    mlflow.autolog(log_datasets=True, silent=True)
    model = LinearRegression().fit(np.arange(n).reshape(-1, 1), np.arange(n) * 2.0)
    mlflow.autolog(disable=True)
    return float(model.coef_[0])

@paved.step
def keep(slope: float) -> float:
    model = LinearRegression().fit(np.array([[0.0], [1.0]]), np.array([0.0, slope]))
    mlflow.sklearn.log_model(model, name="line")
    return slope

@paved.pipeline
def main(n: int = 10):
    return keep(train(n))
""",
    )
    done, _ = run(project)
    assert done.status == "FINISHED", done.traceback
    db, ids = project.record.db, runs_of(done)
    trained = get_run(db, ids["train"])
    assert trained.params["fit_intercept"] == "True"
    assert trained.metric("training_r2_score") == pytest.approx(1)
    assert run_inputs(db, ids["train"])
    (model,) = logged_models_of_run(db, ids["keep"])
    assert (model.name, model.status) == ("line", "READY")
    assert model.id in get_run(db, done.id).tags["paved.models"]
    again, _ = run(project)
    assert model.id in get_run(db, runs_of(again)["keep"]).tags["paved.models"]


def test_mlflow_imported_late_inside_the_step_works_too(project, home, no_traces):
    """In a fresh process that has not imported MLflow, and where the cache cannot see that it will."""
    project.write(
        "flow.py",
        """
import importlib, sys

@paved.step
def plain() -> int:
    return int("mlflow" in sys.modules)

@paved.step
def late(x: int) -> int:
    module = importlib.import_module("ml" + "flow")
    module.log_metric("late", 7)
    return x

@paved.pipeline
def main():
    return late(plain())
""",
    )
    done = paved_run(project, "flow:main")
    assert done.returncode == 0, done.stderr
    experiment = find_experiment(project.record.db, "small")
    found, _ = search_runs(project.record.db, [experiment.id], filter="tags.`paved.step` = 'late'")
    assert found[0].metric("late") == 7


def test_an_isolated_step_logs_to_its_run(project, home, no_traces):
    project.write(
        "flow.py",
        """
import mlflow

@paved.step(isolate=True)
def there(x: int) -> int:
    with mlflow.start_run():
        mlflow.log_metric("there", x)
    return x

@paved.pipeline
def main():
    return there.map([5, 6])
""",
    )
    done = paved_run(project, "flow:main", "--workers", "1")
    assert done.returncode == 0, done.stderr
    experiment = find_experiment(project.record.db, "small")
    found, _ = search_runs(project.record.db, [experiment.id], filter="tags.`paved.kind` = 'step'")
    assert sorted(each.metric("there") for each in found) == [5, 6]
    assert {each.status for each in found} == {"FINISHED"}


def test_a_tracking_uri_of_the_users_own_wins_with_one_note(project, monkeypatch, tmp_path, no_traces):
    import mlflow

    monkeypatch.chdir(project.root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/theirs.db")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    project.write(
        "flow.py",
        """
import mlflow

@paved.step
def one(x: int) -> str:
    return mlflow.get_tracking_uri()

@paved.pipeline
def main():
    return one.map([1, 2])
""",
    )
    notes: list[str] = []
    done, opened = run(
        project, progress=lambda event: notes.append(event.text) if isinstance(event, ev.Note) else None
    )
    assert done.result == [f"sqlite:///{tmp_path}/theirs.db"] * 2
    assert opened == []
    assert len([note for note in notes if "a tracking URI is set already" in note]) == 1
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/theirs.db"


def test_an_experiment_that_the_user_chose_before_does_not_stand_in_the_way(flow, tmp_path, monkeypatch):
    import mlflow

    fluent = sys.modules["mlflow.tracking.fluent"]
    monkeypatch.setattr(fluent, "_active_experiment_id", "4711")
    done, _ = run(flow)
    assert done.status == "FINISHED", done.traceback
    assert fluent._active_experiment_id == "4711"
    assert mlflow.active_run() is None


def test_steps_that_do_not_use_mlflow_start_nothing(project):
    project.write(
        "flow.py",
        "@paved.step\ndef one(x: int) -> int:\n    return x\n\n"
        "@paved.pipeline\ndef main():\n    return one(1)\n",
    )
    code = (
        "import sys\nsys.path.insert(0, '.')\nimport flow\n"
        "from pavedroad.pipelines import running\n"
        "assert flow.main.run().result == 1\n"
        "assert 'mlflow' not in sys.modules and 'uvicorn' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def paved_run(project, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pavedroad.cli", "run", *words],
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=120,
    )
