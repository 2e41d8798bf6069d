"""PostgreSQL through psycopg's pool. The server groups commits itself, so writes just run side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from pavedroad.errors import Invalid, MissingExtra, PavedError, Unavailable
from pavedroad.kit.sql import Row, Transaction, UniqueViolation, postgres_text, without_password

try:
    import psycopg
    from psycopg.rows import dict_row
    from psycopg_pool import ConnectionPool, PoolTimeout
except ImportError:
    raise MissingExtra("a postgresql:// database", extra="postgres") from None

T = TypeVar("T")
CONNECTIONS = 8
CONNECT_TIMEOUT_S = 10.0
ATTEMPTS = 5  # of a transaction that PostgreSQL undid because of another one


class PostgresTransaction:
    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._open = connection

    def all(self, query: str, /, **values: Any) -> list[Row]:
        return list(self._execute(query, values).fetchall())

    def one(self, query: str, /, **values: Any) -> Row | None:
        return self._execute(query, values).fetchone()

    def value(self, query: str, /, **values: Any) -> Any:
        row = self.one(query, **values)
        return None if row is None else next(iter(row.values()))

    def run(self, query: str, /, **values: Any) -> int:
        return self._execute(query, values).rowcount

    def many(self, query: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        with self._open.cursor() as cursor:
            cursor.executemany(postgres_text(query), list(rows))  # type: ignore[arg-type]

    def _execute(self, query: str, values: Mapping[str, Any]) -> psycopg.Cursor[dict[str, Any]]:
        return self._open.execute(postgres_text(query), values)  # type: ignore[arg-type]


class PostgresDatabase:
    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._pool: ConnectionPool[psycopg.Connection[dict[str, Any]]] = ConnectionPool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=CONNECT_TIMEOUT_S,
            open=False,
            kwargs={"row_factory": dict_row, "autocommit": True, "connect_timeout": int(CONNECT_TIMEOUT_S)},
            check=ConnectionPool.check_connection,
        )
        try:
            self._pool.open(wait=True, timeout=CONNECT_TIMEOUT_S)
        except (PoolTimeout, psycopg.Error) as error:
            self._pool.close()
            raise Unavailable(
                f"cannot connect to {without_password(url)}", hint="check that PostgreSQL is up and the address is right"
            ) from error
        self._writers = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="postgres-writer")

    def all(self, query: str, /, **values: Any) -> list[Row]:
        return self._read(lambda reader: reader.all(query, **values))

    def one(self, query: str, /, **values: Any) -> Row | None:
        return self._read(lambda reader: reader.one(query, **values))

    def value(self, query: str, /, **values: Any) -> Any:
        return self._read(lambda reader: reader.value(query, **values))

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        return self._writers.submit(self.write, work)

    def write(self, work: Callable[[Transaction], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._pool.connection() as connection, connection.transaction():
                    return work(PostgresTransaction(connection))
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as error:
                if attempt == ATTEMPTS:
                    raise Unavailable("the database is too busy for this change", hint="try again") from error
            except (psycopg.Error, PoolTimeout) as error:
                raise _translate(error) from error
        raise AssertionError("unreachable")

    def close(self) -> None:
        self._writers.shutdown(wait=True)
        self._pool.close()

    def _read(self, ask: Callable[[PostgresTransaction], T]) -> T:
        try:
            with self._pool.connection() as connection:
                return ask(PostgresTransaction(connection))
        except (psycopg.Error, PoolTimeout) as error:
            raise _translate(error) from error


def _translate(error: Exception) -> PavedError | Exception:
    if isinstance(error, psycopg.errors.UniqueViolation):
        return UniqueViolation(str(error.diag.message_primary))
    if isinstance(error, (psycopg.DataError, UnicodeEncodeError)):
        return Invalid(f"PostgreSQL cannot store this value: {str(error).splitlines()[0]}", hint="correct the value")
    if isinstance(error, psycopg.errors.InsufficientResources):
        return Unavailable("the database is out of space or connections", hint="free some, then try again")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)):
        return Unavailable("lost the connection to the database", hint="try again; an unanswered write may be stored")
    return error
