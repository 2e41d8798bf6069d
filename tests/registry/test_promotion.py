"""Moving an alias: let through, refused, raced for, taken away, rolled back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pavedroad.catalog import Ref, get_artifact, read_facts
from pavedroad.errors import Conflict, Damaged, Invalid, NotFound, Refused
from pavedroad.record import Record
from pavedroad.registry import (
    ModelVersion,
    exempt,
    get_model,
    get_version,
    list_evaluations,
    list_moves,
    promote,
    refusal,
    rollback,
    unset_alias,
    version_files,
)
from pavedroad.registry.promotion import GatesClosed, transition_stage
from pavedroad.registry.registration import delete_version
from pavedroad.serving import Latency

NEXT_MONTH = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
WithGates = Callable[..., Record]
BETTER = {"not_worse_than": {"metric": "auc"}}


def champion(record: Record) -> int | None:
    return get_model(record.db, "flights").aliases.get("champion")


def stage(record: Record, version: str = "") -> str:
    return get_artifact(record.db, Ref("model", "flights", version)).stage


# ------------------------------------------------------------------------------------------------ promoting


def test_a_version_whose_gates_are_open_gets_the_alias_and_the_evidence_is_kept(
    any_make: Any, with_gates: WithGates
) -> None:
    record = with_gates(any_make.record, metric={"name": "auc", "at_least": 0.8})
    version = any_make.version(metrics={"auc": 0.9})
    decision = promote(record, "flights", 1, who="bob")
    assert (decision.passed, decision.previous, champion(record)) == (True, 0, 1)

    (kept,) = list_evaluations(record.db, version.uid)
    assert (kept.id, kept.passed, kept.who, kept.alias) == (decision.evaluation_id, True, "bob", "champion")
    assert kept.digest == version.digest
    assert [(each.gate, each.verdict) for each in kept.gates] == [("digest", "open"), ("metric", "open")]
    assert kept.gates[1].inputs["answers"][0]["value"] == 0.9
    fact = read_facts(record.db, verb="promoted")[0]
    assert (fact.who, fact.artifact, fact.run_id) == ("bob", "model/flights@1", version.run_id)
    assert fact.payload == {"alias": "champion", "from": None, "to": 1, "exempt": [], "evaluation": kept.id}


def test_a_version_with_a_closed_gate_changes_nothing_but_leaves_evidence(
    any_make: Any, with_gates: WithGates
) -> None:
    record = with_gates(any_make.record, **BETTER)
    any_make.version(metrics={"auc": 0.9})
    worse = any_make.version(metrics={"auc": 0.8})
    promote(record, "flights", 1, who="ada")
    decision = promote(record, "flights", 2, who="bob")
    assert not decision.passed
    assert champion(record) == 1
    assert [evidence.gate for evidence in decision.closed] == ["not_worse_than"]
    assert not list_evaluations(record.db, worse.uid)[0].passed
    fact = read_facts(record.db, verb="refused")[0]
    assert (fact.artifact, fact.payload["closed"]) == ("model/flights@2", ["not_worse_than"])


def test_a_refusal_names_every_closed_gate_and_the_command(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, owner=True, model_card=True)
    make.version()
    error = refusal(promote(record, "flights", 1, who="ada"))
    assert (error.status, error.code) == (403, "PERMISSION_DENIED")
    assert error.message.splitlines() == [
        "flights@1 cannot become champion: 2 gates are closed",
        "  owner: neither model 'flights' nor its project has an owner",
        "  model_card: there is no model card; 20 are asked for",
    ]
    assert error.hint == "run `paved promote flights@1 --to champion` to see each next step"


def test_every_attempt_is_kept(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, owner=True)
    version = make.version()
    for _ in range(3):
        promote(record, "flights", 1, who="ada")
    kept = list_evaluations(record.db, version.uid)
    assert [each.passed for each in kept] == [False, False, False]
    assert kept[0].id > kept[1].id > kept[2].id


def test_an_alias_that_is_not_gated_is_given_without_a_question(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, owner=True)
    version = make.version()
    decision = promote(record, "flights", 1, "challenger", who="ada")
    assert (decision.passed, decision.is_gated, decision.gates) == (True, False, [])
    assert get_version(record.db, "flights", "challenger").uid == version.uid
    assert list_evaluations(record.db, version.uid) == []
    assert read_facts(record.db, verb="aliased")[0].payload == {"alias": "challenger", "from": None, "to": 1}


def test_the_team_says_which_aliases_are_gated(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, owner=True, aliases=["live"])
    make.version()
    assert promote(record, "flights", 1, "champion", who="ada").passed
    assert not promote(record, "flights", 1, "live", who="ada").passed


def test_a_version_can_be_promoted_again(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, **BETTER)
    make.version(metrics={"auc": 0.9})
    promote(record, "flights", 1, who="ada")
    again = promote(record, "flights", "champion", who="ada")
    assert (again.passed, again.previous) == (True, 1)
    assert len(list_moves(record.db, "flights", alias="champion")) == 1
    assert [fact.payload["from"] for fact in read_facts(record.db, verb="confirmed")] == [None]
    assert len(read_facts(record.db, verb="promoted")) == 1


@pytest.mark.parametrize("alias", ["", "latest", "v1", "a b", "x" * 256])
def test_an_alias_that_cannot_be_is_refused_before_any_gate(make: Any, alias: str) -> None:
    make.version()
    with pytest.raises(Invalid):
        promote(make.record, "flights", 1, alias, who="ada")


def test_a_model_and_a_version_that_are_not_there_are_named(make: Any) -> None:
    make.version()
    with pytest.raises(NotFound, match="name=none not found"):
        promote(make.record, "none", 1, who="ada")
    with pytest.raises(NotFound, match="version=7"):
        promote(make.record, "flights", 7, who="ada")


def test_damaged_files_keep_a_version_from_its_alias(make: Any) -> None:
    version = make.version()
    damage(make.record, version)
    decision = promote(make.record, "flights", 1, who="ada")
    assert not decision.passed
    assert "model.pkl: damaged" in decision.closed[0].says


def test_an_exemption_that_ends_while_gates_are_asked_does_not_count(
    make: Any, with_gates: WithGates, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = with_gates(make.record, owner=True)
    make.version()
    made = exempt(record, "flights", 1, "owner", reason="x", owner="ada", until=NEXT_MONTH, who="ada")
    monkeypatch.setattr("pavedroad.registry.promotion.now_ms", lambda: made.until_ms)
    assert not promote(record, "flights", 1, who="ada").passed
    assert champion(record) is None


def test_the_stage_production_is_gated_like_the_first_gated_alias(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, owner=True)
    version = make.version()
    with pytest.raises(GatesClosed) as caught:
        transition_stage(record, "flights", 1, "production", who="ada")
    assert caught.value.message.startswith("flights@1 cannot become Production: 1 gate is closed")
    assert caught.value.hint == "run `paved promote flights@1 --to champion` to see each next step"
    assert list_evaluations(record.db, version.uid)[0].alias == "Production"
    assert get_version(record.db, "flights", 1).stage == "None"
    exempt(record, "flights", 1, "owner", reason="x", owner="ada", until=NEXT_MONTH, who="ada")
    assert transition_stage(record, "flights", 1, "production", who="ada").stage == "Production"
    with pytest.raises(Refused, match="in stage Production"):
        record.db.write(lambda tx: delete_version(tx, "flights", 1, who="ada", gated=("champion",)))


# -------------------------------------------------------------------------------------------------- racing


def test_of_two_who_promote_at_once_the_second_is_measured_against_the_first(
    any_make: Any, with_gates: WithGates
) -> None:
    """Both start when there is no champion; only one of them can have been right about that."""
    record = with_gates(any_make.record, **BETTER)
    any_make.version(metrics={"auc": 0.9})
    any_make.version(metrics={"auc": 0.8})
    for round_number in range(5):
        together = threading.Barrier(2)

        def go(number: int, together: threading.Barrier = together) -> bool:
            together.wait()
            return promote(record, "flights", number, who="ada").passed

        with ThreadPoolExecutor(2) as people:
            passed = list(people.map(go, (1, 2)))
        # The better one always gets through in the end; the worse one only where it came first.
        assert (passed[0], champion(record)) == (True, 1), round_number
        unset_alias(record, "flights", "champion", who="ada")


def test_a_champion_made_meanwhile_sends_the_gates_back_and_measures_once(
    any_make: Any, with_gates: WithGates
) -> None:
    record = with_gates(any_make.record, latency={"p99_ms": 50}, **BETTER)
    any_make.version(metrics={"auc": 0.9})
    any_make.version(metrics={"auc": 0.8})
    exempt(record, "flights", 1, "latency", reason="x", owner="ada", until=NEXT_MONTH, who="ada")
    measured: list[str] = []

    def measure(record: Record, version: ModelVersion, *, requests: int, concurrency: int) -> Latency:
        measured.append(str(version))
        if len(measured) == 1:
            assert promote(record, "flights", 1, who="eve").passed
        return Latency(p50_ms=1.0, p99_ms=2.0, requests=requests, errors=0, seconds=1.0)

    decision = promote(record, "flights", 2, who="ada", measure_latency=measure)
    assert [evidence.gate for evidence in decision.closed] == ["not_worse_than"]
    assert measured == ["flights@2"]
    assert champion(record) == 1


def test_a_version_deleted_meanwhile_does_not_come_back(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, latency={"p99_ms": 50})
    make.version()

    def measure(record: Record, version: ModelVersion, *, requests: int, concurrency: int) -> Latency:
        record.db.write(lambda tx: delete_version(tx, "flights", 1, who="eve", gated=("champion",)))
        return Latency(p50_ms=1.0, p99_ms=2.0, requests=requests, errors=0, seconds=1.0)

    with pytest.raises(NotFound, match="deleted meanwhile"):
        promote(record, "flights", 1, who="ada", measure_latency=measure)


# --------------------------------------------------------------------------------- taking away, going back


@pytest.fixture
def three(any_make: Any) -> Record:
    """flights@1, then @2, then @3 became champion."""
    for number in (1, 2, 3):
        any_make.version()
        promote(any_make.record, "flights", number, who="ada")
    return any_make.record  # type: ignore[no-any-return]


def test_rollback_goes_back_one_champion_at_a_time(three: Record) -> None:
    move = rollback(three, "flights", who="bob")
    assert (move.what, move.version, move.previous, move.who) == ("rolled-back", 2, 3, "bob")
    assert champion(three) == 2
    assert rollback(three, "flights", who="bob").version == 1
    with pytest.raises(Conflict, match=r"nothing to go back to: flights@1 is the first champion"):
        rollback(three, "flights", who="bob")
    assert read_facts(three.db, verb="rolled-back")[1].payload == {"alias": "champion", "from": 3, "to": 2}


def test_after_a_rollback_and_a_promotion_it_goes_back_to_where_it_was(three: Record) -> None:
    rollback(three, "flights", who="bob")
    promote(three, "flights", 3, who="bob")
    assert rollback(three, "flights", who="bob").version == 2


def test_rollback_passes_over_a_deleted_version(three: Record) -> None:
    three.db.write(lambda tx: delete_version(tx, "flights", 2, who="ada", gated=("champion",)))
    assert rollback(three, "flights", who="bob").version == 1


def test_rollback_asks_no_gates(three: Record, with_gates: WithGates) -> None:
    assert rollback(with_gates(three, owner=True), "flights", who="bob").version == 2


def test_rollback_refuses_damaged_files_and_leaves_the_champion(three: Record) -> None:
    damage(three, get_version(three.db, "flights", 2))
    with pytest.raises(Damaged, match=r"flights@2 cannot be champion again: 1 file unusable: model.pkl"):
        rollback(three, "flights", who="bob")
    assert champion(three) == 3


def test_rollback_brings_back_an_alias_that_was_taken_away(three: Record) -> None:
    unset_alias(three, "flights", "champion", who="eve")
    assert champion(three) is None
    assert rollback(three, "flights", who="bob").version == 3


def test_rollback_of_what_never_was_is_refused(make: Any) -> None:
    make.version()
    with pytest.raises(Conflict, match="flights never had a champion"):
        rollback(make.record, "flights", who="bob")
    with pytest.raises(NotFound):
        rollback(make.record, "none", who="bob")


def test_taking_the_alias_away_does_not_make_the_next_one_the_first(
    any_make: Any, with_gates: WithGates
) -> None:
    record = with_gates(any_make.record, **BETTER)
    any_make.version(metrics={"auc": 0.9})
    any_make.version(metrics={"auc": 0.8})
    promote(record, "flights", 1, who="ada")
    unset_alias(record, "flights", "champion", who="ada")
    decision = promote(record, "flights", 2, who="ada")
    assert decision.closed[0].says.startswith("auc is 0.8, flights@1 (champion) has 0.9")
    assert read_facts(record.db, verb="unaliased")[0].payload == {"alias": "champion", "from": 1}


def test_the_catalog_tells_who_is_in_production_and_who_was(three: Record) -> None:
    assert [stage(three, number) for number in ("1", "2", "3")] == ["deprecated", "deprecated", "production"]
    assert stage(three) == "production"
    rollback(three, "flights", who="bob")
    assert [stage(three, number) for number in ("1", "2", "3")] == ["deprecated", "production", "deprecated"]
    unset_alias(three, "flights", "champion", who="bob")
    assert (stage(three, "2"), stage(three)) == ("deprecated", "candidate")


def damage(record: Record, version: ModelVersion) -> None:
    file = next(file for file in version_files(record.db, version.uid) if file.path == "model.pkl")
    path = Path(record.files.path(file.digest))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
