"""The folder a demo lives in: everything it makes is inside, so removing the folder removes everything."""

from __future__ import annotations

import shutil
from pathlib import Path

import blake3
import msgspec

from pavedroad.config import working_directory
from pavedroad.errors import Unavailable

NAME = "paved-demo"
PROJECT = "late-flights"
MARK = ".paved-demo.json"
SETTINGS = """\
# The record of this demo lies in .paved beside this file.
user = "you"

[gates]
aliases = ["champion"]
"""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Left by a finished demo: the next one sees whether a person has changed the project since."""

    project_digest: str


def choose_folder(asked: Path | None) -> Path:
    """The folder asked for, else this one when it is empty, else `paved-demo` beside what is here.

    What an earlier demo left is used again only if nobody has worked in it; else the next number is taken.
    """
    here = working_directory()
    first = asked.absolute() if asked else here if is_free(here) else here / NAME
    for number in range(1, 1000):
        folder = first if number == 1 else first.with_name(f"{first.name}-{number}")
        if is_free(folder):
            return folder
    raise Unavailable(
        f"{first} and its next 999 names are taken", hint="name another folder: `paved demo FOLDER`"
    )


def is_free(folder: Path) -> bool:
    """Absent, empty, or exactly as an earlier demo left it."""
    if not folder.exists():
        return True
    if not folder.is_dir():
        return False
    return not any(folder.iterdir()) or _left_by_demo(folder)


def prepare(folder: Path) -> None:
    """Make it, empty it of an earlier demo, give it its own record.

    Raises: Unavailable where it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _left_by_demo(folder):
            for name in (PROJECT, ".paved"):
                shutil.rmtree(folder / name, ignore_errors=True)
            (folder / MARK).unlink()
        (folder / "paved.toml").write_text(SETTINGS, "utf-8")
    except OSError as error:
        raise Unavailable(
            f"cannot write to {folder}: {error.strerror}",
            hint="name a folder you can write: `paved demo FOLDER`",
        ) from None


def leave_mark(folder: Path) -> None:
    mark = Mark(project_digest=digest_of_tree(folder / PROJECT))
    (folder / MARK).write_bytes(msgspec.json.encode(mark))


def digest_of_tree(folder: Path) -> str:
    """Names and bytes of every file a person could have written."""
    hasher = blake3.blake3()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            hasher.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
            hasher.update(file.read_bytes())
    return hasher.hexdigest()


def _left_by_demo(folder: Path) -> bool:
    try:
        mark = msgspec.json.decode((folder / MARK).read_bytes(), type=Mark)
    except (OSError, msgspec.DecodeError):
        return False
    extra = {entry.name for entry in folder.iterdir()} - {MARK, PROJECT, ".paved", "paved.toml"}
    return not extra and digest_of_tree(folder / PROJECT) == mark.project_digest
