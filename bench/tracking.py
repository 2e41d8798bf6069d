"""Tracking servers side by side: ours and MLflow's default one, the same requests and the same client."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from load.drive import Taken, Template, by_quick_client, by_wrk
from servers import MLFLOW, Server, mlflow_command, pavedroad_command, started
from tracking_data import AT_MS, Api, fill_by_api, fill_mlflow

P = "/api/2.0/mlflow/"
CLIENT = Path(__file__).parent / "peers" / "mlflow_client.py"
METRIC = f'"value": 0.25, "timestamp": {AT_MS}'
TAGS = '[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "c", "value": "3"}]'


class Row(NamedTuple):
    """One line of the table: the same requests to both servers over so many connections."""

    title: str
    template: Callable[[Filled], Template]
    connections: int
    by_time: bool = False  # compare the median time, not requests a second
    least_seconds: int = 0  # of measuring, where one answer of a slow server takes several


class Filled(NamedTuple):
    """What a server holds before it is measured."""

    experiment: str
    long_run: str
    runs: tuple[str, ...]  # one for each connection that logs
    wide_run: str  # with 100 metrics


class Cell(NamedTuple):
    stock: Taken
    quick: Taken


def log_metric(filled: Filled) -> Template:
    body = f'{{"run_id": "@id@", "key": "loss", {METRIC}, "step": @n@}}'
    return Template("POST", P + "runs/log-metric", body, filled.runs)


def log_batch_100(filled: Filled) -> Template:
    metrics = ", ".join(f'{{"key": "m{key}", {METRIC}, "step": @n@}}' for key in range(100))
    return Template(
        "POST", P + "runs/log-batch", f'{{"run_id": "@id@", "metrics": [{metrics}]}}', filled.runs
    )


def log_batch_1000(filled: Filled) -> Template:
    """10 keys x 100 steps; the digits of the place after those of the request make a step of its own."""
    metrics = ", ".join(
        f'{{"key": "m{key}", {METRIC}, "step": @n@{place:02}}}' for place in range(100) for key in range(10)
    )
    return Template(
        "POST", P + "runs/log-batch", f'{{"run_id": "@id@", "metrics": [{metrics}]}}', filled.runs
    )


def create_run(filled: Filled) -> Template:
    body = f'{{"experiment_id": "{filled.experiment}", "start_time": {AT_MS}, "tags": {TAGS}}}'
    return Template("POST", P + "runs/create", body)


def get_run(filled: Filled) -> Template:
    return Template("GET", f"{P}runs/get?run_id={filled.wide_run}")


def search(filled: Filled) -> Template:
    body = {
        "experiment_ids": [filled.experiment],
        "filter": "metrics.acc > 0.5 and params.lr = '0.1'",
        "order_by": ["metrics.acc DESC"],
        "max_results": 100,
    }
    return Template("POST", P + "runs/search", json.dumps(body))


def history(filled: Filled) -> Template:
    return Template("GET", f"{P}metrics/get-history?run_id={filled.long_run}&metric_key=loss")


def create_version(filled: Filled) -> Template:
    return Template("POST", P + "model-versions/create", '{"name": "model", "source": "s3://models/@n@"}')


ROWS = (
    Row("runs/log-metric", log_metric, 1),
    Row("runs/log-metric", log_metric, 8),
    Row("runs/log-metric", log_metric, 16),
    Row("runs/log-batch, 100 metrics", log_batch_100, 8, least_seconds=8),
    Row("runs/log-batch, 1,000 metrics", log_batch_1000, 8, least_seconds=12),
    Row("runs/create", create_run, 8),
    Row("runs/get, 100 metrics", get_run, 8),
    Row("runs/search, filter and order, 100 of 10,000", search, 1, by_time=True, least_seconds=5),
    Row("metrics/get-history, 100,000 points", history, 1, by_time=True, least_seconds=25),
    Row("model-versions/create", create_version, 8),
)


class Measured(NamedTuple):
    cells: list[Cell]
    first_answer_s: float
    memory_mb: float
    client_ms: dict[str, float]
    version: str


def measure(name: str, *, seconds: int, starts: int) -> Measured:
    command, fill = {
        "Pavedroad": (pavedroad_command, fill_by_api),
        "MLflow": (mlflow_command, fill_mlflow),
    }[name]
    waits = []
    for _ in range(starts - 1):
        with started(name, command) as server:
            waits.append(server.first_answer_s)
    with started(name, command) as server:
        waits.append(server.first_answer_s)
        experiment, long_run = fill(server.url, server.folder)
        filled = _prepare(server, experiment, long_run)
        cells = []
        for row in ROWS:
            template = row.template(filled)
            given = {"connections": row.connections, "seconds": max(seconds, row.least_seconds)}
            stock = by_wrk(server.url, template, **given)
            cells.append(Cell(stock, by_quick_client(server.url, template, **given)))
            shown = "".join(f", {_value(row, taken):,.1f}" for taken in cells[-1])
            print(f"{name}: {row.title}, {row.connections} connections{shown}", file=sys.stderr, flush=True)
        client = _ask_client(server.url, experiment)
        return Measured(
            cells, statistics.median(waits), server.memory_mb(), client["p50_ms"], client["version"]
        )


def _prepare(server: Server, experiment: str, long_run: str) -> Filled:
    api = Api(server.url)
    runs = tuple(api.new_run(experiment) for _ in range(16))
    wide = api.new_run(experiment)
    metrics = [{"key": f"m{at}", "value": 0.5, "timestamp": AT_MS, "step": 0} for at in range(100)]
    api.post("runs/log-batch", run_id=wide, metrics=metrics)
    api.post("registered-models/create", name="model")
    return Filled(experiment, long_run, runs, wide)


def _ask_client(url: str, experiment: str) -> dict:
    done = subprocess.run(
        [MLFLOW.python(), CLIENT, url, experiment], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def section(*, quick: bool) -> str:
    """The Markdown section of docs/benchmarks.md."""
    seconds, starts = (3, 1) if quick else (10, 3)
    ours = measure("Pavedroad", seconds=seconds, starts=starts)
    theirs = measure("MLflow", seconds=seconds, starts=starts)
    return "\n".join([*_heading(theirs.version), *_table(ours, theirs), "", *_client_table(ours, theirs)])


def _heading(version: str) -> list[str]:
    return [
        "## Tracking server",
        "",
        f"`paved up` beside the default `mlflow server` of MLflow {version}, each on its SQLite default,",
        "answering only what is on disk. Requests a second, or the median time where it says ms. `stock` is",
        "wrk, an ordinary keep-alive client; `quickack` acknowledges every segment at once, which spares",
        "MLflow's server the 40 ms that its answers wait otherwise. The quickack client is Python and itself",
        "ends near 5,000 requests a second, so ours are compared as wrk sees them.",
        "",
        "| | connections | Pavedroad | MLflow, stock | | MLflow, quickack | |",
        "|---|---|---|---|---|---|---|",
    ]


def _table(ours: Measured, theirs: Measured) -> list[str]:
    lines = []
    for row, mine, other in zip(ROWS, ours.cells, theirs.cells, strict=True):
        values = [_value(row, taken) for taken in (mine.stock, other.stock, other.quick)]
        shown = [f"{value:,.1f} ms" if row.by_time else f"{value:,.0f}" for value in values]
        ratios = [value / values[0] if row.by_time else values[0] / value for value in values[1:]]
        lines.append(
            f"| {row.title} | {row.connections} | {shown[0]} | {shown[1]} | {ratios[0]:,.0f}x "
            f"| {shown[2]} | {ratios[1]:,.0f}x |"
        )
    first, memory = (theirs.first_answer_s / ours.first_answer_s, theirs.memory_mb / ours.memory_mb)
    lines.append(
        f"| first answer after start | | {ours.first_answer_s:.2f} s | {theirs.first_answer_s:.1f} s "
        f"| {first:,.0f}x | | |"
    )
    lines.append(
        f"| resident memory of all processes | | {ours.memory_mb:,.0f} MB | {theirs.memory_mb:,.0f} MB "
        f"| {memory:,.0f}x | | |"
    )
    return lines


def _value(row: Row, taken: Taken) -> float:
    return taken.p50_ms if row.by_time else taken.per_second


def _client_table(ours: Measured, theirs: Measured) -> list[str]:
    lines = [
        "Through the unchanged client (`import mlflow`), median of a call, mostly the client's own work:",
        "",
        "| | Pavedroad | MLflow | |",
        "|---|---|---|---|",
    ]
    for call, ms in ours.client_ms.items():
        other = theirs.client_ms[call]
        lines.append(f"| {call} | {ms:,.1f} ms | {other:,.1f} ms | {other / ms:,.0f}x |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three seconds a row, one start")
    parser.add_argument("--only-ours", action="store_true", help="no peer: what changed since")
    given = parser.parse_args()
    if given.only_ours:
        for row, cell in zip(ROWS, measure("Pavedroad", seconds=3, starts=1).cells, strict=True):
            taken = cell.stock
            print(f"{row.title:45} {row.connections:3} {taken.per_second:9,.0f}/s {taken.p50_ms:8.2f} ms")
    else:
        print(section(quick=given.quick))
