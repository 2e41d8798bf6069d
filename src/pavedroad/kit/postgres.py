"""PostgreSQL through psycopg, made to answer as SQLite does.

Transactions run side by side at REPEATABLE READ and are run again when another one changed the same rows:
the outcome is that of SQLite's one writer, except that two may each act on what the other changes unseen.

A database belongs to the process that opened it: a forked child must open its own.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

from pavedroad.errors import Unavailable
from pavedroad.kit.postgres_connection import (
    Again,
    CommitUnknown,
    Connection,
    ConnectionLost,
    DriverError,
    Pool,
    PostgresTransaction,
    translate,
)
from pavedroad.kit.sql import Item, Row, Tell, Together, Transaction, UniqueViolation, refuse_nesting

T = TypeVar("T")
log = logging.getLogger(__name__)
_numbers = count(1)  # of databases opened
WRITERS = 8
CONNECTIONS = WRITERS + 4  # readers find one while all writers are at work
LONGEST_TRY_S = 10.0  # for a transaction that PostgreSQL undoes again and again because of others
LONGEST_PAUSE_S = 0.05  # between two attempts
MOST_DOUBLINGS = 10  # of the pause


class PostgresDatabase:
    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._process = os.getpid()
        self._number = next(_numbers)
        self._inside = threading.local()
        self._pool = Pool(url, CONNECTIONS)
        self._pool.release(self._pool.acquire())  # fail here when the server cannot be reached
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="postgres-writer")
        self._waiting: dict[Together[Any], list[tuple[Any, Tell]]] = {}
        self._at_work: set[Together[Any]] = set()
        self._lock = threading.Lock()  # of these two
        atexit.register(self.close)

    def all(self, query: str, /, **values: Any) -> list[Row]:
        return self._read(lambda reader: reader.all(query, **values))

    def tuples(self, query: str, /, **values: Any) -> list[tuple[Any, ...]]:
        return self._read(lambda reader: reader.tuples(query, **values))

    def one(self, query: str, /, **values: Any) -> Row | None:
        return self._read(lambda reader: reader.one(query, **values))

    def value(self, query: str, /, **values: Any) -> Any:
        return self._read(lambda reader: reader.value(query, **values))

    def version(self) -> str:
        """The transactions that a statement sees now."""
        return f"{self._number} {self.value('SELECT CAST(pg_current_snapshot() AS TEXT)')}"

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        self._check_caller("write")
        try:
            return self._writers.submit(self._write, work)
        except RuntimeError:  # after close
            raise Unavailable("the database is closed", hint="the server is stopping; try again") from None

    def submit_together(self, work: Together[Item], item: Item, tell: Tell) -> None:
        """One call at a time for each work: what arrives meanwhile waits for the next one."""
        self._check_caller("write")
        with self._lock:
            self._waiting.setdefault(work, []).append((item, tell))
            is_at_work = work in self._at_work
            self._at_work.add(work)
        if not is_at_work:
            try:
                self._writers.submit(self._work_together, work)
            except RuntimeError:  # after close
                raise Unavailable(
                    "the database is closed", hint="the server is stopping; try again"
                ) from None

    def write(self, work: Callable[[Transaction], T]) -> T:
        self._check_caller("write")
        return self._write(work)

    def close(self) -> None:
        """Finish what is queued, then let go of the connections."""
        atexit.unregister(self.close)
        if self._process == os.getpid():
            self._writers.shutdown(wait=True)
            self._pool.close()

    def _read(self, ask: Callable[[PostgresTransaction], T]) -> T:
        self._check_caller("read")
        try:
            return self._ask(ask)
        except ConnectionLost:  # a read can be asked again; a server that was restarted answers now
            self._pool.forget_idle()
            return self._ask(ask)

    def _ask(self, ask: Callable[[PostgresTransaction], T]) -> T:
        connection = self._pool.acquire()
        try:
            return ask(PostgresTransaction(connection))
        finally:
            self._pool.release(connection)

    def _work_together(self, work: Together[Any]) -> None:
        while jobs := self._take(work):
            items = [item for item, _ in jobs]
            refusals: Sequence[BaseException | None]
            try:
                refusals = self._write(lambda tx: work(tx, items), isolation="READ COMMITTED")  # noqa: B023
            except BaseException as error:
                refusals = [error] * len(jobs)
            for (_, tell), refusal in zip(jobs, refusals, strict=True):
                try:
                    tell(refusal)
                except Exception:  # the caller's; the others must hear too
                    log.exception("a callback of a database write raised")

    def _take(self, work: Together[Any]) -> list[tuple[Any, Tell]]:
        """What waits for a work; without any, the work rests."""
        with self._lock:
            jobs = self._waiting.pop(work, [])
            if not jobs:
                self._at_work.discard(work)
            return jobs

    def _write(self, work: Callable[[Transaction], T], *, isolation: str = "REPEATABLE READ") -> T:
        self._inside.write = True
        try:
            return self._write_until_committed(work, isolation)
        finally:
            self._inside.write = False

    def _write_until_committed(self, work: Callable[[Transaction], T], isolation: str) -> T:
        """Run `work` again when it was surely not committed and another try may end otherwise.

        A unique key that is taken may have been free when `work` looked: run again, it sees the other row. Of
        all writers that want the same next number, each attempt lets one through.
        """
        lost = taken = attempt = 0
        end = time.monotonic() + LONGEST_TRY_S
        while time.monotonic() < end:
            try:
                return self._try_write(work, isolation)
            except ConnectionLost:
                self._pool.forget_idle()
                lost += 1
                if lost > 1:
                    raise
            except UniqueViolation:
                taken += 1
                if taken > WRITERS:
                    raise
            except Again:
                attempt = min(attempt + 1, MOST_DOUBLINGS)
                time.sleep(random.random() * min(LONGEST_PAUSE_S, 0.001 * 2**attempt))  # noqa: S311
        raise Unavailable("the database is too busy for this change", hint="try again")

    def _try_write(self, work: Callable[[Transaction], T], isolation: str) -> T:
        connection = self._pool.acquire()
        try:
            connection.execute(f"BEGIN ISOLATION LEVEL {isolation}")
            result = work(PostgresTransaction(connection))
            _commit(connection)
        except BaseException as error:
            _roll_back(connection)
            if isinstance(error, DriverError):
                raise translate(error) from error
            raise
        finally:
            self._pool.release(connection)
        return result

    def _check_caller(self, verb: str) -> None:
        if self._process != os.getpid():
            raise RuntimeError(
                "the database was opened by another process; open the record again after a fork"
            )
        if getattr(self._inside, "write", False):
            refuse_nesting(verb)


def _commit(connection: Connection) -> None:
    try:
        connection.execute("COMMIT")
    except DriverError as error:
        reason = translate(error)
        raise (CommitUnknown() if isinstance(reason, ConnectionLost) else reason) from error


def _roll_back(connection: Connection) -> None:
    if not connection.broken and not connection.closed:
        try:
            connection.execute("ROLLBACK")
        except DriverError:  # the server undoes it by itself; the pool drops this connection
            connection.close()
