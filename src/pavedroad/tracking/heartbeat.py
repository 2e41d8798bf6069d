"""Signs of life of runs, and what their absence means.

Only a run that has beaten once can be lost: runs of plain MLflow clients never beat, and nobody guesses.
"""

from __future__ import annotations

from collections.abc import Iterable

from pavedroad.kit.sql import Transaction, load_queries

SQL = load_queries("pavedroad.tracking", "heartbeat.sql")
BEAT_EVERY_S = 10.0
LOST_AFTER_MS = 60_000  # the rule: a run that beats, and was silent for longer than this, is lost


def beat(tx: Transaction, run_ids: Iterable[str], at_ms: int) -> None:
    """Say that these runs are alive; what has ended stays ended, what was marked as lost runs again."""
    for run_id in sorted(run_ids):  # two writers on PostgreSQL lock rows in the same order
        tx.run(SQL.beat, id=run_id, at_ms=at_ms)


def mark_lost(tx: Transaction, run_id: str) -> bool:
    """Mark a running run as LOST, ended at its last beat; whether it was one that beats and runs."""
    return tx.run(SQL.mark_lost, id=run_id) > 0
