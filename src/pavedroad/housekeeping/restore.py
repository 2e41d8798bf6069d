"""`paved restore`: a backup becomes a record again, in the same kind of database or in the other one.

Files come first, each checked by its digest; then all rows in one transaction, each table checked by digest
and count. Ended in the middle, the database holds nothing, and the same command starts again.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pavedroad.config import Settings
from pavedroad.errors import Conflict, Damaged, NotFound, Unavailable
from pavedroad.housekeeping import schema
from pavedroad.housekeeping.archive import (
    FILES,
    TABLES,
    Manifest,
    TableEntry,
    read_file_list,
    read_manifest,
    read_rows,
)
from pavedroad.housekeeping.turns import own_turn
from pavedroad.kit.files import FileStore, FolderFiles, digest_of_file, put_stream
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record, open_record

Progress = Callable[[str, int, int], None]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    made_ms: int
    rows: int
    files: int
    bytes: int
    missing: list[str]  # files that were missing when the backup was made


def restore(settings: Settings, source: Path, *, replace: bool, progress: Progress) -> Restored:
    """Raises: NotFound, Invalid, Damaged for a bad backup; Conflict for a record that is not empty."""
    with own_turn(settings), _unpacked(source, settings.home) as folder:
        manifest = read_manifest(folder)
        listed = read_file_list(folder, manifest)
        _check_tables(folder, manifest)
        record = _target(settings, replace=replace)
        try:
            schema_now = schema.migrations_of(record.db)
            _check_version(manifest, schema_now)
            for entry in manifest.tables:
                schema.check_columns(record.db, record.db.dialect, entry.name, entry.columns)
            _take_files(folder, record.files, listed, progress)
            record.db.write(lambda tx: _take_rows(tx, record.db.dialect, folder, manifest))
        finally:
            record.close()
    return Restored(
        source=str(source),
        made_ms=manifest.made_ms,
        rows=sum(entry.rows for entry in manifest.tables),
        files=manifest.files,
        bytes=manifest.bytes,
        missing=manifest.missing,
    )


@contextmanager
def _unpacked(source: Path, home: Path) -> Iterator[Path]:
    """The backup as a folder."""
    if source.is_dir():
        yield source
        return
    if not source.exists():
        raise NotFound(f"there is no backup at {source}", hint="make one with `paved backup`")
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="restore-", dir=home))
    try:
        try:
            with tarfile.open(source) as tar:
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError) as error:
            raise Damaged(f"{source} cannot be unpacked: {error}", hint="use another backup") from None
        except OSError as error:
            raise Unavailable(
                f"cannot unpack {source}: {error.strerror or error}", hint="check the free space"
            ) from None
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_tables(folder: Path, manifest: Manifest) -> None:
    """Raises Damaged, before anything is changed."""
    for entry in manifest.tables:
        path = folder / TABLES / entry.file
        if Path(entry.file).name != entry.file or not path.is_file() or digest_of_file(path) != entry.digest:
            raise Damaged(
                f"table {entry.name} of the backup is damaged or missing", hint="use another backup"
            )


def _check_version(manifest: Manifest, here: dict[str, int]) -> None:
    if manifest.migrations != here:
        newer = any(number > here.get(room, 0) for room, number in manifest.migrations.items())
        raise Conflict(
            f"the backup was made by {'a newer' if newer else 'an older'} version, {manifest.made_by}",
            hint="restore it with that version, then start this one on the restored record",
        )


def _target(settings: Settings, *, replace: bool) -> Record:
    """The record to fill, empty. Raises Conflict when something is in it."""
    record = open_record(settings)
    try:
        dialect = record.db.dialect
        if schema.is_empty(record.db, dialect):
            return record
        if not replace:
            raise Conflict(
                "the record is not empty",
                hint="choose another PAVED_HOME, or --replace to lose what is in it",
            )
        record.db.write(lambda tx: schema.drop_all(tx, dialect))
    except BaseException:
        record.close()
        raise
    record.close()
    return open_record(settings)  # which makes the tables anew


def _take_files(folder: Path, target: FileStore, listed: dict[str, int], progress: Progress) -> None:
    """Raises Damaged for a file that is not what its name says, or is not there."""
    source, done, total = FolderFiles(folder / FILES), 0, sum(listed.values())
    for digest, size in listed.items():
        try:
            if not (target.has(digest) and target.size(digest) == size):
                with source.open(digest) as stream:
                    put_stream(target, stream)
        except NotFound:
            raise Damaged(f"file {digest} of the backup is missing", hint="use another backup") from None
        done += size
        progress("copying bytes of files", done, total)


def _take_rows(tx: Transaction, dialect: str, folder: Path, manifest: Manifest) -> None:
    tx.run("DELETE FROM experiments")  # the default one is in the backup
    counters = {table.name: table for table in schema.tables_of(dialect) if table.counter}
    for entry in manifest.tables:
        _take_table(tx, folder, entry)
        if entry.name in counters:
            schema.set_counter(tx, dialect, counters[entry.name], manifest.counters.get(entry.name, 0))


def _take_table(tx: Transaction, folder: Path, entry: TableEntry) -> None:
    places = ", ".join(f":{column}" for column in entry.columns)
    insert = f"INSERT INTO {entry.name} ({', '.join(entry.columns)}) VALUES ({places})"  # noqa: S608 - checked
    for piece in read_rows(folder / TABLES / entry.file):
        tx.many(insert, [dict(zip(entry.columns, row, strict=True)) for row in piece])
    rows = tx.value(f"SELECT COUNT(*) AS number FROM {entry.name}")  # noqa: S608 - a table of ours
    if rows != entry.rows:
        raise Damaged(
            f"table {entry.name} has {rows} rows instead of {entry.rows}", hint="use another backup"
        )
