"""Forward-only schema changes: `migrations/NNN_name.sql`, each once; all missing ones in one transaction.

`NNN_name.sqlite.sql` and `NNN_name.postgresql.sql` say what the common dialect cannot, such as a trigger.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from importlib.resources.abc import Traversable

import msgspec

from pavedroad.errors import Conflict
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Database, Reader, Transaction, postgres_schema

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    feature TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (feature, number)
)"""
APPLIED = "SELECT feature, number FROM schema_migrations"
INSERT = (
    "INSERT INTO schema_migrations (feature, number, name, at_ms) VALUES (:feature, :number, :name, :at_ms)"
)
# `IF NOT EXISTS` alone does not serialise: two first starts may both find nothing, and one is then refused.
LOCK_CREATION = "SELECT pg_advisory_xact_lock(hashtext('schema_migrations'))"
# First in its transaction: what another process has just applied must be seen after the wait, not a snapshot
# from before it.
LOCK = "LOCK TABLE schema_migrations IN EXCLUSIVE MODE"
HAS_TABLE = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'",
    "postgresql": "SELECT to_regclass('schema_migrations')",
}
_FILE_NAME = re.compile(r"(?P<number>\d{3})_(?P<name>\w+?)(?:\.(?P<dialect>sqlite|postgresql))?\.sql")
_COMMENT_OR_SPACE = re.compile(r"(?:\s|--[^\n]*)*")

Key = tuple[str, int]  # feature and number


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    feature: str
    number: int
    name: str
    text: str
    dialect: str = ""  # empty: the common one

    @property
    def key(self) -> Key:
        return self.feature, self.number

    def _is_complete(self, statement: str) -> bool:
        """SQLite knows its own; of PostgreSQL's own, a function body must be written on one line."""
        if self.dialect == "postgresql":
            return statement.rstrip().endswith(";")
        return sqlite3.complete_statement(statement)

    def statements(self, dialect: str) -> list[str]:
        """Its statements as `dialect` wants them; each ends at the end of a line."""
        found, statement = [], ""
        for line in self.text.splitlines(keepends=True):
            statement += line
            if self._is_complete(statement):
                found.append(statement.strip().rstrip(";"))
                statement = ""
        if not _COMMENT_OR_SPACE.fullmatch(statement):
            raise ValueError(f"{self.feature} {self.number} ends within a statement: {statement.strip()!r}")
        return found if self.dialect or dialect == "sqlite" else [postgres_schema(text) for text in found]


def read_migrations(feature: str, folder: Traversable, dialect: str) -> list[Migration]:
    """In order. Raises ValueError unless they are numbered 1, 2, 3, ... for this dialect."""
    found = []
    for file in folder.iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE_NAME.fullmatch(file.name)
        if match is None:
            raise ValueError(f"{feature}: {file.name} is not named NNN_name.sql")
        if match["dialect"] in (None, dialect):
            found.append(
                Migration(
                    feature=feature,
                    number=int(match["number"]),
                    name=match["name"],
                    text=file.read_text("utf-8"),
                    dialect=match["dialect"] or "",
                )
            )
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{feature}: migrations are not numbered 1, 2, 3, ... for {dialect}")
    return found


def apply_migrations(db: Database, sources: Iterable[tuple[str, Traversable]]) -> None:
    """Apply what is missing, all or nothing. Raises Conflict when the database is ahead of this version."""
    wanted = [m for feature, folder in sources for m in read_migrations(feature, folder, db.dialect)]
    applied = _applied(db) if db.value(HAS_TABLE[db.dialect]) is not None else None
    if applied is not None and not _missing(wanted, applied):
        return
    if applied is None:
        db.write(lambda tx: _prepare(tx, db.dialect))
    db.write(lambda tx: _apply_missing(tx, wanted, db.dialect))


def _prepare(tx: Transaction, dialect: str) -> None:
    if dialect == "postgresql":
        tx.all(LOCK_CREATION)
    tx.run(CREATE_TABLE)


def _applied(reader: Reader) -> set[Key]:
    return {(row["feature"], row["number"]) for row in reader.all(APPLIED)}


def _missing(wanted: list[Migration], applied: set[Key]) -> list[Migration]:
    features = {migration.feature for migration in wanted}
    unknown = applied - {migration.key for migration in wanted}
    if newer := sorted(f"{feature} {number}" for feature, number in unknown if feature in features):
        raise Conflict(
            f"the database has migrations this version does not know: {', '.join(newer)}",
            hint="use the newer version of pavedroad that made them",
        )
    return [migration for migration in wanted if migration.key not in applied]


def _apply_missing(tx: Transaction, wanted: list[Migration], dialect: str) -> None:
    if dialect == "postgresql":
        tx.run(LOCK)
    for migration in _missing(wanted, _applied(tx)):
        for statement in migration.statements(dialect):
            tx.run(statement)
        tx.run(
            INSERT,
            feature=migration.feature,
            number=migration.number,
            name=migration.name,
            at_ms=now_ms(),
        )
