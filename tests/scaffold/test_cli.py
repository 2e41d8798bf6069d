from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Paved = Callable[..., Any]


def test_it_ends_with_the_next_three_commands(paved: Paved, tmp_path: Path) -> None:
    answer = paved("new", "rides", "--owner", "us")

    assert answer.out.splitlines()[-4:] == ["next:", "  cd rides", "  paved check", "  paved run"]
    assert (tmp_path / "rides" / "pyproject.toml").is_file()


def test_json_names_the_folder_and_its_files(paved: Paved, tmp_path: Path) -> None:
    answer = paved("new", "rides", "--template", "service", "--path", tmp_path / "there", "--json").json

    assert answer["project"]["folder"] == str(tmp_path / "there" / "rides")
    assert "tests/test_service.py" in answer["project"]["files"]


def test_the_owner_is_you_unless_named(paved: Paved, tmp_path: Path) -> None:
    paved("new", "rides", env={"PAVED_USER": "ada"})

    assert 'owner = "ada"' in (tmp_path / "rides" / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "says", "next_step"),
    [
        (["my project!"], "'my project!' cannot be a project's name", "my-project"),
        (["rides", "--template", "servce"], "servce", "paved new --help"),
        (["rides", "--owner", 'a"b'], "cannot be an owner", "without quotes"),
        ([], "NAME", "paved new --help"),
        (["json"], "would hide", "json-model"),
        (["home"], "exists and is not an empty folder", "another name"),
    ],
)
def test_bad_input_ends_with_two_and_a_next_step(
    paved: Paved, tmp_path: Path, arguments: list[str], says: str, next_step: str
) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "full").touch()
    answer = paved("new", *arguments, code=2)

    assert says in answer.err
    assert next_step in answer.err
