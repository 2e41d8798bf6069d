"""The migration runner, with small migrations of its own, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pavedroad.config import Settings
from pavedroad.errors import Conflict, PavedError
from pavedroad.kit.migrations import apply_migrations, read_migrations
from pavedroad.kit.sql import Database
from pavedroad.kit.stores import open_database

APPLIED = "SELECT feature, number, name FROM schema_migrations ORDER BY feature, number"


@pytest.fixture
def db(any_settings: Settings) -> Iterator[Database]:
    database = open_database(any_settings.database_url)
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "001_start.sql").write_text(
        "-- Why.\nCREATE TABLE a (x TEXT);\nCREATE INDEX a_by_x ON a (x);\n"
    )
    (tmp_path / "notes.txt").write_text("not a migration")
    return tmp_path


def applied(db: Database) -> list[tuple[object, ...]]:
    return [(row["feature"], row["number"], row["name"]) for row in db.all(APPLIED)]


def test_what_is_missing_is_applied_once_and_in_order(db: Database, folder: Path) -> None:
    apply_migrations(db, [("room", folder)])
    assert applied(db) == [("room", 1, "start")]
    (folder / "002_more.sql").write_text("ALTER TABLE a ADD COLUMN y BIGINT NOT NULL DEFAULT 0;\n")
    (folder / "003_last.sql").write_text("CREATE TABLE b (y BIGINT);\nINSERT INTO b SELECT y FROM a;\n")
    for _ in range(2):
        apply_migrations(db, [("room", folder)])
    assert [row[2] for row in applied(db)] == ["start", "more", "last"]
    assert db.all("SELECT x, y FROM a") == []


def test_a_statement_may_be_written_for_one_database(db: Database, folder: Path) -> None:
    (folder / "002_own.sqlite.sql").write_text(
        "CREATE TRIGGER t BEFORE DELETE ON a\nBEGIN\n    SELECT RAISE(ABORT, 'kept');\nEND;\n"
    )
    (folder / "002_own.postgresql.sql").write_text(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS\n"
        "    $$BEGIN RAISE EXCEPTION 'kept'; END$$;\n"
        "CREATE TRIGGER t BEFORE DELETE ON a\n    FOR EACH STATEMENT EXECUTE FUNCTION f();\n"
    )
    apply_migrations(db, [("room", folder)])
    db.write(lambda tx: tx.run("INSERT INTO a VALUES ('x')"))
    with pytest.raises(Exception, match="kept"):
        db.write(lambda tx: tx.run("DELETE FROM a"))
    assert applied(db) == [("room", 1, "start"), ("room", 2, "own")]


def test_one_that_fails_leaves_nothing_of_any(db: Database, folder: Path) -> None:
    (folder / "002_wrong.sql").write_text("CREATE TABLE b (x TEXT);\nCREATE TABLE a (x TEXT);\n")
    with pytest.raises(Exception, match="already exists"):
        apply_migrations(db, [("room", folder)])
    assert applied(db) == []
    (folder / "002_wrong.sql").write_text("CREATE TABLE b (x TEXT);\n")
    apply_migrations(db, [("room", folder)])
    assert db.all("SELECT x FROM b") == []


def test_a_database_of_a_newer_version_is_refused_untouched(db: Database, folder: Path) -> None:
    (folder / "002_newer.sql").write_text("CREATE TABLE newer (x TEXT);\n")
    apply_migrations(db, [("room", folder)])
    (folder / "002_newer.sql").unlink()
    with pytest.raises(Conflict, match="migrations this version does not know: room 2") as caught:
        apply_migrations(db, [("room", folder), ("other", folder)])
    assert "newer version of pavedroad" in caught.value.hint
    assert isinstance(caught.value, PavedError)
    assert [row[0] for row in applied(db)] == ["room", "room"]


def test_a_feature_this_version_does_not_have_is_no_reason_to_refuse(db: Database, folder: Path) -> None:
    apply_migrations(db, [("plugin", folder)])
    apply_migrations(db, [])
    assert applied(db) == [("plugin", 1, "start")]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("2_short.sql", "not named NNN_name.sql"),
        ("003_gap.sql", "not numbered 1, 2, 3"),
        ("001_twice.sql", "not numbered 1, 2, 3"),
        ("003_only_here.postgresql.sql", "not numbered 1, 2, 3"),
        ("002_for.oracle.sql", "not named NNN_name.sql"),
    ],
)
def test_a_wrong_name_is_a_mistake_of_ours(folder: Path, name: str, says: str) -> None:
    (folder / name).write_text("SELECT 1;\n")
    with pytest.raises(ValueError, match=says):
        [read_migrations("room", folder, dialect) for dialect in ("sqlite", "postgresql")]


def test_a_file_that_ends_within_a_statement_is_a_mistake_of_ours(folder: Path) -> None:
    (folder / "002_half.sql").write_text("CREATE TABLE b (x TEXT);\nCREATE TABLE c (\n")
    half = read_migrations("room", folder, "sqlite")[1]
    with pytest.raises(ValueError, match="room 2 ends within a statement"):
        half.statements("sqlite")


def test_a_comment_may_end_a_file(folder: Path) -> None:
    (folder / "002_comment.sql").write_text("CREATE TABLE b (x TEXT);\n\n-- That is all.\n")
    assert read_migrations("room", folder, "sqlite")[1].statements("sqlite") == ["CREATE TABLE b (x TEXT)"]
