"""Finding and reading a project's lock, whichever tool wrote it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec

from pavedroad.environments import conda_formats, formats
from pavedroad.environments.model import Lock, LockedPackage
from pavedroad.environments.requirements import (
    inclusions,
    is_locked_requirements,
    requirement_lines,
    unreadable_line,
)
from pavedroad.errors import Invalid, NotFound

LARGEST_BYTES = 64 * 2**20
MOST_INCLUDED = 50


def read_requirements_lock(file: str, text: str) -> Lock:
    """A requirements file by itself; `read_lock` also follows what it includes."""
    if conda_formats.is_explicit(text):
        return conda_formats.read_explicit(file, text)
    return Lock(kind="requirements", file=file, packages=tuple(_required(file, text)))


# In order of preference. Some names are locks only when the content is complete: see ONLY_WHEN_LOCKED.
READERS: dict[str, Callable[[str, str], Lock]] = {
    "uv.lock": formats.read_uv,
    "pylock.toml": formats.read_pylock,
    "poetry.lock": formats.read_poetry,
    "pdm.lock": formats.read_pdm,
    "Pipfile.lock": formats.read_pipenv,
    "pixi.lock": conda_formats.read_pixi,
    "conda-lock.yml": conda_formats.read_conda_lock,
    "conda-lock.yaml": conda_formats.read_conda_lock,
    "conda.lock": conda_formats.read_explicit,
    "requirements.lock": read_requirements_lock,
    "requirements.lock.txt": read_requirements_lock,
    "requirements-lock.txt": read_requirements_lock,
    "requirements.txt": read_requirements_lock,
    "environment.yml": conda_formats.read_conda,
    "environment.yaml": conda_formats.read_conda,
}


def _is_locked_text(text: str) -> bool:
    return conda_formats.is_explicit(text) or is_locked_requirements(text)


ONLY_WHEN_LOCKED: dict[str, Callable[[str], bool]] = {
    "conda.lock": conda_formats.is_explicit,
    "requirements.txt": _is_locked_text,
    "environment.yml": conda_formats.is_locked_conda,
    "environment.yaml": conda_formats.is_locked_conda,
}
_REQUIREMENTS = re.compile(r"[\w.-]*(?:requirements?|constraints?|reqs)[\w.-]*\.(?:txt|lock|pip)")
# Names with a free part, and the known name whose reader they take.
_PATTERNS = (
    (re.compile(r"pylock\.[\w.-]+\.toml"), "pylock.toml"),
    (re.compile(r"conda-[\w-]+\.lock\.ya?ml"), "environment.yml"),
    (re.compile(r"[\w.-]+[.-]conda-lock\.ya?ml"), "conda-lock.yml"),
    (
        re.compile(r"conda[-_][\w.-]*\.lock|[\w.-]*(?:explicit|spec-file|conda-spec)[\w.-]*\.txt"),
        "conda.lock",
    ),
)


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
    place = _place(name)
    return place not in ONLY_WHEN_LOCKED or ONLY_WHEN_LOCKED[place](read())


def names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return []


def lock_names(names: Iterable[str]) -> list[str]:
    """Those of `names` that may be locks, best first. `pylock.<name>.toml` counts as `pylock.toml`."""
    order = list(READERS)
    known = {name: _place(name) for name in names}
    return sorted((name for name, place in known.items() if place), key=lambda name: order.index(known[name]))


def read_lock(path: Path) -> Lock:
    """Read a lock file, a requirements file with all it includes.

    Raises NotFound, or Invalid with the place when it is not what its name says.
    """
    if not path.is_file():
        raise NotFound(f"no lock file {path}", hint="make one, e.g. with `uv lock`")
    text = _read(path)
    lock = parse_lock(path.name, text)
    return _with_inclusions(path, text, lock) if lock.kind == "requirements" else lock


def parse_lock(name: str, text: str) -> Lock:
    """Read a lock's text by the name of its file. Raises Invalid with the line."""
    place = _place(name)
    if not place and _REQUIREMENTS.fullmatch(name):
        place = "requirements.txt"
    if place not in READERS:
        raise Invalid(f"{name} is not a lock that can be read", hint=f"known: {', '.join(READERS)}")
    return READERS[place](name, text)


def _required(file: str, text: str) -> Iterable[LockedPackage]:
    if number := unreadable_line(text):
        line = text.split("\n")[number - 1].strip()
        raise Invalid(
            f"{file}, line {number}: {line[:60]!r} is no requirement", hint="write NAME==VERSION, or a URL"
        )
    for requirement in requirement_lines(text):
        yield LockedPackage(
            name=requirement.name,
            version=requirement.pin,
            source=requirement.url,
            marker=requirement.marker,
            hashes=requirement.hashes,
            line=requirement.line,
        )


def _with_inclusions(path: Path, text: str, lock: Lock) -> Lock:
    """With the packages of `-r` files, and the versions that `-c` files give to what is asked for."""
    files, seen = [(path, text)], {path.resolve()}
    packages: list[LockedPackage] = list(lock.packages)
    constraints: dict[str, str] = {}
    while files:
        including, content = files.pop()
        for inclusion in inclusions(content):
            other = including.parent / inclusion.path
            if "://" in inclusion.path or other.resolve() in seen:
                continue
            seen.add(other.resolve())
            if len(seen) > MOST_INCLUDED or not other.is_file():
                problem = "is not there" if len(seen) <= MOST_INCLUDED else "is one file too many"
                raise Invalid(
                    f"{including.name}, line {inclusion.line}: {inclusion.path} {problem}",
                    hint="correct that line",
                )
            included = _read(other)
            if inclusion.kind == "requirement":
                packages += _required(other.name, included)
                files.append((other, included))
            else:
                constraints |= {found.name: found.version for found in _required(other.name, included)}
    return Lock(
        kind=lock.kind,
        file=lock.file,
        packages=tuple(_constrained(package, constraints) for package in packages),
    )


def _constrained(package: LockedPackage, constraints: dict[str, str]) -> LockedPackage:
    if package.version or package.source or not constraints.get(package.name):
        return package
    return msgspec.structs.replace(package, version=constraints[package.name])


def _place(name: str) -> str:
    if name in READERS:
        return name
    return next((place for pattern, place in _PATTERNS if pattern.fullmatch(name)), "")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Invalid(f"{path} is larger than {LARGEST_BYTES >> 20} MiB", hint="that is not a lock file")
        return path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", hint="check its permissions") from None
