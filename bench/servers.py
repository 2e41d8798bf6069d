"""The two servers a tracking benchmark compares, each as its user starts it, and what they weigh."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tools import Tool

LONGEST_START_S = 180
MLFLOW = Tool("MLflow", Path("mlflow"), ("mlflow",))


class Server(NamedTuple):
    name: str
    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    first_answer_s: float  # from the start of the process to the first 200

    def memory_mb(self) -> float:
        """Resident memory of the process and all its descendants, each counted in full."""
        return sum(map(_resident_mb, _family(self.process.pid)))


def pavedroad_command(folder: Path, port: int) -> list[str | Path]:
    return [Path(sys.executable).with_name("paved"), "up", "--port", str(port)]


def mlflow_command(folder: Path, port: int) -> list[str | Path]:
    return [MLFLOW.python().with_name("mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]


@contextmanager
def started(name: str, command: Callable[[Path, int], list[str | Path]]) -> Iterator[Server]:
    """A server in an empty folder, ended with all its processes."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = command(folder, port)
    log = (folder / "server.log").open("wb")
    environment = {**os.environ, "PAVED_HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    begin = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, folder)
        yield Server(name, url, folder, process, time.perf_counter() - begin)
    finally:
        _end(process)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + LONGEST_START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.01)
    said = (folder / "server.log").read_text("utf-8", "replace")[-2000:]
    raise SystemExit(f"{process.args!r} did not answer\n{said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _family(pid: int) -> list[int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:  # ended meanwhile
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
