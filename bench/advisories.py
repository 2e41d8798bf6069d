"""Run the probe of every advisory under its good and its bad version; write what happened as data.

    python bench/advisories.py [ID ...]      only these; default: all

Each set of requirements gets a throw-away environment, made with uv and removed after use. The results go to
`src/pavedroad/advisories/probes.csv`, one row per advisory and side.
"""

from __future__ import annotations

import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from packaging.version import Version

from pavedroad.advisories.model import Advisory
from pavedroad.advisories.reading import shipped_advisories

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "src" / "pavedroad" / "advisories" / "probes.csv"
COLUMNS = ("id", "side", "package", "version", "python", "ran_on", "outcome", "as_expected", "says")
INSTALL_S, PROBE_S = 1500, 300
LONGEST = 160


class Row(NamedTuple):
    id: str
    side: str  # good or bad
    package: str
    version: str
    python: str
    ran_on: str
    outcome: str  # passes, fails, does not install, or not run
    as_expected: str  # yes, no, or empty when it was not run
    says: str  # the first line of the error, or the reason for not running


class Plan(NamedTuple):
    """Probes that share an environment."""

    requirements: tuple[str, ...]
    no_deps: bool
    runs: list[tuple[Advisory, str]]


def main(ids: list[str]) -> int:
    chosen = [advisory for advisory in shipped_advisories() if not ids or advisory.id in ids]
    rows = {(row.id, row.side): row for row in read_rows()} if RESULTS.is_file() else {}
    for row in not_run(chosen):
        rows[row.id, row.side] = row
    for plan in plans(chosen):
        for row in run_plan(plan):
            print(f"{row.id} {row.side} {row.version}: {row.outcome} {row.says}", flush=True)
            rows[row.id, row.side] = row
        known = {advisory.id for advisory in shipped_advisories()}
        write_rows([row for row in rows.values() if row.id in known])
    write_rows(list(rows.values()))
    wrong = [row for row in rows.values() if row.as_expected == "no"]
    ran = sum(row.outcome != "not run" for row in rows.values())
    print(f"{ran} probes ran, {len(rows) - ran} did not, {len(wrong)} not as expected")
    return 1 if wrong else 0


def read_rows() -> list[Row]:
    with RESULTS.open(newline="") as file:
        return [Row(**row) for row in csv.DictReader(file)]


def write_rows(rows: list[Row]) -> None:
    with RESULTS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(rows, key=lambda row: (row.id, row.side == "bad")))


def reason_not_to_run(advisory: Advisory, side: str) -> str:
    probe = advisory.probe
    return probe.not_run or (probe.good_not_run if side == "good" else probe.bad_not_run)


def not_run(advisories: list[Advisory]) -> Iterator[Row]:
    for advisory in advisories:
        for side in ("good", "bad"):
            if reason := reason_not_to_run(advisory, side):
                version = getattr(advisory.probe, side)
                yield Row(advisory.id, side, advisory.package, version, "", "", "not run", "", reason)


def plans(advisories: list[Advisory]) -> list[Plan]:
    found: dict[tuple[tuple[str, ...], bool], Plan] = {}
    for advisory in advisories:
        probe = advisory.probe
        for side in ("good", "bad"):
            if reason_not_to_run(advisory, side):
                continue
            package = probe.install or advisory.package
            own = () if package == "python" else (f"{package}=={getattr(probe, side)}",)
            requirements = (*own, *probe.requirements)
            plan = Plan(requirements, probe.no_deps, [])
            found.setdefault((tuple(sorted(requirements)), probe.no_deps), plan).runs.append((advisory, side))
    return list(found.values())


def run_plan(plan: Plan) -> Iterator[Row]:
    folder = Path(tempfile.mkdtemp(prefix="paved-probe-")).resolve()
    try:
        problem = make_environment(folder / "env", plan)
        for advisory, side in plan.runs:
            yield run_probe(folder, advisory, side, problem.replace(str(folder) + "/", ""))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_environment(env: Path, plan: Plan) -> str:
    """The error when it cannot be made."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    steps = [[uv, "venv", "--quiet", "--python", sys.executable, str(env)]]
    if plan.requirements:
        install = [uv, "pip", "install", "--quiet", "--python", str(env / "bin" / "python")]
        steps.append([*install, *(["--no-deps"] if plan.no_deps else []), *plan.requirements])
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            return f"the installation took longer than {INSTALL_S} s"
        if done.returncode:
            return last_line(done.stderr)
    return ""


def run_probe(folder: Path, advisory: Advisory, side: str, problem: str) -> Row:
    probe = advisory.probe
    if problem:
        outcome, says = "does not install", problem
    else:
        script = folder / "probe.py"
        script.write_text(probe.code)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CUDA_VISIBLE_DEVICES": ""}
        try:
            done = subprocess.run(
                [folder / "env" / "bin" / "python", "-I", script],
                capture_output=True,
                text=True,
                timeout=PROBE_S,
                cwd=folder,
                env=environment,
            )
            outcome = "fails" if done.returncode else "passes"
            says = error_line(done.stderr) if done.returncode else ""
        except subprocess.TimeoutExpired:
            outcome, says = "fails", f"took longer than {PROBE_S} s"
    return Row(
        advisory.id,
        side,
        probe.install or advisory.package,
        getattr(probe, side),
        str(Version(platform.python_version())),
        date.today().isoformat(),
        outcome,
        "yes" if is_expected(advisory, side, outcome, says) else "no",
        says.replace(str(folder) + "/", "")[:LONGEST],
    )


def is_expected(advisory: Advisory, side: str, outcome: str, says: str) -> bool:
    probe = advisory.probe
    if side == "good" and probe.good_outcome == "passes":
        return outcome == "passes"
    if probe.shows == "does not install":
        return outcome == "does not install"
    return outcome == "fails" and probe.shows in says


def error_line(text: str) -> str:
    """The line of a traceback that names the error: the last that does not start with a space."""
    lines = [line for line in text.splitlines() if line.strip()]
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback")]
    rest = lines[starts[-1] + 1 :] if starts else lines
    named = [
        line
        for line in rest
        if (line[:1].isalpha() or line[0] == "_") and (":" in line or line.isidentifier())
    ]
    if not named:
        return last_line(text)
    after = rest[rest.index(named[0]) + 1 :]
    return " ".join(
        [named[0].strip(), *(line.strip() for line in after[:1] if named[0].endswith((":", ": ")))]
    )


def last_line(text: str) -> str:
    """What uv says went wrong, in one line."""
    lines = [line.strip(" ×╰─▶│├┼┤") for line in text.splitlines() if line.strip(" ×╰─▶│├┼┤")]
    return lines[0] if lines else "no message"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
