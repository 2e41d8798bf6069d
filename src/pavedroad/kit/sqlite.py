"""SQLite in WAL mode: many readers, one writer with group commit, nothing acknowledged before it is on disk.

A database belongs to the process that opened it: a forked child must open its own.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import TypeVar

from pavedroad.errors import Invalid, Unavailable
from pavedroad.kit.group_commit import GroupCommit
from pavedroad.kit.sql import Item, Tell, Together, Transaction, refuse_nesting
from pavedroad.kit.sqlite_connection import SqliteReader, closed, connect

T = TypeVar("T")
_numbers = count(1)  # of connections


class SqliteDatabase(SqliteReader):
    dialect = "sqlite"

    def __init__(self, path: str) -> None:
        if not path or path == ":memory:":
            raise Invalid(f"SQLite needs a file, not {path!r}", hint="use sqlite:///path/to/paved.db")
        self.path = Path(path).absolute()
        _make_folder_of(self.path)
        self._process = os.getpid()
        self._closed = False
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._writer = GroupCommit(self.path)
        atexit.register(self.close)

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        self._check_process()
        return self._writer.submit(work)

    def submit_together(self, work: Together[Item], item: Item, tell: Tell) -> None:
        self._check_process()
        self._writer.submit_together(work, item, tell)

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.submit(work).result()

    def version(self) -> str:
        connection = self._connection()
        (version,) = connection.execute(
            "PRAGMA data_version"
        ).fetchone()  # counts what other connections commit
        return f"{self._local.held.number} {version}"

    def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        atexit.unregister(self.close)
        if self._closed or self._process != os.getpid():
            return
        self._writer.close()
        self._closed = True
        for held in list(self._readers):
            held.connection.close()

    def _connection(self) -> sqlite3.Connection:
        """This thread's own connection for reading."""
        self._check_process()
        if self._writer.is_current_thread():
            refuse_nesting("read")
        if self._closed:
            raise closed()
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            held = _Held(connect(self.path))
            held.connection.execute("PRAGMA query_only = ON")
            self._local.held = held
            self._readers.add(held)
        return held.connection

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise RuntimeError(
                f"{self.path} was opened by another process; open the record again after a fork"
            )


class _Held:
    """Lets a thread's connection be closed by another thread, and closes it when its thread ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.number = next(_numbers)

    def __del__(self) -> None:
        self.connection.close()


def _make_folder_of(path: Path) -> None:
    if path.is_dir():
        raise Invalid(f"{path} is a folder, not a SQLite file", hint="name a file in it, e.g. paved.db")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"cannot make the folder {path.parent}: {error.strerror}", hint="choose another PAVED_HOME"
        ) from None
