"""Reading the gates that the team and the projects ask for."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.config import read_settings
from pavedroad.errors import ConfigError
from pavedroad.registry import find_gate, gate_names, read_project_gates, read_team_gates
from pavedroad.registry.evaluation import by_gate
from pavedroad.registry.gates import GATES


def test_without_a_word_only_the_digest_is_asked_and_champion_is_gated() -> None:
    team = read_team_gates({})
    assert team.aliases == ("champion",)
    assert [question.gate.name for question in team.questions] == ["digest"]


def test_the_team_may_choose_aliases_and_leave_out_the_digest() -> None:
    team = read_team_gates({"aliases": ["champion", "canary"], "digest": False})
    assert (team.aliases, team.questions) == (("champion", "canary"), ())


ALL = """
digest = true
owner = true
signature = true
model_card = { min_words = 30 }
checks = { profile = "production", max_severity = "note" }
metric = [{ name = "auc", at_least = 0.75 }, { name = "brier", at_most = 0.2 }]
approval = { people = 2 }
advisories = { max_effect = "none" }

[environment]
machine = "gpu-*"

[not_worse_than]
metric = "auc"
tolerance = 0.005

[latency]
p99_ms = 50
requests = 500
concurrency = 8

[contract.columns]
dep_delay = { type = "number", nulls = false, min = -60, max = 2000 }
carrier = { type = "string", one_of = ["UA", "DL"] }
"""


def test_every_gate_can_be_written_in_toml() -> None:
    questions = read_project_gates(tomllib.loads(ALL), "late-flights")
    names = [question.gate.name for question in questions]
    order = "digest owner signature model_card contract checks environment advisories"
    order += " metric metric not_worse_than"
    assert names == [*order.split(), "approval", "latency"]
    assert {gate.name for gate in GATES} == set(names), "a gate without an example here"
    assert {question.origin for question in questions} == {"project late-flights"}


def test_a_gate_may_be_switched_off_in_its_own_table() -> None:
    assert read_project_gates({"owner": False, "metric": []}, "p") == ()


@pytest.mark.parametrize(
    ("table", "says", "hint"),
    [
        ({"metrc": True}, "unknown gate 'metrc' of project p", "did you mean 'metric'?"),
        ({"owner": 3}, "gate owner of project p is 3", "true, false or a table"),
        ({"owner": {"team": "x"}}, "unknown key 'team' in gate owner of project p", "write owner = true"),
        ({"latency": True}, "missing required field `p99_ms`", "its keys are p99_ms, requests"),
        ({"latency": {"p99_ms": "fast"}}, "Expected `float`, got `str`", "p99_ms"),
        ({"latency": {"p99_ms": 0}}, "Expected `float` > 0", "p99_ms"),
        ({"latency": {"p99_ms": 9, "request": 3}}, "unknown key 'request'", "did you mean 'requests'?"),
        ({"latency": {"p99_ms": 9, "requests": 3}}, "Expected `int` >= 20", "requests"),
        (
            {"latency": [{"p99_ms": 9}]},
            "gate latency of project p is [{'p99_ms': 9}]",
            "true, false or a table",
        ),
        ({"metric": {"name": "auc"}}, "metric 'auc' needs at_least or at_most", "at_least"),
        (
            {"metric": [{"name": "auc", "at_leest": 1}]},
            "unknown key 'at_leest' in gate metric[0]",
            "'at_least'",
        ),
        ({"metric": [{"name": "a", "at_least": 2, "at_most": 1}]}, "at_least 2.0 is above at_most 1.0", ""),
        ({"metric": [{"name": "a", "at_least": float("nan")}]}, "compared with nan", ""),
        ({"metric": [3]}, "gate metric[0] of project p is 3", "a list of tables"),
        ({"not_worse_than": {"metric": "revenue"}}, "say higher_is_better", "higher_is_better"),
        ({"not_worse_than": {"metric": "auc", "tolerance": -1}}, "Expected `float` >= 0", ""),
        ({"not_worse_than": {"metric": "auc", "tolerance": float("inf")}}, "not a finite number", ""),
        ({"checks": {"profile": "tem"}}, "unknown profile 'tem'; did you mean 'team'?", ""),
        ({"checks": {"max_severity": "warn"}}, "unknown severity 'warn'; did you mean 'warning'?", ""),
        ({"contract": {"columns": {}}}, "the contract names no column", ""),
        ({"contract": {"columns": {"a": {"typ": "long"}}}}, "unknown key 'typ'", "did you mean 'type'?"),
        ({"contract": {"columns": {"a": {"type": "flot"}}}}, "unknown type 'flot'; did you mean 'float'", ""),
        ({"contract": {"columns": {"a": {"min": 2, "max": 1}}}}, "min 2.0 is not below max 1.0", ""),
        ({"contract": {"columns": {"a": {"one_of": []}}}}, "one_of is empty", ""),
        ({"approval": {"people": 0}}, "Expected `int` >= 1", "people"),
        ({"model_card": {"min_words": 0}}, "Expected `int` >= 1", "min_words"),
        ({"aliases": ["champion"]}, "project p names aliases", "paved.toml"),
    ],
)
def test_what_cannot_be_a_policy_is_refused_with_the_next_step(
    table: dict[str, Any], says: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_project_gates(table, "p")
    assert says in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"aliases": "champion"}, "aliases is not a list"),
        ({"aliases": [1]}, "aliases is not a list"),
        ({"aliases": ["a b"]}, "Invalid alias name: 'a b'"),
    ],
)
def test_aliases_that_cannot_be_are_refused(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_team_gates(table)


def test_the_team_and_a_project_both_ask_and_one_question_is_asked_once() -> None:
    team = read_team_gates({"metric": {"name": "auc", "at_least": 0.7}, "owner": True})
    project = read_project_gates({"metric": {"name": "auc", "at_least": 0.8}, "owner": True}, "p")
    groups = by_gate([*team.questions, *project])
    assert [(group[0].gate.name, len(group)) for group in groups] == [
        ("digest", 1),
        ("owner", 1),
        ("metric", 2),
    ]


def test_the_file_of_the_team_is_where_settings_come_from(home: Path) -> None:
    home.mkdir()
    (home / "paved.toml").write_text("[gates]\naliases = ['live']\nowner = true\n")
    assert read_team_gates(read_settings().gates).aliases == ("live",)


# ---------------------------------------------------------------------------- gates of other packages

PACKAGE = """
import msgspec
from pavedroad.registry import Context, Gate, Outcome, closed, opened

class BiasPolicy(msgspec.Struct, frozen=True, kw_only=True):
    max_gap: float

def evaluate(policy: BiasPolicy, context: Context) -> Outcome:
    gap = context.candidate.metrics["bias_gap"][0].value
    if gap <= policy.max_gap:
        return opened(f"the gap is {gap}", gap=gap)
    return closed(f"the gap is {gap}", next_step="ask the fairness team", gap=gap)

BIAS = Gate(name="bias", asks="Is the gap between groups small?", policy=BiasPolicy, evaluate=evaluate)
NOT_A_GATE = 3
OTHER_NAME = BIAS
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a distribution with these entry points on the path, as pip would."""

    def put(entries: str) -> None:
        folder = tmp_path / "site"
        (folder / "paved_bias-1.0.dist-info").mkdir(parents=True)
        (folder / "paved_bias.py").write_text(PACKAGE)
        info = folder / "paved_bias-1.0.dist-info"
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paved-bias\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pavedroad.gates]\n{entries}\n")
        monkeypatch.syspath_prepend(str(folder))
        importlib.invalidate_caches()

    return put


def test_a_gate_of_another_package_is_asked_like_ours(install: Callable[[str], None]) -> None:
    install("bias = paved_bias:BIAS")
    (question,) = read_project_gates({"bias": {"max_gap": 0.1}}, "p")
    assert question.gate.name == "bias"
    assert question.policy.max_gap == 0.1  # type: ignore[attr-defined]
    assert gate_names()[-1] == "bias"


def test_a_policy_of_another_package_is_checked_like_ours(install: Callable[[str], None]) -> None:
    install("bias = paved_bias:BIAS")
    with pytest.raises(ConfigError, match="did you mean 'max_gap'"):
        read_project_gates({"bias": {"max_gab": 0.1}}, "p")
    with pytest.raises(ConfigError, match="did you mean 'bias'"):
        read_project_gates({"bios": True}, "p")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (
            "bias = paved_bias:NOT_A_GATE",
            "paved_bias:NOT_A_GATE is not a pavedroad.registry.Gate of that name",
        ),
        ("fair = paved_bias:OTHER_NAME", "is not a pavedroad.registry.Gate of that name"),
        ("bias = paved_bias:GONE", "gate 'bias' of paved-bias cannot be loaded: AttributeError"),
        ("bias = paved_nowhere:BIAS", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_broken_package_is_named(install: Callable[[str], None], entry: str, says: str) -> None:
    install(entry)
    with pytest.raises(ConfigError) as caught:
        find_gate(entry.partition(" ")[0])
    assert says in caught.value.message


def test_a_broken_package_hurts_nobody_who_does_not_ask_for_it(install: Callable[[str], None]) -> None:
    install("bias = paved_nowhere:BIAS")
    assert len(read_project_gates({"owner": True}, "p")) == 1


def test_no_package_can_take_the_place_of_one_of_our_gates(install: Callable[[str], None]) -> None:
    install("owner = paved_bias:BIAS")
    assert find_gate("owner") in GATES
