"""Forward-only schema changes: `migrations/NNN_name.sql`, each applied once, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from importlib.resources.abc import Traversable

import msgspec

from pavedroad.errors import Conflict
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Database, Reader, Transaction, postgres_schema

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    feature TEXT NOT NULL, number BIGINT NOT NULL, name TEXT NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (feature, number)
)"""
APPLIED = "SELECT feature, number FROM schema_migrations"
INSERT = "INSERT INTO schema_migrations (feature, number, name, at_ms) VALUES (:feature, :number, :name, :at_ms)"
# Two processes may start on a fresh PostgreSQL at once; any fixed number serves as the name of the lock.
LOCK = "SELECT pg_advisory_xact_lock(8400)"


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    feature: str
    number: int
    name: str
    text: str

    @property
    def statements(self) -> Iterator[str]:
        statement = ""
        for line in self.text.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement.strip().rstrip(";")
                statement = ""


def read_migrations(feature: str, folder: Traversable) -> list[Migration]:
    found = []
    for file in folder.iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            text = file.read_text("utf-8")
            found.append(Migration(feature=feature, number=int(number), name=name, text=text))
    return sorted(found, key=lambda migration: migration.number)


def apply_migrations(db: Database, sources: Iterable[tuple[str, Traversable]]) -> None:
    """Apply what is missing. Raises Conflict when the database is ahead of this version."""
    wanted = [migration for feature, folder in sources for migration in read_migrations(feature, folder)]
    if _applied(db) == {(migration.feature, migration.number) for migration in wanted}:
        return
    db.write(_prepare)
    for migration in wanted:
        db.write(lambda tx, migration=migration: _apply(tx, migration, db.dialect))  # type: ignore[misc]
    ahead = _applied(db) - {(migration.feature, migration.number) for migration in wanted}
    features = {migration.feature for migration in wanted}
    if newer := sorted(f"{feature} {number}" for feature, number in ahead if feature in features):
        raise Conflict(
            f"the database has migrations this version does not know: {', '.join(newer)}",
            hint="use the newer version of pavedroad that made them",
        )


def _applied(db: Database) -> set[tuple[str, int]]:
    if not _has_table(db, db.dialect):
        return set()
    return {(row["feature"], row["number"]) for row in db.all(APPLIED)}


def _has_table(db: Reader, dialect: str) -> bool:
    if dialect == "sqlite":
        return db.value("SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'") is not None
    return db.value("SELECT to_regclass('schema_migrations')") is not None


def _prepare(tx: Transaction) -> None:
    tx.run(CREATE_TABLE)


def _apply(tx: Transaction, migration: Migration, dialect: str) -> None:
    if dialect == "postgresql":
        tx.all(LOCK)
    key = {"feature": migration.feature, "number": migration.number}
    if tx.value(f"{APPLIED} WHERE feature = :feature AND number = :number", **key) is not None:
        return
    for statement in migration.statements:
        tx.run(postgres_schema(statement) if dialect == "postgresql" else statement)
    tx.run(INSERT, name=migration.name, at_ms=now_ms(), **key)
