"""Decisions on the record, on both databases."""

from __future__ import annotations

import pytest
from tests.desk.rota.decisions import weekly

import pavedroad.desk.rota.store as store
from pavedroad.desk.rota.model import Absence, Note, Override, Person, Swap, Taken, Withdrawn
from pavedroad.desk.rota.store import keep, read_events
from pavedroad.errors import Invalid
from pavedroad.record import Record

SPAN = {"start_ms": 1, "end_ms": 2}
EVERY_KIND = (
    Person(name="ada", zone="UTC"),
    weekly("ada", "bob"),
    Override(layer="primary", add="ada", **SPAN),
    Swap(layer="primary", person="ada", **SPAN),
    Absence(person="ada", reason="skiing", **SPAN),
    Note(text="quiet"),
    Taken(swap=4, person="bob"),
    Withdrawn(number=3),
)


def test_every_kind_of_decision_is_read_as_it_was_kept(any_record: Record) -> None:
    for body in EVERY_KIND:
        any_record.db.write(lambda tx, body=body: keep(tx, "desk", body, who="ada"))  # type: ignore[misc]
    found = read_events(any_record.db, "desk")
    assert tuple(event.body for event in found) == EVERY_KIND
    assert [event.number for event in found] == [*range(1, 9)]
    assert {event.who for event in found} == {"ada"}


def test_rotas_are_apart(record: Record) -> None:
    record.db.write(lambda tx: keep(tx, "desk", Note(text="x"), who="ada"))
    assert read_events(record.db, "other") == []


def test_a_clock_that_went_back_takes_no_decision_into_the_past(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at_ms in (5000, 3000, 6000):
        monkeypatch.setattr(store, "now_ms", lambda at_ms=at_ms: at_ms)
        record.db.write(lambda tx: keep(tx, "desk", Note(text="x"), who="ada"))
    assert [event.at_ms for event in read_events(record.db, "desk")] == [5000, 5000, 6000]


@pytest.mark.parametrize(
    "statement", ["UPDATE desk_rota_events SET at_ms = 0", "DELETE FROM desk_rota_events"]
)
def test_the_database_itself_refuses_to_rewrite_who_was_on_call(any_record: Record, statement: str) -> None:
    any_record.db.write(lambda tx: keep(tx, "desk", Note(text="x"), who="ada"))
    before = read_events(any_record.db, "desk")
    with pytest.raises(Invalid, match="a rota is append-only"):
        any_record.db.write(lambda tx: tx.run(statement))
    assert read_events(any_record.db, "desk") == before
