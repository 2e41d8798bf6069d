"""What a user of the unchanged mlflow client waits for, as JSON: `mlflow_client.py URL EXPERIMENT_ID`."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import mlflow


def p50_ms(work: Callable[[int], Any], times: int) -> float:
    took = []
    for number in range(times):
        begin = time.perf_counter()
        work(number)
        took.append(time.perf_counter() - begin)
    return statistics.median(took) * 1e3


def main(url: str, experiment_id: str) -> None:
    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("client")
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        many = {f"m{number}": 0.5 for number in range(100)}
        answer = {
            "log_metric": p50_ms(lambda n: mlflow.log_metric("loss", 0.5, step=n), 100),
            "log_metrics of 100": p50_ms(lambda n: mlflow.log_metrics(many, step=n), 20),
            "log_param": p50_ms(lambda n: mlflow.log_param(f"p{n}", n), 50),
            "get_run": p50_ms(lambda n: client.get_run(run.info.run_id), 20),
        }
    answer["start_run, end_run"] = p50_ms(lambda n: _one_run(), 15)
    answer["search_runs, 1,000 of 10,000"] = p50_ms(
        lambda n: client.search_runs([experiment_id], "metrics.acc > 0.5", max_results=1000), 3
    )
    print(json.dumps({"version": mlflow.__version__, "p50_ms": answer}))


def _one_run() -> None:
    with mlflow.start_run():
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
