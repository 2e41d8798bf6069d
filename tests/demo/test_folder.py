"""Where a demo may live: never over somebody's work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pavedroad.demo.folder import MARK, PROJECT, choose_folder, leave_mark, prepare
from pavedroad.errors import Unavailable


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def make_finished_demo(folder: Path) -> None:
    prepare(folder)
    (folder / PROJECT).mkdir()
    (folder / PROJECT / "pipeline.py").write_text("print()")
    leave_mark(folder)


def test_an_empty_working_directory_is_taken(place: Path) -> None:
    assert choose_folder(None) == place


def test_a_folder_with_files_is_left_alone(place: Path) -> None:
    (place / "thesis.txt").write_text("important")
    assert choose_folder(None) == place / "paved-demo"


def test_a_folder_that_was_asked_for_and_has_files_gets_a_number(place: Path) -> None:
    (place / "work").mkdir()
    (place / "work" / "thesis.txt").write_text("important")
    assert choose_folder(Path("work")) == place / "work-2"


def test_an_untouched_demo_is_used_again(place: Path) -> None:
    make_finished_demo(place / "paved-demo")
    (place / "other.txt").write_text("so that this folder is not empty")
    folder = choose_folder(None)
    assert folder == place / "paved-demo"
    prepare(folder)
    assert not (folder / PROJECT).exists()
    assert not (folder / MARK).exists()


@pytest.mark.parametrize("name", [f"{PROJECT}/pipeline.py", f"{PROJECT}/notes.md", "notes.md"])
def test_a_demo_that_somebody_worked_in_is_kept(place: Path, name: str) -> None:
    make_finished_demo(place)
    (place / name).write_text("my own work")
    assert choose_folder(None) == place / "paved-demo"
    assert (place / name).read_text() == "my own work"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_clear_refusal(place: Path) -> None:
    place.chmod(0o500)
    with pytest.raises(Unavailable, match=r"cannot write to .*Permission denied"):
        prepare(place / "paved-demo")


def test_a_file_in_the_way_is_one_clear_refusal(place: Path) -> None:
    (place / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot write to"):
        prepare(place / "file" / "paved-demo")
