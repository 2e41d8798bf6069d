"""Ruff's findings beside ours, for projects that use it.

Ruff is another program; only one beside this interpreter or on the PATH is started, never one that the
checked folder brings. It is told to read and not to write, and it is ended after some seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.checks.model import SAFE, UNSAFE, Edit, Fix, Found, Place, Rule
from pavedroad.checks.project import Project

FAMILY = "RUF"
PREFIX = "RUF:"
TIMEOUT_S = 30.0
MOST_BYTES = 64 * 2**20  # of its answer
_LEVELS = {"explore": "note", "team": "warning", "production": "warning"}
_COMMAND = (
    "check",
    "--no-cache",
    "--no-fix",
    "--exit-zero",
    "--output-format=json",
    "--quiet",
    "--force-exclude",
)


class RuffPlace(msgspec.Struct, frozen=True):
    row: int
    column: int


class RuffEdit(msgspec.Struct, frozen=True):
    content: str | None
    location: RuffPlace
    end_location: RuffPlace


class RuffFix(msgspec.Struct, frozen=True):
    applicability: str = ""
    message: str | None = None
    edits: tuple[RuffEdit, ...] = ()


class RuffFinding(msgspec.Struct, frozen=True):
    """What we read of ruff's JSON."""

    filename: str
    message: str
    location: RuffPlace
    end_location: RuffPlace
    code: str | None = None
    name: str = ""
    url: str | None = None
    cell: int | None = None
    fix: RuffFix | None = None


class LeftOut(Exception):
    """Why ruff's findings are not there."""


def is_configured(project: Project) -> bool:
    """Whether the project itself says how it wants to be linted by ruff."""
    if "ruff.toml" in project.files or ".ruff.toml" in project.files:
        return True
    return "pyproject.toml" in project.files and "[tool.ruff" in project.text("pyproject.toml")


def find_ruff(root: Path) -> Path | None:
    """The ruff of this environment, else of the PATH; never one from below `root` by way of the PATH."""
    beside = Path(sys.executable).parent / "ruff"
    if os.access(beside, os.X_OK) and beside.is_file():
        return beside
    folders = [
        folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute()
    ]
    outside = [folder for folder in folders if not Path(folder).resolve().is_relative_to(root.resolve())]
    found = shutil.which("ruff", path=os.pathsep.join(outside)) if outside else None
    return Path(found) if found else None


def identity(ruff: Path) -> str:
    """Changes when another ruff is installed."""
    status = ruff.stat()
    return f"{ruff} {status.st_size} {status.st_mtime_ns}"


def run_ruff(project: Project, ruff: Path, paths: Iterable[str] = (".",)) -> list[tuple[Rule, list[Found]]]:
    """Its findings by rule. Raises: LeftOut when it cannot be used or does not end."""
    with tempfile.TemporaryFile() as answer:
        try:
            done = subprocess.run(
                [ruff, *_COMMAND, "--", *paths],
                cwd=project.root,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise LeftOut(f"ruff did not end within {TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise LeftOut(f"ruff cannot be started: {error.strerror}") from None
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().split("\n")
            raise LeftOut(f"ruff ended with {done.returncode}: {said[-1][:200]}")
        if answer.tell() > MOST_BYTES:
            raise LeftOut(f"ruff's answer is larger than {MOST_BYTES >> 20} MiB")
        answer.seek(0)
        try:
            found = msgspec.json.decode(answer.read(), type=list[RuffFinding])
        except msgspec.DecodeError as error:
            raise LeftOut(f"ruff's answer cannot be read: {error}") from None
    return list(_by_rule(project, found))


def _by_rule(project: Project, findings: list[RuffFinding]) -> Iterator[tuple[Rule, list[Found]]]:
    rules: dict[str, tuple[Rule, list[Found]]] = {}
    root = project.root.resolve()
    for finding in findings:
        if not finding.code:
            continue  # a syntax error, which we tell ourselves
        try:
            path = Path(finding.filename).resolve().relative_to(root).as_posix()
        except ValueError:
            continue
        if path in project.files:
            _rule, found = rules.setdefault(finding.code, (ruff_rule(finding.code, finding.name), []))
            found.append(_found(project, path, finding))
    yield from rules.values()


def ruff_rule(code: str, name: str) -> Rule:
    return Rule(
        code=f"{PREFIX}{code}",
        name=name or code.lower(),
        since="",
        title=f"What ruff says about {name.replace('-', ' ') or code}.",
        sections={"Why": f"Run `ruff rule {code}`."},
        levels=_LEVELS,
        fix="",
        of_project=False,
        by_module=False,
        check=_nothing,
        package="ruff",
    )


def _nothing(_project: Any) -> Iterator[Found]:
    return iter(())


def _found(project: Project, path: str, finding: RuffFinding) -> Found:
    start, end = finding.location, finding.end_location
    place = Place(
        path=path, line=start.row, column=start.column, end_line=end.row if end.row != start.row else 0,
        end_column=end.column, cell=finding.cell or 0,
    )  # fmt: skip
    says = finding.message.strip().rstrip(".").replace("\n", " ")
    return Found(
        at=place, says=says, hint=f"read `ruff rule {finding.code}`", fix=_fix(project, path, finding)
    )


def _fix(project: Project, path: str, finding: RuffFinding) -> Fix | None:
    fix = finding.fix
    if fix is None or fix.applicability not in (SAFE, UNSAFE) or finding.cell or not path.endswith(".py"):
        return None
    starts = [0]
    for line in project.lines_of(path):
        starts.append(starts[-1] + len(line) + 1)
    edits = []
    for edit in fix.edits:
        if max(edit.location.row, edit.end_location.row) > len(starts):
            return None
        start = starts[edit.location.row - 1] + edit.location.column - 1
        end = starts[edit.end_location.row - 1] + edit.end_location.column - 1
        edits.append(Edit(path=path, start=start, end=end, text=edit.content or ""))
    return Fix(says=fix.message or "as ruff says", safety=fix.applicability, edits=tuple(edits))
