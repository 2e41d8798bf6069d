"""Content-addressed files: a name is the blake3 of the bytes, so equal bytes are kept once and damage is seen.

`open_files("/some/folder")` needs nothing; `s3://` and `gs://` need the extra of that name.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import blake3
import msgspec

from pavedroad.errors import Damaged, NotFound, Unavailable

CHUNK_BYTES = 1 << 20


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    digest: str  # blake3, 64 hexadecimal digits
    size_bytes: int


class Incoming(Protocol):
    """Bytes on their way in. After the `with` block ends without an error, `stored` is set and the file is there."""

    stored: Stored

    def write(self, data: bytes | memoryview, /) -> int: ...


class FileStore(Protocol):
    def receive(self, *, durable: bool = True) -> contextmanager[Incoming]:  # type: ignore[valid-type]
        """Write a file: temporary name, hash while writing, then rename. `durable` also waits for the disk."""

    def open(self, digest: str) -> BinaryIO:
        """Read a file; the reader raises Damaged at its end when the bytes are not what was stored."""

    def path(self, digest: str) -> Path:
        """A local file with these bytes, checked; for mmap and for libraries that want a path. Never write to it."""

    def has(self, digest: str) -> bool: ...
    def size(self, digest: str) -> int: ...
    def remove(self, digest: str) -> None: ...
    def digests(self) -> Iterator[str]: ...


def open_files(url: str) -> FileStore:
    if url.startswith(("s3://", "gs://")):
        from pavedroad.kit.object_files import ObjectFiles

        return ObjectFiles(url)
    return FolderFiles(Path(url.removeprefix("file://")))


def put_bytes(files: FileStore, data: bytes, *, durable: bool = True) -> Stored:
    with files.receive(durable=durable) as incoming:
        incoming.write(data)
    return incoming.stored


def put_stream(files: FileStore, source: BinaryIO, *, durable: bool = True) -> Stored:
    with files.receive(durable=durable) as incoming:
        while chunk := source.read(CHUNK_BYTES):
            incoming.write(chunk)
    return incoming.stored


def read_bytes(files: FileStore, digest: str) -> bytes:
    with files.open(digest) as source:
        return source.read()


def digest_of(data: bytes | memoryview) -> str:
    return blake3.blake3(data).hexdigest()


def digest_of_file(path: Path) -> str:
    """blake3 of a file's bytes, mapped rather than read."""
    hasher = blake3.blake3()
    if path.stat().st_size:
        hasher.update_mmap(path)
    return hasher.hexdigest()


class _Hashing:
    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._hasher = blake3.blake3()
        self._size = 0
        self.stored: Stored

    def write(self, data: bytes | memoryview, /) -> int:
        self._hasher.update(data)
        self._size += memoryview(data).nbytes
        return self._target.write(data)

    def finish(self) -> Stored:
        self.stored = Stored(digest=self._hasher.hexdigest(), size_bytes=self._size)
        return self.stored


class FolderFiles:
    """`<folder>/ab/cdef…`, one file per digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._incoming = self.folder / "incoming"

    @contextmanager
    def receive(self, *, durable: bool = True) -> Iterator[_Hashing]:
        name = ""
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._incoming, delete=False) as file:
                name = file.name
                incoming = _Hashing(file)  # type: ignore[arg-type]
                yield incoming
                target = self._place(incoming.finish().digest)
                if target.exists() and target.stat().st_size == incoming.stored.size_bytes:
                    return
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            target.parent.mkdir(exist_ok=True)
            Path(name).replace(target)
            if durable:
                _sync_folder(target.parent)
        except OSError as error:
            raise Unavailable(
                f"cannot write to {self.folder}: {error.strerror}", hint="check its permissions and the free space"
            ) from error
        finally:
            if name:
                Path(name).unlink(missing_ok=True)

    def open(self, digest: str) -> BinaryIO:
        try:
            return io.BufferedReader(_Checked(self._place(digest).open("rb"), digest), CHUNK_BYTES)
        except FileNotFoundError:
            raise NotFound(f"no file {digest} in {self.folder}", hint="it may have been removed by hand") from None

    def path(self, digest: str) -> Path:
        path = self._place(digest)
        if not path.is_file():
            raise NotFound(f"no file {digest} in {self.folder}", hint="it may have been removed by hand")
        if digest_of_file(path) != digest:
            raise _damaged(digest)
        return path

    def has(self, digest: str) -> bool:
        return self._place(digest).is_file()

    def size(self, digest: str) -> int:
        try:
            return self._place(digest).stat().st_size
        except FileNotFoundError:
            raise NotFound(f"no file {digest} in {self.folder}", hint="it may have been removed by hand") from None

    def remove(self, digest: str) -> None:
        self._place(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        for file in self.folder.glob("??/*"):
            yield file.parent.name + file.name

    def _place(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]


class _Checked(io.RawIOBase):
    """Hashes what is read and compares at the end."""

    def __init__(self, source: BinaryIO, digest: str) -> None:
        self._source = source
        self._digest = digest
        self._hasher = blake3.blake3()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        number = self._source.readinto(buffer)  # type: ignore[attr-defined]
        if number:
            self._hasher.update(memoryview(buffer)[:number])
        elif self._hasher.hexdigest() != self._digest:
            raise _damaged(self._digest)
        return int(number)

    def close(self) -> None:
        self._source.close()
        super().close()


def _damaged(digest: str) -> Damaged:
    return Damaged(f"file {digest} is damaged: its bytes have another digest", hint="restore it from a backup")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
