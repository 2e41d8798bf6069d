"""A project's own manifest: found, read, and refused with the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from pavedroad.catalog import find_project, read_project
from pavedroad.errors import Invalid


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, "utf-8")
    return folder


def test_every_key_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[tool.paved]\nname = "flights"\nkind = "service"\nowner = "ops"\ndescription = "Late?"\n'
        'profile = "production"\nentry = "flights.flow:train"\n'
        "[tool.paved.gates.owner]\n[tool.paved.checks]\n",
    )
    project = read_project(tmp_path)
    assert (project.name, project.kind, project.owner, project.profile) == (
        "flights",
        "service",
        "ops",
        "production",
    )
    assert (project.description, project.entry) == ("Late?", "flights.flow:train")
    assert (project.gates, project.checks, project.root) == ({"owner": {}}, {}, tmp_path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[project]\nname = "declared"\n[tool.paved]\nname = "own"\n', "own"),
        ('[project]\nname = "declared"\n', "declared"),
        ("", "folder"),
    ],
)
def test_a_project_is_named_by_itself_then_by_its_package_then_by_its_folder(
    tmp_path: Path, text: str, name: str
) -> None:
    assert read_project(write(tmp_path / "folder", text)).name == name


def test_a_folder_without_manifest_is_a_project_too(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    project = read_project(tmp_path / "folder")
    assert (project.name, project.profile, project.kind) == ("folder", "team", "project")


def test_the_nearest_manifest_up_the_tree_is_found(tmp_path: Path) -> None:
    write(tmp_path / "outer", "")
    write(tmp_path / "outer" / "inner", "")
    (tmp_path / "outer" / "inner" / "src").mkdir()
    found = find_project(tmp_path / "outer" / "inner" / "src")
    assert found is not None
    assert found.root == tmp_path / "outer" / "inner"


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("[tool.paved", "is not valid TOML", "correct that line"),
        ("[tool.paved]\nownr = 'x'", r"unknown key 'ownr' in \[tool.paved\]", "did you mean 'owner'"),
        ("[tool.paved]\nroot = '/'", r"unknown key 'root' in \[tool.paved\]", "known: "),
        ("[tool.paved]\nprofile = 'best'", "unknown profile 'best'", "known: explore, production, team"),
        ("[tool.paved]\nkind = 'servce'", "unknown kind 'servce'", "did you mean 'service'"),
        ("[tool.paved]\nname = 'a/b'", "'a/b' cannot be a name", "without '/'"),
        ("[tool.paved]\nname = 5", r"Expected `str`, got `int` - at `\$.name`", "docs/project.md"),
        ("[tool.paved]\ngates = 5", "Expected `object`, got `int`", "docs/project.md"),
        ("[tool]\npaved = 5", "tool.paved in .* is not a table", r"write [tool.paved]"),
        ("tool = 5", "tool in .* is not a table", "write [tool]"),
        ("project = 5", "project in .* is not a table", "write [project]"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_next_step(
    tmp_path: Path, text: str, says: str, hint: str
) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        read_project(write(tmp_path, text))
    assert hint in caught.value.hint


def test_a_manifest_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match="is not valid TOML"):
        read_project(tmp_path)
