"""PostgreSQL connections: how we open and share them, what they answer, and what their errors mean."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pavedroad.errors import Conflict, Invalid, MissingExtra, PavedError, Unavailable
from pavedroad.kit.sql import (
    Row,
    UniqueViolation,
    check_all_texts,
    check_texts,
    postgres_text,
    without_password,
)

try:
    import psycopg
    from psycopg.abc import Buffer
    from psycopg.adapt import Loader
    from psycopg.rows import dict_row, tuple_row
    from psycopg.types.bool import BoolDumper
    from psycopg.types.numeric import Int8Dumper
except ImportError:
    raise MissingExtra("a postgresql:// database", extra="postgres") from None

CONNECT_TIMEOUT_S = 10
WAIT_FOR_CONNECTION_S = 10.0
# A server that vanished without a word is noticed within a minute.
KEEPALIVE = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

Connection = psycopg.Connection[dict[str, Any]]
DriverError = psycopg.Error


class Again(Unavailable):
    """PostgreSQL undid the transaction because of another one; the same work may succeed now."""


class ConnectionLost(Unavailable):
    """The server went away, and what it was asked to change is surely not stored."""


class CommitUnknown(Unavailable):
    """The server went away between COMMIT and its answer."""

    def __init__(self) -> None:
        super().__init__(
            "lost the connection to the database while committing: the change may be stored or not",
            hint="look before you try again",
        )


class Pool:
    """At most `size` connections, made when needed; each is used by one thread at a time."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._free = threading.Semaphore(size)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def acquire(self) -> Connection:
        """Raises Unavailable when the server does not answer or all connections are busy for too long."""
        if not self._free.acquire(timeout=WAIT_FOR_CONNECTION_S):
            raise Unavailable(
                f"all connections to {without_password(self._url)} are busy", hint="try again in a moment"
            )
        try:
            with self._lock:
                if self._closed:
                    raise Unavailable("the database is closed", hint="the server is stopping; try again")
                if self._idle:
                    return self._idle.pop()
            return connect(self._url)
        except BaseException:
            self._free.release()
            raise

    def release(self, connection: Connection) -> None:
        with self._lock:
            # Not idle: an interrupt left a query running on it.
            is_idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            is_usable = is_idle and not (connection.closed or self._closed)
            if is_usable:
                self._idle.append(connection)
        if not is_usable:
            connection.close()
        self._free.release()

    def forget_idle(self) -> None:
        """Close what waits: after one lost connection the others are dead too, or cheap to make again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        self._closed = True
        self.forget_idle()


def connect(url: str) -> Connection:
    """Raises Invalid for an address that cannot be read, Unavailable when the server does not let us in."""
    shown = without_password(url)
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:  # its message may quote the password
        raise Invalid(
            f"{shown} is not a PostgreSQL address",
            hint="write it as postgresql://user:password@host:5432/name, with special characters as %XX",
        ) from None
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "pavedroad",
        **KEEPALIVE,
    }
    options |= {"client_encoding": "utf8", **given}
    try:
        connection = psycopg.connect(**options, autocommit=True, row_factory=dict_row)
    except psycopg.Error as error:
        reason = " ".join(_first_line(error).rpartition("failed: ")[2].split())
        reason = reason.replace(str(given.get("password") or "\0"), "***")
        raise Unavailable(
            f"cannot connect to {shown}: {reason}",
            hint="check that PostgreSQL is up and the address is right",
        ) from None
    connection.adapters.register_dumper(int, Int8Dumper)  # one type for all sizes: one plan, one limit
    connection.adapters.register_dumper(bool, _BoolAsNumber)
    connection.adapters.register_loader("bool", _BoolAsNumberLoader)
    connection.adapters.register_loader("numeric", _NumericLoader)
    return connection


class _BoolAsNumber(BoolDumper):
    """Truth is 0 or 1 in the common dialect."""

    oid = Int8Dumper.oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


class _BoolAsNumberLoader(Loader):
    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


class _NumericLoader(Loader):
    """SUM over BIGINT is NUMERIC in PostgreSQL, but an integer in SQLite."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


class PostgresTransaction:
    def __init__(self, connection: Connection) -> None:
        self._open = connection

    def all(self, query: str, /, **values: Any) -> list[Row]:
        return list(self._execute(query, values).fetchall())

    def tuples(self, query: str, /, **values: Any) -> list[tuple[Any, ...]]:
        check_texts(values)
        try:
            with self._open.cursor(row_factory=tuple_row) as cursor:
                return cursor.execute(postgres_text(query), values).fetchall()
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise translate(error) from error

    def one(self, query: str, /, **values: Any) -> Row | None:
        return self._execute(query, values).fetchone()

    def value(self, query: str, /, **values: Any) -> Any:
        row = self.one(query, **values)
        return None if row is None else next(iter(row.values()))

    def version(self) -> str:
        return ""

    def run(self, query: str, /, **values: Any) -> int:
        return self._execute(query, values).rowcount

    def lock(self, query: str, /, **values: Any) -> list[Row]:
        return list(self._execute(for_update(query), values).fetchall())

    def many(self, query: str, rows: Iterable[Mapping[str, Any]], /) -> int:
        rows = list(rows)
        check_all_texts(rows)
        try:
            with self._open.cursor() as cursor:
                cursor.executemany(postgres_text(query), rows)
                return cursor.rowcount if rows else 0
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise translate(error) from error

    def each(self, query: str, rows: Sequence[Mapping[str, Any]], /) -> bool:
        self._execute("SAVEPOINT each_row", {})
        is_done = self.many(query, rows) == len(rows)
        if not is_done:
            self._execute("ROLLBACK TO SAVEPOINT each_row", {})
        self._execute("RELEASE SAVEPOINT each_row", {})
        return is_done

    def _execute(self, query: str, values: Mapping[str, Any]) -> psycopg.Cursor[dict[str, Any]]:
        check_texts(values)
        try:
            return self._open.execute(postgres_text(query), values)
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise translate(error) from error


@lru_cache(maxsize=256)
def for_update(query: str) -> str:
    return f"{query} FOR UPDATE"


def translate(error: psycopg.Error | UnicodeEncodeError) -> PavedError | Exception:
    """What a person can act on; an error that is our own mistake stays as it is."""
    errors = psycopg.errors
    if isinstance(error, UnicodeEncodeError):
        return Invalid("a text is not valid Unicode", hint="remove lone surrogates")
    if isinstance(error, (errors.SerializationFailure, errors.DeadlockDetected)):
        return Again("the database is busy with the same rows", hint="try again")
    if isinstance(error, psycopg.IntegrityError):
        return _translate_integrity(error)
    if isinstance(error, psycopg.DataError):
        return Invalid(f"PostgreSQL cannot store this value: {_first_line(error)}", hint="correct the value")
    if isinstance(error, errors.ProgramLimitExceeded):
        return Invalid(
            f"a value is too large for PostgreSQL: {_first_line(error)}", hint="send a smaller one"
        )
    if isinstance(error, (errors.InsufficientResources, errors.SystemError)):
        return Unavailable(f"the database server reports: {_first_line(error)}", hint="see to the server")
    if isinstance(error, errors.InsufficientPrivilege):
        return Unavailable(
            f"the database user may not do this: {_first_line(error)}", hint="grant it the right"
        )
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return Unavailable("the database is read-only", hint="connect to the primary server")
    if isinstance(error, errors.QueryCanceled):
        return Unavailable(f"the database gave up: {_first_line(error)}", hint="try again")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return ConnectionLost("lost the connection to the database", hint="check the server, then try again")
    return error


def _translate_integrity(error: psycopg.IntegrityError) -> PavedError:
    text = _first_line(error)
    if isinstance(error, psycopg.errors.UniqueViolation):
        return UniqueViolation(text)
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        return Conflict("this names something that is not on the record (any more)", hint="look it up again")
    return Invalid(f"the database refuses this value: {text}", hint="correct the value")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
