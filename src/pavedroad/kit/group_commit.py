"""Group commit: writes that wait together share one SQLite transaction; each is answered after its commit.

One fsync then serves many callers. A write that raises is undone alone, by its savepoint; the others go on.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pavedroad.errors import Unavailable
from pavedroad.kit.sql import Item, Reply, Tell, Together, Transaction, refuse_nesting
from pavedroad.kit.sqlite_connection import SqliteTransaction, closed, connect, translate

T = TypeVar("T")
# Bounds how long the first caller of a group waits for those that join it.
LONGEST_GROUP_S = 0.05

ALONE = object()

log = logging.getLogger(__name__)


class _Job(NamedTuple):
    work: Callable[..., Any]
    future: Future[Any] | Reply
    item: Any = ALONE  # what a work takes together with the items of other jobs


class _Answer(NamedTuple):
    future: Future[Any] | Reply
    result: Any
    error: BaseException | None

    def give(self) -> None:
        try:
            if self.error is None:
                self.future.set_result(self.result)
            else:
                self.future.set_exception(self.error)
        except BaseException:  # a callback of the caller's; the thread must live on for the other callers
            log.exception("a callback of a database write raised")


class GroupCommit:
    """The only thread that writes to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._begin_again()  # here, so that a file that cannot be used fails in the caller's hands
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # nothing enters the queue after the None that ends it
        self._closed = False
        self._is_last_group = False
        self._held: _Job | None = None  # taken from the queue, not yet at work
        self._running: list[Future[Any] | Reply] = []  # the callers of the group at work
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def is_current_thread(self) -> bool:
        return threading.get_ident() == self._thread.ident

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a write. Raises Unavailable after `close`, RuntimeError inside another write."""
        future: Future[T] = Future()
        self._put(_Job(work, future))
        return future

    def submit_together(self, work: Together[Item], item: Item, tell: Tell) -> None:
        """Queue an item of a work that takes, in one call, those that wait one behind the other."""
        self._put(_Job(work, Reply(tell), item))

    def _put(self, job: _Job) -> None:
        if self.is_current_thread():
            refuse_nesting("write")
        with self._lock:
            if self._closed:
                raise closed()
            self._jobs.put(job)

    def close(self) -> None:
        """Finish what is queued."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._is_last_group:
                job = self._next() if self._held else self._jobs.get()
                if job is None:
                    return
                self._commit_together(job)
        finally:
            self._end()

    def _commit_together(self, job: _Job | None) -> None:
        """One transaction for `job` and what arrives meanwhile."""
        deadline = time.monotonic() + LONGEST_GROUP_S
        self._running.clear()
        answers: list[_Answer] = []
        connection: sqlite3.Connection | None = None
        try:
            while job is not None:
                jobs = self._alike(job)
                if jobs:
                    self._running += [one.future for one in jobs]
                    connection = connection or self._begin()
                    answers += _run_apart(connection, jobs)
                job = self._next() if time.monotonic() < deadline else None
            if connection:
                connection.execute("COMMIT")
        except BaseException as error:
            self._undo()
            reason = translate(error) if isinstance(error, sqlite3.Error) else error
            answers = [_Answer(future, None, reason) for future in self._running]
            if connection is None:
                # Who waits behind a lock that lasted for the whole timeout must not wait as long again.
                answers += [_Answer(job.future, None, reason) for job in self._drain()]
        for answer in answers:
            answer.give()

    def _alike(self, job: _Job | None) -> list[_Job]:
        """A job, and those right behind it that can be done in the same call."""
        jobs: list[_Job] = []
        while job is not None:
            if jobs and (jobs[0].item is ALONE or job.item is ALONE or job.work is not jobs[0].work):
                self._held = job
                break
            if job.future.set_running_or_notify_cancel():
                jobs.append(job)
            job = self._next()
        return jobs

    def _next(self) -> _Job | None:
        job, self._held = self._held, None
        if job is not None:
            return job
        try:
            job = self._jobs.get_nowait()
        except queue.Empty:
            return None
        self._is_last_group = job is None
        return job

    def _drain(self) -> list[_Job]:
        """All that is queued now and not cancelled."""
        jobs = []
        while (job := self._next()) is not None:
            if job.future.set_running_or_notify_cancel():
                jobs.append(job)
        return jobs

    def _begin(self) -> sqlite3.Connection:
        connection = self._connection or self._begin_again()
        if not self._is_same_file():
            raise Unavailable(
                f"{self._path} was removed or replaced while in use", hint="start this program again"
            )
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _begin_again(self) -> sqlite3.Connection:
        self._connection = connect(self._path)
        self._identity = _identity(self._path)
        return self._connection

    def _is_same_file(self) -> bool:
        """False when what we write would go to a file that nobody can open any more."""
        return _identity(self._path) == self._identity

    def _undo(self) -> None:
        connection = self._connection
        if connection is not None and connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:  # a broken disk; the next write starts on a new connection
                connection.close()
                self._connection = None

    def _end(self) -> None:
        """However the thread ends, nobody is left waiting."""
        with self._lock:
            self._closed = True
        for future in [*self._running, *(job.future for job in self._drain())]:
            if not future.done():
                _Answer(future, None, closed()).give()
        if self._connection is not None:
            self._connection.close()  # which undoes what was not committed


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - twice as quick, and once per commit
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _run_apart(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Answer]:
    """Run one write, or the same one for several items, inside the group's transaction.

    When it raises, undo only that one.
    """
    connection.execute("SAVEPOINT one")
    try:
        results = _call(SqliteTransaction(connection), jobs)
    except BaseException as error:
        if not connection.in_transaction:  # a full disk may have undone the whole group already
            raise
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return [_Answer(job.future, None, error) for job in jobs]
    if not connection.in_transaction:
        raise Unavailable(
            "SQLite undid the transaction", hint="check the free space on the disk, then try again"
        )
    connection.execute("RELEASE one")
    return [_Answer(job.future, *result) for job, result in zip(jobs, results, strict=True)]


def _call(tx: Transaction, jobs: list[_Job]) -> list[tuple[Any, BaseException | None]]:
    """The result of each job, or why it is refused."""
    work = jobs[0].work
    if jobs[0].item is ALONE:
        return [(work(tx), None)]
    return [(None, refusal) for refusal in work(tx, [job.item for job in jobs])]
