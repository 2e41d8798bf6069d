"""Files of runs and logged models: one tree of names; the bytes lie in the file store under their digest.

A root is a folder of the tree, e.g. `1/<run id>/artifacts`; the root "" is the tree itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from pavedroad.errors import Conflict, Invalid, NotFound
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import Stored, put_stream
from pavedroad.kit.sql import Reader, Transaction, load_queries
from pavedroad.record import Record
from pavedroad.tracking.model import FileInfo, StoredFile

SQL = load_queries("pavedroad.tracking")
LONGEST_PATH = 1000
_DRIVE = re.compile(r"[A-Za-z]:")


def check_path(path: str) -> str:
    """A path inside a root, without slashes at its ends; "" is the root itself.

    Raises: Invalid for what climbs out or names another machine: `..`, absolute, with drive, with backslash.
    """
    parts = path.split("/")
    if (
        path.startswith("/")
        or "\\" in path
        or "\0" in path
        or any(part in ("..", ".") for part in parts)
        or "" in parts[:-1]
        or _DRIVE.match(path)
        or len(path) > LONGEST_PATH
    ):
        raise Invalid(f"Invalid path: {path[:200]!r}", hint="use a relative path without '..', '//' and '\\'")
    return path.rstrip("/")


def list_files(reader: Reader, root: str, path: str = "") -> list[FileInfo]:
    """The entries of one folder in order of name; none when there is no such folder."""
    folder = _join(root, check_path(path))
    inside = folder[len(root) + 1 :] if root else folder
    return [
        FileInfo(path=_join(inside, row["name"]), is_dir=bool(row["is_dir"]), size_bytes=row["size_bytes"])
        for row in reader.all(SQL.entries, folder=folder)
    ]


def all_files(reader: Reader, root: str, path: str = "") -> Iterator[tuple[str, StoredFile]]:
    """Every file below a folder, as (path from that folder, file)."""
    start = _join(root, check_path(path))
    waiting = [start]
    while waiting:
        folder = waiting.pop()
        for row in reader.all(SQL.entries, folder=folder):
            full = _join(folder, row["name"])
            if row["is_dir"]:
                waiting.append(full)
            else:
                yield full[len(start) + 1 :] if start else full, _stored(row["digest"], row["size_bytes"])


def find_file(reader: Reader, root: str, path: str) -> StoredFile | None:
    """The file at a path; None when nothing or a folder is there."""
    folder, name = _split(_join(root, check_path(path)))
    row = reader.one(SQL.entry, folder=folder, name=name)
    return None if row is None or row["is_dir"] else _stored(row["digest"], row["size_bytes"])


def get_file(reader: Reader, root: str, path: str) -> StoredFile:
    """Raises NotFound."""
    stored = find_file(reader, root, path)
    if stored is None:
        raise NotFound(f"No such artifact: '{path}'", hint="list the folder to see what is there")
    return stored


def put_file(tx: Transaction, root: str, path: str, stored: StoredFile) -> None:
    """Give stored bytes a name; a file of this name is replaced. Raises Conflict where a folder stands."""
    full = _join(root, check_path(path))
    folder, name = _split(full)
    if not name:
        raise Invalid("a file needs a name", hint="add one to the path")
    at_ms = now_ms()
    _ensure_folder(tx, folder, at_ms)
    if not tx.run(
        SQL.upsert_file,
        folder=folder,
        name=name,
        digest=stored.digest,
        size_bytes=stored.size_bytes,
        at_ms=at_ms,
    ):
        raise Conflict(f"{path!r} is a folder", hint="choose another file name")


def delete_files(tx: Transaction, root: str, path: str = "") -> int:
    """Remove a file or a whole folder; the number of files removed. The bytes stay until collected."""
    full = _join(root, check_path(path))
    removed, waiting = 0, [full]
    while waiting:
        folder = waiting.pop()
        for row in tx.all(SQL.entries, folder=folder):
            if row["is_dir"]:
                waiting.append(_join(folder, row["name"]))
            else:
                removed += 1
            tx.run(SQL.delete_entry, folder=folder, name=row["name"])
    folder, name = _split(full)
    entry = tx.one(SQL.entry, folder=folder, name=name)
    if entry is not None:
        removed += not entry["is_dir"]
        tx.run(SQL.delete_entry, folder=folder, name=name)
    return removed


def save_file(record: Record, root: str, path: str, stream: BinaryIO) -> StoredFile:
    """Store the bytes of `stream`, then give them a name: after a crash a name never lacks its bytes."""
    check_path(path)
    stored = put_stream(record.files, stream)
    record.db.write(lambda tx: put_file(tx, root, path, stored))
    return stored


def _ensure_folder(tx: Transaction, folder: str, at_ms: int) -> None:
    """Make the rows of a folder and of those above it, up to the first that exists."""
    while folder:
        above, name = _split(folder)
        if not tx.run(SQL.insert_folder, folder=above, name=name, at_ms=at_ms):
            row = tx.one(SQL.entry, folder=above, name=name)
            if row is not None and not row["is_dir"]:
                raise Conflict(f"{folder!r} is a file, not a folder", hint="choose another path")
            return
        folder = above


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _stored(digest: str, size_bytes: int) -> StoredFile:
    return Stored(digest=digest, size_bytes=size_bytes)
