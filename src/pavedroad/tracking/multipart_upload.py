"""Large files that arrive in parts, several at once and in any order; each is repeated alone when it fails.

Parts wait as files in `<home>/uploads/<upload id>/` and become one stored file when the upload is complete.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from pavedroad.errors import Invalid, NotFound, Unavailable
from pavedroad.kit.files import ABANDONED_AFTER_S, CHUNK_BYTES, FileStore, Stored

MOST_PARTS = 10_000
LARGEST_PART_BYTES = 5 * 2**30
_ID = re.compile(r"[0-9a-f]{32}")
_TARGET = "target.json"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part as the client lists it at the end."""

    part_number: int
    etag: str | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    parts: int


def create_upload(home: Path, path: str, parts: int) -> str:
    """The id of a new upload of the file `path` in so many parts."""
    if not 1 <= parts <= MOST_PARTS:
        raise Invalid(
            f"num_parts must be between 1 and {MOST_PARTS:,}, not {parts}", hint="send larger parts"
        )
    _remove_abandoned(home / "uploads")
    upload_id = uuid.uuid4().hex
    folder = home / "uploads" / upload_id
    try:
        folder.mkdir(parents=True)
        (folder / _TARGET).write_bytes(msgspec.json.encode(Target(path=path, parts=parts)))
    except OSError as error:
        raise _cannot_write(folder, error) from None
    return upload_id


def place_of_part(home: Path, upload_id: str, number: int) -> Path:
    """Where a part is to be written. Raises NotFound for an unknown upload, Invalid for a part it lacks."""
    folder, target = _open(home, upload_id)
    if not 1 <= number <= target.parts:
        raise Invalid(f"this upload has no part {number}", hint=f"it has parts 1 to {target.parts}")
    return folder / str(number)


class PartWriter:
    """Writes one part under a temporary name; `finish` gives it its own, so that half a part never counts."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._temporary = place.with_name(f"{uuid.uuid4().hex}.part")
        self._size = 0
        try:
            self._file = self._temporary.open("xb")
        except OSError as error:
            raise _cannot_write(place.parent, error) from None

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > LARGEST_PART_BYTES:
            raise Invalid("a part may have 5 GiB at most", hint="send smaller parts")
        try:
            self._file.write(data)
        except OSError as error:
            raise _cannot_write(self._place.parent, error) from None

    def finish(self) -> None:
        try:
            self._file.close()
            self._temporary.replace(self._place)
        except OSError as error:
            raise _cannot_write(self._place.parent, error) from None

    def discard(self) -> None:
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def join_parts(home: Path, upload_id: str, path: str, parts: list[Part], files: FileStore) -> Stored:
    """Store the parts as one file. Raises Invalid when one is missing or the list names others."""
    folder, target = _open(home, upload_id)
    _check_target(target, path)
    numbers = sorted(part.part_number for part in parts)
    if numbers != list(range(1, target.parts + 1)):
        raise Invalid(
            f"the upload has parts 1 to {target.parts}, the list names {len(numbers)} others",
            hint="list every part once",
        )
    for number in numbers:
        if not (folder / str(number)).is_file():
            raise Invalid(f"part {number} has not arrived", hint="send it, then complete the upload again")
    with files.receive() as incoming:
        for piece in _pieces(folder, target.parts):
            incoming.write(piece)
    return incoming.stored


def remove_upload(home: Path, upload_id: str, path: str) -> None:
    """Forget an upload and its parts. Raises NotFound when there is none of this id."""
    folder, target = _open(home, upload_id)
    _check_target(target, path)
    shutil.rmtree(folder, ignore_errors=True)


def _pieces(folder: Path, parts: int) -> Iterator[bytes]:
    for number in range(1, parts + 1):
        with (folder / str(number)).open("rb") as part:
            while piece := part.read(CHUNK_BYTES):
                yield piece


def _open(home: Path, upload_id: str) -> tuple[Path, Target]:
    folder = home / "uploads" / upload_id
    if _ID.fullmatch(upload_id):
        with suppress(FileNotFoundError):
            return folder, msgspec.json.decode((folder / _TARGET).read_bytes(), type=Target)
    raise NotFound(
        f"no upload {upload_id[:100]!r}", hint="start it again: unfinished ones are kept for a day"
    )


def _check_target(target: Target, path: str) -> None:
    if target.path != path:
        raise Invalid(f"this upload is of {target.path!r}, not of {path!r}", hint="use its own path")


def _cannot_write(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"cannot write to {folder}: {error.strerror or error}", hint="check its permissions and the disk"
    )


def _remove_abandoned(uploads: Path) -> None:
    oldest = time.time() - ABANDONED_AFTER_S
    with suppress(OSError):
        for folder in uploads.iterdir():
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
