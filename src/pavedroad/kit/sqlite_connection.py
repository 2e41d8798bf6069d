"""One SQLite connection: how we open it, what it answers, and what its errors mean."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from pavedroad.errors import Conflict, Damaged, Invalid, PavedError, Unavailable
from pavedroad.kit.sql import Row, UniqueViolation, check_all_texts, check_texts, numbered

T = TypeVar("T")
BUSY_TIMEOUT_S = 30.0  # how long to wait for another process that writes
LARGEST_IDLE_LOG_BYTES = 64 * 2**20


def connect(path: Path) -> sqlite3.Connection:
    """Open the file as every part of us must. Raises Unavailable, Invalid or Damaged."""
    try:
        connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
    except sqlite3.Error as error:
        raise translate(error, where=str(path)) from error
    try:
        connection.row_factory = sqlite3.Row
        _use_write_ahead_log(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA case_sensitive_like = ON")  # as PostgreSQL and MLflow have it
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA journal_size_limit = {LARGEST_IDLE_LOG_BYTES}")
    except sqlite3.Error as error:
        connection.close()
        raise translate(error, where=str(path)) from error
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteReader:
    """The reading half, over whatever connection `_connection()` gives."""

    def _connection(self) -> sqlite3.Connection:
        raise NotImplementedError

    def all(self, query: str, /, **values: Any) -> list[Row]:
        return _execute(self._connection(), query, values, sqlite3.Cursor.fetchall)

    def tuples(self, query: str, /, **values: Any) -> list[tuple[Any, ...]]:
        return _execute(self._connection().cursor(), query, values, _plain_rows)

    def one(self, query: str, /, **values: Any) -> Row | None:
        row: Row | None = _execute(self._connection(), query, values, sqlite3.Cursor.fetchone)
        return row

    def value(self, query: str, /, **values: Any) -> Any:
        row = self.one(query, **values)
        return None if row is None else next(iter(row))  # a sqlite3.Row iterates over its values

    def version(self) -> str:
        return ""


class SqliteTransaction(SqliteReader):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._open = connection

    def _connection(self) -> sqlite3.Connection:
        return self._open

    def run(self, query: str, /, **values: Any) -> int:
        return _execute(self._open, query, values, _rowcount)

    def lock(self, query: str, /, **values: Any) -> list[Row]:
        return self.all(query, **values)  # there is one writer at a time

    def many(self, query: str, rows: Iterable[Mapping[str, Any]], /) -> int:
        rows = list(rows)
        if not rows:
            return 0
        check_all_texts(rows)
        text, names = numbered(query)
        try:
            places = map(itemgetter(*names), rows) if len(names) > 1 else ((row[names[0]],) for row in rows)
            return self._open.executemany(text, places).rowcount
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            raise translate(error) from error

    def each(self, query: str, rows: Sequence[Mapping[str, Any]], /) -> bool:
        self._open.execute("SAVEPOINT each_row")
        is_done = self.many(query, rows) == len(rows)
        if not is_done:
            self._open.execute("ROLLBACK TO each_row")
        self._open.execute("RELEASE each_row")
        return is_done


def _use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Switch the file to WAL. SQLite's busy timeout does not cover this when two processes start at once."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise Unavailable(f"{path} cannot use a write-ahead log", hint="move PAVED_HOME to a local disk")


def _plain_rows(cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
    cursor.row_factory = None
    return cursor.fetchall()


def _rowcount(cursor: sqlite3.Cursor) -> int:
    return cursor.rowcount


def _execute(
    connection: sqlite3.Connection | sqlite3.Cursor,
    query: str,
    values: Mapping[str, Any],
    answer: Callable[[sqlite3.Cursor], T],
) -> T:
    check_texts(values)
    try:
        return answer(connection.execute(query, values))
    except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
        raise translate(error) from error


def translate(error: Exception, *, where: str = "the database") -> PavedError | Exception:
    """What a person can act on; an error that is our own mistake stays as it is."""
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return _translate_integrity(text)
    if isinstance(error, OverflowError):
        return Invalid("a number does not fit into 64 bits", hint="send a smaller one")
    if isinstance(error, UnicodeEncodeError):
        return Invalid("a text is not valid Unicode", hint="remove lone surrogates")
    if isinstance(error, sqlite3.DataError):
        return Invalid(f"SQLite cannot store this value: {text}", hint="send a smaller one")
    if "closed database" in text:
        return closed()
    if "not a database" in text:
        return Invalid(f"{where} is not a SQLite database", hint="choose another file, or move this one away")
    if "malformed" in text:
        return Damaged(
            f"{where} is damaged: {text}", hint="restore a backup, or try `sqlite3 paved.db .recover`"
        )
    if isinstance(error, sqlite3.OperationalError):
        return _translate_operational(text, where) or error
    return error


def _translate_integrity(text: str) -> PavedError:
    if "UNIQUE" in text or "PRIMARY KEY" in text:
        return UniqueViolation(text)
    if "FOREIGN KEY" in text:
        return Conflict("this names something that is not on the record (any more)", hint="look it up again")
    return Invalid(f"the database refuses this value: {text}", hint="correct the value")


def _translate_operational(text: str, where: str) -> PavedError | None:
    if "locked" in text or "busy" in text:
        return Unavailable(
            f"{where} is locked by another process", hint="try again; end the other writer if it hangs"
        )
    if "full" in text:
        return Unavailable("the disk is full", hint="free some space, then try again")
    if "unable to open" in text or "readonly" in text or "read-only" in text:
        return Unavailable(
            f"cannot write {where}: {text}", hint="check its permissions or choose another PAVED_HOME"
        )
    if "disk I/O" in text:
        return Unavailable(f"{where}: {text}", hint="check the disk")
    return None


def closed() -> Unavailable:
    return Unavailable("the database is closed", hint="the server is stopping; try again")
