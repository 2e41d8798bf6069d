"""One small layer over SQLite and PostgreSQL: named queries in, rows out.

Reading takes a `Reader`, writing a `Transaction`; a `Database` is a Reader that also runs transactions. A
function that only reads therefore works on both, inside a transaction or outside.

    SQL = load_queries("pavedroad.catalog")
    db.one(SQL.artifact, kind="model", name="flights")
    db.write(lambda tx: tx.run(SQL.insert_artifact, kind="model", name="flights"))

`write` returns after the commit is durable. On SQLite all writes go through one thread, which commits those
that wait together in one transaction; a write that raises is undone alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import lru_cache
from importlib.resources import files
from typing import Any, NoReturn, Protocol, TypeVar

from pavedroad.errors import Exists, Invalid

T = TypeVar("T")
Item = TypeVar("Item")
Row = Mapping[str, Any]  # what both drivers give: row["name"], row.keys()


class UniqueViolation(Exists):
    """A row with this key exists. Ends the transaction: use ON CONFLICT where the work can go on."""


class Query(str):
    """SQL text with `:name` parameters, in the common dialect, and its PostgreSQL spelling."""

    name: str
    postgres: str

    def __new__(cls, text: str, name: str = "") -> Query:
        query = super().__new__(cls, text)
        query.name = name
        query.postgres = _to_postgres(text)
        return query


class Reader(Protocol):
    """Anything that answers queries. `query` is a `Query` or SQL text built from fixed pieces."""

    def all(self, query: str, /, **values: Any) -> list[Row]: ...
    def tuples(self, query: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """As `all`, without names: quicker where there are many thousands."""

    def one(self, query: str, /, **values: Any) -> Row | None: ...
    def value(self, query: str, /, **values: Any) -> Any:
        """The first column of the first row, or None."""

    def version(self) -> str:
        """Of all that can be read: while two answers are equal, so is every row. "" where there is none."""


class Transaction(Reader, Protocol):
    def run(self, query: str, /, **values: Any) -> int:
        """Execute; the number of rows changed."""

    def lock(self, query: str, /, **values: Any) -> list[Row]:
        """As `all`; until this transaction ends, no other one changes these rows."""

    def many(self, query: str, rows: Iterable[Mapping[str, Any]], /) -> int:
        """Execute once for each; the number of rows changed in all."""

    def each(self, query: str, rows: Sequence[Mapping[str, Any]], /) -> bool:
        """As `many` where each changes one row; when one does not, none does, and the answer is False."""


# One call for several items, which says for each why it is refused, or None.
Together = Callable[[Transaction, Sequence[Item]], Sequence[Exception | None]]


Tell = Callable[[BaseException | None], None]


class Reply:
    """As much of a Future as a group of writes needs; a whole one costs as much as the write itself."""

    __slots__ = ("_is_told", "_tell")

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._is_told = False

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def done(self) -> bool:
        return self._is_told

    def set_result(self, result: Any) -> None:
        self._is_told = True
        self._tell(None)

    def set_exception(self, error: BaseException) -> None:
        self._is_told = True
        self._tell(error)


class Database(Reader, Protocol):
    dialect: str  # "sqlite" or "postgresql"

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a transaction; the future is done when it is committed or undone."""

    def submit_together(self, work: Together[Item], item: Item, tell: Tell) -> None:
        """Queue an item of a work that takes all of its items that wait, in one transaction.

        `tell` is called in another thread when the item is on disk, with None, or with why it is not.

        What `work` raises undoes all of them. On PostgreSQL it sees what others commit meanwhile (READ
        COMMITTED), so it locks the rows that it changes.
        """

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a transaction and wait for its commit.

        `work` uses only the transaction it is given (the database itself refuses to read or write inside it),
        and may run more than once: PostgreSQL undoes it when another one changed the same rows meanwhile.
        """

    def close(self) -> None: ...


def without_password(url: str) -> str:
    """The address as it may be shown."""
    url = re.sub(r"^((?:[a-z0-9+]+://)?[^:/@?]*):(?!//).*@", r"\1:***@", url, flags=re.IGNORECASE)
    return re.sub(r"(?<=[?&])([a-z_]*pass[a-z_]*)=[^&]*", r"\1=***", url, flags=re.IGNORECASE)


def check_texts(values: Mapping[str, Any]) -> None:
    """PostgreSQL cannot keep a NUL character, so neither database takes one. Raises Invalid."""
    for name, value in values.items():
        if type(value) is str and "\0" in value:
            raise Invalid(f"the text for {name} contains a NUL character", hint="remove it")


def check_all_texts(rows: Iterable[Mapping[str, Any]]) -> None:
    """As `check_texts` for each of many rows, most of which hold none."""
    for row in rows:
        for value in row.values():
            if type(value) is str and "\0" in value:
                check_texts(row)


def refuse_nesting(verb: str) -> NoReturn:
    raise RuntimeError(f"database.{verb} called inside a write: use the transaction that the write was given")


class Queries:
    """The named queries of one feature, as attributes."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = dict(queries)

    def __getattr__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"no query named {name!r}") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


def load_queries(package: str, file: str = "queries.sql") -> Queries:
    """Read `-- name: x` blocks. Raises ValueError when a name appears twice."""
    queries: dict[str, Query] = {}
    for block in re.split(
        r"^-- name: *", files(package).joinpath(file).read_text("utf-8"), flags=re.MULTILINE
    )[1:]:
        name, _, text = block.partition("\n")
        if name.strip() in queries:
            raise ValueError(f"{package}/{file} has two queries named {name.strip()!r}")
        queries[name.strip()] = Query(text.strip().rstrip(";"), name.strip())
    return Queries(queries)


@lru_cache(maxsize=2048)
def postgres_text(query: str) -> str:
    return query.postgres if isinstance(query, Query) else _to_postgres(query)


# Literals, quoted names and comments stay; elsewhere `:name` becomes `%(name)s` (`::type` is a cast).
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "[^"]*" | --[^\n]* | /\*.*?\*/ | (?<!:):([a-z_][a-z0-9_]*) | %""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def _to_postgres(text: str) -> str:
    def spell(match: re.Match[str]) -> str:
        if match.group(1):
            return f"%({match.group(1)})s"
        return match.group(0).replace("%", "%%")

    return _TOKEN.sub(spell, text).replace("group_concat(", "string_agg(")


@lru_cache(maxsize=2048)
def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with `?1`, `?2`, ... for `:name`, and the names in this order.

    SQLite binds by number in half the time.
    """
    names: list[str] = []

    def spell(match: re.Match[str]) -> str:
        name = match.group(1)
        if not name:
            return match.group(0)
        if name not in names:
            names.append(name)
        return f"?{names.index(name) + 1}"

    return _TOKEN.sub(spell, text), tuple(names)


_TYPES = (
    # SQLite's counts by itself, so must ours.
    (
        re.compile(r"\bINTEGER PRIMARY KEY\b( AUTOINCREMENT)?"),
        "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    ),
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    # Byte order, as SQLite's, whatever language the server was set up for; LIKE 'x%' can then use an index.
    (re.compile(r"(?<!AS )\bTEXT\b"), 'TEXT COLLATE "C"'),
)


def postgres_schema(text: str) -> str:
    """A statement of a migration in PostgreSQL's types."""
    for pattern, replacement in _TYPES:
        text = pattern.sub(replacement, text)
    return text
