"""Backup, restore, collection and repair of one record take turns: each relies on what others change."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pavedroad.config import Settings
from pavedroad.errors import Unavailable

LOCK_FILE = "housekeeping.lock"
ADVISORY = "SELECT pg_try_advisory_lock(hashtext('pavedroad housekeeping')) AS is_ours"


@contextmanager
def own_turn(settings: Settings) -> Iterator[None]:
    """Only one block at a time, of all processes on this record. Raises Unavailable while another is at work.

    On PostgreSQL the machines that share the database take turns, too.
    """
    with ExitStack() as stack:
        _lock_home(settings, stack)
        if not settings.database_url.startswith("sqlite:"):
            _lock_database(settings.database_url, stack)
        yield


def _lock_home(settings: Settings, stack: ExitStack) -> None:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context((settings.home / LOCK_FILE).open("wb"))
    except OSError as error:
        raise Unavailable(
            f"cannot write {settings.home}: {error.strerror or error}", hint="check its permissions"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise _busy() from None


def _lock_database(url: str, stack: ExitStack) -> None:
    from pavedroad.kit.postgres_connection import PostgresTransaction, connect

    connection = connect(url)
    stack.callback(connection.close)  # which lets go of the lock
    if not PostgresTransaction(connection).value(ADVISORY):
        raise _busy()


def _busy() -> Unavailable:
    return Unavailable(
        "another backup, restore, collection or repair of this record is at work",
        hint="try again when it has ended",
    )
