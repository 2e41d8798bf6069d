"""What a run leaves on the record: MLflow runs, lineage, the journal, the environment, the project."""

from __future__ import annotations

import subprocess

import pytest

from pavedroad.catalog import Ref, edges_of, find_artifact, read_facts
from pavedroad.pipelines import (
    find_step_by_step_run,
    get_pipeline_run,
    latest_project,
    project_of_run,
    read_environment,
    steps_of_run,
)
from pavedroad.tracking import (
    find_experiment,
    find_file,
    get_run,
    logged_models_of_run,
    run_inputs,
    run_models,
    search_runs,
)

FLOW = """
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

@paved.step
def load(file: Path) -> pd.DataFrame:
    return pd.read_csv(file)

@paved.step
def split(frame: pd.DataFrame, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = int(len(frame) * share)
    return frame.iloc[:cut], frame.iloc[cut:]

@paved.step
def train(train: pd.DataFrame, *, weight: float = 1.0) -> paved.Model:
    estimator = LinearRegression().fit(train[["x"]], train["y"])
    return paved.Model(
        estimator=estimator, name="line", example=train[["x"]].head(2), metrics={"r2": 0.5}, params={"w": 1}
    )

@paved.step
def evaluate(model: paved.Model, test: pd.DataFrame) -> paved.Evaluation:
    error = float(np.abs(model.estimator.predict(test[["x"]]) - test["y"]).mean())
    return paved.Evaluation(metrics={"mae": error, "rows@test": len(test)}, data=test, name="held-out")

@paved.pipeline
def main(file: Path = Path("data.csv"), share: float = 0.5):
    past, future = split(load(file), share)
    model = train(past)
    return model, evaluate(model, future)
"""


@pytest.fixture
def small(project, monkeypatch):
    monkeypatch.chdir(project.root)
    project.write(
        "pyproject.toml",
        '[project]\nname = "small"\nversion = "1"\n[tool.paved]\nowner = "team-a"\ndescription = "A line."\n'
        'entry = "flow:main"\n[tool.paved.gates.champion]\nsignature = true\n',
    )
    project.write("flow.py", FLOW)
    project.write("data.csv", "x,y\n" + "".join(f"{n},{2 * n}\n" for n in range(10)))
    return project


def test_a_run_is_an_mlflow_run_with_nested_runs_of_its_steps(small):
    db, run = small.record.db, small.run()
    parent = get_run(db, run.id)
    assert parent.experiment_id == find_experiment(db, "small").id
    assert (parent.name, parent.status, parent.user) == ("main", "FINISHED", "ada")
    assert parent.params == {"file": "data.csv", "share": "0.5"}
    assert parent.tags["paved.kind"] == "pipeline"
    assert parent.tags["paved.target"] == "flow:main"
    assert parent.tags["paved.steps.miss"] == "4"
    nested, _ = search_runs(db, [parent.experiment_id], filter=f"tags.`mlflow.parentRunId` = '{run.id}'")
    assert {each.name for each in nested} == {"load", "split", "train", "evaluate"}
    train = next(each for each in nested if each.name == "train")
    assert train.params == {"weight": "1.0"}
    assert train.tags["paved.cache"] == "miss"
    assert (train.tags["paved.step"], train.tags["paved.project"]) == ("train", "small")
    assert train.end_ms >= train.start_ms


def test_metrics_of_models_and_evaluations_are_on_the_step_and_on_the_run_also_when_cached(small):
    db = small.record.db
    for run in (small.run(), small.run()):
        assert run.metrics == {"r2": 0.5, "mae": pytest.approx(0, abs=1e-9), "rows_test": 5}
        assert get_run(db, run.id).metric("mae") == pytest.approx(0, abs=1e-9)
        step = next(each for each in run.steps if each.name == "evaluate")
        assert get_run(db, step.run_id).metric("rows_test") == 5


def test_the_data_of_an_evaluation_is_an_input_of_the_run_with_its_digest(small):
    db = small.record.db
    first, again = small.run(), small.run()
    for run in (first, again):
        held_out = [each for each in run_inputs(db, run.id) if each.name == "held-out"]
        assert [each.tags["mlflow.data.context"] for each in held_out] == ["eval"]
        step = next(each for each in run.steps if each.name == "evaluate")
        assert "held-out" in {each.name for each in run_inputs(db, step.run_id)}
    digest = next(each.digest for each in run_inputs(db, first.id) if each.name == "held-out")
    used = next(each for each in run_inputs(db, first.id) if each.tags["paved.parameter"] == "test")
    assert used.digest == digest  # the very rows that the split gave
    small.replace("data.csv", "9,18", "9,19")
    changed = small.run()
    assert digest != next(each.digest for each in run_inputs(db, changed.id) if each.name == "held-out")


def test_a_returned_model_is_a_logged_model_of_its_step(small):
    db, run = small.record.db, small.run()
    step = next(each for each in run.steps if each.name == "train")
    (model,) = logged_models_of_run(db, step.run_id)
    assert (model.name, model.status, model.params) == ("line", "READY", {"w": "1"})
    assert run_models(db, step.run_id)[1][0].model_id == model.id
    assert get_run(db, run.id).tags["paved.models"] == model.id
    root = f"{model.experiment_id}/models/{model.id}/artifacts"
    manifest = find_file(db, root, "MLmodel")
    text = small.record.files.path(manifest.digest).read_text()
    assert f"model_id: {model.id}" in text
    assert f"run_id: {step.run_id}" in text


def test_a_cached_model_points_at_the_run_that_made_it(small):
    db = small.record.db
    first, again = small.run(), small.run()
    maker = next(each for each in first.steps if each.name == "train")
    taker = next(each for each in again.steps if each.name == "train")
    tags = get_run(db, taker.run_id).tags
    (model,) = logged_models_of_run(db, maker.run_id)
    assert tags["paved.cached_from"] == maker.run_id
    assert tags["paved.models"] == model.id == get_run(db, again.id).tags["paved.models"]
    assert find_step_by_step_run(db, maker.run_id).step == "train"


def test_lineage_and_journal_tell_what_was_used_and_made(small):
    db, run = small.record.db, small.run()
    said = {(edge.verb, edge.target.split("@")[0]) for edge in edges_of(db, "pipeline/small.main")}
    assert said == {
        ("part-of", "project/small"),
        ("used", "dataset/data.csv"),
        ("produced", "dataset/small.main.load"),
        ("produced", "dataset/small.main.split.0"),
        ("produced", "dataset/small.main.split.1"),
    }
    (fact,) = read_facts(db, artifact="pipeline/small.main", verb="ran")
    assert (fact.who, fact.run_id, fact.payload["miss"], fact.payload["hit"]) == ("ada", run.id, 4, 0)
    project = find_artifact(db, Ref("project", "small"))
    assert (project.owner, project.description) == ("team-a", "A line.")


def test_a_failed_run_is_a_fact_too(small):
    small.replace("flow.py", "return pd.read_csv(file)", "raise OSError('no disk')")
    run = small.run()
    (fact,) = read_facts(small.record.db, artifact="pipeline/small.main", verb="failed")
    assert "no disk" in fact.payload["error"]
    assert "no disk" in get_run(small.record.db, run.id).tags["paved.error"]
    step = run.steps[0]
    experiment = get_run(small.record.db, run.id).experiment_id
    trace = find_file(small.record.db, f"{experiment}/{step.run_id}/artifacts", "traceback.txt")
    assert "raise OSError" in small.record.files.path(trace.digest).read_text()


def test_a_pipeline_called_like_its_project_has_that_name(small):
    small.replace("flow.py", "def main(", "def small(")
    small.run("flow:small")
    assert find_artifact(small.record.db, Ref("pipeline", "small")) is not None


def test_the_project_as_it_was_is_kept_with_the_run(small):
    db, run = small.record.db, small.run()
    kept = latest_project(db, "small")
    assert kept.run_id == run.id
    assert kept.manifest.gates == {"champion": {"signature": True}}
    assert kept.manifest.root == small.root
    assert project_of_run(db, run.id) == kept
    small.replace("pyproject.toml", "team-a", "team-b")
    small.run()
    assert latest_project(db, "small").manifest.owner == "team-b"
    assert project_of_run(db, run.id).manifest.owner == "team-a"
    assert latest_project(db, "unknown") is None


def test_the_graph_and_the_environment_are_kept_with_the_run(small):
    db, run = small.record.db, small.run()
    row = get_pipeline_run(db, run.id)
    assert {node.name: node.needs for node in row.graph} == {
        "load": (),
        "split": ("load",),
        "train": ("split",),
        "evaluate": ("train", "split"),
    }
    environment = read_environment(db, row.environment)
    assert environment.installed["pandas"]
    assert get_run(db, run.id).tags["paved.environment"] == row.environment[:12]


def test_the_commit_and_what_is_not_committed_are_kept_without_secrets(small):
    git = ["git", "-C", str(small.root), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    small.write(".env", "TOKEN=first\n")
    small.write("settings.py", "LIMIT = 1\n")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A", "-f"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "start"], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    clean = get_run(small.record.db, small.run().id)
    assert (clean.tags["mlflow.source.git.commit"], clean.tags["paved.dirty"]) == (commit, "false")
    small.write(".env", "TOKEN=second\n")
    small.write(
        "settings.py", "LIMIT = 2\npassword = 'hunter2-hunter2'\nURL = 'postgres://ada:hunter2@db/x'\n"
    )
    small.write("new.py", "")
    run = get_run(small.record.db, small.run().id)
    assert (run.tags["paved.dirty"], run.tags["paved.untracked"]) == ("true", "new.py")
    stored = find_file(small.record.db, f"{run.experiment_id}/{run.id}/artifacts", "source/uncommitted.diff")
    diff = small.record.files.path(stored.digest).read_text()
    assert "+LIMIT = 2" in diff
    assert "second" not in diff
    assert "hunter2" not in diff


def test_steps_are_rows_with_what_went_in_and_came_out(small):
    run = small.run()
    rows = {row.step: row for row in steps_of_run(small.record.db, run.id)}
    assert list(rows) == ["load", "split", "train", "evaluate"]
    assert rows["split"].inputs["input frame"].shown == "load: DataFrame 10 × 2"
    assert rows["split"].inputs["parameter share"].shown == "0.5"
    assert [item.shown for item in rows["split"].output.items] == ["DataFrame 5 × 2", "DataFrame 5 × 2"]
    assert rows["train"].function == "flow.train"


def test_a_parameter_that_may_be_a_secret_is_masked_everywhere(project):
    project.write(
        "flow.py",
        """
@paved.step
def connect(api_token: str, max_tokens: int) -> int:
    return len(api_token) + max_tokens

@paved.pipeline
def main(password: str = "", max_tokens: int = 5):
    return connect(password, max_tokens)
""",
    )
    told = []
    run = project.run(password="hunter2-hunter2", progress=told.append)
    assert run.result == 20
    assert get_run(project.record.db, run.id).params == {"password": "***", "max_tokens": "5"}
    assert get_run(project.record.db, run.steps[0].run_id).params == {"api_token": "***", "max_tokens": "5"}
    assert "hunter2" not in repr(told)
    database = project.record.settings.home / "paved.db"
    assert b"hunter2" not in database.read_bytes() + database.with_name("paved.db-wal").read_bytes()
    assert project.run(password="another").verdicts() == {"connect": "miss"}


def test_the_same_is_recorded_on_both_databases(any_project, monkeypatch):
    monkeypatch.chdir(any_project.root)
    any_project.write("flow.py", FLOW)
    any_project.write("data.csv", "x,y\n" + "".join(f"{n},{2 * n}\n" for n in range(10)))
    first, again = any_project.run(), any_project.run()
    assert set(first.verdicts().values()) == {"miss"}
    assert set(again.verdicts().values()) == {"hit"}
    assert get_run(any_project.record.db, again.id).metric("rows_test") == 5
