"""Opening the record: both databases, and what goes wrong."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pavedroad.catalog import Ref, ensure_artifact, find_artifact, read_facts
from pavedroad.config import Settings
from pavedroad.errors import Invalid, Unavailable
from pavedroad.kit.files import put_bytes, read_bytes
from pavedroad.record import FEATURES_WITH_TABLES, Record, open_record, record_of


def test_what_is_written_can_be_read_on_both_databases(any_record: Record) -> None:
    ref = Ref("model", "flights")
    any_record.db.write(lambda tx: ensure_artifact(tx, ref, who="ada", owner="ops"))
    artifact = find_artifact(any_record.db, ref)
    assert artifact is not None
    assert artifact.owner == "ops"
    assert [(fact.who, fact.verb, fact.artifact) for fact in read_facts(any_record.db)] == [
        ("ada", "created", "model/flights")
    ]


def test_a_record_is_there_again_when_opened_again(any_settings: Settings) -> None:
    with record_of(any_settings) as record:
        record.db.write(lambda tx: ensure_artifact(tx, Ref("model", "flights"), who="ada"))
        digest = put_bytes(record.files, b"weights").digest
    with record_of(any_settings) as record:
        assert find_artifact(record.db, Ref("model", "flights")) is not None
        assert read_bytes(record.files, digest) == b"weights"


def test_the_record_of_one_person_is_one_folder(settings: Settings) -> None:
    with record_of(settings) as record:
        put_bytes(record.files, b"weights")
    assert {path.name for path in settings.home.iterdir()} == {"paved.db", "files"}


def test_two_processes_see_each_others_facts(any_settings: Settings) -> None:
    with record_of(any_settings) as one, record_of(any_settings) as other:
        one.db.write(lambda tx: ensure_artifact(tx, Ref("model", "a"), who="ada"))
        other.db.write(lambda tx: ensure_artifact(tx, Ref("model", "b"), who="bo"))
        assert [fact.who for fact in read_facts(one.db)] == ["bo", "ada"]


def test_the_record_is_closed_when_the_block_raises(settings: Settings) -> None:
    seen: list[Record] = []

    def use() -> None:
        with record_of(settings) as record:
            seen.append(record)
            raise LookupError

    with pytest.raises(LookupError):
        use()
    with pytest.raises(Unavailable, match="closed"):
        seen[0].db.all("SELECT 1")


def test_every_feature_with_a_queries_file_is_listed() -> None:
    root = Path(__file__).parent.parent / "src" / "pavedroad"
    with_tables = {path.parent.name for path in root.glob("*/migrations") if any(path.glob("*.sql"))}
    assert with_tables == set(FEATURES_WITH_TABLES)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"database": "mysql://ada:hush@host/x"}, Invalid, r"unknown database 'mysql://ada:\*\*\*@host/x'"),
        ({"files": "ftp://host/x"}, Invalid, "unknown file store"),
        ({"database": "postgresql://ada:hush@127.0.0.1:1/x"}, Unavailable, "cannot connect to postgresql://"),
    ],
)
def test_what_cannot_be_opened_is_refused_without_secrets(
    settings: Settings, change: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        open_record(Settings(home=settings.home, **change))
    assert "hush" not in str(caught.value)


def test_a_home_that_is_a_file_is_one_clear_line(settings: Settings) -> None:
    settings.home.write_text("x")
    with pytest.raises(Unavailable, match=r"cannot make the folder .*home: (File exists|Not a directory)"):
        open_record(settings)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_home_that_may_not_be_written_is_one_clear_line(is_there: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) if is_there else Path(name) / "record"
        Path(name).chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)  # permissions do not bind root
        try:
            with pytest.raises(Unavailable, match=r"(cannot write|cannot make the folder) ") as caught:
                open_record(Settings(home=home))
            assert "PAVED_HOME" in caught.value.hint
        finally:
            if os.getuid() == 0:
                os.seteuid(0)
            Path(name).chmod(0o755)
