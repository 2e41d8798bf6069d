"""The schema of the whole record: the same on both databases, however a database came to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pavedroad.config import Settings
from pavedroad.errors import Conflict
from pavedroad.kit.migrations import apply_migrations, read_migrations
from pavedroad.kit.sql import Database
from pavedroad.kit.stores import open_database
from pavedroad.record import Record, migration_folders, open_record

Schema = dict[str, list[str]]

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
}
COLUMNS = {
    "sqlite": (
        'SELECT name, ("notnull" = 1 OR pk > 0) AS required, type'
        " FROM pragma_table_info(:table) ORDER BY name"
    ),
    "postgresql": (
        "SELECT column_name AS name, (is_nullable = 'NO') AS required, data_type AS type"
        " FROM information_schema.columns WHERE table_name = :table ORDER BY column_name"
    ),
}
INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = :table",
    "postgresql": (
        "SELECT indexname AS name FROM pg_indexes WHERE tablename = :table AND indexname NOT LIKE '%_pkey'"
    ),
}
SAME_TYPE = {
    "bigint": "number",
    "integer": "number",
    "double precision": "real",
    "text": "text",
    "blob": "bytes",
    "bytea": "bytes",
}


def columns_of(db: Database) -> Schema:
    schema: Schema = {}
    for row in db.all(TABLES[db.dialect]):
        columns = db.all(COLUMNS[db.dialect], table=row["name"])
        schema[row["name"]] = [
            f"{column['name']} {SAME_TYPE[column['type'].lower()]} {'' if column['required'] else 'or null'}"
            for column in columns
        ]
    return schema


def indexes_of(db: Database) -> Schema:
    tables = [row["name"] for row in db.all(TABLES[db.dialect])]
    return {
        table: sorted(row["name"] for row in db.all(INDEXES[db.dialect], table=table)) for table in tables
    }


def test_both_databases_have_the_same_columns_and_indexes(record: Record, postgres: Any) -> None:
    other = open_record(Settings(home=record.settings.home, database=postgres.new_database(migrated=True)))
    ours, theirs = columns_of(record.db), columns_of(other.db)
    assert ours == theirs
    assert named(indexes_of(record.db)) == named(indexes_of(other.db))
    other.close()


def named(indexes: Schema) -> Schema:
    """Without those that PostgreSQL makes and names itself for UNIQUE."""
    return {table: [name for name in names if not name.endswith("_key")] for table, names in indexes.items()}


def test_migrating_step_by_step_gives_the_same_schema_as_starting_fresh(
    any_settings: Settings, tmp_path: Path
) -> None:
    db = open_database(any_settings.database_url)
    for feature, source in migration_folders():
        folder = tmp_path / feature
        folder.mkdir()
        steps = read_migrations(feature, source, db.dialect)
        for step in steps:
            suffix = f".{step.dialect}" if step.dialect else ""
            (folder / f"{step.number:03}_{step.name}{suffix}.sql").write_text(step.text)
            apply_migrations(db, [(feature, folder)])
    stepwise = columns_of(db), indexes_of(db)
    db.close()
    again = open_record(any_settings)
    assert (columns_of(again.db), indexes_of(again.db)) == stepwise
    again.close()


def test_every_feature_has_tables_and_numbers_them_from_one() -> None:
    for dialect in ("sqlite", "postgresql"):
        for feature, folder in migration_folders():
            assert read_migrations(feature, folder, dialect), feature


def test_a_record_of_a_newer_version_is_refused(any_record: Record) -> None:
    any_record.db.write(
        lambda tx: tx.run("INSERT INTO schema_migrations VALUES ('tracking', 999, 'from_the_future', 0)")
    )
    with pytest.raises(Conflict, match="tracking 999") as caught:
        open_record(any_record.settings)
    assert "use the newer version" in caught.value.hint


def test_two_processes_may_start_on_a_new_record_at_once(any_settings: Settings) -> None:
    program = """
import sys
from pathlib import Path
from pavedroad.config import Settings
from pavedroad.record import open_record
sys.stdin.readline()
open_record(Settings(home=Path(sys.argv[1]), database=sys.argv[2])).close()
"""
    command = [sys.executable, "-c", program, str(any_settings.home), any_settings.database]
    starts = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for start in starts:
        assert start.stdin is not None
        start.stdin.write("go\n")
        start.stdin.flush()
    errors = [start.communicate(timeout=60)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0, 0], "\n".join(errors)
    opened = open_record(any_settings)
    assert opened.db.value("SELECT COUNT(*) FROM schema_migrations") == sum(
        len(read_migrations(feature, folder, opened.db.dialect)) for feature, folder in migration_folders()
    )
    opened.close()
