"""The journal: who did what to which artifact, when. Written with the deed, never changed."""

from __future__ import annotations

from typing import Any

import msgspec

from pavedroad.catalog.model import Fact, Ref
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries

SQL = load_queries("pavedroad.catalog")
NEWEST = 2**62


def write_fact(
    tx: Transaction,
    *,
    who: str,
    verb: str,
    artifact: Ref | str,
    run_id: str = "",
    payload: Any = None,
    at_ms: int | None = None,
) -> None:
    """Add a fact. `verb` is a past participle (`registered`); `payload` is anything msgspec encodes."""
    tx.run(
        SQL.insert_fact,
        at_ms=now_ms() if at_ms is None else at_ms,
        who=who,
        verb=verb,
        artifact=str(artifact),
        run_id=run_id,
        payload=msgspec.json.encode({} if payload is None else payload).decode(),
    )


def read_facts(
    reader: Reader,
    *,
    artifact: str = "",
    verb: str = "",
    who: str = "",
    run_id: str = "",
    before: int = NEWEST,
    limit: int = 100,
) -> list[Fact]:
    """Newest first. An artifact without version also finds the facts of its versions."""
    narrowing: dict[str, Any] = {"verb": verb, "who": who, "run_id": run_id, "before": before, "limit": limit}
    if artifact:
        kind, _, name = artifact.partition("/")
        rows = reader.all(SQL.facts_of_artifact, artifact=artifact, kind=kind, name=name, **narrowing)
    else:
        rows = reader.all(SQL.facts, **narrowing)
    return [to_fact(row) for row in rows]


def to_fact(row: Row) -> Fact:
    return Fact(**{**dict(row), "payload": msgspec.json.decode(row["payload"])})
