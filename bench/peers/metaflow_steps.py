"""The workloads in Metaflow: writes a flow and runs it, one process a step as Metaflow does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

# Metaflow starts a process for each step: a shorter chain says as much in bearable time.
CHAIN = 10
FAN_OUT = 20
HEAD = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent.parent)!r})\n"
HEAD += "import workloads\nfrom metaflow import FlowSpec, step\n\n\nclass Bench(FlowSpec):\n"


def step(name: str, body: str, then: str, *, arguments: str = "") -> str:
    following = f"        self.next({then})\n" if then else ""
    return f"    @step\n    def {name}(self{arguments}):\n        {body}\n{following}\n"


def chain() -> str:
    names = [*(f"step{number}" for number in range(CHAIN)), "end"]
    parts = [step("start", "self.number = 0", "self.step0")]
    for at in range(CHAIN):
        body = "self.number = workloads.add_one(self.number)"
        parts.append(step(names[at], body, f"self.{names[at + 1]}"))
    return "".join(parts) + step("end", f"assert self.number == {CHAIN}", "")


def fan_out() -> str:
    return (
        step("start", f"self.items = list(range({FAN_OUT}))", "self.one, foreach='items'")
        + step("one", "self.number = workloads.add_one(0)", "self.join")
        + step("join", "self.total = sum(one.number for one in inputs)", "self.end", arguments=", inputs")
        + step("end", f"assert self.total == {FAN_OUT}", "")
    )


def frame() -> str:
    return step("start", "self.frame = workloads.make_frame()", "self.end") + step(
        "end", "print(workloads.sum_frame(self.frame))", ""
    )


def model() -> str:
    return (
        step("start", "self.cases = workloads.load_cases()", "self.fit")
        + step("fit", "self.model = workloads.fit(self.cases)", "self.end")
        + step("end", "print(workloads.score(self.model, self.cases))", "")
    )


FLOWS = {"chain": chain, "fan_out": fan_out, "frame": frame, "model": model}

if __name__ == "__main__":
    folder = Path(sys.argv[2])
    flow = folder / "flow.py"
    flow.write_text(f"{HEAD}{FLOWS[sys.argv[1]]()}\nif __name__ == '__main__':\n    Bench()\n")
    environ = {**os.environ, "METAFLOW_USER": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, str(flow), "run", "--max-workers", "2"],
        check=True,
        env=environ,
        cwd=folder,
        capture_output=True,
    )
    seconds = time.perf_counter() - started
    steps = {"chain": CHAIN, "fan_out": FAN_OUT}.get(sys.argv[1])
    print(json.dumps({"seconds": seconds, "version": version("metaflow"), "steps": steps}))
