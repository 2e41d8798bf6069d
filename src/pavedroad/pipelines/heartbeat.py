"""A run says every few seconds that it is alive, from a thread of its own: steps may keep the others busy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pavedroad.catalog import Ref, write_fact
from pavedroad.kit.clock import duration, now_ms
from pavedroad.kit.sql import Database, Transaction
from pavedroad.pipelines import store
from pavedroad.tracking import BEAT_EVERY_S, beat

log = logging.getLogger(__name__)


class Heart:
    """Beats between `start` and `stop`; a beat that cannot be written never fails the run."""

    def __init__(self, db: Database, alive: Callable[[], list[str]], pipeline: Ref) -> None:
        self._db = db
        self._alive = alive  # the run, then the runs of its steps
        self._pipeline = pipeline
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_EVERY_S):
            run_id, *steps = self._alive()
            try:
                self._beat(run_id, steps)
            except Exception as error:  # the next one may reach the record again
                log.debug("a heartbeat of run %s was not written: %s", run_id, error)

    def _beat(self, run_id: str, steps: list[str]) -> None:
        self._db.write(lambda tx: beat_once(tx, run_id, steps, self._pipeline))


def beat_once(tx: Transaction, run_id: str, steps: list[str], pipeline: Ref) -> None:
    """One beat. A run that was marked as lost meanwhile (its machine slept) runs again."""
    at_ms = now_ms()
    beat(tx, [run_id, *steps], at_ms)
    silent_ms = store.beat(tx, run_id, at_ms)
    if silent_ms is not None:
        tx.run(store.SQL.forget_error, run_id=run_id)
        payload = {"reason": f"it beats again after {duration(silent_ms)} of silence"}
        write_fact(tx, who="pavedroad", verb="found-alive", artifact=pipeline, run_id=run_id, payload=payload)
