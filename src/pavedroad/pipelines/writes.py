"""Writes of one run, in order, off the steps' way: what has gathered while one transaction commits goes
into the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from pavedroad.kit.sql import Database, Transaction

Work = Callable[[Transaction], Any]


class OrderedWrites:
    """Only one transaction is on its way at a time, so the order holds on PostgreSQL too."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[Work] = []
        self._on_its_way: Future[None] | None = None
        self._sent: list[Work] = []
        self._lock = threading.Lock()
        self._failures: list[Exception] = []

    def add(self, work: Work) -> None:
        self._waiting.append(work)  # atomic: steps add from many threads

    def send(self) -> None:
        """Start writing what has gathered, unless a transaction is still on its way."""
        if self._lock.acquire(blocking=False):
            try:
                if self._on_its_way is None or self._on_its_way.done():
                    self._settle()
                    self._start()
            finally:
                self._lock.release()

    def wait(self) -> None:
        """Write everything that was added and wait for its commit. Raises the first error of any write
        since the start.
        """
        with self._lock:
            self._settle()
            while self._waiting:
                self._start()
                self._settle()
        if self._failures:
            raise self._failures[0]

    def _start(self) -> None:
        self._sent, self._waiting = self._waiting, []
        if self._sent:
            works = self._sent
            self._on_its_way = self._db.submit(lambda tx: _run_all(tx, works))

    def _settle(self) -> None:
        """Wait for the transaction on its way; when it fails, write its parts one by one to lose only what
        cannot be kept.
        """
        if self._on_its_way is None:
            return
        try:
            self._on_its_way.result()
        except Exception as error:
            self._one_by_one(error)
        finally:
            self._on_its_way, self._sent = None, []

    def _one_by_one(self, error: Exception) -> None:
        if len(self._sent) == 1:
            self._failures.append(error)
            return
        for work in self._sent:
            try:
                self._db.write(work)
            except Exception as failure:
                self._failures.append(failure)


def _run_all(tx: Transaction, works: list[Work]) -> None:
    for work in works:
        work(tx)
