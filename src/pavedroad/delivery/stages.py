"""The test stages of `[tool.paved.stages]`: any commands, run one after the other in the project's folder.

[tool.paved.stages]
unit = "pytest tests/unit"
security = { run = "bandit -q -r src", timeout_s = 120 }
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec

from pavedroad.delivery.model import StageResult, Status
from pavedroad.errors import ConfigError, Invalid, did_you_mean

TIMEOUT_S = 1800.0
GRACE_S = 5.0  # between a polite end and a rude one
KEPT_BYTES = 256 * 1024  # of what a stage prints
_NAME = re.compile(r"[a-z][a-z0-9-]*")


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One command. It passes when it exits with 0."""

    name: str = ""
    run: str
    timeout_s: float = TIMEOUT_S

    @property
    def words(self) -> list[str]:
        return shlex.split(self.run)


def read_stages(table: Mapping[str, Any]) -> tuple[Stage, ...]:
    """In the order they are written. Raises ConfigError that names the stage and the key."""
    return tuple(_read_stage(name, value) for name, value in table.items())


def _read_stage(name: str, value: Any) -> Stage:
    where = f"[tool.paved.stages] {name}"
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{where} is not a stage's name", hint="small letters, digits and `-`: data-tests")
    if isinstance(value, str):
        value = {"run": value}
    if not isinstance(value, dict):
        raise ConfigError(f"{where} is {value!r}", hint=f'write {name} = "pytest tests/{name}"')
    for key in value:
        if key not in ("run", "timeout_s"):
            hint = did_you_mean(key, ("run", "timeout_s"))
            raise ConfigError(f"unknown key {key!r} in {where}", hint=hint)
    try:
        stage = msgspec.convert({**value, "name": name}, Stage)
        words = stage.words
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"{where}: {error}", hint=f'write {name} = "pytest tests/{name}"') from None
    if not words or stage.timeout_s <= 0:
        said = "has no command" if not words else f"has a limit of {stage.timeout_s:g} s"
        raise ConfigError(f"{where} {said}", hint=f'write {name} = "pytest tests/{name}"')
    return stage


def choose_stages(stages: tuple[Stage, ...], names: tuple[str, ...]) -> tuple[Stage, ...]:
    """Those that are named, in the project's order; all when none is. Raises Invalid."""
    known = [stage.name for stage in stages]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) if known else "list them under [tool.paved.stages]"
            raise Invalid(f"no stage {name!r} in [tool.paved.stages]", hint=hint)
    return tuple(stage for stage in stages if not names or stage.name in names)


def not_run(stage: Stage) -> StageResult:
    return StageResult(name=stage.name, command=stage.run, status="not run")


def run_stage(stage: Stage, root: Path, *, variables: Mapping[str, str]) -> tuple[StageResult, str]:
    """Run it in `root`; the result, and the end of what it printed.

    The project's own `.venv` comes first on the PATH, then the active environment, then Pavedroad's. A stage
    that takes too long is ended with everything it started.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="paved-stage-") as folder, tempfile.TemporaryFile() as output:
        junit = Path(folder) / "junit.xml"
        environment = stage_environment(root, junit, {**variables, "PAVED_STAGE": stage.name})
        try:
            process = subprocess.Popen(
                stage.words,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            said = f"cannot start {stage.words[0]!r}: {error.strerror}\n"
            return StageResult(name=stage.name, command=stage.run, status="failed"), said
        status, code = _wait(process, stage.timeout_s)
        tests, failed, skipped = count_tests(junit)
        result = StageResult(
            name=stage.name,
            command=stage.run,
            status=status,
            exit_code=code,
            duration_ms=round((time.monotonic() - started) * 1000),
            tests=tests,
            failed=failed,
            skipped=skipped,
        )
        return result, _tail(output)


def stage_environment(root: Path, junit: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The process's own, with the project's tools first and pytest told where to leave its counts."""
    virtual = os.environ.get("VIRTUAL_ENV")
    own = [root / ".venv" / "bin", *([Path(virtual) / "bin"] if virtual else []), Path(sys.executable).parent]
    folders = [str(folder) for folder in own if folder.is_dir()]
    path = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    options = f"{os.environ.get('PYTEST_ADDOPTS', '')} --junitxml={shlex.quote(str(junit))}".strip()
    return {**os.environ, "PATH": path, "PYTEST_ADDOPTS": options, **variables}


def count_tests(junit: Path) -> tuple[int | None, int, int]:
    """(tests, failed, skipped) of a JUnit report; (None, 0, 0) when there is none."""
    try:
        suites = list(ElementTree.parse(junit).getroot().iter("testsuite"))  # noqa: S314 - the stage's own
        tests, failures, errors, skipped = (
            sum(int(suite.get(key, 0)) for suite in suites)
            for key in ("tests", "failures", "errors", "skipped")
        )
    except (OSError, ValueError, ElementTree.ParseError):
        return None, 0, 0
    return tests, failures + errors, skipped


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> tuple[Status, int | None]:
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return "timed out", None
    except BaseException:  # a Ctrl-C is for the stage too
        _end(process)
        raise
    return ("passed" if code == 0 else "failed"), code


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
            return


def _tail(output: Any) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - KEPT_BYTES))
    return str(output.read().decode("utf-8", "replace"))
