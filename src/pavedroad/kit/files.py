"""Content-addressed files: a name is the blake3 of the bytes; equal bytes are kept once, damage is seen.

`kit.stores.open_files("/some/folder")` needs nothing; `s3://` and `gs://` need the extra of that name.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import blake3
import msgspec

from pavedroad.errors import Damaged, NotFound, Unavailable

CHUNK_BYTES = 1 << 20
HASHED_AT_ONCE_BYTES = 1 << 22
ABANDONED_AFTER_S = 24 * 3600  # a temporary file this old belongs to a process that was killed
REMEMBERED = 10_000  # files whose digest was checked by this process
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    digest: str  # blake3, 64 hexadecimal digits
    size_bytes: int


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it lies in the store; its bytes were not looked at."""

    digest: str
    size_bytes: int
    written_s: float  # seconds since 1970


class Incoming(Protocol):
    """Bytes on their way in. `stored` is set, and the file there, once the `with` block has ended well."""

    stored: Stored

    def write(self, data: bytes | memoryview, /) -> int: ...


class FileStore(Protocol):
    def receive(self, *, durable: bool = True) -> AbstractContextManager[Incoming]:
        """Write a file: a temporary name, hashed on the way, then renamed. `durable` waits for the disk.

        Raises: Unavailable when there is no room or no permission. Nothing is kept when the block raises.
        """

    def adopt(self, path: Path, *, durable: bool = True) -> Stored:
        """Take over a file that another library wrote; nothing is left at `path`. Raises: Unavailable."""

    def open(self, digest: str) -> BinaryIO:
        """Read a file, checked first. Raises NotFound; Damaged when its bytes are not what was stored."""

    def path(self, digest: str) -> Path:
        """A local file with these bytes, checked, for mmap and libraries that want a path; never write to it.

        Raises: NotFound; Damaged when its bytes are not what was stored.
        """

    def has(self, digest: str) -> bool: ...
    def size(self, digest: str) -> int: ...
    def remove(self, digest: str) -> None: ...
    def digests(self) -> Iterator[str]: ...
    def listing(self) -> Iterator[Listed]: ...

    def remove_older(self, digest: str, *, than_s: float) -> bool:
        """Remove a file unless it was written, or written again, since then; whether it is gone."""


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
    return blake3.blake3(memoryview(data).cast("B")).hexdigest()


def digest_of_file(path: Path) -> str:
    """blake3 of a file's bytes, on all cores. It is read, not mapped: the memory of a server stays flat."""
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    with path.open("rb", buffering=0) as source:
        buffer = memoryview(bytearray(min(HASHED_AT_ONCE_BYTES, max(os.fstat(source.fileno()).st_size, 1))))
        while size := source.readinto(buffer):
            hasher.update(buffer[:size])
    return hasher.hexdigest()


class FolderFiles:
    """`<folder>/ab/cdef…`, one file per digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._incoming = self.folder / "incoming"
        self._checked: dict[str, _State] = {}
        _remove_abandoned(self._incoming)

    @contextmanager
    def receive(self, *, durable: bool = True) -> Iterator[Incoming]:
        temporary = self._incoming / uuid.uuid4().hex
        with _says_cannot_write(self.folder):
            _make_folder(self._incoming, durable=durable)
            file = temporary.open("xb")
        try:
            incoming = _Hashing(file, self.folder)
            yield incoming
            stored = incoming.finish()
            with _says_cannot_write(self.folder):
                file.flush()
                if durable:
                    os.fsync(file.fileno())
                file.close()
                self._keep(temporary, stored.digest, durable=durable)
            incoming.stored = stored
        finally:
            with suppress(OSError):  # a full disk: the buffer cannot be written, and need not be
                file.close()
            temporary.unlink(missing_ok=True)

    def adopt(self, path: Path, *, durable: bool = True) -> Stored:
        temporary = self._incoming / uuid.uuid4().hex
        try:
            with _says_cannot_write(self.folder):
                stored = Stored(digest=digest_of_file(path), size_bytes=path.stat().st_size)
                _make_folder(self._incoming, durable=durable)
                shutil.move(path, temporary)
                os.utime(temporary)  # the store takes it now: what is young is not collected
                if durable:
                    _sync_file(temporary)
                self._keep(temporary, stored.digest, durable=durable)
        finally:
            temporary.unlink(missing_ok=True)
        return stored

    def _keep(self, temporary: Path, digest: str, *, durable: bool) -> None:
        """Give the file its name. One that is there is replaced: it may be damaged or not yet on disk."""
        target = self._place(digest)
        _make_folder(target.parent, durable=durable)
        temporary.replace(target)
        if durable:
            _sync_folder(target.parent)
        self._remember(digest, _state(target))

    def open(self, digest: str) -> BinaryIO:
        return self.path(digest).open("rb")

    def path(self, digest: str) -> Path:
        path = self._place(digest)
        try:
            state = _state(path)
            if self._checked.get(digest) != state:
                if digest_of_file(path) != digest:
                    raise damaged(digest)
                self._remember(digest, state)
        except FileNotFoundError:
            raise missing(digest, self.folder) from None
        except OSError as error:
            raise Unavailable(
                f"cannot read {path}: {error.strerror or error}", hint="check its permissions and the disk"
            ) from error
        return path

    def has(self, digest: str) -> bool:
        return bool(_DIGEST.fullmatch(digest)) and self._place(digest).is_file()

    def size(self, digest: str) -> int:
        try:
            return self._place(digest).stat().st_size
        except FileNotFoundError:
            raise missing(digest, self.folder) from None

    def remove(self, digest: str) -> None:
        with _says_cannot_write(self.folder):
            self._place(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        for file in self.folder.glob("??/*"):
            yield file.parent.name + file.name

    def listing(self) -> Iterator[Listed]:
        for digest in self.digests():
            with suppress(FileNotFoundError):  # somebody else removes too
                status = (self.folder / digest[:2] / digest[2:]).stat()
                yield Listed(digest=digest, size_bytes=status.st_size, written_s=status.st_mtime)

    def remove_older(self, digest: str, *, than_s: float) -> bool:
        place, aside = self._place(digest), self._incoming / uuid.uuid4().hex
        with _says_cannot_write(self.folder):
            try:
                if place.stat().st_mtime >= than_s:
                    return False
                _make_folder(self._incoming, durable=False)
                place.replace(aside)  # first aside: what is removed is then surely what was looked at
                if aside.stat().st_mtime >= than_s:
                    aside.replace(place)
                    return False
                aside.unlink()
            except FileNotFoundError:
                return False
        return True

    def _place(self, digest: str) -> Path:
        check_digest(digest, self.folder)
        return self.folder / digest[:2] / digest[2:]

    def _remember(self, digest: str, state: _State) -> None:
        if len(self._checked) >= REMEMBERED:
            self._checked.clear()
        self._checked[digest] = state


_State = tuple[int, int, int]  # inode, size, time of the last change: the same file, untouched


def _state(path: Path) -> _State:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


class _Hashing:
    stored: Stored

    def __init__(self, target: BinaryIO, where: Path) -> None:
        self._target = target
        self._where = where
        self._hasher = blake3.blake3()
        self._size = 0

    def write(self, data: bytes | memoryview, /) -> int:
        data = memoryview(data).cast("B")
        self._hasher.update(data)
        with _says_cannot_write(self._where):
            written = self._target.write(data)
        self._size += written
        return written

    def finish(self) -> Stored:
        return Stored(digest=self._hasher.hexdigest(), size_bytes=self._size)


@contextmanager
def _says_cannot_write(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(
                f"no space left to write to {folder}", hint="free some, then try again"
            ) from error
        raise Unavailable(
            f"cannot write to {folder}: {error.strerror or error}", hint="check its permissions and the disk"
        ) from error


def check_digest(digest: str, where: Path | str) -> None:
    """Raises NotFound for what cannot be a digest, such as `../../etc/passwd`."""
    if not _DIGEST.fullmatch(digest):
        raise missing(digest, where)


def missing(digest: str, where: Path | str) -> NotFound:
    return NotFound(
        f"no file {digest!r} in {where}",
        hint="set PAVED_FILES to the store it was written to, or restore it from a backup",
    )


def damaged(digest: str) -> Damaged:
    return Damaged(
        f"file {digest} is damaged: its bytes have another digest", hint="restore it from a backup"
    )


def _make_folder(folder: Path, *, durable: bool) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, durable=durable)
    folder.mkdir(exist_ok=True)
    if durable:
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    _sync_file(folder)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(incoming: Path) -> None:
    oldest = time.time() - ABANDONED_AFTER_S
    with suppress(OSError):  # a file store that may only be read
        for file in incoming.iterdir():
            if file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)
