"""Where rotas are kept: a list of decisions that only grows."""

from __future__ import annotations

import msgspec

from pavedroad.desk.rota.model import Body, Event
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Transaction, load_queries

SQL = load_queries("pavedroad.desk.rota")


def read_events(reader: Reader, rota: str) -> list[Event]:
    """In order of decision; their times never go back."""
    return [
        Event(
            number=row["id"],
            at_ms=row["at_ms"],
            who=row["who"],
            body=msgspec.json.decode(row["body"], type=Body),
        )
        for row in reader.all(SQL.events, rota=rota)
    ]


def keep(tx: Transaction, rota: str, body: Body, *, who: str) -> None:
    """Keep a decision that was checked; a clock that went back does not take it into the past."""
    at_ms = max(now_ms(), tx.value(SQL.latest, rota=rota) or 0)
    tx.run(SQL.insert_event, rota=rota, at_ms=at_ms, who=who, body=msgspec.json.encode(body).decode())
