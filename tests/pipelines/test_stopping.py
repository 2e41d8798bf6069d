"""Ctrl-C, a polite kill and a rude one leave a run marked, nothing running, and a next run that goes on
from there.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pavedroad.pipelines import get_pipeline_run, mark_lost_runs, newest_runs, steps_of_run
from pavedroad.pipelines.surroundings import Process, is_alive, this_process
from pavedroad.record import open_record
from pavedroad.tracking import get_run

FLOW = """
import os, sys, time

@paved.step
def first() -> int:
    return 1

@paved.step({options})
def slow(x: int, marker: str, seconds: float) -> int:
    Path(marker).write_text(str(os.getpid()))
    {body}
    return x + 1

@paved.step
def last(x: int) -> int:
    return x * 10

@paved.pipeline
def main(marker: str, seconds: float = 60):
    return last(slow(first(), marker, seconds))
"""
SLEEPS = "time.sleep(seconds)"
SPINS = "end = time.monotonic() + seconds\n    while time.monotonic() < end: pass"


def start(project, home, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "pavedroad.cli", "run", "flow:main", "--marker", "marker", *more]
    return subprocess.Popen(
        command,
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PAVED_HOME": str(home)},
    )


def wait_until(happened, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def write_flow(project, *, options: str = "", body: str = SLEEPS) -> None:
    project.write(
        "flow.py", FLOW.replace("{options}", options).replace("{body}", body).replace("step()", "step")
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("options", "body"),
    [("", SPINS), ("", SLEEPS), ("isolate=True", SLEEPS)],
    ids=["spins", "sleeps", "isolated"],
)
def test_a_stopped_run_is_marked_and_its_processes_end(project, home, how, options, body):
    write_flow(project, options=options, body=body)
    marker = project.root / "marker"
    process = start(project, home)
    wait_until(lambda: marker.exists() and marker.read_text())
    process.send_signal(how)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "stopped after" in err
    pid = int(marker.read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    row = newest_runs(project.record.db)[0]
    assert row.status == "KILLED"
    run = get_run(project.record.db, row.run_id)
    assert (run.status, run.tags["paved.error"]) == ("KILLED", "stopped by the user")
    steps = {step.step: step for step in steps_of_run(project.record.db, row.run_id)}
    assert steps["first"].status == "FINISHED"
    assert steps["slow"].status == "KILLED"
    assert get_run(project.record.db, steps["slow"].step_run_id).status == "KILLED"


def test_after_a_stop_the_next_run_goes_on_with_other_parameters(project, home):
    write_flow(project)
    marker = project.root / "marker"
    process = start(project, home)
    wait_until(marker.exists)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    again = start(project, home, "--seconds", "0", "--json")
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    finished = [json.loads(line) for line in out.splitlines()]
    verdicts = {event["step"]: event["verdict"] for event in finished if event["event"] == "step_finished"}
    assert verdicts == {"first": "hit", "slow": "miss", "last": "miss"}


def test_a_killed_run_is_found_and_marked_as_lost(project, home):
    write_flow(project)
    marker = project.root / "marker"
    process = start(project, home)
    wait_until(marker.exists)
    wait_until(lambda: newest_runs(project.record.db))
    row = newest_runs(project.record.db)[0]
    wait_until(lambda: running_steps(project, row.run_id) == ["slow"])
    assert mark_lost_runs(project.record) == []  # it lives
    process.kill()
    process.communicate()
    assert get_pipeline_run(project.record.db, row.run_id).status == "RUNNING"
    assert mark_lost_runs(project.record) == [row.run_id]
    run = get_run(project.record.db, row.run_id)
    assert (run.status, "ended without a word" in run.tags["paved.error"]) == ("LOST", True)
    assert run.end_ms is not None
    assert running_steps(project, row.run_id) == []
    assert mark_lost_runs(project.record) == []


def running_steps(project, run_id: str) -> list[str]:
    from pavedroad.tracking import search_runs

    experiment = get_run(project.record.db, run_id).experiment_id
    found, _ = search_runs(project.record.db, [experiment], filter="attributes.status = 'RUNNING'")
    return [run.tags["paved.step"] for run in found if "paved.step" in run.tags]


def test_the_next_run_marks_what_was_lost(project, home):
    write_flow(project)
    process = start(project, home)
    wait_until((project.root / "marker").exists)
    process.kill()
    process.communicate()
    lost = newest_runs(project.record.db)[0].run_id
    again = start(project, home, "--seconds", "0")
    again.communicate(timeout=60)
    assert get_pipeline_run(project.record.db, lost).status == "LOST"


@pytest.mark.slow
def test_killed_at_random_moments_the_store_stays_whole_and_the_rerun_completes(project, home):
    """What was acknowledged is there, what is in the cache is whole, and the end is always the same."""
    project.write(
        "flow.py",
        """
import numpy as np

@paved.step
def make(n: int) -> np.ndarray:
    return np.arange(n * 1000)

@paved.step
def double(x: np.ndarray, round: int) -> np.ndarray:
    return x * 2

@paved.step
def total(parts: list[np.ndarray]) -> int:
    return int(sum(part.sum() for part in parts))

@paved.pipeline
def main(marker: str, round: int = 0):
    return total(double.map(make.map(list(range(1, 30))), round=round))
""",
    )
    expected = sum(2 * sum(range(n * 1000)) for n in range(1, 30))
    chance = random.Random(8400)
    for number in range(12):
        process = start(project, home, "--round", str(number))
        time.sleep(chance.uniform(0.2, 1.0))
        process.kill()
        process.communicate()
        run = project.run(marker="marker", round=number)
        assert run.result == expected
    check = open_record(project.record.settings)
    try:
        assert check.db.value("PRAGMA integrity_check") == "ok"
    finally:
        check.close()


def test_this_process_is_alive_and_others_are_told_apart():
    me = this_process()
    assert is_alive(me)
    assert not is_alive(Process(host=me.host, boot=me.boot, pid=me.pid, started="12345"))
    assert not is_alive(Process(host=me.host, boot="another", pid=me.pid, started=me.started))
    assert not is_alive(Process(host=me.host, boot=me.boot, pid=2**22 - 7, started="1"))
    assert is_alive(Process(host="elsewhere", boot="another", pid=1, started=""))
