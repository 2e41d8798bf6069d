"""`paved register`, `models`, `promote`, `approve`, `exempt`, `rollback`, as real commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pavedroad.registry import get_model, get_version, list_evaluations
from pavedroad.tracking import put_file, root_of

NEXT_MONTH = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
Paved = Callable[..., Any]
ADA, BOB = {"PAVED_USER": "ada"}, {"PAVED_USER": "bob"}
OWNER_AND_METRIC = """
[gates]
owner = true
metric = { name = "auc", at_least = 0.8 }
"""


@pytest.fixture
def team(make: Any, home: Path) -> Callable[[str], None]:
    """Write the team's paved.toml."""

    def write(text: str) -> None:
        (home / "paved.toml").write_text(text)

    return write


# ------------------------------------------------------------------------------------------------- register


def test_the_model_of_a_run_becomes_a_version(make: Any, paved: Paved) -> None:
    run = make.run(metrics={"auc": 0.9}, tags={"paved.project": "late-flights"})
    make.logged_model(run)
    ran = paved("register", run[:8], "--description", "deeper trees", env=ADA)
    assert ran.out.splitlines() == [
        f"late-flights@1 registered from run train ({run[:12]})",
        "  3 files, 480 B, digest " + get_version(make.record.db, "late-flights", 1).digest[:12],
        "  next: paved promote late-flights@1 --to champion",
    ]
    version = get_version(make.record.db, "late-flights", 1)
    assert (version.run_id, version.user, version.description) == (run, "ada", "deeper trees")
    assert paved("register", run, "--name", "other", "--json", env=ADA).json["name"] == "other"


def test_last_is_the_newest_run(make: Any, paved: Paved) -> None:
    make.logged_model(make.run())
    newest = make.run(tags={"paved.project": "x"}, start_ms=2)
    make.logged_model(newest)
    assert paved("register", "last", "--name", "flights", "--json").json["run_id"] == newest


def test_a_pipeline_run_stands_for_the_models_of_its_steps(make: Any, paved: Paved) -> None:
    top = make.run(tags={"paved.pipeline": "late"})
    step = make.run(tags={"mlflow.parentRunId": top, "paved.step": "train"})
    model = make.logged_model(step)
    made = paved("register", top, "--name", "flights", "--json").json
    assert (made["run_id"], made["model_id"]) == (top, model)


def test_of_several_models_one_must_be_named(make: Any, paved: Paved) -> None:
    run = make.run()
    for name in ("trees", "linear"):
        make.logged_model(run, name=name)
    ran = paved("register", run, code=2)
    assert "made 2 models" in ran.err
    assert "name one with --model: trees, linear" in ran.err
    assert paved("register", run, "--model", "linear", "--json").json["name"] == "linear"
    assert "made no model 'forest'" in paved("register", run, "--model", "forest", code=2).err


def test_a_model_in_the_artifacts_of_a_run_is_found(make: Any, paved: Paved) -> None:
    """As MLflow 2 logged it."""
    from pavedroad.kit.files import put_bytes
    from pavedroad.tracking import get_run

    run = make.run()
    root = root_of(get_run(make.record.db, run).artifact_uri)
    for path in ("forest/MLmodel", "forest/model.pkl"):
        stored = put_bytes(make.record.files, b"flavors: {}")
        make.record.db.write(lambda tx, path=path, stored=stored: put_file(tx, root, path, stored))
    made = paved("register", run, "--json").json
    assert (made["name"], made["source"]) == ("forest", f"runs:/{run}/forest")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("last",), "there is no run yet"),
        (("0" * 32,), "no run '000000"),
        (("no/run",), "is not the start of a run id"),
    ],
)
def test_a_run_that_is_not_there_is_named(paved: Paved, arguments: tuple[str, ...], says: str) -> None:
    assert says in paved("register", *arguments, code=2).err


def test_a_run_without_a_model_and_a_name_that_cannot_be_are_named(make: Any, paved: Paved) -> None:
    run = make.run()
    assert "made no model" in paved("register", run, code=2).err
    make.logged_model(run)
    assert "name it with --name" in paved("register", run, code=2).err
    assert "cannot contain '/'" in paved("register", run, "--name", "a/b", code=2).err


# -------------------------------------------------------------------------------------------------- promote


def test_a_refusal_shows_every_gate_its_next_step_and_ends_with_1(
    make: Any, team: Callable[[str], None], paved: Paved
) -> None:
    team(OWNER_AND_METRIC)
    make.version(metrics={"auc": 0.9})
    ran = paved("promote", "flights@1", code=1, env=BOB)
    assert ran.out.splitlines() == [
        "● open     digest  3 files (480 B) read, all as registered",
        "✕ closed   owner   neither model 'flights' nor its project has an owner",
        "                   next: run `paved own model/flights TEAM`, or set owner in",
        "                   [tool.paved] and run again",
        "● open     metric  auc is 0.9, at least 0.8",
        "",
        "1 gate is closed: flights@1 did not become champion",
    ]
    assert get_model(make.record.db, "flights").aliases == {}
    asked = list_evaluations(make.record.db, get_version(make.record.db, "flights", 1).uid)
    assert [each.who for each in asked] == ["bob"]


def test_the_next_step_opens_the_gate(make: Any, team: Callable[[str], None], paved: Paved) -> None:
    team(OWNER_AND_METRIC)
    make.version(metrics={"auc": 0.9})
    paved("own", "model/flights", "ops")
    ran = paved("promote", "flights@1", "--to", "champion")
    assert ran.out.splitlines()[-2] == "flights@1 is champion"
    make.version(metrics={"auc": 0.95})
    assert paved("promote", "flights@2").out.splitlines()[-2] == "flights@2 is champion (before: flights@1)"
    assert get_model(make.record.db, "flights").aliases == {"champion": 2}


def test_promote_in_json_has_verdicts_evidence_and_the_same_exit_code(
    make: Any, team: Callable[[str], None], paved: Paved
) -> None:
    team(OWNER_AND_METRIC)
    make.version(metrics={"auc": 0.7})
    answer = paved("promote", "flights@1", "--json", code=1).json
    assert (answer["passed"], answer["alias"]) == (False, "champion")
    assert {gate["gate"]: gate["verdict"] for gate in answer["gates"]} == {
        "digest": "open",
        "owner": "closed",
        "metric": "closed",
    }
    assert answer["gates"][2]["inputs"]["answers"][0]["value"] == 0.7


def test_an_alias_without_gates_is_given_and_says_so(
    make: Any, team: Callable[[str], None], paved: Paved
) -> None:
    team(OWNER_AND_METRIC)
    make.version()
    ran = paved("promote", "flights@1", "--to", "challenger")
    assert ran.out.splitlines()[0] == "flights@1 is challenger of flights; no gate guards this alias"


def test_checks_run_in_the_folder_of_the_project(
    make: Any, team: Callable[[str], None], paved: Paved, tmp_path: Path
) -> None:
    team("[gates]\nchecks = { profile = 'production', max_severity = 'none' }\n")
    make.version(tags={"paved.project": "late"})
    assert "? unknown  checks" in paved("promote", "flights@1", code=1).out
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'late'\ndependencies = ['pandas']\n")
    ran = paved("promote", "flights@1", code=1, cwd=folder)
    assert "✕ closed   checks" in ran.out
    assert "(project folder)" in ran.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("flights",), "'flights' names no version"),
        (("@1",), "'@1' names no version"),
        (("flights@",), "'flights@' names no version"),
        (("flights@9",), "version=9) not found"),
        (("none@1",), "Registered Model with name=none not found"),
        (("flights@1", "--to", "latest"), "is reserved"),
        (("flights@1", "--to", "a b"), "Invalid alias name"),
    ],
)
def test_what_cannot_be_promoted_is_bad_input(
    make: Any, paved: Paved, arguments: tuple[str, ...], says: str
) -> None:
    make.version()
    ran = paved("promote", *arguments, code=2)
    assert says in ran.err
    assert "next:" in ran.err or "reserved" in ran.err or "Invalid alias" in ran.err


def test_gates_that_cannot_be_read_are_bad_input(
    make: Any, team: Callable[[str], None], paved: Paved
) -> None:
    make.version()
    for text, says in (
        ("[gates]\nownr = true\n", "unknown gate 'ownr' of team"),
        ("[gates]\nmetric = 3\n", "gate metric of team is 3"),
        ("[gates.latency]\np99 = 5\n", "did you mean 'p99_ms'?"),
    ):
        team(text)
        assert says in paved("promote", "flights@1", code=2).err


# ----------------------------------------------------------------------------- approve, exempt, roll back


def test_somebody_else_approves(make: Any, team: Callable[[str], None], paved: Paved) -> None:
    team("[gates]\napproval = true\n")
    make.version()
    assert "approved by nobody" in paved("promote", "flights@1", code=1).out
    assert "ada made flights@1" in paved("approve", "flights@1", code=1, env=ADA).err
    assert (
        paved("approve", "flights@1", "--note", "looked", env=BOB).out.strip() == "flights@1 approved by bob"
    )
    assert paved("promote", "flights@1").out.splitlines()[-2] == "flights@1 is champion"


def test_an_exemption_is_shown_and_lets_pass(make: Any, team: Callable[[str], None], paved: Paved) -> None:
    team(OWNER_AND_METRIC)
    make.version(metrics={"auc": 0.9})
    until = ("--reason", "new team", "--owner", "ops", "--until", NEXT_MONTH)
    ran = paved("exempt", "flights@1", "owner", *until)
    assert ran.out.splitlines()[0] == f"flights@1 is exempt from owner until {NEXT_MONTH}; ops answers for it"
    assert "~ exempt   owner" in paved("promote", "flights@1").out
    assert f"exempt    owner until {NEXT_MONTH}, ops: new team" in paved("models", "flights@1").out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("owner",), 2, "Missing option '--reason'"),
        (("ownr", "--reason", "x", "--owner", "y", "--until", NEXT_MONTH), 2, "did you mean 'owner'?"),
        (("owner", "--reason", "x", "--owner", "y", "--until", "tomorrow"), 2, "'tomorrow' is not a date"),
        (("owner", "--reason", "x", "--owner", "y", "--until", "2020-01-01"), 2, "2020-01-01 is over"),
        (("owner", "--reason", "", "--owner", "y", "--until", NEXT_MONTH), 2, "needs a reason"),
        (("digest", "--reason", "x", "--owner", "y", "--until", NEXT_MONTH), 1, "nobody can be exempted"),
    ],
)
def test_an_exemption_that_cannot_be_says_why(
    make: Any, paved: Paved, arguments: tuple[str, ...], code: int, says: str
) -> None:
    make.version()
    assert says in paved("exempt", "flights@1", *arguments, code=code).err


def test_rollback_tells_where_it_went(make: Any, paved: Paved) -> None:
    make.version(), make.version()
    paved("promote", "flights@1"), paved("promote", "flights@2")
    assert paved("rollback", "flights").out.strip() == "flights@1 is champion again (before: flights@2)"
    ran = paved("rollback", "flights", code=1)
    assert "there is nothing to go back to: flights@1 is the first champion" in ran.err
    assert "Registered Model with name=none not found" in paved("rollback", "none", code=2).err


# --------------------------------------------------------------------------------------------------- models


def test_models_without_any_shows_how_to_make_one(paved: Paved) -> None:
    assert "paved register RUN" in paved("models").out
    assert paved("models", "--json").json == []


def test_models_and_versions_are_listed_with_what_their_gates_said(
    make: Any, team: Callable[[str], None], paved: Paved
) -> None:
    team(OWNER_AND_METRIC)
    make.version(metrics={"auc": 0.9}), make.version(metrics={"auc": 0.7})
    paved("own", "model/flights", "ops")
    paved("promote", "flights@1"), paved("promote", "flights@2", code=1)
    assert "flights         2  champion 1" in paved("models").out
    lines = paved("models", "flights").out.splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [["2", "-"], ["1", "champion"]]
    assert "2 open, 1 closed" in lines[2]
    assert "3 open" in lines[3]
    shown = paved("models", "flights@champion").out
    assert shown.startswith("flights@1: champion\n")
    assert "● open     metric  auc is 0.9, at least 0.8" in shown
    answer = paved("models", "flights", "--json").json
    assert [each["version"]["version"] for each in answer["versions"]] == [2, 1]
    assert paved("models", "flights@2", "--json").json["evaluations"][0]["passed"] is False
    assert "name=none not found" in paved("models", "none", code=2).err


def test_every_line_fits_eighty_columns(make: Any, team: Callable[[str], None], paved: Paved) -> None:
    team(
        OWNER_AND_METRIC
        + "model_card = true\nlatency = { p99_ms = 5 }\nchecks = true\nnot_worse_than = { metric = 'auc' }"
    )
    make.version("a-model-with-quite-a-long-name-as-people-have-them", metrics={"auc": 0.9})
    name = "a-model-with-quite-a-long-name-as-people-have-them"
    paved("exempt", f"{name}@1", "owner", "--reason", "word " * 30, "--owner", "ops", "--until", NEXT_MONTH)
    for arguments in (("promote", f"{name}@1"), ("models",), ("models", name), ("models", f"{name}@1")):
        ran = paved(*arguments, code=None)
        too_long = [line for line in ran.out.splitlines() if len(line) > 80]
        assert too_long == [], arguments
