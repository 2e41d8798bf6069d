from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.transfer.reading import everything, ids_of

from pavedroad.errors import Invalid, PavedError, Unavailable
from pavedroad.record import Record
from pavedroad.tracking import (
    Metric,
    create_logged_model,
    delete_run,
    end_run,
    ensure_experiment,
    get_run,
    has_run,
    log_batch,
    log_outputs,
    metric_history,
    save_file,
    start_run,
)
from pavedroad.tracking.model import RunModel, root_of
from pavedroad.transfer.exporting import export_store
from pavedroad.transfer.model import Report
from pavedroad.transfer.record_source import RecordSource
from pavedroad.transfer.sources import open_source, open_target

AT_MS = 1_750_000_000_000


def send(record: Record, url: str, origin: Path | None = None, **options: Any) -> Report:
    source = open_source(str(origin), here=origin.parent) if origin else RecordSource(record)
    target = open_target(url)
    try:
        return export_store(record, source, target, **options)
    finally:
        source.close()
        target.close()


def taken(report: Report) -> dict[str, int]:
    return {kind: count.taken for kind, count in report.counts.items() if count.taken}


def log_run(record: Record, tmp_path: Path, *, points: int = 3) -> str:
    """A run as `paved run` leaves it."""
    experiment = record.db.write(lambda tx: ensure_experiment(tx, "offline", who="ada"))
    run_id = record.db.write(
        lambda tx: start_run(tx, experiment_id=experiment.id, user="ada", start_ms=AT_MS)
    )
    curve = [
        Metric(key="loss", value=1 / (step + 1), at_ms=AT_MS + step, step=step) for step in range(points)
    ]
    record.db.write(lambda tx: log_batch(tx, run_id, curve, {"lr": "0.1"}, {"note": "alone"}))
    (tmp_path / "file").write_bytes(b"bytes")
    with (tmp_path / "file").open("rb") as file:
        save_file(record, root_of(get_run(record.db, run_id).artifact_uri), "deep/file.bin", file)
    record.db.write(lambda tx: end_run(tx, run_id, end_ms=AT_MS + 9))
    return run_id


@pytest.fixture
def alone(record: Record, tmp_path: Path) -> tuple[Record, str]:
    return record, log_run(record, tmp_path)


@pytest.fixture
def team(start_server: Callable[..., Any], tmp_path: Path) -> Any:
    """Another person's `paved up`."""
    from pavedroad.config import Settings

    (tmp_path / "team").mkdir()
    return start_server(Settings(home=tmp_path / "team" / "home", user="bob"))


def test_runs_of_a_lone_record_keep_their_ids_at_the_team(
    any_record: Record, team: Any, tmp_path: Path
) -> None:
    record, run_id = any_record, log_run(any_record, tmp_path)
    report = send(record, team.url)
    assert report.matches, report.problems
    there, here = get_run(team.record.db, run_id), get_run(record.db, run_id)
    assert (there.params, there.tags, there.metrics) == (here.params, here.tags, here.metrics)
    assert (there.status, there.start_ms, there.end_ms, there.user) == ("FINISHED", AT_MS, AT_MS + 9, "ada")
    assert metric_history(team.record.db, run_id, "loss") == metric_history(record.db, run_id, "loss")
    assert team.get(f"/get-artifact?run_uuid={run_id}&path=deep/file.bin") == "bytes"
    assert taken(send(record, team.url)) == {}
    new = log_run(record, tmp_path)
    assert taken(send(record, team.url)) == {"runs": 1, "points": 3, "files": 1}
    assert has_run(team.record.db, new)


def test_logged_models_keep_their_ids_and_their_runs(alone: tuple[Record, str], team: Any) -> None:
    record, run_id = alone
    experiment = get_run(record.db, run_id).experiment_id
    model = record.db.write(
        lambda tx: create_logged_model(tx, experiment_id=experiment, name="trees", source_run_id=run_id)
    )
    record.db.write(lambda tx: log_outputs(tx, run_id, [RunModel(model_id=model.id, step=2)]))
    report = send(record, team.url)
    assert report.matches, report.problems
    from pavedroad.tracking import logged_models_of_run, run_models

    (there,) = logged_models_of_run(team.record.db, run_id)
    assert (there.id, there.name, there.status) == (model.id, "trees", "PENDING")
    assert run_models(team.record.db, run_id)[1] == [RunModel(model_id=model.id, step=2)]


def test_what_mlflow_logged_into_a_folder_goes_to_the_team(
    mlruns: Path, record: Record, team: Any, mlflow_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    first = send(record, team.url, mlruns)
    assert first.matches, first.problems
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = mlflow_module.MlflowClient(str(mlruns)), mlflow_module.MlflowClient(team.url)
        ids = ids_of(theirs)
        assert sorted(ids_of(ours)) == sorted(ids)
        for run_id in ids:
            here, there = everything(theirs, run_id), everything(ours, run_id)
            here["curves"].pop(
                "auc", None
            )  # of a point with a dataset, MLflow's folder store forgets the step
            there["curves"].pop("auc", None)
            assert there == here
    assert taken(send(record, team.url, mlruns)) == {}


def test_what_was_begun_and_not_finished_is_completed_not_made_twice(
    alone: tuple[Record, str], team: Any
) -> None:
    record, run_id = alone
    send(record, team.url)
    record.db.write(lambda tx: tx.run("UPDATE transferred SET target = '', digest = '' WHERE kind = 'run'"))
    report = send(record, team.url)
    assert report.matches, report.problems
    assert taken(report) == {"runs": 1, "points": 3}
    assert team.record.db.value("SELECT COUNT(*) FROM runs") == 1
    assert metric_history(team.record.db, run_id, "loss") == metric_history(record.db, run_id, "loss")


def test_two_people_can_log_into_one_experiment(alone: tuple[Record, str], team: Any, tmp_path: Path) -> None:
    record, run_id = alone
    there = team.record
    other = log_run(there, tmp_path)
    report = send(record, team.url)
    assert report.matches
    assert get_run(there.db, run_id).experiment_id == get_run(there.db, other).experiment_id


def test_a_deleted_run_is_deleted_there_and_a_lost_one_failed(
    alone: tuple[Record, str], team: Any, tmp_path: Path
) -> None:
    record, run_id = alone
    lost = record.db.write(lambda tx: start_run(tx, experiment_id="0", start_ms=AT_MS))
    record.db.write(lambda tx: tx.run("UPDATE runs SET status = 'LOST' WHERE id = :id", id=lost))
    record.db.write(lambda tx: delete_run(tx, run_id, who="ada"))
    report = send(record, team.url)
    assert report.matches, report.problems
    assert get_run(team.record.db, run_id).lifecycle_stage == "deleted"
    assert get_run(team.record.db, lost).status == "FAILED"
    assert taken(send(record, team.url)) == {}


def test_a_long_history_arrives_whole(record: Record, team: Any, tmp_path: Path) -> None:
    run_id = log_run(record, tmp_path, points=100_000)
    report = send(record, team.url)
    assert report.counts["points"].taken == 100_000
    assert metric_history(team.record.db, run_id, "loss") == metric_history(record.db, run_id, "loss")


def test_one_run_that_the_server_refuses_does_not_stop_the_others(
    alone: tuple[Record, str], team: Any
) -> None:
    record, run_id = alone
    bad = record.db.write(lambda tx: start_run(tx, experiment_id="0", start_ms=AT_MS))
    add = "INSERT INTO params (run_no, key, value) SELECT no, '../up', '1' FROM runs WHERE id = :id"
    record.db.write(lambda tx: tx.run(add, id=bad))
    report = send(record, team.url)
    (problem,) = report.problems
    assert (problem.kind, problem.what) == ("runs", f"run {bad}")
    assert "answers 400" in problem.why
    assert (report.counts["runs"].taken, report.counts["runs"].not_taken, report.matches) == (1, 1, False)
    assert has_run(team.record.db, run_id)


@pytest.mark.parametrize("url", ["mlflow.db", "postgresql://ada:secret@h/db", "ftp://h", "http://"])
def test_only_a_server_can_be_sent_to(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        open_target(url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_and_loses_nothing(alone: tuple[Record, str]) -> None:
    with pytest.raises(Unavailable, match="cannot reach"):
        open_target("http://127.0.0.1:1")


def test_a_server_of_another_kind_is_refused(team: Any) -> None:
    with pytest.raises(PavedError, match="answers 40"):
        open_target(f"{team.url}/nowhere")


def test_the_command_tells_what_it_did(
    alone: tuple[Record, str], team: Any, paved: Callable[..., Any]
) -> None:
    _, run_id = alone
    assert "to take" in paved("sync", team.url, "--dry-run").out.lower()
    said = paved("sync", team.url, "--json").json
    assert (said["verb"], said["matches"], said["counts"]["runs"]["taken"]) == ("sent", True, 1)
    assert "nothing to do: everything is there already" in paved("export", "mlflow", team.url).out
    assert has_run(team.record.db, run_id)
