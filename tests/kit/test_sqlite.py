"""SQLite: the files it cannot use, connections and threads, forks, the log that does not grow."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pavedroad.errors import Damaged, Invalid, Unavailable
from pavedroad.kit import sqlite_connection
from pavedroad.kit.sqlite import SqliteDatabase


@pytest.fixture
def db(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(str(tmp_path / "deep" / "down" / "some.db"))
    database.write(lambda tx: tx.run("CREATE TABLE notes (word TEXT)"))
    yield database
    database.close()


def add(db: SqliteDatabase, word: str) -> None:
    db.write(lambda tx: tx.run("INSERT INTO notes VALUES (:word)", word=word))


@pytest.fixture
def powerless() -> Iterator[Path]:
    """A folder of root's, seen by a user who is not root (file permissions do not bind root)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() != 0:
            yield folder
            return
        yield folder
        os.seteuid(0)


def give_up_power(folder: Path) -> None:
    """From here on `folder` and what is in it may be read but not written."""
    for path in [*folder.iterdir(), folder]:
        path.chmod(path.stat().st_mode & ~0o222)
    if os.geteuid() == 0:
        os.seteuid(65534)


def test_every_commit_waits_for_the_disk(db: SqliteDatabase) -> None:
    modes = db.write(lambda tx: (tx.value("PRAGMA journal_mode"), tx.value("PRAGMA synchronous")))
    assert modes == ("wal", 2)  # 2 is FULL


def test_reading_cannot_write(db: SqliteDatabase) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        db.all("INSERT INTO notes VALUES ('a')")


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_a_database_in_memory_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match="needs a file"):
        SqliteDatabase(path)


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="is a folder, not a SQLite file"):
        SqliteDatabase(str(tmp_path))


def test_a_path_through_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable, match=r"cannot make the folder .*: Not a directory"):
        SqliteDatabase(str(tmp_path / "file" / "deeper" / "some.db"))


def test_another_file_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "some.db").write_text("origin,dest\nJFK,BOS\n" * 1000)
    with pytest.raises(Invalid, match=r"some\.db is not a SQLite database") as caught:
        SqliteDatabase(str(tmp_path / "some.db"))
    assert caught.value.hint
    assert (tmp_path / "some.db").read_text().startswith("origin")


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "some.db"
    with SqliteFile(file) as database:
        database.write(lambda tx: tx.run("CREATE TABLE notes (word TEXT)"))
        for _ in range(20):
            add(database, "x" * 4000)
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with SqliteFile(file) as database, pytest.raises(Damaged, match="damaged") as caught:
        database.all("SELECT word FROM notes")
    assert "backup" in caught.value.hint


def test_a_read_only_folder_is_one_clear_line(powerless: Path) -> None:
    give_up_power(powerless)
    with pytest.raises(Unavailable, match=r"cannot write .*/some.db") as caught:
        SqliteDatabase(str(powerless / "some.db"))
    assert "PAVED_HOME" in caught.value.hint
    with pytest.raises(Unavailable, match=r"cannot make the folder .*: Permission denied"):
        SqliteDatabase(str(powerless / "deeper" / "some.db"))


def test_a_read_only_file_is_one_clear_line(powerless: Path) -> None:
    with SqliteFile(powerless / "some.db") as database:
        database.write(lambda tx: tx.run("CREATE TABLE notes (word TEXT)"))
    give_up_power(powerless)
    with (
        pytest.raises(Unavailable, match=r"cannot write .*/some.db"),
        SqliteFile(powerless / "some.db") as database,
    ):
        add(database, "a")


@contextlib.contextmanager
def SqliteFile(path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(str(path))
    try:
        yield database
    finally:
        database.close()


def test_a_connection_ends_with_its_thread(db: SqliteDatabase) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("needs /proc to count open files")

    def open_files() -> int:
        return sum(path.is_symlink() and "some.db" in str(path.readlink()) for path in descriptors.iterdir())

    db.all("SELECT word FROM notes")
    before = open_files()
    for _ in range(20):
        thread = threading.Thread(target=lambda: db.all("SELECT word FROM notes"))
        thread.start()
        thread.join()
    gc.collect()
    # SQLite keeps some closed descriptors of a file that is open elsewhere in the process, and reuses them.
    assert open_files() <= before + 4


def test_closing_ends_the_connections_of_other_threads(db: SqliteDatabase) -> None:
    ready, go = threading.Event(), threading.Event()
    seen: list[BaseException] = []

    def read() -> None:
        db.all("SELECT word FROM notes")
        ready.set()
        go.wait(10)
        try:
            db.all("SELECT word FROM notes")
        except Unavailable as error:
            seen.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert ready.wait(10)
    db.close()
    go.set()
    thread.join()
    assert [str(error) for error in seen] == ["the database is closed; the server is stopping; try again"]


def test_the_file_is_whole_and_alone_after_closing(db: SqliteDatabase) -> None:
    add(db, "a")
    db.close()
    assert [path.name for path in db.path.parent.iterdir()] == ["some.db"]


def test_the_log_shrinks_again_after_a_large_write(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "LARGEST_IDLE_LOG_BYTES", 1_000_000)
    with SqliteFile(db.path) as database:
        database.write(
            lambda tx: tx.many("INSERT INTO notes VALUES (:word)", [{"word": "x" * 1000}] * 20_000)
        )
        for number in range(5):
            add(database, str(number))
        log = db.path.with_name("some.db-wal")
        assert log.stat().st_size <= 1_100_000


def test_reads_do_not_keep_the_log_from_being_reset(db: SqliteDatabase) -> None:
    add(db, "first")
    for number in range(3000):
        assert db.one("SELECT word FROM notes") is not None  # more rows than it asks for stay unread
        if number % 10 == 0:
            add(db, "x" * 4000)
    assert db.path.with_name("some.db-wal").stat().st_size < 10_000_000


def test_reads_go_on_while_a_write_is_at_work(db: SqliteDatabase) -> None:
    add(db, "a")
    inside, release = threading.Event(), threading.Event()

    def slow(tx: object) -> None:
        inside.set()
        release.wait(10)

    future = db.submit(slow)
    assert inside.wait(10)
    start = time.monotonic()
    assert len(db.all("SELECT word FROM notes")) == 1
    assert time.monotonic() - start < 1
    release.set()
    future.result(10)


def test_a_forked_child_is_told_to_open_its_own(db: SqliteDatabase) -> None:
    program = f"""
import os, sys
from pavedroad.kit.sqlite import SqliteDatabase
database = SqliteDatabase({str(db.path)!r})
child = os.fork()
if child == 0:
    for use in (lambda: database.all("SELECT 1"), lambda: database.write(lambda tx: None)):
        try:
            use()
            os._exit(1)
        except RuntimeError as error:
            if "open the record again after a fork" not in str(error):
                os._exit(2)
    sys.exit(0)  # runs the exit functions too, which must not wait for the parent's thread
_, status = os.waitpid(child, 0)
database.write(lambda tx: tx.run("INSERT INTO notes VALUES ('parent')"))
sys.exit(os.waitstatus_to_exitcode(status))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert db.value("SELECT word FROM notes") == "parent"


def test_two_processes_may_start_on_a_new_file_at_once(tmp_path: Path) -> None:
    program = """
import sys
from pavedroad.kit.sqlite import SqliteDatabase
database = SqliteDatabase(sys.argv[1])
database.write(lambda tx: tx.run("CREATE TABLE IF NOT EXISTS notes (word TEXT)"))
database.write(lambda tx: tx.run("INSERT INTO notes VALUES (:word)", word=sys.argv[2]))
database.close()
"""
    for attempt in range(3):
        file = tmp_path / f"{attempt}.db"
        starts = [
            subprocess.Popen([sys.executable, "-c", program, str(file), str(number)]) for number in range(4)
        ]
        assert [start.wait(60) for start in starts] == [0, 0, 0, 0]
        connection = sqlite3.connect(file)
        assert connection.execute("SELECT COUNT(*) FROM notes").fetchone() == (4,)
        connection.close()
