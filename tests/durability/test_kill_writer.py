"""kill -9 of a process that writes to the database and the file store: what it was told is done, is done."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pavedroad.config import Settings
from pavedroad.kit.files import FolderFiles, read_bytes
from pavedroad.kit.stores import open_database

ROUNDS = int(os.environ.get("PAVED_KILL_ROUNDS", "50"))  # on each database

# Four threads, so that writes share commits; each says what it wrote only after it was told that it is done.
WRITER = """
import os, sys, threading
from pathlib import Path
from pavedroad.kit.files import FolderFiles, put_bytes
from pavedroad.kit.stores import open_database

url, folder, round_number = sys.argv[1:]
database, files = open_database(url), FolderFiles(Path(folder))

def keep_writing(worker):
    number = 0
    while True:
        word = f"{round_number}-{worker}-{number}"
        if worker == 3:
            word = put_bytes(files, os.urandom(20) * 500).digest
        def work(tx):
            tx.run("INSERT INTO pairs (word, half) VALUES (:word, 1)", word=word)
            tx.run("INSERT INTO pairs (word, half) VALUES (:word, 2)", word=word)
        database.write(work)
        os.write(1, f"{word}\\n".encode())
        number += 1

for worker in range(4):
    threading.Thread(target=keep_writing, args=(worker,)).start()
"""


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_an_acknowledged_write_survives_kill_9(any_settings: Settings, tmp_path: Path) -> None:
    chance = random.Random(8400)
    database = open_database(any_settings.database_url)
    database.write(lambda tx: tx.run("CREATE TABLE pairs (word TEXT, half BIGINT, PRIMARY KEY (word, half))"))
    files = FolderFiles(tmp_path / "files")
    acknowledged: set[str] = set()
    for round_number in range(ROUNDS):
        command = [
            sys.executable,
            "-c",
            WRITER,
            any_settings.database_url,
            str(files.folder),
            str(round_number),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            assert first, "the writer did not start"
            time.sleep(chance.uniform(0, 0.05))
            writer.kill()
            # Without the last line: a line may be cut, a write may not.
            acknowledged |= set((first + writer.stdout.read()).split("\n")[:-1])
        rows = database.all("SELECT word, COUNT(*) AS halves FROM pairs GROUP BY word")
        stored = {row["word"]: row["halves"] for row in rows}
        assert acknowledged <= stored.keys(), f"round {round_number}"
        assert set(stored.values()) == {2}, "half a transaction"
    for digest in files.digests():
        read_bytes(files, digest)  # raises Damaged for a torn file
    kept = {word for word in acknowledged if len(word) == 64}
    assert kept <= set(files.digests())
    assert len(acknowledged) > 3 * ROUNDS
    if any_settings.database == "":
        check_sqlite(any_settings.home / "paved.db")
    database.close()


def check_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
