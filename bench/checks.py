"""`paved check` beside tools that look at projects too: the processor time of a folder, and the memory.

They look for different things; the times say only what each costs. Run with folders as arguments; without a
folder, two are made: one of 130 Python files and 12 notebooks, one of 10,000 Python files.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tools import Tool

HERE = Path(__file__)
TIMEOUT_S = 300.0
RUFF = Tool("ruff", HERE, ("ruff",))
DEPTRY = Tool("deptry", HERE, ("deptry",))
REVIEW = Tool("repo-review", HERE, ("repo-review[cli]", "sp-repo-review"))


SIZES = (("130 files, 12 notebooks", 130, 12), ("10,000 files", 10_000, 0))
HEAD = """## Checks

A whole process over a made project: seconds of processor time, and its largest memory in MB. The tools look
for different things, so the times say only what each costs: ruff reads one file at a time, in Rust; deptry
compares imports with what is declared; repo-review reads settings alone. Cached: nothing changed since the
run before."""


class Way(NamedTuple):
    title: str
    command: tuple[str, ...]  # `{}` is the folder
    tool: Tool | None = None  # None: ours
    is_warmed: bool = False


class Cost(NamedTuple):
    seconds: float  # of processor time: the machine may have other work
    peak_mb: float
    code: int


WAYS = (
    Way("paved check, cold", ("-m", "pavedroad", "check", "{}", "--no-cache", "--no-ruff", "--json")),
    Way("paved check, cached", ("-m", "pavedroad", "check", "{}", "--no-ruff", "--json"), is_warmed=True),
    Way("ruff, its default rules", ("-m", "ruff", "check", "--isolated", "--no-cache", "{}"), RUFF),
    Way("ruff, ALL", ("-m", "ruff", "check", "--isolated", "--no-cache", "--select", "ALL", "{}"), RUFF),
    Way("deptry", ("-m", "deptry", "{}"), DEPTRY),
    Way("repo-review", ("-m", "repo_review", "{}"), REVIEW),
)


def cost(way: Way, folder: Path, home: Path) -> Cost:
    """One run in a process of its own, in the folder, with what it prints thrown away."""
    python = way.tool.python() if way.tool else Path(sys.executable)
    command = [str(python), *(part.format(folder) for part in way.command)]
    with Path(os.devnull).open("w") as nowhere:
        process = subprocess.Popen(
            command, cwd=folder, stdout=nowhere, stderr=nowhere, env={**os.environ, "PAVED_HOME": str(home)}
        )
        _, status, usage = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, code)


def median(way: Way, folder: Path, repeats: int) -> Cost:
    with tempfile.TemporaryDirectory() as home:
        if way.is_warmed:
            cost(way, folder, Path(home))
        costs = [cost(way, folder, Path(home)) for _ in range(repeats)]
    return Cost(
        statistics.median(each.seconds for each in costs), max(each.peak_mb for each in costs), costs[-1].code
    )


def make_project(folder: Path, files: int, notebooks: int) -> None:
    """Python of the usual shape: imports, functions, a class, data read and a model trained."""
    chance = random.Random(7)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "made"\ndependencies = ["pandas", "scikit-learn"]\n'
    )
    for number in range(files):
        target = folder / f"package{number % 50}" / f"module{number}.py"
        target.parent.mkdir(exist_ok=True)
        target.write_text(_code(chance, number, chance.randint(3, 12)))
    for number in range(notebooks):
        cells = [
            {
                "cell_type": "code",
                "source": _code(chance, cell, 1),
                "outputs": [],
                "execution_count": cell + 1,
            }
            for cell in range(20)
        ]
        (folder / f"notebook{number}.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}}))


def _code(chance: random.Random, number: int, functions: int) -> str:
    lines = [
        "import numpy as np", "import pandas as pd", "from sklearn.ensemble import RandomForestClassifier",
        "from sklearn.model_selection import train_test_split", "",
    ]  # fmt: skip
    for at in range(functions):
        lines += [
            f"def step_{number}_{at}(rides: pd.DataFrame, depth: int = {chance.randint(2, 9)}):",
            f'    """Adds column {at}."""',
            f'    rides["column_{at}"] = np.log1p(rides["distance"] * {chance.random():.4f}) + depth',
            f'    kept = rides[rides["column_{at}"] > {chance.random():.3f}].dropna()',
            "    if kept.empty:",
            '        raise ValueError("no rides are left")',
            "    return kept", "",
        ]  # fmt: skip
    if number % 10:
        return "\n".join(lines)
    lines += [
        f'train, test = train_test_split(pd.read_parquet("rides_{number}.parquet"), random_state=7)',
        "model = RandomForestClassifier(random_state=7).fit(train, train.pop('late'))", "",
    ]  # fmt: skip
    return "\n".join(lines)


def table(folders: Sequence[tuple[str, Path]], repeats: int) -> str:
    lines = ["| | " + " | ".join(f"{name}, s | MB" for name, _ in folders) + " |"]
    lines.append("|---|" + "---|---|" * len(folders))
    for way in WAYS:
        cells: list[str] = []
        for _, folder in folders:
            taken = median(way, folder, repeats)
            is_crash = taken.code < 0 or taken.code > 3  # repo-review ends with 3 when something is missing
            seconds = f"ended with {taken.code}" if is_crash else f"{taken.seconds:.2f}"
            cells += [seconds, f"{taken.peak_mb:.0f}"]
        lines.append(f"| {way.title} | " + " | ".join(cells) + " |")
        print(lines[-1], file=sys.stderr)
    return "\n".join(lines)


def section(*, quick: bool) -> str:
    """The part of docs/benchmarks.md about checks."""
    with tempfile.TemporaryDirectory() as made:
        folders = []
        for at, (name, files, notebooks) in enumerate(SIZES):
            folder = Path(made) / f"project{at}"
            folder.mkdir()
            make_project(folder, files, notebooks)
            folders.append((name, folder))
        return f"{HEAD}\n\n{table(folders, 1 if quick else 3)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.folders:
        print(table([(folder.name, folder.absolute()) for folder in options.folders], options.repeats))
        return
    print(section(quick=options.repeats == 1))


if __name__ == "__main__":
    main()
