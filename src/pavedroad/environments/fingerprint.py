"""The environment of this process, cheap enough to record with every run."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

from pavedroad.environments.lock import find_lock
from pavedroad.environments.model import Environment, Host, normalised
from pavedroad.kit.files import digest_of, digest_of_file


def environment_fingerprint(project_root: Path) -> Environment:
    """What Python, lock and installed distributions the project has in this process.

    Reads folder names and one lock file, never a distribution's metadata: a few milliseconds.
    """
    lock = find_lock(project_root)
    python = platform.python_version()
    implementation = sys.implementation.name
    lock_digest = digest_of_file(lock) if lock and os.access(lock, os.R_OK) else ""
    installed = installed_distributions()
    parts = [python, implementation, lock_digest, sorted(installed.items())]
    return Environment(
        python=python,
        implementation=implementation,
        lock_file=lock.relative_to(project_root).as_posix() if lock else "",
        lock_digest=lock_digest,
        installed=installed,
        host=this_host(),
        digest=digest_of(msgspec.json.encode(parts)),
    )


def installed_distributions(path: Iterable[str] | None = None) -> dict[str, str]:
    """Distribution -> version, from the names of the metadata folders on `path` (default: `sys.path`).

    The first folder that has a distribution wins, as it does for an import.
    """
    found: dict[str, str] = {}
    for folder in sys.path if path is None else path:
        try:
            changed_ns = Path(folder).stat().st_mtime_ns
        except OSError:
            continue
        for name, version in _distributions_in(folder, changed_ns):
            found.setdefault(name, version)
    return found


@lru_cache(maxsize=256)
def _distributions_in(folder: str, changed_ns: int) -> tuple[tuple[str, str], ...]:
    """`changed_ns` is part of the cache's key: installing something changes the folder's time."""
    try:
        names = os.listdir(folder or ".")  # noqa: PTH208 (iterdir would make a Path of every name)
    except OSError:  # a zip file, or no permission
        return ()
    found = []
    for name in names:
        stem, dot, kind = name.rpartition(".")
        if dot and kind in ("dist-info", "egg-info") and "-" in stem:
            distribution, _, version = stem.partition("-")
            if kind == "egg-info":
                version = version.partition("-py")[0]
            found.append((normalised(distribution), version))
    return tuple(sorted(found))


@lru_cache(maxsize=1)
def this_host() -> Host:
    libc = " ".join(part for part in platform.libc_ver() if part)
    return Host(
        name=platform.node(),
        system=platform.system(),
        machine=platform.machine(),
        libc=libc,
        cpus=_usable_cpus(),
    )


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
