"""Which Pythons a statement allows, and when each has ended."""

from datetime import date
from pathlib import Path

import pytest
from tests.checks.conftest import MakeProject

from pavedroad.checks.engine import open_project
from pavedroad.checks.model import Place
from pavedroad.checks.rules.env.env006_end_of_life_python import ended
from pavedroad.checks.rules.env.pythons import StatedPython, allowed_pythons, dotted, stated_pythons


def spelled(text: str) -> str:
    return " ".join(dotted(python) for python in sorted(allowed_pythons(text)) if python < (3, 15))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.11", "3.11"),
        ("3.11.7", "3.11"),
        ("==3.9.*", "3.9"),
        ("=3.10", "3.10"),
        (">=3.12", "3.12 3.13 3.14"),
        (">3.12", "3.13 3.14"),
        (">=3.8.1,<3.10", "3.8 3.9"),
        (">=3.11,<3.13.2", "3.11 3.12 3.13"),
        ("<=3.5", "2.7 3.4 3.5"),
        ("^3.12", "3.12 3.13 3.14"),
        ("~3.11", "3.11"),
        ("~=3.12", "3.12 3.13 3.14"),
        ("~=3.11.2", "3.11"),
        (">=3.12,!=3.13", "3.12 3.14"),
        ("3.7 || 3.9", "3.7 3.9"),
        ("computed", ""),
    ],
)
def test_a_specifier_allows_these_pythons(text: str, expected: str) -> None:
    assert spelled(text) == expected


def at(python: tuple[int, int]) -> StatedPython:
    return StatedPython(
        at=Place(path="Dockerfile"), says="", allowed=frozenset({python}), kind="image", folder=""
    )


def test_a_python_is_supported_until_its_last_day() -> None:
    assert list(ended(at((3, 12)), date(2028, 10, 31))) == []
    assert [found.says for found in ended(at((3, 12)), date(2028, 11, 1))] == [
        "Python 3.12 has had no fixes since 31 Oct 2028"
    ]


def test_every_place_is_read(make_project: MakeProject) -> None:
    root: Path = make_project(
        {
            "pyproject.toml": '[project]\nname = "a"\nrequires-python = ">=3.11"\n',
            ".python-version": "# ours\n3.12.4\n",
            ".tool-versions": "terraform 1.9\npython 3.12.4\n",
            "runtime.txt": "python-3.12.4\n",
            "Dockerfile": "FROM public.ecr.aws/lambda/python:3.11\nCOPY . .\n",
            ".devcontainer/devcontainer.json": '{\n  "image": "example.org/base/python:3.12"\n}\n',
            ".gitlab-ci.yml": "test:\n  image: python:3.13-slim\n  script: [pytest]\n",
        }
    )

    found = {(stated.at.path, stated.at.line, stated.says) for stated in stated_pythons(open_project(root))}

    assert found == {
        ("pyproject.toml", 3, ">=3.11"),
        (".python-version", 2, "3.12.4"),
        (".tool-versions", 2, "3.12.4"),
        ("runtime.txt", 1, "python-3.12.4"),
        ("Dockerfile", 1, "python:3.11"),
        (".devcontainer/devcontainer.json", 2, "python:3.12"),
        (".gitlab-ci.yml", 2, "3.13"),
    }
