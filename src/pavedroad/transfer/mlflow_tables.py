"""The tables of MLflow's database, whichever version of MLflow made them, through either driver.

Only the columns that are there are asked for; one that a version lacks reads as None.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from pavedroad.errors import Invalid, Unavailable
from pavedroad.kit.sql import without_password

AT_ONCE = 5000  # rows fetched at a time


class Tables(Protocol):
    def columns(self, table: str) -> frozenset[str]:
        """Empty when there is no such table."""

    def rows(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """`?` stands for a value."""

    def close(self) -> None: ...


def open_tables(url: str) -> Tables:
    """Raises: Invalid for a database that is not MLflow's, Unavailable, MissingExtra."""
    tables: Tables = PostgresTables(url) if "://" in url else SqliteTables(Path(url))
    if not {"experiment_id", "name"} <= tables.columns("experiments") or not tables.columns("runs"):
        tables.close()
        raise Invalid(
            f"{without_password(url)} is not a database of MLflow's",
            hint="it has no tables `experiments` and `runs` of MLflow's kind",
        )
    return tables


class SqliteTables:
    """Opened for reading only; a server may write meanwhile."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Invalid(f"there is no file {path}", hint="name MLflow's database, e.g. mlflow.db")
        self._path = path
        self._connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=30, check_same_thread=False
        )
        self._columns: dict[str, frozenset[str]] = {}

    def columns(self, table: str) -> frozenset[str]:
        if table not in self._columns:
            found = self.rows(f"PRAGMA table_info({table})")
            self._columns[table] = frozenset(str(row[1]) for row in found)
        return self._columns[table]

    def rows(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(query, tuple(values))
            while rows := cursor.fetchmany(AT_ONCE):
                yield from rows
        except sqlite3.DatabaseError as error:
            raise Unavailable(
                f"cannot read {self._path}: {error}", hint="is it a whole SQLite file, and not locked?"
            ) from None

    def close(self) -> None:
        self._connection.close()


class PostgresTables:
    def __init__(self, url: str) -> None:
        import psycopg

        self._shown = without_password(url)
        plain = "postgresql://" + url.partition("://")[2]  # SQLAlchemy's name of the driver goes
        try:
            self._connection = psycopg.connect(plain, autocommit=True)
            self._connection.execute("SET default_transaction_read_only = on")
        except psycopg.Error as error:
            raise Unavailable(
                f"cannot use {self._shown}: {' '.join(str(error).split())}", hint="check address and password"
            ) from None
        self._columns: dict[str, frozenset[str]] = {}

    def columns(self, table: str) -> frozenset[str]:
        if table not in self._columns:
            found = self.rows(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = ANY (current_schemas(false)) AND table_name = ?",
                (table,),
            )
            self._columns[table] = frozenset(str(row[0]) for row in found)
        return self._columns[table]

    def rows(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        import psycopg

        try:
            cursor = self._connection.execute(query.replace("?", "%s").encode(), tuple(values))
            while rows := cursor.fetchmany(AT_ONCE):
                yield from rows
        except psycopg.Error as error:
            raise Unavailable(f"cannot read {self._shown}: {error}", hint="try again: it goes on") from None

    def close(self) -> None:
        self._connection.close()


class Asked:
    """Rows of one table with the columns that are there."""

    def __init__(self, tables: Tables, table: str, columns: Iterable[str]) -> None:
        self._tables = tables
        self._table = table
        self._there = [column for column in columns if column in tables.columns(table)]

    def rows(self, where: str = "", values: Sequence[Any] = ()) -> Iterator[dict[str, Any]]:
        """As dictionaries that answer None for a column that is missing; none when the table is missing."""
        if not self._there:
            return
        asked = f"SELECT {', '.join(self._there)} FROM {self._table} {where}"  # noqa: S608 (fixed names)
        for row in self._tables.rows(asked, values):
            yield Sparse(zip(self._there, row, strict=True))


class Sparse(dict[str, Any]):
    def __missing__(self, key: str) -> None:
        return None


def places(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
