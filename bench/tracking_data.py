"""The same experiments in both servers: 10,000 runs and one run with a curve of 100,000 points."""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

RUNS = 10_000
POINTS = 100_000
AT_MS = 1_790_000_000_000
LEARNING_RATES = ("0.1", "0.03", "0.01", "0.003")
BATCH = 1000


class Run(NamedTuple):
    number: int
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]


def runs() -> Iterator[Run]:
    """5 metrics, 10 params, 3 tags each; one in four has lr = 0.1."""
    chance = random.Random(8400)
    for number in range(RUNS):
        yield Run(
            number=number,
            metrics={"acc": chance.random()} | {f"m{at}": chance.random() for at in range(4)},
            params={"lr": LEARNING_RATES[number % 4]}
            | {f"p{at}": str(chance.randrange(50)) for at in range(9)},
            tags={"team": "abc"[number % 3], "kind": "bench", "host": f"node-{number % 20}"},
        )


class Api:
    """POST to /api/2.0/mlflow of one server, over one connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        head = {"Content-Type": "application/json"}
        self._connection.request("POST", f"/api/2.0/mlflow/{path}", json.dumps(body), head)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}: {said[:500]!r}")
        return dict(json.loads(said))

    def new_run(self, experiment_id: str, at_ms: int = AT_MS, **more: Any) -> str:
        body = {"experiment_id": experiment_id, "start_time": at_ms, **more}
        return str(self.post("runs/create", **body)["run"]["info"]["run_id"])


def fill_by_api(url: str, folder: Path) -> tuple[str, str]:
    """The id of the experiment and of the run with the long curve."""
    api = Api(url)
    experiment = str(api.post("experiments/create", name="tuning")["experiment_id"])
    for run in runs():
        run_id = api.new_run(experiment, AT_MS + run.number)
        api.post(
            "runs/log-batch",
            run_id=run_id,
            metrics=[
                {"key": key, "value": value, "timestamp": AT_MS, "step": 0}
                for key, value in run.metrics.items()
            ],
            params=_pairs(run.params),
            tags=_pairs(run.tags),
        )
    long_run = api.new_run(experiment)
    for start in range(0, POINTS, BATCH):
        points = [
            {"key": "loss", "value": 1 / (step + 1), "timestamp": AT_MS + step, "step": step}
            for step in range(start, start + BATCH)
        ]
        api.post("runs/log-batch", run_id=long_run, metrics=points)
    return experiment, long_run


def fill_mlflow(url: str, folder: Path) -> tuple[str, str]:
    """As `fill_by_api`, but into MLflow's tables: through its API this would take a quarter of an hour."""
    api = Api(url)
    experiment = str(api.post("experiments/create", name="tuning")["experiment_id"])
    long_run = api.new_run(experiment)
    with sqlite3.connect(folder / "mlflow.db", timeout=60) as db:
        for run in runs():
            run_id = f"{run.number:032x}"
            _insert(
                db,
                "runs",
                run_uuid=run_id,
                name=f"run-{run.number}",
                source_type="UNKNOWN",
                source_name="",
                entry_point_name="",
                user_id="",
                status="RUNNING",
                start_time=AT_MS + run.number,
                source_version="",
                lifecycle_stage="active",
                artifact_uri=f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
                experiment_id=int(experiment),
            )
            for key, value in run.metrics.items():
                point = {"key": key, "value": value, "timestamp": AT_MS, "step": 0, "is_nan": 0}
                _insert(db, "metrics", run_uuid=run_id, **point)
                _insert(db, "latest_metrics", run_uuid=run_id, **point)
            for table, values in (("params", run.params), ("tags", run.tags)):
                for key, text in values.items():
                    _insert(db, table, run_uuid=run_id, key=key, value=text)
        for step in range(POINTS):
            point = {
                "key": "loss",
                "value": 1 / (step + 1),
                "timestamp": AT_MS + step,
                "step": step,
                "is_nan": 0,
            }
            _insert(db, "metrics", run_uuid=long_run, **point)
        _insert(db, "latest_metrics", run_uuid=long_run, **point)
    db.close()
    return experiment, long_run


def _insert(db: sqlite3.Connection, table: str, **values: Any) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    db.execute(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})",
        list(values.values()),
    )


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
