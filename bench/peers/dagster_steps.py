"""The workloads in Dagster, in one process, with its SQLite instance."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg

sys.path.insert(0, str(Path(__file__).parent.parent))
import workloads


@dg.op
def zero() -> int:
    return 0


@dg.op
def add_one(number: int) -> int:
    return workloads.add_one(number)


@dg.op
def add_up(numbers: list[int]) -> int:
    return sum(numbers)


@dg.op
def make_frame() -> Any:
    return workloads.make_frame()


@dg.op
def sum_frame(frame: Any) -> float:
    return workloads.sum_frame(frame)


@dg.op
def load_cases() -> Any:
    return workloads.load_cases()


@dg.op
def fit(frame: Any) -> Any:
    return workloads.fit(frame)


@dg.op
def score(model: Any, frame: Any) -> float:
    return workloads.score(model, frame)


@dg.job
def chain() -> None:
    number = zero()
    for _ in range(workloads.CHAIN):
        number = add_one(number)


@dg.job
def fan_out() -> None:
    start = zero()
    add_up([add_one(start) for _ in range(workloads.FAN_OUT)])


@dg.job
def frame() -> None:
    sum_frame(make_frame())


@dg.job
def model() -> None:
    cases = load_cases()
    score(fit(cases), cases)


JOBS = {"chain": chain, "fan_out": fan_out, "frame": frame, "model": model}

if __name__ == "__main__":
    job = JOBS[sys.argv[1]]
    workloads.preload(sys.argv[1])
    with dg.DagsterInstance.get() as instance:
        started = time.perf_counter()
        # With the standing instance, values go through its storage as they do between real steps.
        result = job.execute_in_process(
            instance=instance, resources={"io_manager": dg.FilesystemIOManager(base_dir=sys.argv[2])}
        )
        seconds = time.perf_counter() - started
    assert result.success
    print(json.dumps({"seconds": seconds, "version": dg.__version__}))
