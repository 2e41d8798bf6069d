"""Models on a record, and real serving processes that answer for them."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
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

from pavedroad.record import Record
from pavedroad.registry import ModelVersion
from pavedroad.registry.registration import ensure_model, register_version
from pavedroad.tracking import (
    Model,
    create_logged_model,
    ensure_experiment,
    finish_logged_model,
    root_of,
    save_file,
    start_run,
    write_model,
)

START_TIMEOUT_S = 60


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A real serving process."""

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


@pytest.fixture
def start_serving(home: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """`start_serving("flights@champion", "--trust")` runs `paved serve`; killed at the end if it still runs."""
    started: list[Server] = []

    def start(target: str, *options: str) -> Server:
        process = subprocess.Popen(
            [sys.executable, "-m", "pavedroad.cli", "serve", target, "--port", "0", "--json", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        started.append(Server(process))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)


def register(
    record: Record, model: Model, name: str = "flights", *, made_by_a_run: bool = True
) -> ModelVersion:
    """Log `model` as a run would and register it; without a run, as files that somebody brought."""
    folder = record.settings.home / "written"
    write_model(folder, model)
    return register_folder(record, folder, name, made_by_a_run=made_by_a_run)


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
