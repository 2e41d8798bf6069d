"""From an address to the database or the file store that it names; the drivers load only when asked for."""

from __future__ import annotations

from pathlib import Path

from pavedroad.errors import Invalid
from pavedroad.kit.files import FileStore, FolderFiles
from pavedroad.kit.sql import Database, without_password


def open_database(url: str) -> Database:
    """`sqlite:///path` or `postgresql://...`.

    Raises: Invalid for another address, MissingExtra when a driver is not installed, Unavailable.
    """
    if url.startswith("sqlite:///"):
        from pavedroad.kit.sqlite import SqliteDatabase

        return SqliteDatabase(url.removeprefix("sqlite:///"))
    if url.startswith(("postgresql://", "postgres://")):
        from pavedroad.kit.postgres import PostgresDatabase

        return PostgresDatabase(url)
    raise Invalid(
        f"unknown database {without_password(url)!r}",
        hint="use sqlite:///path/to/paved.db or postgresql://host/name",
    )


def open_files(url: str, *, cache: Path) -> FileStore:
    """A folder, s3://bucket/prefix or gs://bucket/prefix (with local copies in `cache`).

    Raises: Invalid for another address, MissingExtra when a bucket needs a package that is not installed.
    """
    if url.startswith(("s3://", "gs://")):
        from pavedroad.kit.object_files import ObjectFiles

        return ObjectFiles(url, cache)
    if "://" in url.removeprefix("file://"):
        raise Invalid(
            f"unknown file store {url!r}", hint="use a folder, s3://bucket/prefix or gs://bucket/prefix"
        )
    return FolderFiles(Path(url.removeprefix("file://")).expanduser())
