"""What is generated is as it was generated; what is shown was shown by the program."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks.pages_of_rules import rule_pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", rule_pages())
def test_the_page_of_a_rule_is_what_its_docstring_says(name: str) -> None:
    assert (DOCS / "rules" / name).read_text("utf-8") == rule_pages()[name], (
        "run `python -m pavedroad.checks.pages_of_rules docs/rules`"
    )


def test_no_page_is_left_from_a_rule_that_is_gone() -> None:
    assert {file.name for file in (DOCS / "rules").iterdir()} == set(rule_pages())


def test_the_example_of_the_page_says_what_the_page_says(paved: Callable[..., Any], tmp_path: Path) -> None:
    page = (DOCS / "checks.md").read_text("utf-8")
    code, shown = re.findall(r"```(?:python|console)\n(.*?)```", page, flags=re.DOTALL)[:2]
    project = tmp_path / "example"
    project.mkdir()
    (project / "train.py").write_text(code)
    command, _, expected = shown.partition("\n")
    answer = paved(*command.removeprefix("$ paved ").split(), cwd=project, code=1)

    assert without_time(answer.out) == without_time(expected)


def test_the_baseline_of_the_page_lets_old_findings_pass(paved: Callable[..., Any], tmp_path: Path) -> None:
    page = (DOCS / "checks.md").read_text("utf-8")
    (command,) = re.findall(r"```console\n\$ paved (check --write-baseline)\n```", page)
    (tmp_path / "train.py").write_text("import random\nrandom.shuffle(list(range(9)))\n")
    paved("check", cwd=tmp_path, code=1)
    paved(*command.split(), cwd=tmp_path, code=None)
    assert (tmp_path / "paved-baseline.json").is_file()
    paved("check", cwd=tmp_path, code=0)


def without_time(text: str) -> str:
    return re.sub(r"profile team, [\d.]+ m?s", "profile team", text).strip()
