import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LOCKS = Path(__file__).parent / "locks"
Paved = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two commits: an older lock, and one with PyTorch."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "deep"\n')
    for command in (["init", "-q"], ["config", "user.email", "a@b.c"], ["config", "user.name", "a"]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    for case in ("service", "deep"):
        shutil.copy(LOCKS / f"uv-{case}" / "uv.lock", folder)
        subprocess.run(["git", "-C", folder, "add", "."], check=True)
        subprocess.run(["git", "-C", folder, "commit", "-qm", case], check=True)
    return folder


def install(project: Path, **distributions: str) -> None:
    """A virtual environment as it lies on disk."""
    packages = project / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (project / ".venv" / "pyvenv.cfg").write_text("version_info = 3.11.7\n")
    for name, version in distributions.items():
        (packages / f"{name}-{version}.dist-info").mkdir()


def test_show_names_packages_python_and_cuda(paved: Paved, project: Path) -> None:
    done = paved("env", "show", cwd=project)
    assert done.out.splitlines()[:3] == [
        "uv.lock (uv): 26 packages, Python ==3.11.*",
        "CUDA 12.4, by nvidia-cuda-runtime-cu12 12.4.127 (companion)",
        "PACKAGE                   VERSION     FROM",
    ]
    assert json.loads(paved("env", "show", "--json", cwd=project).out)["cuda"] == "12.4"


def test_diff_tells_what_changed_between_two_commits(paved: Paved, project: Path) -> None:
    done = paved("env", "diff", "HEAD~1", "HEAD", cwd=project, code=1)
    assert "uv.lock at HEAD~1 -> uv.lock at HEAD" in done.out
    assert "CUDA: none -> 12.4" in done.out
    assert "xgboost" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_diff_without_words_is_since_the_last_commit(paved: Paved, project: Path) -> None:
    assert "0 packages changed" in paved("env", "diff", cwd=project, code=0).out
    shutil.copy(LOCKS / "uv-mixed" / "uv.lock", project)
    assert "torch" in paved("env", "diff", cwd=project, code=1).out


def test_diff_compares_locks_of_two_tools(paved: Paved, tmp_path: Path) -> None:
    ours, theirs = LOCKS / "uv-deep" / "uv.lock", LOCKS / "requirements-deep" / "requirements.txt"
    done = paved("env", "diff", ours, theirs, "--json", cwd=tmp_path, code=1)  # only one names a Python
    assert json.loads(done.out)["changes"] == []


@pytest.mark.parametrize("words", [("nosuch",), ("--", "--output=x"), ("run/nosuch",)])
def test_diff_refuses_what_it_does_not_know(paved: Paved, project: Path, words: tuple[str, ...]) -> None:
    done = paved("env", "diff", *words, cwd=project, code=2)
    assert "next:" in done.err


def test_diff_tells_when_a_commit_has_no_lock(paved: Paved, project: Path) -> None:
    subprocess.run(["git", "-C", project, "rm", "-q", "uv.lock"], check=True)
    subprocess.run(["git", "-C", project, "commit", "-qm", "none"], check=True)
    done = paved("env", "diff", "HEAD~1", "HEAD", cwd=project, code=2)
    assert "no lock in project at HEAD" in done.err


def test_drift_looks_into_the_projects_own_environment(paved: Paved, project: Path) -> None:
    install(project, numpy="2.0.0", ipdb="0.13.13", xgboost="2.1.4")
    done = paved("env", "drift", "--json", cwd=project, code=1)
    found = {each["name"]: each["kind"] for each in json.loads(done.out)["drift"]}
    assert (found["numpy"], found["ipdb"], found["torch"]) == ("different", "extra", "missing")
    assert "xgboost" not in found

    text = paved("env", "drift", cwd=project, code=1).out
    assert "1 different, 24 missing, 1 extra" in text
    assert "next: `uv sync`" in text


def test_drift_of_a_folder_that_is_no_environment_is_refused(paved: Paved, project: Path) -> None:
    done = paved("env", "drift", "--environment", "nosuch", cwd=project, code=2)
    assert "no Python environment in nosuch" in done.err
