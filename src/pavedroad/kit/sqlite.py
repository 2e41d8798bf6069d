"""SQLite in WAL mode: many readers, one writer thread, group commit, nothing acknowledged before it is on disk."""

from __future__ import annotations

import queue
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from pavedroad.errors import Invalid, PavedError, Unavailable
from pavedroad.kit.sql import Row, Transaction, UniqueViolation

T = TypeVar("T")
BUSY_TIMEOUT_S = 30.0
# Bounds how long the first caller of a group waits for the last one; 512 log-metric calls take about 10 ms.
LARGEST_GROUP = 512


class _Reading:
    """The reading half, over whatever connection `_connection()` gives."""

    def _connection(self) -> sqlite3.Connection:
        raise NotImplementedError

    def all(self, query: str, /, **values: Any) -> list[Row]:
        return _execute(self._connection(), query, values).fetchall()

    def one(self, query: str, /, **values: Any) -> Row | None:
        row: Row | None = _execute(self._connection(), query, values).fetchone()
        return row

    def value(self, query: str, /, **values: Any) -> Any:
        row = self.one(query, **values)
        return None if row is None else tuple(row)[0]


class SqliteTransaction(_Reading):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._open = connection

    def _connection(self) -> sqlite3.Connection:
        return self._open

    def run(self, query: str, /, **values: Any) -> int:
        return _execute(self._open, query, values).rowcount

    def many(self, query: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        try:
            self._open.executemany(query, rows)
        except sqlite3.Error as error:
            raise _translate(error) from error


class SqliteDatabase(_Reading):
    dialect = "sqlite"

    def __init__(self, path: str) -> None:
        if not path or path == ":memory:":
            raise Invalid(f"SQLite needs a file, not {path!r}", hint="use sqlite:///path/to/paved.db")
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"cannot make {self.path.parent}: {error.strerror}", hint="choose another PAVED_HOME") from None
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Closing] = weakref.WeakSet()
        self._queue: queue.SimpleQueue[tuple[Callable[[Transaction], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._connect().close()  # fail here, with a clear error, rather than in the writer thread
        self._writer = threading.Thread(target=self._write_for_ever, name="sqlite-writer", daemon=True)
        self._writer.start()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise Unavailable("the database is closed", hint="the server is stopping; try again")
            self._queue.put((work, future))
        return future

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.submit(work).result()

    def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        for reader in list(self._readers):
            reader.connection.close()

    # ------------------------------------------------------------------------------------------ reading

    def _connection(self) -> sqlite3.Connection:
        held: _Closing | None = getattr(self._local, "held", None)
        if held is None:
            held = _Closing(self._connect())
            held.connection.execute("PRAGMA query_only = ON")
            self._local.held = held
            self._readers.add(held)
        return held.connection

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA case_sensitive_like = ON")  # as PostgreSQL and MLflow have it
            connection.execute("PRAGMA temp_store = MEMORY")
        except sqlite3.Error as error:
            raise _translate(error, where=str(self.path)) from error
        return connection

    # ------------------------------------------------------------------------------------------ writing

    def _write_for_ever(self) -> None:
        connection = self._connect()
        transaction = SqliteTransaction(connection)
        stop = False
        while not stop:
            first = self._queue.get()
            if first is None:
                break
            group = [first]
            while len(group) < LARGEST_GROUP:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stop = True
                    break
                group.append(following)
            _commit_group(connection, transaction, group)
        connection.close()


class _Closing:
    """Lets a thread-local connection be closed by another thread, and forgotten when its thread ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def _commit_group(
    connection: sqlite3.Connection,
    transaction: SqliteTransaction,
    group: list[tuple[Callable[[Transaction], Any], Future[Any]]],
) -> None:
    """One transaction for all; a savepoint each, so that one failure undoes only its own work."""
    answers: list[Callable[[], None]] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for work, future in group:
            if not future.set_running_or_notify_cancel():
                continue
            connection.execute("SAVEPOINT one")
            try:
                result = work(transaction)
            except BaseException as error:
                if connection.in_transaction:  # a full disk may have rolled everything back already
                    connection.execute("ROLLBACK TO one")
                    connection.execute("RELEASE one")
                    answers.append(lambda future=future, error=error: future.set_exception(error))  # type: ignore[misc]
                    continue
                raise
            connection.execute("RELEASE one")
            answers.append(lambda future=future, result=result: future.set_result(result))  # type: ignore[misc]
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        reason = _translate(error) if isinstance(error, sqlite3.Error) else error
        for _, future in group:
            if not future.done():
                future.set_exception(reason)
        return
    for answer in answers:
        answer()


def _execute(connection: sqlite3.Connection, query: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
    try:
        return connection.execute(query, values)
    except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
        raise _translate(error) from error


def _translate(error: Exception, *, where: str = "the database") -> PavedError | Exception:
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError) and ("UNIQUE" in text or "PRIMARY KEY" in text):
        return UniqueViolation(text)
    if isinstance(error, OverflowError):
        return Invalid("a number is larger than 64 bits", hint="send a smaller one")
    if isinstance(error, UnicodeEncodeError):
        return Invalid("a text is not valid Unicode", hint="remove lone surrogates")
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in text or "busy" in text:
            return Unavailable(f"{where} is locked by another process", hint="try again; end the other writer if it hangs")
        if "full" in text:
            return Unavailable("the disk is full", hint="free some space, then try again")
        if "unable to open" in text or "readonly" in text or "read-only" in text:
            return Unavailable(f"cannot write {where}: {text}", hint="check its permissions or choose another PAVED_HOME")
        if "disk I/O" in text:
            return Unavailable(f"{where}: {text}", hint="check the disk")
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in text:
        return Invalid(f"{where} is not a SQLite database", hint="choose another file, or move this one away")
    return error
