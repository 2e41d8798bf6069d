"""The demo's project is the template's, with the flights' own steps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.demo import project
from pavedroad.demo.project import (
    DRAFT_FILE,
    HELPER_AFTER,
    HELPER_BEFORE,
    HELPER_FILE,
    SEED,
    check_extra,
    example_folder,
    replace_once,
    write_first_draft,
)
from pavedroad.errors import MissingExtra


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def draft(tmp_path: Path, paved: Callable[..., Any]) -> Path:
    """The project as the demo's first chapter leaves it."""
    paved("new", "late-flights", "--template", "pipeline", "--owner", "flights-team", cwd=tmp_path)
    write_first_draft(tmp_path / "late-flights")
    return tmp_path / "late-flights"


def test_what_every_project_has_is_as_the_template_made_it(tmp_path: Path, paved: Callable[..., Any]) -> None:
    paved("new", "late-flights", "--template", "pipeline", "--owner", "flights-team", cwd=tmp_path)
    made = tmp_path / "late-flights"
    for name in (".gitignore", ".github/workflows/ci.yml"):
        assert (made / name).read_text() == (example_folder() / name).read_text(), name
    frame = {"README.md", "pyproject.toml", "requirements.lock", "src/late_flights/model_card.md"}
    assert frame <= files_of(made)
    assert frame <= files_of(example_folder())


def test_the_draft_is_the_example_without_its_seed(draft: Path) -> None:
    example = example_folder()
    names = {name for name in files_of(example) if "__pycache__" not in name and ".pytest_cache" not in name}
    assert files_of(draft) == names
    changed = {name for name in names if (draft / name).read_bytes() != (example / name).read_bytes()}
    assert changed == {str(DRAFT_FILE)}
    assert (draft / DRAFT_FILE).read_text().count(SEED) == 0


def test_the_check_finds_the_seed_and_the_fix_gives_the_example_back(
    draft: Path, paved: Callable[..., Any]
) -> None:
    found = paved("check", "--json", cwd=draft, code=1).json
    assert [finding["code"] for finding in found["findings"]] == ["REP202"]
    paved("check", "--fix", "--unsafe", cwd=draft)
    assert (draft / DRAFT_FILE).read_text() == (example_folder() / DRAFT_FILE).read_text()


def test_the_helper_has_the_line_that_the_story_edits(draft: Path) -> None:
    replace_once(draft / HELPER_FILE, HELPER_BEFORE, HELPER_AFTER)
    assert HELPER_AFTER in (draft / HELPER_FILE).read_text()


@pytest.mark.slow
def test_the_examples_own_tests_pass() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=example_folder(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "find_spec", lambda name: None if name == "duckdb" else object())
    with pytest.raises(MissingExtra, match=r"the demo \(duckdb\) needs the extra 'demo'"):
        check_extra()
