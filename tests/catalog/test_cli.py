"""`paved list`, `own`, `stage`, `lineage`, `journal` and `show`, as real commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pavedroad.catalog import Ref, add_edge, ensure_artifact, get_artifact, set_stage
from pavedroad.record import Record
from pavedroad.tracking import Metric, end_run, ensure_experiment, log_batch, start_run

Command = Callable[..., Any]


@pytest.fixture
def flights(record: Record) -> Record:
    def write(tx):  # type: ignore[no-untyped-def]
        ensure_artifact(tx, Ref("project", "flights"), who="ada", owner="ops", description="Is it late?")
        ensure_artifact(tx, Ref("dataset", "weather", "ab12"), who="ada")
        ensure_artifact(tx, Ref("model", "late"), who="ada")
        add_edge(tx, Ref("pipeline", "train"), "used", Ref("dataset", "weather", "ab12"), run_id="r1")

    record.db.write(write)
    return record


def test_list_shows_artifacts_in_order(flights: Record, paved: Command) -> None:
    lines = paved("list").out.splitlines()
    assert lines[0].split() == ["ARTIFACT", "STAGE", "OWNER", "CHANGED"]
    assert [line.split()[0] for line in lines[1:]] == [
        "dataset/weather@ab12",
        "model/late",
        "project/flights",
    ]


def test_list_can_be_narrowed_and_read_by_programs(flights: Record, paved: Command) -> None:
    assert [item["artifact"] for item in paved("list", "--json").json] == [
        "dataset/weather@ab12",
        "model/late",
        "project/flights",
    ]
    assert [item["artifact"] for item in paved("list", "--owner", "ops", "--json").json] == [
        "project/flights"
    ]
    assert [item["artifact"] for item in paved("list", "late", "--json").json] == [
        "model/late",
        "project/flights",
    ]


def test_a_long_list_says_how_to_go_on(flights: Record, paved: Command) -> None:
    out = paved("list", "--limit", "1").out
    assert "paved list --after dataset/weather@ab12" in out
    assert "model/late" in paved("list", "--limit", "1", "--after", "dataset/weather@ab12").out


def test_an_empty_list_says_what_to_do(record: Record, paved: Command) -> None:
    assert "paved new NAME" in paved("list").out
    assert paved("list", "nothing").out == "no artifact is like that\n"
    assert paved("list", "--json").json == []


def test_own_changes_the_owner_and_writes_a_fact(flights: Record, paved: Command) -> None:
    assert paved("own", "model/late", "grace").out == "model/late belongs to grace\n"
    assert get_artifact(flights.db, Ref("model", "late")).owner == "grace"
    fact = paved("journal", "model/late", "--verb", "owned", "--json").json[0]
    assert fact["payload"] == {"from": "", "to": "grace"}


def test_stage_moves_an_artifact_along_the_road(flights: Record, paved: Command) -> None:
    assert paved("stage", "project/flights", "experiment").out == "project/flights is at stage experiment\n"
    assert paved("list", "--stage", "experiment", "--json").json[0]["artifact"] == "project/flights"


def test_stage_does_not_pass_a_models_gates(flights: Record, paved: Command) -> None:
    ran = paved("stage", "model/late", "production", code=1)
    assert "only its gates bring model/late into production" in ran.err
    assert "paved promote" in ran.err
    assert get_artifact(flights.db, Ref("model", "late")).stage == "draft"


def test_stage_does_not_retire_what_an_alias_keeps_in_production(flights: Record, paved: Command) -> None:
    flights.db.write(lambda tx: set_stage(tx, Ref("model", "late"), "production", who="ada"))
    ran = paved("stage", "model/late", "retired", code=1)
    assert "model/late is in production as long as an alias says so" in ran.err
    assert "paved rollback late" in ran.err
    assert get_artifact(flights.db, Ref("model", "late")).stage == "production"


def test_lineage_tells_sentences(flights: Record, paved: Command) -> None:
    assert paved("lineage", "dataset/weather@ab12").out == "pipeline/train used dataset/weather@ab12\n"
    assert "nothing is known" in paved("lineage", "project/flights").out


def test_the_journal_tells_the_newest_first_and_goes_on(flights: Record, paved: Command) -> None:
    out = paved("journal", "--limit", "2").out
    assert out.splitlines()[1].endswith("ada created model/late")
    number = out.splitlines()[-1].split()[-1]
    assert "project/flights" in paved("journal", "--before", number).out


def test_show_tells_an_artifact(flights: Record, paved: Command) -> None:
    out = paved("show", "project/flights").out
    assert "owner       ops" in out
    assert "Is it late?" in out
    assert "ada created project/flights" in out
    assert paved("show", "project/flights", "--json").json["owner"] == "ops"


def test_show_tells_a_run_by_the_start_of_its_id(record: Record, paved: Command) -> None:
    def write(tx):  # type: ignore[no-untyped-def]
        experiment = ensure_experiment(tx, "flights", who="ada")
        run_id = start_run(
            tx, experiment_id=experiment.id, name="first", user="ada", params={"depth": "8"}, start_ms=1
        )
        log_batch(tx, run_id, metrics=[Metric(key="auc", value=0.75, at_ms=1)])
        end_run(tx, run_id, "FAILED", end_ms=3001)
        return run_id

    run_id = record.db.write(write)
    out = paved("show", run_id[:8]).out
    assert out.startswith(f"first  {run_id}")
    assert "status      failed in 3.0 s" in out
    assert "depth = 8" in out
    assert "auc = 0.75" in out
    assert paved("show", run_id, "--json").json["params"] == {"depth": "8"}


def test_everything_fits_a_terminal_of_80_columns(flights: Record, paved: Command) -> None:
    flights.db.write(lambda tx: ensure_artifact(tx, Ref("dataset", "d" * 250), who="w" * 60, owner="o" * 60))
    for command in (["list"], ["journal"]):
        assert max(map(len, paved(*command).out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (("list", "--kind", "modle"), 2, "did you mean 'model'?"),
        (("list", "--stage", "prod"), 2, "prod"),
        (("list", "--after", "nonsense"), 2, "kind/name"),
        (("list", "--limit", "0"), 2, "limit"),
        (("own", "model/none", "ada"), 2, "no artifact 'model/none'"),
        (("own", "none", "ada"), 2, "write it as kind/name"),
        (("stage", "project/none", "draft"), 2, "no artifact"),
        (("stage", "model/late@", "draft"), 2, "cannot be a name"),
        (("lineage", "dataset/none"), 2, "no artifact"),
        (("journal", "--before", "x"), 2, "not a valid integer"),
        (("show", "dataset/none"), 2, "no artifact"),
        (("show", "zzzz"), 2, "no run 'zzzz'"),
        (("show", "../x"), 2, "unknown kind"),
        (("show", ""), 2, "not the start of a run id"),
    ],
)
def test_bad_input_is_told_with_the_next_step(
    record: Record, paved: Command, command: tuple[str, ...], code: int, says: str
) -> None:
    ran = paved(*command, code=code)
    assert says in ran.err
    assert "next:" in ran.err
    as_json = paved(*command, "--json", code=code).json["error"]
    assert set(as_json) == {"code", "message", "hint"}
