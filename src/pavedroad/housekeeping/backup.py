"""`paved backup`: one moment of the record, taken while others go on writing.

The rows come first, from a snapshot; then the files that they name: they are there by then and do not change.
A collection waits for its turn (`turns`): what is erased meanwhile keeps its files until the backup has them.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import msgspec

from pavedroad.errors import Exists, Invalid, NotFound, Unavailable
from pavedroad.housekeeping import schema
from pavedroad.housekeeping.archive import (
    FILES,
    MANIFEST,
    TABLES,
    Manifest,
    TableEntry,
    file_list_name,
    read_manifest,
    write_file_list,
    write_rows,
)
from pavedroad.housekeeping.named_files import named_files
from pavedroad.housekeeping.turns import own_turn
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import CHUNK_BYTES, FileStore, FolderFiles
from pavedroad.kit.snapshot import Snapshot, snapshot_of
from pavedroad.record import Record

TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz"}
Progress = Callable[[str, int, int], None]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    tables: int
    rows: int
    files: int
    bytes: int
    copied_files: int  # the others were there from an earlier backup
    missing: list[str]  # files that a row names and the store does not have


def make_backup(record: Record, target: Path, *, progress: Progress) -> Report:
    """Write a backup to a folder, or to a .tar or .tar.gz file.

    A folder with an earlier backup is brought up to date: files that it has are not copied again, and it is a
    whole backup at every moment.
    Raises: Exists when something else is there; Unavailable when it cannot be written.
    """
    mode = _tar_mode(target)
    try:
        with own_turn(record.settings):
            if mode is None:
                return _to_folder(record, target, progress)
            return _to_tar(record, target, mode, progress)
    except OSError as error:
        raise Unavailable(
            f"cannot write the backup to {target}: {error.strerror or error}",
            hint="check the path, its permissions and the free space",
        ) from error


def _tar_mode(target: Path) -> str | None:
    for suffix, mode in TAR_MODES.items():
        if target.name.endswith(suffix):
            return mode
    if ".tar" in target.suffixes or target.suffix in (".zip", ".zst", ".xz", ".bz2", ".gz"):
        raise Invalid(f"cannot write {target.name}", hint="name a folder, a .tar or a .tar.gz file")
    return None


def _to_folder(record: Record, target: Path, progress: Progress) -> Report:
    _check_free(target)
    (target / TABLES).mkdir(parents=True, exist_ok=True)
    files = FolderFiles(target / FILES)
    with snapshot_of(record.settings.database_url) as snapshot:
        entries, counters = _write_tables(snapshot, target / TABLES, progress)
        named = named_files(snapshot, steps_since_ms=now_ms())
        migrations = schema.migrations_of(snapshot)
    copied, missing = _copy_files(record.files, files, named, progress)
    kept = {digest: size for digest, size in named.items() if digest not in set(missing)}
    list_digest = write_file_list(target / TABLES, kept)
    manifest = Manifest(
        made_by=version("pavedroad"),
        made_ms=now_ms(),
        dialect=record.db.dialect,
        migrations=migrations,
        tables=entries,
        counters=counters,
        files=len(kept),
        bytes=sum(kept.values()),
        file_list=list_digest,
        missing=missing,
    )
    _put_manifest(target, manifest)
    _remove_older(target, files, manifest, kept)
    return Report(
        target=str(target),
        tables=len(entries),
        rows=sum(entry.rows for entry in entries),
        files=len(kept),
        bytes=manifest.bytes,
        copied_files=copied,
        missing=missing,
    )


def _check_free(target: Path) -> None:
    """Raises Exists for a folder that is neither empty nor a backup."""
    if not target.exists():
        return
    if not target.is_dir():
        raise Exists(f"{target} is a file", hint="name a folder, a .tar or a .tar.gz file")
    ours = {MANIFEST, TABLES, FILES, f"{MANIFEST}.new"}
    if others := sorted(path.name for path in target.iterdir() if path.name not in ours):
        raise Exists(f"{target} holds other things: {', '.join(others[:3])}", hint="name an empty folder")


def _write_tables(
    snapshot: Snapshot, folder: Path, progress: Progress
) -> tuple[list[TableEntry], dict[str, int]]:
    tables = schema.tables_of(snapshot.dialect)
    entries, counters = [], {}
    for at, table in enumerate(tables):
        columns = schema.columns_of(snapshot, snapshot.dialect, table.name)
        path = folder / f"{table.name}.new"
        rows, digest = write_rows(path, snapshot.rows(f"SELECT {', '.join(columns)} FROM {table.name}"))  # noqa: S608
        name = f"{table.name}-{digest[:16]}"
        path.replace(folder / name)
        entries.append(TableEntry(name=table.name, columns=columns, rows=rows, file=name, digest=digest))
        if table.counter:
            counters[table.name] = schema.read_counter(snapshot, snapshot.dialect, table)
        progress("writing tables", at + 1, len(tables))
    return entries, counters


def _copy_files(
    source: FileStore, target: FolderFiles, named: dict[str, int], progress: Progress
) -> tuple[int, list[str]]:
    """How many were copied, and which were not there."""
    copied, missing, done, total = 0, [], 0, sum(named.values())
    for digest, size in sorted(named.items()):
        if not (target.has(digest) and target.size(digest) == size):
            try:
                with source.open(digest) as stream, target.receive() as incoming:
                    while chunk := stream.read(CHUNK_BYTES):
                        incoming.write(chunk)
                copied += 1
            except NotFound:
                missing.append(digest)
        done += size
        progress("copying bytes of files", done, total)
    return copied, missing


def _put_manifest(target: Path, manifest: Manifest) -> None:
    """From here on the folder holds this backup; until now it held the one before."""
    new = target / f"{MANIFEST}.new"
    with new.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        file.flush()
        os.fsync(file.fileno())
    new.replace(target / MANIFEST)


def _remove_older(target: Path, files: FolderFiles, manifest: Manifest, kept: dict[str, int]) -> None:
    """What only the backup before needed."""
    needed = {*(entry.file for entry in manifest.tables), file_list_name(manifest.file_list)}
    for path in (target / TABLES).iterdir():
        if path.name not in needed:
            path.unlink()
    for digest in list(files.digests()):
        if digest not in kept:
            files.remove(digest)


def _to_tar(record: Record, target: Path, mode: str, progress: Progress) -> Report:
    if target.exists():
        raise Exists(f"{target} exists", hint="choose another name, or remove it first")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    part = target.with_name(f"{target.name}.part")
    try:
        report = _to_folder(record, folder, progress)
        manifest = read_manifest(folder)
        tables = [*(entry.file for entry in manifest.tables), file_list_name(manifest.file_list)]
        names = [MANIFEST, *(f"{TABLES}/{table}" for table in tables)]
        names += [f"{FILES}/{digest[:2]}/{digest[2:]}" for digest in FolderFiles(folder / FILES).digests()]
        with tarfile.open(part, mode) as tar:  # type: ignore[call-overload]
            for at, name in enumerate(names):
                tar.add(folder / name, arcname=name)
                progress("packing", at + 1, len(names))
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    return msgspec.structs.replace(report, target=str(target))
