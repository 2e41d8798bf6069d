"""One moment of a whole database, read while others go on writing.

On SQLite the write-ahead log keeps the moment, on PostgreSQL a REPEATABLE READ transaction does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from pavedroad.kit.sql import Reader

ROWS_AT_ONCE = 1000


class Snapshot(Reader, Protocol):
    dialect: str

    def rows(self, query: str, /) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a query, a thousand at a time: there may be more than fit into memory."""


@contextmanager
def snapshot_of(url: str) -> Iterator[Snapshot]:
    """The database at this address (`kit.stores.open_database`) as it is now. Raises Unavailable."""
    if url.startswith("sqlite:///"):
        with _of_sqlite(Path(url.removeprefix("sqlite:///"))) as snapshot:
            yield snapshot
    else:
        with _of_postgres(url) as snapshot:
            yield snapshot


@contextmanager
def _of_sqlite(path: Path) -> Iterator[Snapshot]:
    from pavedroad.kit.sqlite_connection import SqliteTransaction, connect

    class SqliteSnapshot(SqliteTransaction):
        dialect = "sqlite"

        def rows(self, query: str, /) -> Iterator[list[tuple[Any, ...]]]:
            cursor = self._connection().execute(query)
            while found := cursor.fetchmany(ROWS_AT_ONCE):
                yield [tuple(row) for row in found]

    connection = connect(path)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # the first read chooses the moment
        yield SqliteSnapshot(connection)
    finally:
        connection.close()


@contextmanager
def _of_postgres(url: str) -> Iterator[Snapshot]:
    from pavedroad.kit.postgres_connection import PostgresTransaction, connect

    class PostgresSnapshot(PostgresTransaction):
        dialect = "postgresql"

        def rows(self, query: str, /) -> Iterator[list[tuple[Any, ...]]]:
            self.run(f"DECLARE all_rows NO SCROLL CURSOR FOR {query}")
            while found := self.all(f"FETCH FORWARD {ROWS_AT_ONCE} FROM all_rows"):
                yield [tuple(row.values()) for row in found]
            self.run("CLOSE all_rows")

    connection = connect(url)
    try:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield PostgresSnapshot(connection)
    finally:
        connection.close()
