"""The tools a benchmark compares: where each one's Python is, and how one measurement is taken."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / ".tools"
TIMEOUT_S = 600


class Tool(NamedTuple):
    name: str
    script: Path
    packages: tuple[str, ...] = ()  # installed into an environment of its own; empty: ours

    def python(self) -> Path:
        """This tool's interpreter, made on first use."""
        if not self.packages:
            return Path(sys.executable)
        folder = TOOLS / f"bench-{self.name.lower()}"
        python = folder / "bin" / "python"
        if not python.exists():
            print(f"installing {self.name} into {folder.relative_to(ROOT)} (once)", file=sys.stderr)
            uv = shutil.which("uv") or str(TOOLS / "bin" / "uv")
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *self.packages], check=True)
        return python


class Measured(NamedTuple):
    seconds: float  # median
    spread: tuple[float, float]
    version: str
    steps: int | None  # when the tool did fewer than asked, to be bearable


def measure(tool: Tool, workload: str, *, repeats: int, warm: bool = False) -> Measured:
    """Median of `repeats` runs, each in a process of its own; cold: also with a store of its own.

    Warm runs share one store which a first, uncounted run has filled.
    """
    answers = []
    shared = Path(tempfile.mkdtemp(prefix="bench-")) if warm else None
    try:
        if shared:
            _run(tool, workload, shared)
        for _ in range(repeats):
            folder = shared or Path(tempfile.mkdtemp(prefix="bench-"))
            answers.append(_run(tool, workload, folder))
            if not shared:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        if shared:
            shutil.rmtree(shared, ignore_errors=True)
    seconds = [answer["seconds"] for answer in answers]
    return Measured(
        seconds=statistics.median(seconds),
        spread=(min(seconds), max(seconds)),
        version=answers[0]["version"],
        steps=answers[0].get("steps"),
    )


def _run(tool: Tool, workload: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [tool.python(), tool.script, workload, folder],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "DAGSTER_HOME": str(folder), "PAVED_HOME": str(folder)},
        cwd=folder,
    )
    if done.returncode != 0:
        raise SystemExit(f"{tool.name} {workload} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
