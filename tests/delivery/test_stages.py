"""Stages are the project's own commands, run where it lies."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from pavedroad.delivery.stages import Stage, choose_stages, read_stages, run_stage
from pavedroad.errors import ConfigError, Invalid


def runs(pid: int) -> bool:
    """Whether a process is there, and not only waits to be forgotten."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def run(tmp_path, command: str, **more):
    return run_stage(Stage(name="unit", run=command, **more), tmp_path, variables={})


def test_stages_keep_the_order_they_are_written_in():
    stages = read_stages({"unit": "pytest tests", "data": {"run": "make data", "timeout_s": 5}})
    assert [(stage.name, stage.words, stage.timeout_s) for stage in stages] == [
        ("unit", ["pytest", "tests"], 1800),
        ("data", ["make", "data"], 5),
    ]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"Unit": "x"}, "Unit is not a stage's name"),
        ({"unit": 3}, "unit is 3"),
        ({"unit": ""}, "has no command"),
        ({"unit": "echo 'open"}, "No closing quotation"),
        ({"unit": {"timeout_s": 1}}, "missing required field `run`"),
        ({"unit": {"run": "x", "timout_s": 1}}, "unknown key 'timout_s'"),
        ({"unit": {"run": "x", "timeout_s": 0}}, "a limit of 0 s"),
        ({"unit": {"run": ["x"]}}, "Expected `str`"),
    ],
)
def test_a_stage_that_cannot_be_used_is_named(table, says):
    with pytest.raises(ConfigError, match=r"tool\.paved\.stages") as caught:
        read_stages(table)
    assert says in caught.value.message
    assert caught.value.hint


def test_an_unknown_stage_names_the_nearest():
    stages = read_stages({"unit": "x", "data": "y"})
    assert [stage.name for stage in choose_stages(stages, ("data",))] == ["data"]
    with pytest.raises(Invalid) as caught:
        choose_stages(stages, ("dta",))
    assert caught.value.hint == "did you mean 'data'?"


@pytest.mark.parametrize(("code", "status"), [(0, "passed"), (3, "failed")])
def test_the_exit_code_decides(tmp_path, code, status):
    result, output = run(tmp_path, f"{sys.executable} -c 'print(\"seen\"); raise SystemExit({code})'")
    assert (result.status, result.exit_code, result.tests) == (status, code, None)
    assert output == "seen\n"


def test_a_command_that_is_not_there_fails_with_its_name(tmp_path):
    result, output = run(tmp_path, "no-such-command here")
    assert (result.status, result.exit_code) == ("failed", None)
    assert output == "cannot start 'no-such-command': No such file or directory\n"


def test_a_stage_that_takes_too_long_ends_with_what_it_started(tmp_path):
    (tmp_path / "slow.sh").write_text("sleep 300 & echo $! > child; wait\n")
    result, _ = run(tmp_path, "sh slow.sh", timeout_s=0.5)
    assert (result.status, result.exit_code) == ("timed out", None)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 20
    while runs(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not runs(child)


def test_tests_are_counted_as_pytest_counts_them(tmp_path):
    (tmp_path / "test_some.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n@pytest.mark.skip\ndef test_c(): pass\n"
    )
    result, output = run(tmp_path, "pytest -q -p no:cacheprovider")
    assert (result.status, result.tests, result.failed, result.skipped) == ("failed", 3, 1, 1)
    assert "test_b" in output


def test_the_projects_own_tools_come_first(tmp_path):
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "pytest").write_text("#!/bin/sh\necho theirs\n")
    (tools / "pytest").chmod(0o755)
    _, output = run(tmp_path, "pytest")
    assert output == "theirs\n"
