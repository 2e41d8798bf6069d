"""PostgreSQL: a server that is not there or goes away, and a password that is never shown."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from pavedroad.errors import Invalid, PavedError, Unavailable
from pavedroad.kit import postgres_connection
from pavedroad.kit.postgres import CONNECTIONS, PostgresDatabase
from pavedroad.kit.postgres_connection import CommitUnknown, ConnectionLost
from pavedroad.kit.sql import Transaction

KILL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
)


@pytest.fixture
def url(postgres: Any) -> Iterator[str]:
    with postgres.database() as address:
        yield address


@pytest.fixture
def db(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    database.write(lambda tx: tx.run("CREATE TABLE notes (word TEXT)"))
    yield database
    database.close()


def add(db: PostgresDatabase, word: str) -> None:
    db.write(lambda tx: tx.run("INSERT INTO notes VALUES (:word)", word=word))


def words(db: PostgresDatabase) -> list[str]:
    return [row["word"] for row in db.all("SELECT word FROM notes ORDER BY word")]


@pytest.fixture
def cut(postgres: Any, url: str) -> Any:
    """Ends every connection to this test's database, as a restart of the server would."""
    return lambda: postgres.execute(KILL_OTHERS, urlsplit(url).path.removeprefix("/"))


def test_a_read_after_a_lost_connection_is_asked_again(db: PostgresDatabase, cut: Any) -> None:
    add(db, "a")
    cut()
    assert words(db) == ["a"]


def test_a_write_after_a_lost_connection_is_made_again(db: PostgresDatabase, cut: Any) -> None:
    cut()
    add(db, "a")
    assert words(db) == ["a"]


def test_a_write_that_is_cut_before_its_commit_is_made_again_once(db: PostgresDatabase, cut: Any) -> None:
    runs: list[int] = []

    def work(tx: Transaction) -> None:
        runs.append(1)
        tx.run("INSERT INTO notes VALUES ('a')")
        if len(runs) == 1:
            cut()
            tx.run("INSERT INTO notes VALUES ('b')")

    db.write(work)
    assert words(db) == ["a"]
    assert len(runs) == 2


def test_a_write_that_is_cut_each_time_is_refused_clearly(db: PostgresDatabase, cut: Any) -> None:
    def work(tx: Transaction) -> None:
        cut()
        tx.run("INSERT INTO notes VALUES ('a')")

    with pytest.raises(ConnectionLost, match="lost the connection to the database; check the server"):
        db.write(work)
    assert words(db) == []


def test_a_write_that_is_cut_at_its_commit_is_not_made_again(db: PostgresDatabase, cut: Any) -> None:
    runs: list[int] = []

    def work(tx: Transaction) -> None:
        runs.append(1)
        tx.run("INSERT INTO notes VALUES ('a')")
        cut()  # the next thing that the connection is asked is COMMIT

    with pytest.raises(CommitUnknown, match="the change may be stored or not; look before you try again"):
        db.write(work)
    assert len(runs) == 1


def test_many_threads_go_on_after_a_cut(db: PostgresDatabase, cut: Any) -> None:
    stop = threading.Event()
    unknown: list[str] = []
    acknowledged: list[str] = []

    def keep_writing(worker: int) -> None:
        number = 0
        while not stop.is_set():
            word = f"{worker}-{number}"
            try:
                add(db, word)
                acknowledged.append(word)
            except Unavailable:
                unknown.append(word)
            number += 1

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(keep_writing, worker) for worker in range(4)]
        for _ in range(5):
            time.sleep(0.1)
            cut()
        time.sleep(0.1)
        stop.set()
        for future in running:
            future.result()
    stored = words(db)
    assert set(acknowledged) <= set(stored)
    assert set(stored) <= {*acknowledged, *unknown}
    assert len(stored) == len(set(stored)), "a write was made twice"


def test_a_server_that_is_not_there_is_one_clear_line_soon(caplog: pytest.LogCaptureFixture) -> None:
    start = time.monotonic()
    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable, match="Connection refused") as caught:
        PostgresDatabase("postgresql://ada:hush@127.0.0.1:1/name")
    assert time.monotonic() - start < 10
    assert "cannot connect to postgresql://ada:***@127.0.0.1:1/name" in caught.value.message
    assert "\n" not in str(caught.value)
    assert caplog.text == ""


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(postgres_connection, "CONNECT_TIMEOUT_S", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        with pytest.raises(Unavailable, match="timeout"):
            PostgresDatabase(f"postgresql://ada:hush@127.0.0.1:{silent.getsockname()[1]}/name")
    assert time.monotonic() - start < 6


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts._replace(netloc=f"paved:wrong-hush@{parts.hostname}:{parts.port}"),
        lambda parts: parts._replace(netloc=f"nobody:wrong-hush@{parts.hostname}:{parts.port}"),
        lambda parts: parts._replace(path="/no_such_database"),
        lambda parts: parts._replace(netloc=f"paved:wrong-hush%zz@{parts.hostname}:{parts.port}"),
        lambda parts: parts._replace(netloc=f"paved:wrong-hush@{parts.hostname}:port"),
        lambda parts: parts._replace(netloc=f"paved:wrong-hush@{parts.hostname}", query="hush=1"),
        lambda parts: parts._replace(netloc="paved@127.0.0.1:1", query="password=wrong-hush"),
    ],
)
def test_no_message_shows_the_password(url: str, change: Any, caplog: pytest.LogCaptureFixture) -> None:
    password = urlsplit(url).password
    assert password
    with caplog.at_level(logging.DEBUG), pytest.raises(PavedError) as caught:
        PostgresDatabase(change(urlsplit(url)).geturl())
    assert isinstance(caught.value, (Unavailable, Invalid))
    chain: BaseException | None = caught.value
    while chain is not None:
        assert password not in str(chain)
        assert "wrong-hush" not in str(chain)
        chain = chain.__cause__
    assert password not in caplog.text


def test_connections_are_made_when_needed_and_no_more_than_the_limit(
    db: PostgresDatabase, postgres: Any, url: str
) -> None:
    def count() -> int:
        name = urlsplit(url).path.removeprefix("/")
        ((number,),) = postgres.execute("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = %s", name)
        return int(number)

    assert count() == 1
    with ThreadPoolExecutor(40) as threads:
        list(threads.map(lambda _: db.all("SELECT pg_sleep(0.02)"), range(80)))
    assert 2 <= count() <= CONNECTIONS


def test_a_caller_does_not_wait_for_ever_for_a_connection(
    db: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection, "WAIT_FOR_CONNECTION_S", 0.1)
    with ThreadPoolExecutor(CONNECTIONS + 1) as threads:
        futures = [threads.submit(db.all, "SELECT pg_sleep(0.6)") for _ in range(CONNECTIONS + 1)]
        errors = [future.exception(10) for future in futures]
    refused = [error for error in errors if error is not None]
    assert [str(error).split(";")[0].endswith("are busy") for error in refused] == [True]


def test_an_interrupted_query_does_not_spoil_the_pool(db: PostgresDatabase) -> None:
    program = """
import os, signal, sys, threading
from pavedroad.kit.postgres import PostgresDatabase
database = PostgresDatabase(sys.argv[1])
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    database.write(lambda tx: tx.all("SELECT pg_sleep(20)"))
except KeyboardInterrupt:
    print(database.value("SELECT 1 AS one"))
database.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, db._pool._url], capture_output=True, text=True, timeout=20
    )
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


def test_a_forked_child_is_told_to_open_its_own(db: PostgresDatabase) -> None:
    process = db._process
    try:
        db._process = os.getppid()  # what a forked child sees
        with pytest.raises(RuntimeError, match="open the record again after a fork"):
            words(db)
        with pytest.raises(RuntimeError, match="open the record again after a fork"):
            add(db, "a")
    finally:
        db._process = process


def test_a_value_too_long_for_an_index_is_invalid(db: PostgresDatabase) -> None:
    db.write(lambda tx: tx.run("CREATE INDEX by_word ON notes (word)"))
    with pytest.raises(Invalid, match="too large for PostgreSQL"):
        add(db, "".join(chr(0x4E00 + number) for number in range(5000)))


def test_a_read_only_server_is_said_to_be_read_only(db: PostgresDatabase, postgres: Any, url: str) -> None:
    name = urlsplit(url).path.removeprefix("/")
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    other = PostgresDatabase(url)
    with pytest.raises(Unavailable, match="read-only"):
        add(other, "a")
    other.close()


def test_a_user_without_rights_is_told_so(db: PostgresDatabase, postgres: Any, url: str) -> None:
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    parts = urlsplit(url)
    guest = PostgresDatabase(parts._replace(netloc=f"guest:guest@{parts.hostname}:{parts.port}").geturl())
    with pytest.raises(Unavailable, match="may not do this: permission denied for table notes"):
        add(guest, "a")
    guest.close()
