"""A run says that it is alive; one that falls silent is LOST, everywhere, until it beats again."""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest
from tests.pipelines.test_stopping import start, wait_until, write_flow

from pavedroad.catalog import Project, read_facts
from pavedroad.kit.clock import now_ms
from pavedroad.pipelines import get_pipeline_run, mark_lost_runs, newest_runs
from pavedroad.pipelines.heartbeat import Heart, beat_once
from pavedroad.pipelines.lost import looking_for_lost_runs
from pavedroad.pipelines.recording import About, Recorder
from pavedroad.tracking import LOST_AFTER_MS, create_experiment, get_run, log_metric, start_run
from pavedroad.tracking.model import Metric

ELSEWHERE = "UPDATE pipeline_runs SET host = 'elsewhere' WHERE run_id = :run_id"
SILENT = "UPDATE pipeline_runs SET heartbeat_ms = heartbeat_ms - :ms WHERE run_id = :run_id"


@pytest.fixture
def recorder(any_record, tmp_path):
    """A run of another machine, in its step `slow`."""
    about = About(
        project=Project(name="flights", root=tmp_path),
        pipeline="late",
        target="flow:late",
        parameters={},
        graph=(),
        who="ada",
    )
    recorder = Recorder(any_record, about)
    recorder.open()
    recorder.step_started("b" * 32, "slow", now_ms())
    recorder.wait()
    any_record.db.write(lambda tx: tx.run(ELSEWHERE, run_id=recorder.run_id))
    return recorder


def fall_silent(record, run_id: str, ms: int) -> None:
    record.db.write(lambda tx: tx.run(SILENT, ms=ms, run_id=run_id))


def test_a_run_of_another_machine_is_lost_when_it_was_silent_for_longer_than_the_rule(any_record, recorder):
    fall_silent(any_record, recorder.run_id, LOST_AFTER_MS - 10_000)
    assert mark_lost_runs(any_record) == []
    fall_silent(any_record, recorder.run_id, 20_000)
    assert mark_lost_runs(any_record) == [recorder.run_id]
    assert mark_lost_runs(any_record) == []
    for run_id in recorder.alive():
        run = get_run(any_record.db, run_id)
        assert (run.status, run.end_ms) == ("LOST", run.start_ms)
    assert "silent for" in get_run(any_record.db, recorder.run_id).tags["paved.error"]
    fact = read_facts(any_record.db, run_id=recorder.run_id)[0]
    assert (fact.verb, fact.artifact) == ("marked-lost", "pipeline/flights.late")


def test_a_lost_run_that_beats_again_runs_again_and_the_journal_says_so(any_record, recorder):
    fall_silent(any_record, recorder.run_id, LOST_AFTER_MS + 1)
    mark_lost_runs(any_record)
    run_id, *steps = recorder.alive()
    any_record.db.write(lambda tx: beat_once(tx, run_id, steps, recorder.about.ref))
    assert get_pipeline_run(any_record.db, run_id).status == "RUNNING"
    for each in recorder.alive():
        run = get_run(any_record.db, each)
        assert (run.status, run.end_ms) == ("RUNNING", None)
    assert "paved.error" not in get_run(any_record.db, run_id).tags
    assert [fact.verb for fact in read_facts(any_record.db, run_id=run_id)][:2] == [
        "found-alive",
        "marked-lost",
    ]
    recorder.close("FINISHED")
    assert get_run(any_record.db, run_id).status == "FINISHED"


def test_a_beat_does_not_wake_what_has_ended(any_record, recorder):
    run_id, *steps = recorder.alive()
    recorder.close("FAILED", error="x")
    any_record.db.write(lambda tx: beat_once(tx, run_id, steps, recorder.about.ref))
    assert get_run(any_record.db, run_id).status == "FAILED"
    assert get_pipeline_run(any_record.db, run_id).status == "FAILED"


def test_the_heart_beats_until_it_is_stopped_and_outlives_a_database_that_is_away(
    any_record, recorder, monkeypatch
):
    monkeypatch.setattr("pavedroad.pipelines.heartbeat.BEAT_EVERY_S", 0.01)
    outages = iter([True, False, True])

    class Away:
        def write(self, work):
            if next(outages, False):
                raise OSError("away")
            return any_record.db.write(work)

    before = get_pipeline_run(any_record.db, recorder.run_id).heartbeat_ms
    heart = Heart(Away(), recorder.alive, recorder.about.ref)
    heart.start()
    wait_until(lambda: get_pipeline_run(any_record.db, recorder.run_id).heartbeat_ms > before)
    wait_until(lambda: next(outages, None) is None)
    heart.stop()
    recorder.close("FINISHED")


def test_runs_of_plain_clients_are_never_lost(any_record):
    def old_run(tx):
        experiment = create_experiment(tx, "plain", who="ada")
        run_id = start_run(tx, experiment_id=experiment.id, start_ms=1)
        log_metric(tx, run_id, Metric(key="loss", value=1.0, at_ms=1))
        return run_id

    run_id = any_record.db.write(old_run)
    assert mark_lost_runs(any_record) == []
    assert get_run(any_record.db, run_id).status == "RUNNING"


def test_a_stopped_process_counts_as_silent(project, home):
    write_flow(project)
    process = start(project, home)
    try:
        wait_until((project.root / "marker").exists)
        run_id = newest_runs(project.record.db)[0].run_id
        fall_silent(project.record, run_id, LOST_AFTER_MS + 1)
        assert mark_lost_runs(project.record) == []  # it is seen at work
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: mark_lost_runs(project.record) == [run_id])
    finally:
        process.kill()
        process.communicate()


def test_a_killed_run_is_lost_on_pages_and_in_commands_and_failed_to_mlflow(project, live, home, paved):
    write_flow(project)
    process = start(project, home)
    wait_until((project.root / "marker").exists)
    process.kill()
    process.communicate()
    listed = paved("runs", "--json").json
    assert [run["status"] for run in listed] == ["LOST"]
    run_id = listed[0]["run_id"]
    assert " lost " in paved("runs").out
    assert "ended without a word" in " ".join(paved("show", run_id[:8]).out.split())
    assert "ended without a word" in live.get(f"/runs/{run_id}")
    answer = json.loads(live.get(f"/api/2.0/mlflow/runs/get?run_id={run_id}"))
    assert answer["run"]["info"]["status"] == "FAILED"
    assert [run["run_id"] for run in paved("runs", "--status", "LOST", "--json").json] == [run_id]
    assert paved("runs", "--status", "FAILED", "--json").json == []
    found = find_over_mlflow(live.url, answer["run"]["info"]["experiment_id"], "status = 'FAILED'")
    assert run_id in found
    assert "lost" in live.get("/runs")


def find_over_mlflow(url: str, experiment_id: str, condition: str) -> list[str]:
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/runs/search",
        data=json.dumps({"experiment_ids": [experiment_id], "filter": condition}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return [run["info"]["run_id"] for run in json.load(answer)["runs"]]


def test_the_server_looks_for_lost_runs_by_itself(any_record, recorder, monkeypatch):
    monkeypatch.setattr("pavedroad.pipelines.lost.LOOK_EVERY_S", 0.01)
    fall_silent(any_record, recorder.run_id, LOST_AFTER_MS + 1)
    with looking_for_lost_runs(any_record):
        wait_until(lambda: get_run(any_record.db, recorder.run_id).status == "LOST")
