"""The workloads as plain calls: what nobody can be faster than."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import workloads


def chain() -> None:
    number = 0
    for _ in range(workloads.CHAIN):
        number = workloads.add_one(number)


def fan_out() -> None:
    sum(workloads.add_one(number) for number in range(workloads.FAN_OUT))


def frame() -> None:
    workloads.sum_frame(workloads.make_frame())


def model() -> None:
    cases = workloads.load_cases()
    workloads.score(workloads.fit(cases), cases)


CALLS: dict[str, Callable[[], None]] = {"chain": chain, "fan_out": fan_out, "frame": frame, "model": model}

if __name__ == "__main__":
    workloads.preload(sys.argv[1])
    started = time.perf_counter()
    CALLS[sys.argv[1]]()
    print(json.dumps({"seconds": time.perf_counter() - started, "version": platform.python_version()}))
