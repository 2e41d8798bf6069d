"""Runs whose process died without a word: found, and marked as LOST.

A run is lost when its process is seen to be gone (on this host), or when it has been silent for longer than
`tracking.LOST_AFTER_MS` and is not seen at work here. `paved up` looks again and again, commands that list
runs look first. A run that beats again afterwards is running again (`heartbeat.beat_once`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pavedroad.catalog import pipeline_ref, write_fact
from pavedroad.kit.clock import duration, now_ms
from pavedroad.kit.sql import Transaction
from pavedroad.pipelines import store
from pavedroad.pipelines.surroundings import Process, is_alive, is_at_work
from pavedroad.record import Record
from pavedroad.tracking import LOST_AFTER_MS, get_run, mark_lost, set_tag

LOOK_EVERY_S = 15.0

log = logging.getLogger(__name__)


def mark_lost_runs(record: Record) -> list[str]:
    """Mark runs without a living process, and the steps they were in, as LOST; their ids.

    Their finished steps stay in the cache, so that the next run goes on where they stopped.
    """
    return [row.run_id for row in store.running_runs(record.db) if _mark_if_lost(record, row)]


def _mark_if_lost(record: Record, row: store.PipelineRow) -> bool:
    reason = why_lost(row.process, row.heartbeat_ms)
    return bool(reason) and record.db.write(lambda tx: _mark(tx, row, reason))


def why_lost(process: Process, heartbeat_ms: int) -> str:
    """Why a running run counts as lost, or nothing when it does not."""
    if not is_alive(process):
        return f"its process {process.pid} on {process.host} ended without a word"
    silent_ms = now_ms() - heartbeat_ms
    if silent_ms > LOST_AFTER_MS and not is_at_work(process):
        return f"its process {process.pid} on {process.host} has been silent for {duration(silent_ms)}"
    return ""


@contextmanager
def looking_for_lost_runs(record: Record) -> Iterator[None]:
    """Look now and then until the block ends, in a thread of its own."""
    stopped = threading.Event()

    def look() -> None:
        while not stopped.wait(LOOK_EVERY_S):
            try:
                mark_lost_runs(record)
            except Exception as error:  # the database is away: the next look may reach it
                log.warning("could not look for lost runs: %s", error)

    thread = threading.Thread(target=look, name="lost-runs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _mark(tx: Transaction, row: store.PipelineRow, reason: str) -> bool:
    """False when another process was first, or the run has beaten since."""
    now = tx.one(store.SQL.status_and_beat, run_id=row.run_id)
    if now is None or now["status"] != "RUNNING" or now["heartbeat_ms"] != row.heartbeat_ms:
        return False
    run = get_run(tx, row.run_id)
    store.mark_lost(tx, row.run_id)
    for run_id in (run.id, *store.running_inside(tx, run.id, run.experiment_id)):
        mark_lost(tx, run_id)
    if run.lifecycle_stage == "active":
        set_tag(tx, run.id, "paved.error", reason)
    write_fact(
        tx,
        who="pavedroad",
        verb="marked-lost",
        artifact=pipeline_ref(row.project, row.pipeline),
        run_id=run.id,
        payload={"reason": reason, "last_beat_ms": row.heartbeat_ms},
    )
    return True
