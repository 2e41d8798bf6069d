"""A full disk, a locked file, a database that goes away: said clearly, nothing half-written, on it goes.

The server is never started again here: when the trouble is over, it answers as before.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.conftest import PASSWORD, Cluster, Live, _postgres_owner, _postgres_programs, free_port, need

from pavedroad.config import Settings
from pavedroad.housekeeping.collecting import nothing_shown
from pavedroad.housekeeping.doctor import examine_store

API = "/api/2.0/mlflow"
DISK_BYTES = 24 * 2**20
BALLAST_BYTES = 12 * 2**20
PART = 200  # points in one batch


class Writer:
    """Logs batches and files over the API, and remembers what was acknowledged and how it was refused."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.batches: list[int] = []
        self.files: dict[str, bytes] = {}
        self.refusals: list[tuple[int, Any]] = []
        self.run_id = ""

    def start(self) -> None:
        status, answer = self.ask("POST", f"{API}/runs/create", {"experiment_id": "0", "start_time": 1})
        assert status == 200, answer
        self.run_id = answer["run"]["info"]["run_id"]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self._parts.hostname or "", self._parts.port, timeout=90)
        try:
            is_bytes = isinstance(body, bytes)
            sent = body if is_bytes or body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {} if is_bytes else {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
            is_json = "json" in (response.getheader("content-type") or "")
            return response.status, json.loads(content) if is_json and content else content
        finally:
            connection.close()

    def log_batch(self, number: int) -> bool:
        """All of it or nothing."""
        steps = range(number * PART, (number + 1) * PART)
        metrics = [{"key": "loss", "value": step / 7, "timestamp": step, "step": step} for step in steps]
        tags = [{"key": f"batch{number}", "value": "x" * 3000}]
        body = {"run_id": self.run_id, "metrics": metrics, "tags": tags}
        is_done = self._note(*self.ask("POST", f"{API}/runs/log-batch", body))
        if is_done:
            self.batches.append(number)
        return is_done

    def send_file(self, number: int, size: int = 300_000) -> bool:
        content = f"{self.run_id} {number} ".encode() * (size // 40)
        is_done = self._note(*self.ask("PUT", self._address(f"{number}.txt"), content))
        if is_done:
            self.files[f"{number}.txt"] = content
        return is_done

    def _note(self, status: int, answer: Any) -> bool:
        if status != 200:
            self.refusals.append((status, answer))
        return status == 200

    def _address(self, name: str) -> str:
        return f"/api/2.0/mlflow-artifacts/artifacts/0/{self.run_id}/artifacts/{name}"

    def check(self) -> None:
        """Every acknowledged write is there, and no batch is there in part."""
        status, answer = self.ask("GET", f"{API}/runs/get?run_id={self.run_id}")
        assert status == 200
        tags = {tag["key"] for tag in answer["run"]["data"]["tags"]}
        stored = {int(key.removeprefix("batch")) for key in tags if key.startswith("batch")}
        assert set(self.batches) <= stored
        _, history = self.ask(
            "GET", f"{API}/metrics/get-history?run_id={self.run_id}&metric_key=loss&max_results=1000000"
        )
        steps = sorted(point["step"] for point in history.get("metrics", []))
        assert steps == [
            step for number in sorted(stored) for step in range(number * PART, (number + 1) * PART)
        ]
        for name, content in self.files.items():
            assert self.ask("GET", self._address(name)) == (200, content)

    def check_refusals(self) -> None:
        """Each one said what is wrong and that another try may help."""
        for status, answer in self.refusals:
            assert status == 503, answer
            assert answer["error_code"] == "TEMPORARILY_UNAVAILABLE", answer
            assert answer["message"]
            assert "Traceback" not in str(answer)


def write_together(writers: list[Writer], until: Callable[[], bool]) -> None:
    """Each writer in a thread of its own, until something is so."""

    def work(writer: Writer, first: int) -> None:
        number = first
        while not until():
            writer.log_batch(number)
            writer.send_file(number)
            number += 1

    firsts = [max([-1, *writer.batches]) + 1000 for writer in writers]  # clear of what may be stored unsaid
    threads = [threading.Thread(target=work, args=pair) for pair in zip(writers, firsts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check_whole(settings: Settings) -> None:
    found = examine_store(settings, quick=False, do_repair=False, progress=nothing_shown)
    assert [line for line in found.lines if line.verdict == "fail" and line.check != "space"] == []


# ------------------------------------------------------------------------------------------ a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    need(is_mounted, "only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_said_and_nothing_is_half_written(small_disk: Path, start_server: Any) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(os.urandom(BALLAST_BYTES))
    settings = Settings(home=small_disk / "home", user="ada")
    server: Live = start_server(settings)
    writers = [Writer(server.url) for _ in range(4)]
    for writer in writers:
        writer.start()
    write_together(writers, until=lambda: all(len(writer.refusals) >= 5 for writer in writers))
    assert server.process.poll() is None
    told = {answer["message"] for writer in writers for _, answer in writer.refusals}
    assert any("the disk is full" in message for message in told), told  # the database's
    assert any("no space left" in message for message in told), told  # the file store's
    for writer in writers:
        writer.check_refusals()
        writer.check()  # reading goes on
    ballast.unlink()
    for writer in writers:
        assert writer.log_batch(9_000)
        assert writer.send_file(9_000, size=10_000)
        writer.check()
    server.stop()
    check_whole(settings)


# ------------------------------------------------------------------------------------------ a locked file


def test_writes_wait_for_another_process_that_holds_the_file(settings: Settings, start_server: Any) -> None:
    server: Live = start_server(settings)
    writer = Writer(server.url)
    writer.start()
    other = sqlite3.connect(settings.home / "paved.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(1.5, lambda: other.execute("ROLLBACK"))
    release.start()
    assert writer.log_batch(1)
    assert not release.is_alive()
    writer.check()
    release.join()
    other.close()


# ------------------------------------------------------------------------------------------ a lost PostgreSQL


class Stoppable(Cluster):
    """A PostgreSQL that a test may stop and start again."""

    def __init__(self, folder: Path, port: int, programs: Path, become: dict[str, Any]) -> None:
        super().__init__(folder, port)
        self._programs = programs
        self._become = become
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "port": self.port}
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data")]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self._become)
        import psycopg

        deadline = time.monotonic() + 30
        while True:
            try:
                self.execute("SELECT 1")
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self.folder / "server.log").read_text()
                time.sleep(0.05)

    def stop(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=30)


@pytest.fixture
def stoppable() -> Iterator[Stoppable]:
    programs = _postgres_programs()
    need(programs, "PostgreSQL is not installed")
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="paved-pg-"))
    owner = _postgres_owner()
    become: dict[str, Any] = {}
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        become = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    initdb = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "paved", "--encoding=UTF8"]
    initdb += ["--locale=C", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **become)
    cluster = Stoppable(folder, free_port(), programs, become)
    cluster.start()
    yield cluster
    cluster.stop(signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_database_that_goes_away_and_comes_back_loses_nothing(
    settings: Settings, start_server: Any, stoppable: Stoppable, how: signal.Signals
) -> None:
    there = Settings(home=settings.home, user="ada", database=stoppable.new_database())
    server: Live = start_server(there)
    writers = [Writer(server.url) for _ in range(4)]
    for writer in writers:
        writer.start()
    down = threading.Timer(0.7, lambda: stoppable.stop(how))
    down.start()
    write_together(writers, until=lambda: all(len(writer.refusals) >= 3 for writer in writers))
    down.join()
    assert server.get("/health") == "OK"
    for writer in writers:
        writer.check_refusals()
    stoppable.start()
    for writer in writers:
        assert writer.log_batch(9_000_000)
        assert writer.send_file(9_000_000)
        writer.check()
    assert server.process.poll() is None
    server.stop()
    check_whole(there)
