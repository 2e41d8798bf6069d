"""What `paved new` makes is what it promises: clean, tested, running."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks import RULES, check_project
from pavedroad.scaffold import TEMPLATES, make_project

Paved = Callable[..., Any]
NEEDS = ("pandas", "pyarrow", "sklearn")
every_template = pytest.mark.parametrize("template", [template.name for template in TEMPLATES])


@pytest.fixture
def project(tmp_path: Path, template: str) -> Path:
    return Path(make_project(tmp_path, "late-flights", template=template, owner="us").folder)


@every_template
@pytest.mark.parametrize("profile", ["team", "production"])
def test_it_has_no_finding_at_all(project: Path, profile: str) -> None:
    report = check_project(project, profile=profile, only=[rule.code for rule in RULES])

    assert (report.findings, report.waived) == ((), ())


@every_template
def test_it_is_formatted_and_free_of_unused_names(project: Path) -> None:
    """As users copy it, it should be as we would write it."""
    ruff = Path(sys.executable).parent / "ruff"
    if not ruff.is_file():
        pytest.skip("ruff is not installed beside this Python")
    for command in (["check", "--select", "E,F,I,UP,B,PT"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *command, "--isolated", "--line-length", "110", "--config", "src=['src']", "."],
            cwd=project, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@every_template
def test_its_tests_pass_and_it_runs(project: Path, paved: Paved, home: Path) -> None:
    for name in NEEDS:
        pytest.importorskip(name)
    checked = paved("check", "--profile", "team", cwd=project)
    assert checked.out.startswith("no findings")

    environment = {**os.environ, "PAVED_HOME": str(home)}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=project, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout + tested.stderr

    paved("run", cwd=project)
    again = paved("run", cwd=project)
    assert "cached" in again.out.lower()
