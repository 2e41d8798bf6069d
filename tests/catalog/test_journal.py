"""The journal: facts in order, found by what they are about, and never changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pavedroad.catalog import Ref, ensure_artifact, read_facts, write_fact
from pavedroad.errors import Invalid
from pavedroad.record import Record


def write(record: Record, verb: str, artifact: str = "model/m", who: str = "ada", run_id: str = "") -> None:
    record.db.write(lambda tx: write_fact(tx, who=who, verb=verb, artifact=artifact, run_id=run_id))


def test_facts_come_newest_first_with_all_they_say(any_record: Record) -> None:
    any_record.db.write(
        lambda tx: write_fact(
            tx,
            who="ada",
            verb="registered",
            artifact=Ref("model", "m", "1"),
            run_id="r1",
            payload={"from": ["a"], "n": 1.5},
            at_ms=1700000000000,
        )
    )
    write(any_record, "promoted")
    newest, oldest = read_facts(any_record.db)
    assert (newest.verb, newest.payload) == ("promoted", {})
    assert newest.seq > oldest.seq
    assert (oldest.at_ms, oldest.who, oldest.artifact, oldest.run_id) == (
        1700000000000,
        "ada",
        "model/m@1",
        "r1",
    )
    assert oldest.payload == {"from": ["a"], "n": 1.5}


def test_facts_are_narrowed_by_who_verb_and_run(any_record: Record) -> None:
    write(any_record, "registered", who="ada", run_id="r1")
    write(any_record, "promoted", who="bo", run_id="r2")
    assert [fact.verb for fact in read_facts(any_record.db, who="bo")] == ["promoted"]
    assert [fact.verb for fact in read_facts(any_record.db, verb="registered")] == ["registered"]
    assert [fact.verb for fact in read_facts(any_record.db, run_id="r1")] == ["registered"]
    assert read_facts(any_record.db, who="ada", verb="promoted") == []


def test_an_artifact_brings_the_facts_of_its_versions_and_no_others(any_record: Record) -> None:
    for name, version in (("a_b", ""), ("a_b", "1"), ("a_b", "2"), ("axb", "1"), ("a_b2", "")):
        ref = Ref("model", name, version)
        any_record.db.write(lambda tx, ref=ref: ensure_artifact(tx, ref, who="ada"))
    found = [fact.artifact for fact in read_facts(any_record.db, artifact="model/a_b")]
    assert found == ["model/a_b@2", "model/a_b@1", "model/a_b"]
    assert [fact.artifact for fact in read_facts(any_record.db, artifact="model/a_b@1")] == ["model/a_b@1"]


def test_pages_of_the_journal_join_without_gap_or_overlap(any_record: Record) -> None:
    for number in range(25):
        write(any_record, f"v{number}")
    seen: list[str] = []
    before = 2**62
    while page := read_facts(any_record.db, before=before, limit=10):
        seen += [fact.verb for fact in page]
        before = page[-1].seq
    assert seen == [f"v{number}" for number in reversed(range(25))]


def test_facts_written_at_once_are_all_there_under_numbers_of_their_own(any_record: Record) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: write(any_record, f"v{number}"), range(80)))
    facts = read_facts(any_record.db, limit=1000)
    assert len({fact.seq for fact in facts}) == 80
    assert {fact.verb for fact in facts} == {f"v{number}" for number in range(80)}


@pytest.mark.parametrize("statement", ["UPDATE facts SET who = 'eve'", "DELETE FROM facts", "TRUNCATE facts"])
def test_the_database_itself_refuses_to_change_a_fact(any_record: Record, statement: str) -> None:
    if statement == "TRUNCATE facts" and any_record.db.dialect == "sqlite":
        statement = "DELETE FROM facts WHERE seq > 0"
    write(any_record, "registered")
    with pytest.raises(Invalid, match="the journal is append-only"):
        any_record.db.write(lambda tx: tx.run(statement))
    assert [(fact.who, fact.verb) for fact in read_facts(any_record.db)] == [("ada", "registered")]


def test_a_fact_is_gone_with_the_change_it_tells_of(any_record: Record) -> None:
    def change(tx: object) -> None:
        write_fact(tx, who="ada", verb="registered", artifact="model/m")  # type: ignore[arg-type]
        raise LookupError

    with pytest.raises(LookupError):
        any_record.db.write(change)
    assert read_facts(any_record.db) == []
