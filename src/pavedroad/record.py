"""The record: one database and one file store, which every feature writes to.

Each feature keeps its own tables (`<feature>/migrations/`); this is the list of them. A folder name in the
list is data, not an import, so the lowest room can name the highest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

import msgspec

from pavedroad.config import Settings
from pavedroad.kit.files import FileStore
from pavedroad.kit.migrations import apply_migrations
from pavedroad.kit.sql import Database
from pavedroad.kit.stores import open_database, open_files

if TYPE_CHECKING:
    from starlette.requests import Request

# In order of their foreign keys.
FEATURES_WITH_TABLES = (
    "catalog",
    "environments",
    "tracking",
    "pipelines",
    "checks",
    "advisories",
    "registry",
    "transfer",
    "delivery",
    "desk",
)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    db: Database
    files: FileStore
    settings: Settings

    def close(self) -> None:
        self.db.close()


def open_record(settings: Settings) -> Record:
    """Open the record and bring its schema up to date.

    Raises: Unavailable when the folder or the server cannot be used; Conflict when a newer version made the
    database; MissingExtra when PostgreSQL or an object store needs a package that is not installed.
    """
    store = open_files(settings.files_url, cache=settings.home / "cache")
    db = open_database(settings.database_url)
    try:
        apply_migrations(db, migration_folders())
    except BaseException:
        db.close()
        raise
    return Record(db=db, files=store, settings=settings)


def migration_folders() -> list[tuple[str, Traversable]]:
    return [(name, files("pavedroad") / name / "migrations") for name in FEATURES_WITH_TABLES]


def record_behind(request: Request) -> Record:
    """The record of the server that a request came to."""
    record: Record = request.app.state.record
    return record


@contextmanager
def record_of(settings: Settings) -> Iterator[Record]:
    record = open_record(settings)
    try:
        yield record
    finally:
        record.close()
