"""docs/gates.md says all and nothing else about the gates."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from pavedroad.registry import Gate, read_project_gates, read_team_gates
from pavedroad.registry.gates import GATES
from pavedroad.registry.gates.contract import ColumnPolicy

PAGE = (Path(__file__).parents[2] / "docs" / "gates.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", PAGE, flags=re.MULTILINE | re.DOTALL))


def test_the_gates_have_a_section_each_in_the_order_in_which_they_are_asked() -> None:
    assert list(SECTIONS) == [gate.name for gate in GATES]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_section_names_every_key_and_its_example_can_be_read(gate: Gate) -> None:
    section = SECTIONS[gate.name]
    fields = list(msgspec.structs.fields(gate.policy))
    if gate.name == "contract":
        fields += msgspec.structs.fields(ColumnPolicy)
    for field in fields:
        assert f"`{field.name}`" in section, field.name
    (example,) = re.findall(r"```toml\n(.*?)```", section, flags=re.DOTALL)
    questions = read_project_gates(tomllib.loads(example), "p")
    assert {question.gate.name for question in questions} == {gate.name}


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_section_tells_the_defaults(gate: Gate) -> None:
    for field in msgspec.structs.fields(gate.policy):
        if field.default in (msgspec.NODEFAULT, None):
            continue
        row = re.search(rf"^\| `{field.name}` \| (\S+)", SECTIONS[gate.name], flags=re.MULTILINE)
        assert row is not None, field.name
        shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        assert row[1].strip("`") == shown, field.name


def test_the_examples_of_the_two_files_can_be_read() -> None:
    project, team = re.findall(r"```toml\n# (?:pyproject|paved)\.toml\n(.*?)```", PAGE, flags=re.DOTALL)[:2]
    assert len(read_project_gates(tomllib.loads(project)["tool"]["paved"]["gates"], "p")) == 4
    assert read_team_gates(tomllib.loads(team)["gates"]).aliases == ("champion",)


def test_the_gate_of_the_page_is_a_gate() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert isinstance(names["BIAS"], Gate)
