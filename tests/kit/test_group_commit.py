"""Group commit: one transaction for the writes that wait, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from pavedroad.errors import Unavailable
from pavedroad.kit import group_commit, sqlite_connection
from pavedroad.kit.group_commit import GroupCommit
from pavedroad.kit.sql import Transaction


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (word TEXT UNIQUE)")
    connection.close()
    return path


@pytest.fixture
def writer(file: Path) -> Iterator[GroupCommit]:
    writer = GroupCommit(file)
    yield writer
    writer.close()


def add(word: str) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        tx.run("INSERT INTO notes VALUES (:word)", word=word)

    return work


def words(file: Path) -> list[str]:
    connection = sqlite3.connect(file)
    found = [word for (word,) in connection.execute("SELECT word FROM notes ORDER BY rowid")]
    connection.close()
    return found


class Held:
    """Keeps the writer busy inside a transaction until released, so that others come to wait."""

    def __init__(self, writer: GroupCommit) -> None:
        self._release, self._inside = threading.Event(), threading.Event()
        self.future = writer.submit(self._work)
        assert self._inside.wait(10)

    def _work(self, _tx: Transaction) -> None:
        self._inside.set()
        assert self._release.wait(10)

    def release(self) -> None:
        self._release.set()


def data_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)


def commits_seen(file: Path) -> Callable[[], int]:
    """A counter of the commits that others made: SQLite's data_version changes once with each."""
    connection = sqlite3.connect(file, check_same_thread=False)
    seen = [data_version(connection)]  # before anything can be committed
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            version = data_version(connection)
            if seen[-1] != version:
                seen.append(version)
            time.sleep(0.0005)

    thread = threading.Thread(target=watch)
    thread.start()

    def finish() -> int:
        time.sleep(0.02)
        stop.set()
        thread.join()
        connection.close()
        return len(seen) - 1

    return finish


def test_writes_that_wait_together_share_one_transaction(writer: GroupCommit, file: Path) -> None:
    held = Held(writer)
    finish = commits_seen(file)
    futures = [writer.submit(add(f"{number:03}")) for number in range(200)]
    held.release()
    for future in futures:
        future.result(10)
    # One commit for the write that held the others up and for those that waited.
    assert finish() <= 2
    assert len(words(file)) == 200


def test_writes_that_come_one_by_one_are_committed_one_by_one(writer: GroupCommit, file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as other:
        seen = [data_version(other)]
        for number in range(5):
            writer.submit(add(str(number))).result(10)
            seen.append(data_version(other))
    assert len(set(seen)) == 6


def test_nobody_is_answered_before_the_commit(writer: GroupCommit, file: Path) -> None:
    early: list[str] = []
    held = Held(writer)
    first = writer.submit(add("first"))
    inside, release = threading.Event(), threading.Event()

    def last(_tx: Transaction) -> None:
        inside.set()
        early.extend(words(file))
        assert release.wait(10)

    second = writer.submit(last)
    held.release()
    assert inside.wait(10)
    if not held.future.done():  # all three are in one group, whose last one has not ended
        assert not first.done()
        assert early == []
    release.set()
    second.result(10)
    assert first.done()
    assert words(file) == ["first"]


def test_one_that_fails_is_undone_alone(writer: GroupCommit, file: Path) -> None:
    held = Held(writer)
    futures = [writer.submit(add(word)) for word in ("a", "b", "b", "c")]
    held.release()
    errors = [type(future.exception(10)).__name__ for future in futures]
    assert errors == ["NoneType", "NoneType", "UniqueViolation", "NoneType"]
    assert words(file) == ["a", "b", "c"]


def test_a_group_does_not_grow_for_ever(
    writer: GroupCommit, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LONGEST_GROUP_S", 0.005)

    def slow(tx: Transaction, word: str) -> None:
        tx.run("INSERT INTO notes VALUES (:word)", word=word)
        time.sleep(0.004)

    finish = commits_seen(file)
    futures = [writer.submit(lambda tx, word=str(n): slow(tx, word)) for n in range(20)]
    for future in futures:
        future.result(10)
    assert finish() >= 5


def test_a_lock_of_another_process_is_waited_for(writer: GroupCommit, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    future = writer.submit(add("a"))
    with pytest.raises(TimeoutError):
        future.result(0.1)
    other.execute("COMMIT")
    other.close()
    future.result(10)
    assert words(file) == ["a"]


def test_a_lock_that_stays_fails_all_who_wait_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_TIMEOUT_S", 0.2)
    writer = GroupCommit(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    futures = [writer.submit(add(str(number))) for number in range(50)]
    for future in futures:
        with pytest.raises(Unavailable, match="locked by another process"):
            future.result(10)
    assert time.monotonic() - start < 5, "each waited in turn"
    other.execute("COMMIT")
    other.close()
    writer.submit(add("later")).result(10)
    writer.close()
    assert words(file) == ["later"]


def test_a_full_disk_fails_the_write_and_the_next_one_works(writer: GroupCommit, file: Path) -> None:
    def limit(tx: Transaction, pages: int) -> None:
        tx.all(f"PRAGMA max_page_count = {pages}")

    def fill(tx: Transaction) -> None:
        tx.run("INSERT INTO notes VALUES (:word)", word="x" * 1_000_000)

    writer.submit(lambda tx: limit(tx, 10)).result(10)
    with pytest.raises(Unavailable, match="the disk is full") as caught:
        writer.submit(fill).result(10)
    assert "free some space" in caught.value.hint
    writer.submit(lambda tx: limit(tx, 100_000)).result(10)
    writer.submit(add("a")).result(10)
    assert words(file) == ["a"]


def test_a_full_disk_in_a_group_answers_everyone(writer: GroupCommit, file: Path) -> None:
    writer.submit(lambda tx: tx.all("PRAGMA max_page_count = 10")).result(10)
    held = Held(writer)
    futures = [writer.submit(add(word)) for word in ("a", "x" * 1_000_000, "b")]
    held.release()
    outcomes = [future.exception(10) for future in futures]
    assert isinstance(outcomes[1], Unavailable)
    stored = words(file)
    for word, outcome in zip(("a", "b"), (outcomes[0], outcomes[2]), strict=True):
        assert (word in stored) == (outcome is None)


def test_a_removed_file_is_noticed_instead_of_written_to(writer: GroupCommit, file: Path) -> None:
    writer.submit(add("a")).result(10)
    for path in file.parent.iterdir():
        path.unlink()
    with pytest.raises(Unavailable, match="was removed or replaced"):
        writer.submit(add("b")).result(10)


def test_a_write_that_ends_the_transaction_itself_is_refused(writer: GroupCommit, file: Path) -> None:
    with pytest.raises(Unavailable, match="undid the transaction"):
        writer.submit(lambda tx: tx.run("ROLLBACK")).result(10)
    writer.submit(add("a")).result(10)
    assert words(file) == ["a"]


def test_a_callback_that_raises_does_not_stop_the_writer(
    writer: GroupCommit, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(_future: Future[None]) -> None:
        raise SystemExit(1)

    held = Held(writer)
    futures = [writer.submit(add(str(number))) for number in range(3)]
    futures[0].add_done_callback(leave)
    held.release()
    assert [future.result(10) for future in futures] == [None, None, None]
    assert "callback of a database write" in caplog.text


def test_if_the_writer_dies_nobody_waits_for_ever(
    writer: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    held = Held(writer)

    def die() -> None:
        raise MemoryError

    monkeypatch.setattr(writer, "_undo", die)
    monkeypatch.setattr(group_commit, "LONGEST_GROUP_S", 0.0)
    failing = writer.submit(lambda tx: tx.run("COMMIT"))
    waiting = [writer.submit(add(str(number))) for number in range(3)]
    held.release()
    for future in [failing, *waiting]:
        assert future.exception(10) is not None
    with pytest.raises(Unavailable, match="closed"):
        writer.submit(add("late"))


def test_queued_writes_are_finished_when_the_program_ends(file: Path) -> None:
    program = f"""
from pavedroad.kit.stores import open_database
database = open_database("sqlite:///{file}")
for number in range(300):
    database.submit(lambda tx, number=number: tx.run("INSERT INTO notes VALUES (:word)", word=str(number)))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert len(words(file)) == 300
