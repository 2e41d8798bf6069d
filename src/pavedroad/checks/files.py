"""Which files belong to a project: git's answer, else a walk that leaves out what nobody commits."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

GIT_TIMEOUT_S = 20.0
MOST_FILES = 200_000
LARGEST_IGNORES_BYTES = 2**20
LONGEST_GLOB = 1000  # characters
# Folders that tools make: never part of a project, whatever its .gitignore says.
TOOL_FOLDERS = frozenset(
    {
        ".git", ".hg", ".svn", ".venv", "venv", ".tox", ".nox", "__pycache__", "node_modules", ".eggs",
        ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".paved",
        ".dvc", ".idea", "site-packages", ".terraform",
    }
)  # fmt: skip


class ProjectFile(msgspec.Struct, frozen=True):
    path: str  # relative, with `/`
    size_bytes: int
    tracked: bool  # by git


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    files: tuple[ProjectFile, ...]
    has_git: bool
    commit: str  # with `-dirty` when tracked files differ; empty without git


def list_files(root: Path) -> Listing:
    """Every regular file below `root`, by name. Links are left out: their target counts where it lies."""
    listed = _ask_git(
        root, "ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", "--deduplicate"
    )
    if not listed:  # no git, or a folder that the repository around it ignores
        files = sorted(_walk(root), key=lambda file: file.path)
        return Listing(files=tuple(files), has_git=False, commit="")
    found = []
    for entry in sorted(set(listed.split("\0")), key=lambda entry: entry[2:]):
        path = entry[2:]
        if path and not TOOL_FOLDERS.intersection(path.split("/")[:-1]):
            size_bytes = _regular_size(root / path)
            if size_bytes is not None:
                found.append(ProjectFile(_shown(path), size_bytes, tracked=not entry.startswith("?")))
    return Listing(files=tuple(found), has_git=True, commit=_commit(root))


def _shown(path: str) -> str:
    """A name that is no text cannot be printed or stored: it gets question marks and is found unreadable."""
    return path if path.isascii() else path.encode(errors="replace").decode()


def _commit(root: Path) -> str:
    described = _ask_git(root, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")
    return (described or "").strip()


def _ask_git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None: no git, no repository, or one that git refuses to read."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments],
            cwd=root,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None


def _regular_size(path: Path) -> int | None:
    try:
        status = path.lstat()
    except OSError:  # tracked but removed, or a name the system cannot use
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _walk(root: Path) -> Iterator[ProjectFile]:
    """Depth first, without following links, with the .gitignore files on the way."""
    left = MOST_FILES
    folders: list[tuple[str, tuple[Ignore, ...]]] = [("", ())]
    while folders and left:
        folder, ignores = folders.pop()
        ignores = (*ignores, *_read_ignores(root, folder))
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}{entry.name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.is_symlink() or _is_ignored(path, is_folder, ignores):
                continue
            if is_folder:
                if entry.name not in TOOL_FOLDERS:
                    folders.append((f"{path}/", ignores))
            elif (size_bytes := _regular_size(Path(entry.path))) is not None and left:
                left -= 1
                yield ProjectFile(_shown(path), size_bytes, tracked=False)


class Ignore(msgspec.Struct, frozen=True):
    """One line of a .gitignore, for paths from the project's root."""

    pattern: re.Pattern[str]
    only_folders: bool
    keeps: bool  # a line that starts with `!`


def _read_ignores(root: Path, folder: str) -> list[Ignore]:
    file = root / folder / ".gitignore"
    size_bytes = _regular_size(file)  # a pipe or a link to a device has no end
    if size_bytes is None or size_bytes > LARGEST_IGNORES_BYTES:
        return []
    try:
        text = file.read_text("utf-8", errors="replace")
    except OSError:
        return []
    return [ignore for line in text.splitlines() if (ignore := _read_ignore(line, folder))]


def _read_ignore(line: str, folder: str) -> Ignore | None:
    line = line.rstrip()
    keeps = line.startswith("!")
    text = line.removeprefix("!")
    if not text.strip("/") or text.startswith("#") or len(text) > LONGEST_GLOB:
        return None
    only_folders = text.endswith("/")
    text = text.strip("/") if "/" in text.rstrip("/") else "**/" + text.rstrip("/")
    try:
        return Ignore(re.compile(re.escape(folder) + glob_pattern(text)), only_folders, keeps)
    except re.error:
        return None


def _is_ignored(path: str, is_folder: bool, ignores: tuple[Ignore, ...]) -> bool:
    ignored = False
    for ignore in ignores:  # the last line that matches decides
        if (is_folder or not ignore.only_folders) and ignore.pattern.fullmatch(path):
            ignored = not ignore.keeps
    return ignored


def path_pattern(glob: str) -> re.Pattern[str]:
    """A path as people write it: `*.ipynb` anywhere, `scripts/` and all below it, `scripts/*.py`."""
    text = f"{glob}**" if glob.endswith("/") else glob
    return re.compile(glob_pattern(text if "/" in glob else f"**/{text}"))


# A double star counts as such where it is a whole part of the path, as in git.
_GLOB = re.compile(r"((?:(?<![^/])\*\*/)+)|((?<![^/])\*\*(?![^/]))|(\*+|\?|\[!?[^\]/]*\]|.)", re.DOTALL)


def glob_pattern(glob: str) -> str:
    """A regular expression for a path pattern: `*` stays within a folder, `**` does not.

    Each star but the last takes as little as it can and never comes back (an atomic group): what stands
    behind it may as well begin where it first fits. So no pattern takes long.
    """
    chunks: list[tuple[str, list[str]]] = [("", [])]  # the way across folders before it, and its pieces
    for across, everything, piece in _GLOB.findall(glob):
        if across:
            chunks.append(("(?:.*?/)??", []))
        else:
            chunks[-1][1].append(".*" if everything else piece)
    *before, last = [
        start + _spell(pieces, is_last=at == len(chunks) - 1) for at, (start, pieces) in enumerate(chunks)
    ]
    return "".join([*(f"(?>{chunk})" for chunk in before), last])


def _spell(glob: list[str], *, is_last: bool) -> str:
    spelt = [""]
    stars = sum(piece[0] == "*" for piece in glob)
    for piece in glob:
        if piece[0] == "*":
            stars -= 1
            spelt.append("[^/]*" if is_last and not stars else "[^/]*?")
        elif piece in ("?", ".*"):
            spelt[-1] += "[^/]" if piece == "?" else piece
        elif len(piece) > 1:
            spelt[-1] += f"[^/{piece[2:]}" if piece[1] == "!" else piece
        else:
            spelt[-1] += re.escape(piece)
    first, *starred = spelt
    last = [starred.pop()] if is_last and starred else []
    return "".join([first, *(f"(?>{one})" for one in starred), *last])
