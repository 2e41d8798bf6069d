"""The workloads in Pavedroad, with a record on disk and the cache on."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pavedroad as paved

sys.path.insert(0, str(Path(__file__).parent.parent))
import workloads


@paved.step
def add_one(number: int) -> int:
    return workloads.add_one(number)


@paved.step
def add_up(numbers: list[int]) -> int:
    return sum(numbers)


@paved.step
def make_frame() -> Any:
    return workloads.make_frame()


@paved.step
def sum_frame(frame: Any) -> float:
    return workloads.sum_frame(frame)


@paved.step
def load_cases() -> Any:
    return workloads.load_cases()


@paved.step
def fit(frame: Any) -> Any:
    return workloads.fit(frame)


@paved.step
def score(model: Any, frame: Any) -> float:
    return workloads.score(model, frame)


@paved.pipeline
def chain() -> int:
    number = 0
    for _ in range(workloads.CHAIN):
        number = add_one(number)
    return number


@paved.pipeline
def fan_out() -> int:
    return add_up(add_one.map(list(range(workloads.FAN_OUT))))


@paved.pipeline
def frame() -> float:
    return sum_frame(make_frame())


@paved.pipeline
def model() -> float:
    cases = load_cases()
    return score(fit(cases), cases)


PIPELINES = {"chain": chain, "fan_out": fan_out, "frame": frame, "model": model}

if __name__ == "__main__":
    workloads.preload(sys.argv[1])
    import pavedroad.pipelines.running  # noqa: F401 - the peers load their engine when they are imported

    pipeline = PIPELINES[sys.argv[1]]
    started = time.perf_counter()
    pipeline.run(home=sys.argv[2])
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "version": version("pavedroad")}))
