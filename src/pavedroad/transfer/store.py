"""What was transferred before: the memory that makes a transfer resumable."""

from __future__ import annotations

import msgspec

from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Transaction, load_queries

SQL = load_queries("pavedroad.transfer")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    digest: str


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
    return {row["source"]: Mark(target=row["target"], digest=row["digest"]) for row in rows}


def mark(tx: Transaction, transfer_id: int, kind: str, source: str, target: str, digest: str) -> None:
    tx.run(
        SQL.mark_transferred,
        transfer_id=transfer_id,
        kind=kind,
        source=source,
        target=target,
        digest=digest,
        at_ms=now_ms(),
    )
