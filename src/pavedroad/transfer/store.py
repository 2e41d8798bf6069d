"""What was transferred before: the memory that makes a transfer resumable."""

from __future__ import annotations

import msgspec

from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Transaction, load_queries

SQL = load_queries("pavedroad.transfer")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    digest: str
    points: int = 0


def start_transfer(tx: Transaction, direction: str, address: str) -> int:
    """The number of all transfers in this direction between the record and that store."""
    return int(tx.value(SQL.start_transfer, direction=direction, address=address, at_ms=now_ms()))


def find_transfer(reader: Reader, direction: str, address: str) -> int:
    """Its number; 0, which no transfer has, when there was none yet."""
    return int(reader.value(SQL.find_transfer, direction=direction, address=address) or 0)


def end_transfer(tx: Transaction, transfer_id: int) -> None:
    tx.run(SQL.end_transfer, id=transfer_id, at_ms=now_ms())


def marks(reader: Reader, transfer_id: int, kind: str) -> dict[str, Mark]:
    """What of a kind was transferred, by its id at the source."""
    rows = reader.all(SQL.transferred, transfer_id=transfer_id, kind=kind)
    return {
        row["source"]: Mark(target=row["target"], digest=row["digest"], points=row["points"]) for row in rows
    }


def set_mark(tx: Transaction, transfer_id: int, kind: str, source: str, mark: Mark) -> None:
    tx.run(
        SQL.mark_transferred,
        transfer_id=transfer_id,
        kind=kind,
        source=source,
        target=mark.target,
        digest=mark.digest,
        points=mark.points,
        at_ms=now_ms(),
    )


def count_here(reader: Reader, transfer_id: int) -> dict[str, int]:
    """What the record holds of all that was ever imported from a store."""
    found = reader.one(SQL.runs_here, transfer_id=transfer_id)
    assert found is not None  # a sum always has a row
    return {
        "runs": int(found["runs"]),
        "points": int(found["points"]),
        "logged models": int(reader.value(SQL.logged_models_here, transfer_id=transfer_id)),
        "versions": int(reader.value(SQL.versions_here, transfer_id=transfer_id)),
    }
