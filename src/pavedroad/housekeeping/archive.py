"""The form of a backup, the same for every database and file store, so that one restores into another.

    manifest.json                 what is in it, with counts and digests; written last
    tables/<table>-<digest>       rows, as MessagePack: pieces of (4 bytes of length, array of rows)
    tables/files-<digest>         digest and size of every file, a line each
    files/ab/cdef…                the files, named by the blake3 of their bytes

It is a folder, or the same as a tar file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import blake3
import msgspec

from pavedroad.errors import Damaged, Invalid, NotFound

FORMAT = 1
MANIFEST, TABLES, FILES = "manifest.json", "tables", "files"
_LENGTH = struct.Struct(">I")


class TableEntry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    columns: list[str]
    rows: int
    file: str
    digest: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    made_by: str  # version of pavedroad
    made_ms: int
    dialect: str  # of the database it was taken from
    migrations: dict[str, int]
    tables: list[TableEntry]  # in the order of their foreign keys
    counters: dict[str, int]  # table: the highest number that was given in it
    files: int
    bytes: int  # of the files
    file_list: str  # digest of the list of files
    missing: list[str] = []  # files that a row names and the store did not have


class HashingFile:
    """Writes and hashes at once."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._hasher = blake3.blake3()

    def write(self, data: bytes) -> None:
        self._hasher.update(data)
        self._target.write(data)

    @property
    def digest(self) -> str:
        return self._hasher.hexdigest()


def write_rows(path: Path, pieces: Iterable[list[tuple[Any, ...]]]) -> tuple[int, str]:
    """Write a table's rows; how many, and the digest of the file."""
    rows = 0
    with path.open("wb") as file:
        hashing = HashingFile(file)
        for piece in pieces:
            packed = msgspec.msgpack.encode(piece)
            hashing.write(_LENGTH.pack(len(packed)) + packed)
            rows += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return rows, hashing.digest


def read_rows(path: Path) -> Iterator[list[list[Any]]]:
    """The pieces of a table. Raises Damaged."""
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            try:
                packed = file.read(_LENGTH.unpack(head)[0])
                yield msgspec.msgpack.decode(packed, type=list[list[Any]])
            except (struct.error, msgspec.MsgspecError):
                raise Damaged(f"{path.name} of the backup is damaged", hint="use another backup") from None


def read_manifest(folder: Path) -> Manifest:
    """Raises NotFound for a folder that is no backup, Invalid for one that this version cannot read."""
    try:
        text = (folder / MANIFEST).read_bytes()
    except OSError:
        raise NotFound(
            f"{folder} holds no complete backup: there is no {MANIFEST}", hint="make one with `paved backup`"
        ) from None
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Invalid(f"{folder / MANIFEST} cannot be read: {error}", hint="use another backup") from None
    if manifest.format != FORMAT:
        raise Invalid(
            f"the backup has format {manifest.format}; this version reads {FORMAT}",
            hint="restore it with the version of pavedroad that made it",
        )
    return manifest


def read_file_list(folder: Path, manifest: Manifest) -> dict[str, int]:
    """Digest and size of every file. Raises Damaged."""
    try:
        text = (folder / TABLES / file_list_name(manifest.file_list)).read_bytes()
    except OSError:
        text = b""
    if blake3.blake3(text).hexdigest() != manifest.file_list:
        raise Damaged("the list of files of the backup is damaged or missing", hint="use another backup")
    return {digest: int(size) for digest, size in (line.split() for line in text.decode().splitlines())}


def file_list_name(digest: str) -> str:
    return f"files-{digest[:16]}"


def write_file_list(folder: Path, files: dict[str, int]) -> str:
    text = "".join(f"{digest} {size}\n" for digest, size in sorted(files.items())).encode()
    digest = blake3.blake3(text).hexdigest()
    (folder / file_list_name(digest)).write_bytes(text)
    return digest
