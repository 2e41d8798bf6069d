"""A store that the real MLflow made, once for all tests of this room; they only read it."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MAKER = Path(__file__).with_name("mlflow_store.py")
RUNS = 5000 if os.environ.get("PAVED_TEST_ALL") == "1" else 200


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
def mlruns(tmp_path_factory: pytest.TempPathFactory, mlflow_module: Any) -> Path:
    """A folder of MLflow's file store with one run of every kind."""
    folder = tmp_path_factory.mktemp("folder")
    make(folder, str(folder / "mlruns"), 0)
    return folder / "mlruns"
