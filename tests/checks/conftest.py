"""Fixtures of rules are projects of their own: their tests and code are data here."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

collect_ignore = ["rules"]
MakeProject = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """`make_project({"train.py": "..."})` is a folder with these files, outside any repository."""

    def make(files: Mapping[str, str | bytes]) -> Path:
        root = tmp_path / "project"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


@pytest.fixture
def git() -> Callable[..., str]:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def run(root: Path, *arguments: str) -> str:
        options = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main")
        command = ["git", *options, *arguments]
        return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout

    return run
