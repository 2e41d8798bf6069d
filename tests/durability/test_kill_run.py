"""kill -9 of `paved run` at random moments: the rerun goes on from there, and the result is right."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pavedroad.config import Settings
from pavedroad.kit.files import FolderFiles, read_bytes
from pavedroad.record import record_of
from pavedroad.tracking import search_runs

KILLS = int(os.environ.get("PAVED_KILL_ROUNDS", "50"))  # on each database
KILLS_OF_ONE_RUN = 5
LONGEST_WORK_S = 0.6

# Numbers, an array, a table, a mapped step and one in a process of its own.
PIPELINE = """
import time
import numpy as np
import pyarrow as pa
import pavedroad as paved

@paved.step
def table(seed: int) -> pa.Table:
    time.sleep(0.03)
    return pa.table({"n": np.arange(50_000) + seed})

@paved.step
def column(rows: pa.Table) -> np.ndarray:
    time.sleep(0.03)
    return rows["n"].to_numpy()

@paved.step
def parts(values: np.ndarray) -> list[int]:
    return [int(part.sum()) for part in np.array_split(values, 6)]

@paved.step
def halved(part: int) -> int:
    time.sleep(0.02)
    return part * 2

@paved.step(isolate=True)
def alone(values: np.ndarray) -> int:
    time.sleep(0.05)
    return int(values.max())

@paved.step
def total(numbers: list[int], largest: int) -> int:
    return sum(numbers) + largest

@paved.pipeline
def flow(seed: int = 0) -> int:
    values = column(table(seed))
    return total(halved.map(parts(values)), alone(values))
"""


def expected(seed: int) -> int:
    return 2 * sum(range(seed, seed + 50_000)) + seed + 49_999


class Runs:
    """`paved run` on one record, again and again."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        (folder / "flow.py").write_text(PIPELINE)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PAVED_HOME": str(settings.home),
            "STARTED_BY": str(folder),  # by which to find the children of a killed run
            **({"PAVED_DATABASE": settings.database} if settings.database else {}),
        }

    def start(self, seed: int) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "pavedroad.cli",
            "run",
            "flow.py:flow",
            "--seed",
            str(seed),
            "--json",
        ]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill_at_random(self, seed: int, chance: random.Random) -> None:
        with self.start(seed) as process:
            assert process.stdout is not None
            if chance.random() < 0.8:
                process.stdout.readline()  # it has begun to work
            time.sleep(chance.uniform(0, LONGEST_WORK_S))
            process.kill()

    def finish(self, seed: int) -> list[dict[str, Any]]:
        """The events of a run that nobody disturbs."""
        with self.start(seed) as process:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, out + err
            assert "Traceback" not in err
        return [json.loads(line) for line in out.splitlines()]

    def still_alive(self) -> list[str]:
        """Processes that a killed run left behind."""
        mark = f"STARTED_BY={self.folder}".encode()
        return [
            path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if mark in read_or_nothing(path)
        ]


def read_or_nothing(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile, or is not ours
        return b""


def result_of(events: list[dict[str, Any]]) -> int:
    (output,) = [event["output"] for event in events if event.get("step") == "total" and "output" in event]
    return int(str(output).replace(",", ""))


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * KILLS)
def test_a_killed_run_goes_on_where_it_was_and_ends_right(any_settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Arrow is not installed (extra 'data')")
    chance = random.Random(8400)
    runs = Runs(any_settings, tmp_path)
    killed = seed = 0
    while killed < KILLS:
        seed += 1
        for _ in range(min(KILLS_OF_ONE_RUN, KILLS - killed)):
            runs.kill_at_random(seed, chance)
            killed += 1
        assert result_of(runs.finish(seed)) == expected(seed)
    again = runs.finish(seed)
    assert {event["verdict"] for event in again if event["event"] == "step_finished"} == {"hit"}
    assert result_of(again) == expected(seed)
    check_record(any_settings)
    wait_for_nobody(runs)


def check_record(settings: Settings) -> None:
    """No run is left as if it were running; no file is torn; the database is whole."""
    with record_of(settings) as record:
        unfinished, _ = search_runs(record.db, ["1"], filter="attributes.status = 'RUNNING'")
        statuses = {run.status for run in search_runs(record.db, ["1"])[0]}
    assert [run.name for run in unfinished] == []
    assert "FINISHED" in statuses
    assert "LOST" in statuses, "no run was killed at work"
    files = FolderFiles(settings.home / "files")
    for digest in files.digests():
        read_bytes(files, digest)
    if not settings.database:
        connection = sqlite3.connect(settings.home / "paved.db")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


def wait_for_nobody(runs: Runs) -> None:
    if not Path("/proc/self/environ").exists():
        return
    deadline = time.monotonic() + 10
    while alive := runs.still_alive():
        if time.monotonic() > deadline:
            for name in alive:
                os.kill(int(name), signal.SIGKILL)
            pytest.fail(f"{len(alive)} processes outlived their killed run")
        time.sleep(0.1)
