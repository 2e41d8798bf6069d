"""What the page of advisories shows was shown by the program."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pavedroad.advisories.reading import read_advisory, shipped_advisories

PAGE = (Path(__file__).parents[2] / "docs" / "advisories.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, flags=re.DOTALL)


def block(kind: str) -> str:
    return next(text for found, text in BLOCKS if found == kind)


def test_the_example_says_what_the_page_says(paved: Callable[..., Any], tmp_path: Path) -> None:
    project = tmp_path / "example"
    project.mkdir()
    (project / "train.py").write_text(block("python"))
    (project / "requirements.txt").write_text("numpy>=1.26\nscikit-learn==1.8.0\npandas==2.3.3\n")
    command, _, expected = block("console").partition("\n")
    answer = paved(*command.removeprefix("$ paved ").split(), cwd=project, code=1)
    assert answer.out.strip() == expected.strip()


def test_the_advisory_on_the_page_can_be_published(paved: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "acme-1.toml").write_text(block("toml"))
    assert read_advisory("acme-1.toml", block("toml")).id == "ACME-1"
    answer = paved(*block("sh").split()[1:], cwd=tmp_path)
    assert "0 projects exposed" in answer.out


def test_the_numbers_of_the_page_are_those_of_the_box() -> None:
    packages = {one.package for one in shipped_advisories()}
    assert f"{len(shipped_advisories())} come with Pavedroad, over {len(packages)} packages" in PAGE
