"""Runs whose process died without a word: found, and marked as failed."""

from __future__ import annotations

import socket

from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Transaction
from pavedroad.pipelines import store
from pavedroad.pipelines.surroundings import Process, is_alive
from pavedroad.record import Record
from pavedroad.tracking import end_run, get_run, log_batch, search_runs


def mark_lost_runs(record: Record) -> list[str]:
    """Mark the runs of dead processes of this host as FAILED, with the tag `paved.lost`; their ids.

    Their finished steps stay in the cache, so that the next run goes on where they stopped.
    """
    lost = [
        row for row in store.running_on(record.db, socket.gethostname()) if not is_alive(_process_of(row))
    ]
    for row in lost:
        record.db.write(lambda tx, row=row: _mark(tx, row))  # type: ignore[misc]
    return [row.run_id for row in lost]


def _process_of(row: store.PipelineRow) -> Process:
    return Process(host=row.host, boot=row.boot, pid=row.pid, started=row.process_started)


def _mark(tx: Transaction, row: store.PipelineRow) -> None:
    if store.get_pipeline_run(tx, row.run_id).status != "RUNNING":
        return  # another process was first
    run = get_run(tx, row.run_id)
    running, _ = search_runs(
        tx,
        [run.experiment_id],
        filter=f"tags.`mlflow.parentRunId` = '{run.id}' AND attributes.status = 'RUNNING'",
    )
    tags = {"paved.lost": "true", "paved.error": f"its process {row.pid} on {row.host} ended without a word"}
    for each in (*running, run):
        log_batch(tx, each.id, tags=tags)
        # It was alive at its last heartbeat; nobody knows for how long after.
        end_run(tx, each.id, "FAILED", max(row.heartbeat_ms, each.start_ms))
    store.finish_pipeline_run(tx, row.run_id, "FAILED", now_ms())
