from pathlib import Path

import pytest

from pavedroad.errors import Exists, Invalid, Unavailable
from pavedroad.scaffold import make_project


def test_a_project_is_made_from_its_template(tmp_path: Path) -> None:
    project = make_project(tmp_path, "late-flights", template="service", owner="flights-team")

    made = {
        file.relative_to(tmp_path / "late-flights").as_posix()
        for file in (tmp_path / "late-flights").rglob("*")
        if file.is_file()
    }
    assert made == set(project.files)
    assert "requests/example.json" in made
    assert 'owner = "flights-team"' in (tmp_path / "late-flights" / "pyproject.toml").read_text()
    assert [entry.name for entry in tmp_path.iterdir() if entry.name not in ("home", "user")] == [
        "late-flights"
    ]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "rides").mkdir()

    make_project(tmp_path, "rides", template="pipeline", owner="us")
    assert (tmp_path / "rides" / "README.md").is_file()


def test_missing_folders_above_are_made(tmp_path: Path) -> None:
    make_project(tmp_path / "a" / "b", "rides", template="pipeline", owner="us")

    assert (tmp_path / "a" / "b" / "rides" / "README.md").is_file()


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_there_is_never_written_over(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "rides"
    if kind == "folder":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")

    with pytest.raises(Exists, match="is not an empty folder"):
        make_project(tmp_path, "rides", template="pipeline", owner="us")
    assert kind != "folder" or [file.name for file in place.iterdir()] == ["mine.txt"]


def test_nothing_half_written_is_left_when_the_disk_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = tmp_path / "work"
    written: list[Path] = []
    real = Path.write_text

    def full(path: Path, text: str, *arguments: object) -> int:
        written.append(path)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        return real(path, text, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        make_project(parent, "rides", template="pipeline", owner="us")

    assert list(parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_gives_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pavedroad.scaffold.project.tempfile.mkdtemp", refuse)

    with pytest.raises(Unavailable, match=r"cannot make .*rides: Permission denied"):
        make_project(tmp_path, "rides", template="pipeline", owner="us")


def test_a_parent_that_is_a_file_gives_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match="cannot make"):
        make_project(tmp_path / "file", "rides", template="pipeline", owner="us")


def test_an_unknown_template_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="did you mean 'pipeline'"):
        make_project(tmp_path, "rides", template="pipelines", owner="us")
