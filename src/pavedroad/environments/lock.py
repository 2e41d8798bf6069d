"""Finding and reading a project's lock, whichever tool wrote it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from pavedroad.environments import formats
from pavedroad.environments.model import Lock
from pavedroad.errors import Invalid, NotFound

# In order of preference. Some names are locks only when the content is complete: see ONLY_WHEN_LOCKED.
READERS: dict[str, Callable[[str, str], Lock]] = {
    "uv.lock": formats.read_uv,
    "pylock.toml": formats.read_pylock,
    "poetry.lock": formats.read_poetry,
    "pdm.lock": formats.read_pdm,
    "Pipfile.lock": formats.read_pipenv,
    "requirements.lock": formats.read_requirements_lock,
    "requirements.lock.txt": formats.read_requirements_lock,
    "requirements-lock.txt": formats.read_requirements_lock,
    "requirements.txt": formats.read_requirements_lock,
    "environment.yml": formats.read_conda,
    "environment.yaml": formats.read_conda,
}
# Locks that count as locks though we cannot read their packages.
OPAQUE = ("pixi.lock", "conda-lock.yml", "conda-lock.yaml", "conda.lock")
ONLY_WHEN_LOCKED = {
    "requirements.txt": formats.is_locked_requirements,
    "environment.yml": formats.is_locked_conda,
    "environment.yaml": formats.is_locked_conda,
}
LARGEST_BYTES = 64 * 2**20


def find_lock(root: Path) -> Path | None:
    """The lock in this folder (not above it), or None. An unreadable file is no lock."""
    for name in lock_names(names_in(root)):
        try:
            if is_locked(name, partial(_read, root / name)):
                return root / name
        except Invalid:
            continue
    return None


def is_locked(name: str, read: Callable[[], str]) -> bool:
    """Whether a file with a lock's name holds every package; `read` gives its text when that decides."""
    return name not in ONLY_WHEN_LOCKED or ONLY_WHEN_LOCKED[name](read())


def names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return []


def lock_names(names: Iterable[str]) -> list[str]:
    """Those of `names` that may be locks, best first. `pylock.<name>.toml` counts as `pylock.toml`."""
    order = [*READERS, *OPAQUE]
    known = {name: _place(name) for name in names}
    return sorted((name for name, place in known.items() if place), key=lambda name: order.index(known[name]))


def read_lock(path: Path) -> Lock:
    """Read a lock file. Raises NotFound, or Invalid with the place when it is not what its name says."""
    if not path.is_file():
        raise NotFound(f"no lock file {path}", hint="make one, e.g. with `uv lock`")
    return parse_lock(path.name, _read(path))


def parse_lock(name: str, text: str) -> Lock:
    """Read a lock's text by the name of its file. Raises Invalid."""
    place = _place(name)
    if place not in READERS:
        raise Invalid(f"{name} is not a lock that can be read", hint=f"known: {', '.join(READERS)}")
    return READERS[place](name, text)


def _place(name: str) -> str:
    if name.startswith("pylock.") and name.endswith(".toml"):
        return "pylock.toml"
    return name if name in READERS or name in OPAQUE else ""


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Invalid(f"{path} is larger than {LARGEST_BYTES >> 20} MiB", hint="that is not a lock file")
        return path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", hint="check its permissions") from None
