"""Reports of trees that did not change.

A report is kept under a digest of all it depends on: names and contents of files, rules, settings, profile,
the day, what is installed. A file holds a checksum before the report: one that is damaged or cut short is not
there. Files are written beside and renamed, so any number of processes may share the folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path

import blake3
import msgspec

from pavedroad.checks.model import OURS, Report, Rule
from pavedroad.checks.project import Project

MOST_BYTES = 64 * 2**20
MOST_REPORTS = 1000
_CHECKSUM_BYTES = 32
_SOURCES = (".py", ".toml", ".sql", ".csv", ".json")


def cache_folder() -> Path:
    """Where reports are kept: in PAVED_HOME when it is set, else where caches of this account are."""
    if home := os.environ.get("PAVED_HOME"):
        return Path(home).absolute() / "cache" / "checks"
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "pavedroad" / "checks"


def report_key(
    project: Project, digest: str, profile: str, rules: Iterable[Rule], path: Path, others: Iterable[str] = ()
) -> str:
    """A digest of everything that a report depends on; `others` names the other tools that were run."""
    rules = list(rules)
    hasher = blake3.blake3()
    for part in (
        version("pavedroad"),
        sys.version,
        digest,
        "".join("t" if file.tracked else "u" for file in project.files.values()),
        str(project.has_git),
        msgspec.json.encode(project.settings, enc_hook=str).decode(errors="replace"),
        profile,
        str(path) if path.is_file() else "",
        date.today().isoformat(),  # an ignore may end
        *(f"{rule.package} {rule.code}" for rule in rules),
        _digest_of_sources(frozenset(_folders(rules))),
        *others,
        *_installed(),
    ):
        hasher.update(part.encode(errors="replace") + b"\0")
    return hasher.hexdigest()


def _folders(rules: Iterable[Rule]) -> Iterator[str]:
    """Where the code lies that the rules are made of."""
    package = Path(__file__).parents[1]
    for room in ("checks", "environments", "advisories", "catalog"):
        yield str(package / room)
    for rule in rules:
        if rule.package != OURS:
            yield str(Path(rule.check.__code__.co_filename).parent)


@cache
def _digest_of_sources(folders: frozenset[str]) -> str:
    """Over names, sizes and times: a rule that was edited is another rule."""
    hasher = blake3.blake3()
    left = sorted(folders)
    while left:
        with suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        left.append(entry.path)
                elif entry.name.endswith(_SOURCES):
                    status = entry.stat()
                    hasher.update(f"{entry.path} {status.st_size} {status.st_mtime_ns}\0".encode())
    return hasher.hexdigest()


def _installed() -> list[str]:
    """Distributions of this environment with their versions: some rules say what is installed."""
    found: set[str] = set()
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            names = (entry.name for entry in entries)
            found.update(name for name in names if name.endswith((".dist-info", ".egg-info")))
    return sorted(found)


def read_report(folder: Path, key: str) -> Report | None:
    file = folder / key
    try:
        data = file.read_bytes()
    except OSError:
        return None
    checksum, body = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
    if blake3.blake3(body).digest() != checksum:
        return None
    try:
        report = msgspec.msgpack.decode(body, type=Report)
    except (msgspec.DecodeError, ValueError):
        return None
    with suppress(OSError):
        os.utime(file)  # used just now: it stays longest
    return report


def keep_report(folder: Path, key: str, report: Report) -> None:
    """Keep a report, if the folder can be written; a check does not depend on it."""
    body = msgspec.msgpack.encode(report)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(blake3.blake3(body).digest() + body)
            Path(name).replace(folder / key)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _trim(folder)


def _trim(folder: Path) -> None:
    """Remove what was used longest ago, until the rest fits."""
    found = []
    for entry in os.scandir(folder):
        with suppress(OSError):
            status = entry.stat()
            found.append((status.st_mtime, status.st_size, entry.path))
    left_bytes, left_reports = MOST_BYTES, MOST_REPORTS
    for _, size_bytes, path in sorted(found, reverse=True):
        left_bytes -= size_bytes
        left_reports -= 1
        if left_bytes < 0 or left_reports < 0:
            Path(path).unlink(missing_ok=True)
