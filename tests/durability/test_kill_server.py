"""kill -9 of `paved up` while clients log: after a restart every acknowledged write is there, and whole."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from pavedroad.config import Settings
from pavedroad.kit.files import FolderFiles, read_bytes

ROUNDS = int(os.environ.get("PAVED_KILL_ROUNDS", "100"))  # on each database
API = "/api/2.0/mlflow"
PART = 800
SECOND = 10**6  # where the second writer of a run begins to count


class Client:
    """The MLflow REST API over one connection that is kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        self._connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, f"{method} {path}: {response.status} {content[:500]!r}"
        return content

    def post(self, path: str, **body: Any) -> Any:
        return json.loads(self.ask("POST", f"{API}/{path}", json.dumps(body).encode()))

    def get(self, path: str) -> Any:
        return json.loads(self.ask("GET", f"{API}/{path}"))


class Acknowledged(NamedTuple):
    """What the server said is stored, of one run."""

    run_id: str
    metrics: list[tuple[str, float, int]]
    params: dict[str, str]
    tags: dict[str, str]
    files: dict[str, bytes]
    batches: list[int]
    curve: list[int]  # the first step of each part


def start_run(client: Client, experiment_id: str) -> Acknowledged:
    run = client.post("runs/create", experiment_id=experiment_id, start_time=1)
    return Acknowledged(run["run"]["info"]["run_id"], [], {}, {}, {}, [], [])


def log_metrics(client: Client, run: Acknowledged, number: int) -> None:
    client.post(
        "runs/log-metric", run_id=run.run_id, key="loss", value=number / 7, timestamp=number, step=number
    )
    run.metrics.append(("loss", number / 7, number))


def log_params_and_tags(client: Client, run: Acknowledged, number: int) -> None:
    client.post("runs/log-parameter", run_id=run.run_id, key=f"p{number}", value=str(number))
    run.params[f"p{number}"] = str(number)
    client.post("runs/set-tag", run_id=run.run_id, key="last", value=str(number))
    run.tags["last"] = str(number)


def log_batches(client: Client, run: Acknowledged, number: int) -> None:
    """One request of many parts: all of it or nothing."""
    metrics = [{"key": f"b{part}", "value": part, "timestamp": number, "step": number} for part in range(5)]
    client.post(
        "runs/log-batch",
        run_id=run.run_id,
        metrics=metrics,
        params=[{"key": f"batch{number}", "value": "x"}],
        tags=[{"key": f"batch{number}", "value": "x"}],
    )
    run.batches.append(number)


def log_curve(client: Client, run: Acknowledged, number: int) -> None:
    """Parts of a long curve, enough of them to be packed on the way: each is there in full or not at all."""
    steps = range(number * PART, (number + 1) * PART)
    points = [{"key": "curve", "value": step, "timestamp": step, "step": step} for step in steps]
    client.post("runs/log-batch", run_id=run.run_id, metrics=points)
    run.curve.append(steps.start)


def send_files(client: Client, run: Acknowledged, number: int) -> None:
    content = f"{run.run_id} {number} ".encode() * 5000
    client.ask("PUT", artifact(run, f"file{number}.txt"), content)
    run.files[f"file{number}.txt"] = content


def artifact(run: Acknowledged, name: str) -> str:
    return f"/api/2.0/mlflow-artifacts/artifacts/1/{run.run_id}/artifacts/{quote(name)}"


WORK = (log_metrics, log_params_and_tags, log_batches, log_curve, send_files)
SHARED = (log_metrics, log_batches, log_curve)  # have a second writer on the same run


def log_until_killed(url: str, run: Acknowledged, work: Callable[..., None], number: int) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(Client(url)) as client:
        while True:
            work(client, run, number)
            number += 1


def start_writers(url: str) -> tuple[list[threading.Thread], list[Acknowledged]]:
    """Eight of them, on five runs."""
    with contextlib.closing(Client(url)) as client:
        runs = [start_run(client, "1") for _ in WORK]
    run_of = dict(zip(WORK, runs, strict=True))
    jobs = [(run_of[work], work, 0) for work in WORK] + [(run_of[work], work, SECOND) for work in SHARED]
    threads = [threading.Thread(target=log_until_killed, args=(url, *job)) for job in jobs]
    for thread in threads:
        thread.start()
    return threads, runs


def check(client: Client, run: Acknowledged) -> None:
    """Everything that was acknowledged is there; what was cut off is whole or absent."""
    data = client.get(f"runs/get?run_id={run.run_id}")["run"]["data"]
    params = {param["key"]: param["value"] for param in data.get("params", [])}
    tags = {tag["key"]: tag["value"] for tag in data.get("tags", [])}
    assert params.items() >= run.params.items()
    if "last" in run.tags:
        assert int(tags["last"]) >= int(run.tags["last"])
    assert set(run.metrics) <= set(history(client, run, "loss"))
    steps = [{step for _, _, step in history(client, run, f"b{part}")} for part in range(5)]
    assert set(run.batches) <= steps[0]
    assert all(found == steps[0] for found in steps), "half a batch"
    of_batches = {int(key.removeprefix("batch")) for key in params if key.startswith("batch")}
    assert (
        of_batches == steps[0] == {int(key.removeprefix("batch")) for key in tags if key.startswith("batch")}
    )
    found = [step for _, _, step in history(client, run, "curve")]
    assert len(found) == len(set(found))
    parts = {step // PART for step in found}
    assert len(found) == PART * len(parts), "a part of the curve is not whole"
    assert {first // PART for first in run.curve} <= parts
    for name, content in run.files.items():
        assert client.ask("GET", artifact(run, name)) == content


def history(client: Client, run: Acknowledged, key: str) -> list[tuple[str, float, int]]:
    answer = client.get(f"metrics/get-history?run_id={run.run_id}&metric_key={key}")
    return [(point["key"], point["value"], int(point.get("step", 0))) for point in answer.get("metrics", [])]


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_a_killed_server_has_lost_nothing_it_acknowledged(any_settings: Settings, start_server: Any) -> None:
    chance = random.Random(8400)
    server = start_server(any_settings)
    with contextlib.closing(Client(server.url)) as client:
        client.post("experiments/create", name="kill")
    logged = 0
    for _round in range(ROUNDS):
        threads, runs = start_writers(server.url)
        time.sleep(chance.uniform(0.02, 0.3))
        server.kill()
        for thread in threads:
            thread.join()
        server = start_server(any_settings)
        with contextlib.closing(Client(server.url)) as client:
            for run in runs:
                check(client, run)
                logged += sum(map(len, (run.metrics, run.params, run.batches, run.curve, run.files)))
        if not any_settings.database:
            check_sqlite(any_settings)
    assert logged > 10 * ROUNDS
    files = FolderFiles(any_settings.home / "files")
    for digest in files.digests():
        read_bytes(files, digest)
    assert server.stop() == 0


def check_sqlite(settings: Settings) -> None:
    connection = sqlite3.connect(settings.home / "paved.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
