"""The stale-cache matrix: what a step's result can depend on, changed one thing at a time.

The cases are in `changes_that_matter.txt` and `changes_that_cannot_matter.txt`. The second test takes the
families of parts that a case names out of the collector and sees the case go stale: no other part hides it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pavedroad.pipelines.code.parts import Parts

HERE = Path(__file__).parent


class Case(NamedTuple):
    name: str
    files: dict[str, str]
    edit: tuple[str, str, str]  # file, old text, new text
    part: str  # the label that must change, appear or vanish
    families: set[str]  # the first words of the labels that see the edit


def read_cases(file: str) -> list[Case]:
    return [to_case(text) for text in (HERE / file).read_text().split("\n== ")[1:]]


def to_case(text: str) -> Case:
    head, *files = text.split("\n-- ")
    name, edit, *rest = head.strip().split("\n")
    where, old, new = re.fullmatch(r"edit (\S+): (.*) -> (.*)", edit).groups()
    words = dict(line.split(" ", 1) for line in rest)
    part = words.get("part", "")
    contents = {file.split("\n", 1)[0]: file.split("\n", 1)[1].rstrip("\n") + "\n" for file in files}
    for folder in {str(parent) for name in contents for parent in Path(name).parents if str(parent) != "."}:
        if any(Path(name).suffix == ".py" for name in contents if str(Path(name).parent) == folder):
            contents.setdefault(f"{folder}/__init__.py", "")
    families = {part.split()[0], *words.get("also", "").split()} if part else set()
    return Case(name, contents, (where, ast.literal_eval(old), ast.literal_eval(new)), part, families)


MATTER = read_cases("changes_that_matter.txt")
CANNOT_MATTER = read_cases("changes_that_cannot_matter.txt")


def name_of(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.mark.parametrize("case", MATTER, ids=name_of)
def test_a_change_is_seen(project: Any, case: Case) -> None:
    project.write(case.files)
    before = project.fingerprint().parts
    project.replace(*case.edit)
    after = project.fingerprint().parts
    assert case.part in {label for label in before | after if before.get(label) != after.get(label)}


@pytest.mark.parametrize("case", MATTER, ids=name_of)
def test_without_that_part_it_would_be_missed(
    project: Any, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Parts.add

    def add_others(parts: Parts, label: str, digest: str) -> None:
        if label.split()[0] not in case.families:
            add(parts, label, digest)

    monkeypatch.setattr(Parts, "add", add_others)
    project.write(case.files)
    before = project.fingerprint()
    project.replace(*case.edit)
    assert project.fingerprint().parts == before.parts


@pytest.mark.parametrize("case", CANNOT_MATTER, ids=name_of)
def test_a_change_that_cannot_matter_is_not_seen(project: Any, case: Case) -> None:
    project.write(case.files)
    before = project.fingerprint()
    assert any(label.startswith("function ") for label in before.parts)
    project.replace(*case.edit)
    assert project.fingerprint() == before
