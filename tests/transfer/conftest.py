"""A store that the real MLflow made, once for all tests of this room; they only read it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

MAKER = Path(__file__).with_name("mlflow_store.py")
FEW_RUNS = 200
RUNS = 5000 if os.environ.get("PAVED_TEST_ALL") == "1" else FEW_RUNS


@pytest.fixture(scope="session")
def mlflow_module() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("mlflow")


def make(folder: Path, uri: str, runs: int) -> None:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("PAVED_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, str(MAKER), uri, str(folder / "art"), str(runs)],
        capture_output=True,
        text=True,
        env=environ,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory, mlflow_module: Any) -> Path:
    """`mlflow.db` with 200 runs of a sweep and one run of every kind."""
    folder = tmp_path_factory.mktemp("database")
    make(folder, f"sqlite:///{folder / 'mlflow.db'}", RUNS)
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def small_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, never of thousands of runs: MLflow's server takes ten or twenty a second."""
    if RUNS == FEW_RUNS:
        return Path(request.getfixturevalue("database"))
    folder = tmp_path_factory.mktemp("small")
    make(folder, f"sqlite:///{folder / 'mlflow.db'}", FEW_RUNS)
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def mlruns(tmp_path_factory: pytest.TempPathFactory, mlflow_module: Any) -> Path:
    """A folder of MLflow's file store with one run of every kind."""
    folder = tmp_path_factory.mktemp("folder")
    make(folder, str(folder / "mlruns"), 0)
    return folder / "mlruns"


class MLflowServer:
    """The real `mlflow server`, with one worker and without its jobs: it starts in a third of the time."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "server.log"
        environ = {
            name: text for name, text in os.environ.items() if not name.startswith(("PAVED_", "MLFLOW_"))
        }
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                cwd=folder,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=10):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        pytest.fail(f"mlflow server ended:\n{self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # its worker, too
        self.process.wait()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory, mlflow_module: Any) -> Iterator[MLflowServer]:
    server = MLflowServer(tmp_path_factory.mktemp("server"), free_port())
    try:
        server.wait_until_up()
        yield server
    finally:
        server.kill()
