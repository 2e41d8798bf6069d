"""Models on a record, and real serving processes that answer for them."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pavedroad.config import Settings
from pavedroad.models import Model, write_model
from pavedroad.record import Record, open_record
from pavedroad.registry import ModelVersion
from pavedroad.registry.registration import ensure_model, register_version
from pavedroad.tracking import (
    create_logged_model,
    ensure_experiment,
    finish_logged_model,
    root_of,
    save_file,
    start_run,
)

SMALL_BODY = 200_000  # so that a body can be too large without being large


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A real serving process."""

    model: Model  # what it serves, for comparing
    largest_body = SMALL_BODY

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        self.said = json.loads(line)
        self.url = self.said["url"]
        self.port = int(self.url.rsplit(":", 1)[1])

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request on its own connection; a dict or list goes as JSON."""
        raw = json.dumps(body).encode() if isinstance(body, dict | list) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=raw, headers=dict(headers or {}))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, named, response.read())
        finally:
            connection.close()

    def infer(self, body: Any, headers: Mapping[str, str] | None = None) -> Answered:
        return self.ask("POST", f"/v2/models/{self.said['model']}/infer", body, headers)

    def invoke(self, body: Any, content_type: str = "application/json") -> Answered:
        return self.ask("POST", "/invocations", body, {"Content-Type": content_type})

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=30)
        finally:
            self.process.kill()
            self.process.communicate()


def start_process(home: Path, target: str, *options: str, port: int = 0) -> Server:
    """Run `paved serve` on a record; wait until it says that it is ready."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PAVED_")}
    return Server(
        subprocess.Popen(
            [sys.executable, "-m", "pavedroad.cli", "serve", target, "--port", str(port), "--json", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=home.parent,
            env={**environment, "PAVED_HOME": str(home)},
        )
    )


@pytest.fixture
def start_serving(home: Path) -> Iterator[Callable[..., Server]]:
    """`start_serving("flights@champion", "--trust")` runs `paved serve`; it is killed at the end."""
    started: list[Server] = []

    def start(target: str, *options: str, port: int = 0) -> Server:
        started.append(start_process(home, target, *options, port=port))
        return started[-1]

    yield start
    for server in started:
        server.stop(signal.SIGKILL)


def _served(factory: pytest.TempPathFactory, model: Model) -> Iterator[Server]:
    home = factory.mktemp("served") / "home"
    record = open_record(Settings(home=home, user="ada", max_body_bytes=SMALL_BODY))
    register_model(record, model)
    record.close()
    (home / "paved.toml").write_text(f"max_body_bytes = {SMALL_BODY}\n")
    server = start_process(home, "flights@1")
    server.model = model
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def numeric_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _served(tmp_path_factory, numeric_model())


@pytest.fixture(scope="session")
def mixed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _served(tmp_path_factory, mixed_model())


@pytest.fixture(scope="session")
def tensor_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _served(tmp_path_factory, tensor_model())


@pytest.fixture
def register() -> Callable[..., ModelVersion]:
    """`register(record, model, name="flights", made_by_a_run=True)` logs and registers a model."""
    return register_model


@pytest.fixture
def register_files() -> Callable[..., ModelVersion]:
    """`register_files(record, folder, ...)` does so with a folder in MLflow's layout."""
    return register_folder


def register_model(
    record: Record, model: Model, name: str = "flights", *, made_by_a_run: bool = True
) -> ModelVersion:
    """Log `model` as a run would and register it; without a run, as files that somebody brought."""
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder), model)
        return register_folder(record, Path(folder), name, made_by_a_run=made_by_a_run)


def register_folder(
    record: Record, folder: Path, name: str = "flights", *, made_by_a_run: bool = True
) -> ModelVersion:
    experiment = record.db.write(lambda tx: ensure_experiment(tx, "flights", who="ada"))
    run_id = ""
    if made_by_a_run:
        run_id = record.db.write(
            lambda tx: start_run(
                tx, experiment_id=experiment.id, name="train", user="ada", start_ms=0, tags={}, params={}
            )
        )
    logged = record.db.write(
        lambda tx: create_logged_model(tx, experiment_id=experiment.id, name=name, source_run_id=run_id)
    )
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as source:
            save_file(record, root_of(logged.artifact_location), str(file.relative_to(folder)), source)
    record.db.write(lambda tx: finish_logged_model(tx, logged.id))
    record.db.write(lambda tx: ensure_model(tx, name, who="ada"))
    return record.db.write(
        lambda tx: register_version(
            tx, name, source=f"models:/{logged.id}", who="ada", run_id=run_id, model_id=logged.id
        )
    )


# ---------------------------------------------------------------------------------------------- models


@pytest.fixture
def make_model() -> Callable[[str], Model]:
    """`make_model("numeric")`, `"mixed"` or `"tensor"`."""
    makers = {"numeric": numeric_model, "mixed": mixed_model, "tensor": tensor_model}
    return lambda name: makers[name]()


def flights(rows: int = 60) -> tuple[pd.DataFrame, pd.Series]:
    """Made-up departures: three numbers, and whether the flight is late."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "distance": random.uniform(100, 2500, rows),
            "wind": random.uniform(0, 40, rows),
            "dew": random.normal(50, 10, rows),
        }
    )
    return frame, pd.Series((frame["wind"] + random.normal(0, 3, rows) > 20).astype(int), name="late")


def numeric_model() -> Model:
    """Named double columns, scikit-learn only."""
    frame, late = flights()
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, late)
    return Model(estimator=fitted, name="flights", example=frame, card="# Late flights\n\nFor tests.")


def mixed_model() -> Model:
    """Text, whole numbers and doubles with nulls; chooses columns by name; answers text."""
    frame, late = flights()
    frame["origin"] = ["EWR", "JFK", "LGA"] * (len(frame) // 3)
    frame["hour"] = np.arange(len(frame)) % 24
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["origin"]), (StandardScaler(), ["distance", "hour"])
    )
    fitted = make_pipeline(columns, LogisticRegression()).fit(frame, np.where(late == 1, "late", "in time"))
    frame.loc[2, "dew"] = np.nan  # which it does not look at
    return Model(estimator=fitted, name="flights", example=frame)


def tensor_model() -> Model:
    """An array of float64, no names."""
    frame, late = flights()
    fitted = LinearRegression().fit(frame.to_numpy(), late.to_numpy())
    return Model(estimator=fitted, name="flights", example=frame.to_numpy())


SLEEPER = """
import time
class Sleeper:
    def predict(self, data):
        time.sleep(float(data.max()))
        return data[:, 0]
"""


@pytest.fixture
def plain_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """A class of a project, without scikit-learn, so that its server starts at once.

    It answers the first column, after as many seconds as its largest value says.
    """
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "sleepers.py").write_text(SLEEPER)
    monkeypatch.syspath_prepend(tmp_path / "project")
    sleepers = importlib.import_module("sleepers")
    yield Model(estimator=sleepers.Sleeper(), name="flights", example=np.array([[0.0, 0.01]]))
    del sys.modules["sleepers"]
