"""Opening the record: both databases, and what goes wrong."""

from __future__ import annotations

from pavedroad.catalog import Ref, ensure_artifact, find_artifact, read_facts
from pavedroad.record import Record


def test_what_is_written_can_be_read_on_both_databases(any_record: Record) -> None:
    ref = Ref("model", "flights")
    any_record.db.write(lambda tx: ensure_artifact(tx, ref, who="ada", owner="ops"))
    artifact = find_artifact(any_record.db, ref)
    assert artifact is not None
    assert artifact.owner == "ops"
    assert [(fact.who, fact.verb, fact.artifact) for fact in read_facts(any_record.db)] == [
        ("ada", "created", "model/flights")
    ]
