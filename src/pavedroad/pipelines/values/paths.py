"""Files and folders: what a `Path` stands for is its content, wherever it lies."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from pavedroad.kit.files import digest_of, digest_of_file
from pavedroad.pipelines.values.model import NotStorable

MISSING = "missing"
_State = tuple[int, int, int, int]


class FileDigests:
    """Digests of files by path, taken again when a file has changed.

    A file's inode, size, time of change and time of status change together say whether it did: the last one
    cannot be set back by a program.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[_State, str]] = {}
        self._lock = threading.Lock()

    def of(self, path: Path) -> str:
        """Raises NotStorable when it cannot be read."""
        try:
            before = _state(path)
            with self._lock:
                known = self._known.get(str(path))
            if known is not None and known[0] == before:
                return known[1]
            digest = digest_of_file(path)
        except OSError as error:
            raise NotStorable(f"{path} cannot be read: {error.strerror or error}") from error
        with self._lock:
            self._known[str(path)] = (before, digest)
        return digest


def content_digest(path: Path, digests: FileDigests) -> str:
    """What a path says to a cache key: its name and the content of the file, or of every file in the
    folder.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        raise NotStorable(f"{path} cannot be read: {error.strerror or error}") from error
    if stat.S_ISREG(mode):
        return tree_digest(path.name, [("", digests.of(path))])
    if stat.S_ISDIR(mode):
        return tree_digest(path.name, [(name, digests.of(file)) for name, file in files_in(path)])
    raise NotStorable(f"{path} is neither a file nor a folder")


def tree_digest(name: str, files: list[tuple[str, str]]) -> str:
    lines = [name, *(f"{path}\0{digest}" for path, digest in sorted(files))]
    return digest_of("\n".join(lines).encode("utf-8", "surrogateescape"))


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a folder with its path from there; Python's own caches are left out."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            file = Path(root, name)
            if file.is_file():
                yield file.relative_to(folder).as_posix(), file


def size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for _, file in files_in(path))


def link(source: Path, target: Path) -> None:
    """Make `target` the same file, or a copy where that is not possible; read-only, for it is shared."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        try:
            os.link(source, temporary)
        except OSError:  # another file system, or one without links
            temporary.write_bytes(source.read_bytes())
        temporary.chmod(0o444)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _state(path: Path) -> _State:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
