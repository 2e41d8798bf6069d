import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks import Report, check_project, ruff
from pavedroad.checks.fixes import apply_fixes

MakeProject = Callable[[dict[str, str | bytes]], Path]
Paved = Callable[..., Any]
SETTINGS = '[tool.ruff.lint]\nselect = ["F401", "NPY201"]\n'
CODE = "import os\nimport numpy as np\n\nnp.trapz([1])\n"
has_ruff = pytest.mark.skipif(ruff.find_ruff(Path("/nowhere")) is None, reason="ruff is not installed")


def of_ruff(report: Report) -> list[tuple[str, str, str]]:
    return [
        (finding.code, str(finding.place), finding.severity)
        for finding in report.findings
        if finding.code.startswith("RUF:")
    ]


@has_ruff
def test_its_findings_stand_beside_ours_where_the_project_is_set_up_for_it(make_project: MakeProject) -> None:
    root = make_project({"train.py": CODE, "pyproject.toml": SETTINGS})

    assert of_ruff(check_project(root, ruff=None)) == [
        ("RUF:F401", "train.py:1:8", "warning"),
        ("RUF:NPY201", "train.py:4:1", "warning"),
    ]
    assert of_ruff(check_project(root, ruff=None, profile="explore"))[0][2] == "note"
    assert of_ruff(check_project(root, ruff=False)) == []
    assert of_ruff(check_project(root)) == []  # for gates the answer must not hang on what is installed


@has_ruff
def test_a_project_that_is_not_set_up_for_it_is_asked_only_on_demand(make_project: MakeProject) -> None:
    root = make_project({"train.py": CODE})

    assert of_ruff(check_project(root, ruff=None)) == []
    assert "RUF:F401" in {code for code, _, _ in of_ruff(check_project(root, ruff=True))}
    assert [code for code, _, _ in of_ruff(check_project(root, only=["RUF:F4"]))] == ["RUF:F401"]
    assert of_ruff(check_project(root, only=["RUF:NPY"])) == []


@has_ruff
def test_the_manifest_may_turn_it_off(make_project: MakeProject) -> None:
    root = make_project(
        {"train.py": CODE, "pyproject.toml": f"{SETTINGS}[tool.paved.checks]\nruff = false\n"}
    )

    assert of_ruff(check_project(root, ruff=None)) == []
    assert len(of_ruff(check_project(root, ruff=True))) == 2


@has_ruff
def test_its_fixes_and_our_ignores_hold_for_its_findings(make_project: MakeProject) -> None:
    ignored = "import sys  # paved: ignore[RUF:F401] for its side effects\n"
    settings = SETTINGS.replace(', "NPY201"', "")
    root = make_project({"train.py": ignored + CODE, "pyproject.toml": settings})
    report, _ = apply_fixes(lambda: check_project(root, ruff=True, only=["RUF", "CHK"]), unsafe=False)

    assert (root / "train.py").read_text().startswith(ignored + "import numpy as np\n")
    assert report.findings == ()
    assert [finding.waiver.reason for finding in report.waived if finding.waiver] == ["for its side effects"]


@has_ruff
def test_nothing_is_written_into_the_project(make_project: MakeProject) -> None:
    root = make_project({"train.py": CODE, "pyproject.toml": SETTINGS})
    check_project(root, ruff=True)

    assert sorted(file.name for file in root.iterdir()) == ["pyproject.toml", "train.py"]


def fake(folder: Path, body: str) -> Path:
    program = folder / "ruff"
    program.write_text(f"#!{sys.executable}\n{body}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("import sys; sys.exit('unknown field `x`')", "ruff ended with 1: unknown field `x`"),
        ("print('not json')", "ruff's answer cannot be read"),
        ("import time; time.sleep(60)", "ruff did not end within"),
        ("print('x' * 5000)", "ruff's answer is larger than"),
    ],
)
def test_a_ruff_that_fails_is_left_out_with_a_remark(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, says: str
) -> None:
    program = fake(tmp_path, body)
    monkeypatch.setattr("pavedroad.checks.engine.find_ruff", lambda root: program)
    monkeypatch.setattr(ruff, "TIMEOUT_S", 5.0 if "sleep" not in body else 0.2)
    monkeypatch.setattr(ruff, "MOST_BYTES", 4000)
    report = check_project(make_project({"train.py": "x = 1\n"}), ruff=True)

    assert says in report.remarks[0]
    assert report.failures == ()


def test_a_ruff_that_the_folder_brings_is_not_started(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"train.py": CODE, "pyproject.toml": SETTINGS})
    fake(root, f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.setenv("PATH", str(root))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert ruff.find_ruff(root) is None
    assert check_project(root, ruff=True).remarks == ()
    assert not (tmp_path / "ran").exists()
