"""Artifacts and lineage edges, on both databases."""

from __future__ import annotations

import pytest

from pavedroad.catalog import (
    Ref,
    add_edge,
    edges_of,
    edges_of_run,
    ensure_artifact,
    find_artifact,
    get_artifact,
    list_artifacts,
    read_facts,
    set_details,
    set_owner,
    set_stage,
)
from pavedroad.errors import Invalid, NotFound
from pavedroad.record import Record

MODEL = Ref("model", "flights")


def ensure(record: Record, ref: Ref, owner: str = "", description: str = "", stage: str = "draft") -> None:
    record.db.write(
        lambda tx: ensure_artifact(tx, ref, who="ada", owner=owner, description=description, stage=stage)
    )


def names(record: Record, **narrowing: str) -> list[str]:
    return [str(artifact.ref) for artifact in list_artifacts(record.db, **narrowing)]  # type: ignore[arg-type]


def test_an_artifact_that_is_ensured_is_there(any_record: Record) -> None:
    any_record.db.write(
        lambda tx: ensure_artifact(
            tx,
            MODEL,
            who="ada",
            owner="ops",
            description="Late?",
            tags={"team": "a"},
            links={"card": "https://x"},
        )
    )
    artifact = get_artifact(any_record.db, MODEL)
    assert (artifact.owner, artifact.description, artifact.stage) == ("ops", "Late?", "draft")
    assert (artifact.tags, artifact.links) == ({"team": "a"}, {"card": "https://x"})
    assert artifact.created_ms == artifact.updated_ms > 1_600_000_000_000


def test_ensuring_again_fills_what_was_empty_and_keeps_what_a_person_set(any_record: Record) -> None:
    ensure(any_record, MODEL, description="Late?")
    ensure(any_record, MODEL, owner="ops", description="Another text")
    ensure(any_record, MODEL, owner="thieves", stage="retired")
    artifact = get_artifact(any_record.db, MODEL)
    assert (artifact.owner, artifact.description, artifact.stage) == ("ops", "Late?", "draft")
    assert [fact.verb for fact in read_facts(any_record.db)] == ["created"], "only the first time is a fact"


def test_versions_are_artifacts_of_their_own(any_record: Record) -> None:
    ensure(any_record, Ref("model", "flights", "1"), owner="a")
    assert find_artifact(any_record.db, MODEL) is None
    assert find_artifact(any_record.db, Ref("model", "flights", "1")) is not None


def test_what_is_not_there_is_not_found(any_record: Record) -> None:
    with pytest.raises(NotFound, match="no artifact 'model/flights' on the record") as caught:
        get_artifact(any_record.db, MODEL)
    assert "paved list" in caught.value.hint
    for change in (
        lambda tx: set_owner(tx, MODEL, "ops", who="ada"),
        lambda tx: set_stage(tx, MODEL, "retired", who="ada"),
        lambda tx: set_details(tx, MODEL, who="ada", description="x"),
    ):
        with pytest.raises(NotFound):
            any_record.db.write(change)
    assert read_facts(any_record.db) == []


def test_a_list_is_narrowed_by_kind_owner_stage_and_words(any_record: Record) -> None:
    ensure(any_record, Ref("model", "Late-Flights"), owner="ops", stage="production")
    ensure(any_record, Ref("model", "taxi"), owner="lab", description="Fares of late nights")
    ensure(any_record, Ref("dataset", "flights"), owner="ops")
    assert names(any_record) == ["dataset/flights", "model/Late-Flights", "model/taxi"]
    assert names(any_record, kind="model") == ["model/Late-Flights", "model/taxi"]
    assert names(any_record, owner="ops") == ["dataset/flights", "model/Late-Flights"]
    assert names(any_record, stage="production") == ["model/Late-Flights"]
    assert names(any_record, words="LATE") == ["model/Late-Flights", "model/taxi"]
    assert names(any_record, kind="model", words="fares") == ["model/taxi"]


def test_pages_of_a_list_join_without_gap_or_overlap(any_record: Record) -> None:
    refs = [
        Ref(kind, name, version) for kind in ("dataset", "model") for name in "abc" for version in ("", "1")
    ]
    for ref in reversed(refs):
        ensure(any_record, ref)
    seen: list[Ref] = []
    while page := list_artifacts(any_record.db, after=seen[-1] if seen else None, limit=5):
        seen += [artifact.ref for artifact in page]
    assert seen == refs


def test_a_new_owner_is_a_fact_with_the_old_one(any_record: Record) -> None:
    ensure(any_record, MODEL, owner="ops")
    any_record.db.write(lambda tx: set_owner(tx, MODEL, "lab", who="bo"))
    assert get_artifact(any_record.db, MODEL).owner == "lab"
    fact = read_facts(any_record.db)[0]
    assert (fact.who, fact.verb, fact.payload) == ("bo", "owned", {"from": "ops", "to": "lab"})


def test_a_new_stage_is_a_fact_with_the_old_one(any_record: Record) -> None:
    ensure(any_record, MODEL)
    any_record.db.write(lambda tx: set_stage(tx, MODEL, "experiment", who="bo"))
    assert get_artifact(any_record.db, MODEL).stage == "experiment"
    fact = read_facts(any_record.db)[0]
    assert (fact.verb, fact.payload) == ("staged", {"from": "draft", "to": "experiment"})


def test_an_unknown_stage_is_refused_with_the_nearest_known_one(any_record: Record) -> None:
    ensure(any_record, MODEL)
    with pytest.raises(Invalid, match="unknown stage 'prodution'") as caught:
        any_record.db.write(lambda tx: set_stage(tx, MODEL, "prodution", who="bo"))
    assert "production" in caught.value.hint
    assert get_artifact(any_record.db, MODEL).stage == "draft"


def test_details_merge_into_what_is_there(any_record: Record) -> None:
    ensure(any_record, MODEL, description="Late?")
    any_record.db.write(
        lambda tx: set_details(tx, MODEL, who="bo", tags={"a": "1"}, links={"card": "https://x"})
    )
    any_record.db.write(lambda tx: set_details(tx, MODEL, who="bo", tags={"b": "2"}))
    artifact = get_artifact(any_record.db, MODEL)
    assert (artifact.description, artifact.tags) == ("Late?", {"a": "1", "b": "2"})
    assert artifact.links == {"card": "https://x"}
    any_record.db.write(lambda tx: set_details(tx, MODEL, who="bo", description=""))
    assert get_artifact(any_record.db, MODEL).description == ""


def test_edges_are_found_from_both_ends_and_counted(any_record: Record) -> None:
    pipeline, data = Ref("pipeline", "flights"), Ref("dataset", "flights", "ab12")
    for run in ("r1", "r2", "r2"):
        any_record.db.write(lambda tx, run=run: add_edge(tx, pipeline, "used", data, run_id=run))
    for end in (pipeline, data):
        (edge,) = edges_of(any_record.db, end)
        assert (edge.source, edge.verb, edge.target, edge.times) == (str(pipeline), "used", str(data), 2)
    assert [edge.target for edge in edges_of_run(any_record.db, "r1")] == [str(data)]
    assert edges_of(any_record.db, MODEL) == []


def test_several_changes_in_one_transaction_stand_or_fall_together(any_record: Record) -> None:
    ensure(any_record, MODEL)

    def change(tx: object) -> None:
        set_owner(tx, MODEL, "lab", who="bo")  # type: ignore[arg-type]
        set_stage(tx, MODEL, "nowhere", who="bo")  # type: ignore[arg-type]

    with pytest.raises(Invalid):
        any_record.db.write(change)
    assert get_artifact(any_record.db, MODEL).owner == ""
    assert [fact.verb for fact in read_facts(any_record.db)] == ["created"]
