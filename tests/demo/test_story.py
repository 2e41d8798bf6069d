"""The whole story, told by the real command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import clean_environment

pytestmark = pytest.mark.slow

BEATS = (
    "REP202 unseeded-estimator",
    "1 finding fixed",
    "8 steps ran, 0 cached",
    "0 steps ran, 8 cached",
    "4 steps ran, 4 cached",
    "late-flights@1 is champion",
    "✕ closed   not_worse_than",
    "late-flights@2 did not become champion",
    '{"predictions":',
    "400 requests over 4 connections, 0 errors",
)


def test_the_story_is_told_twice_in_the_same_folder(tmp_path: Path, paved: Callable[..., Any]) -> None:
    for _ in range(2):
        told = paved("demo", tmp_path / "road", "--exit", env={"PAVED_HOME": ""}, timeout_s=200).out
        at = 0
        for beat in BEATS:
            assert beat in told[at:], f"{beat!r} does not come after what came before:\n{told}"
            at = told.index(beat, at)
    assert {file.name for file in (tmp_path / "road").iterdir()} == {
        ".paved",
        ".paved-demo.json",
        "late-flights",
        "paved.toml",
    }


def test_it_stays_until_told_and_takes_its_servers_along(tmp_path: Path, home: Path) -> None:
    with socket.socket() as taken:  # the usual port is somebody else's
        try:
            taken.bind(("127.0.0.1", 8400))
            taken.listen()
        except OSError:
            pass  # it was taken already, which serves as well
        process = subprocess.Popen(
            [sys.executable, "-m", "pavedroad", "demo", "road"],
            cwd=tmp_path,
            env={**clean_environment(home), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        url = ""
        for line in process.stdout:
            url = line.strip() if line.strip().startswith("http://127.0.0.1:") else url
            if "until Ctrl-C" in line:
                break
    assert not url.endswith(":8400")
    with urllib.request.urlopen(url, timeout=10) as page:
        assert b"late-flights" in page.read()
    children = children_of(process.pid)
    assert len(children) == 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    process.stdout.close()
    assert not any(is_alive(child) for child in children)


def test_a_story_that_cannot_go_on_is_one_line(tmp_path: Path, paved: Callable[..., Any]) -> None:
    """A file where the project should go: the first command refuses, and the demo says which and why."""
    (tmp_path / "file").write_text("")
    ran = paved("demo", tmp_path / "file" / "road", "--exit", code=3)
    assert ran.err.startswith("error: cannot write to ")
    assert len(ran.err.splitlines()) == 2


def children_of(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    if not listing.exists():
        pytest.skip("needs Linux's /proc")
    return [int(child) for child in listing.read_text().split()]


def is_alive(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True
