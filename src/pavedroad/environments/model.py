"""What a project asks for, what it locks, and what is installed where it runs."""

from __future__ import annotations

import re

import msgspec


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One dependency as a person wrote it."""

    name: str  # normalised: `scikit-learn`
    specifier: str  # `>=1.5,<2`, or empty
    file: str  # relative to the project
    line: int  # from 1
    group: str = ""  # empty: needed at run time; else `dev`, `test`, an extra's name
    direct: bool = False  # a URL, a path or a VCS reference

    @property
    def is_bare(self) -> bool:
        return not self.specifier and not self.direct

    @property
    def is_pinned(self) -> bool:
        return self.direct or bool(re.match(r"={2,3}[^*,]+$|=[^=*,]+$", self.specifier))


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """An arrow from a locked package to another."""

    name: str
    marker: str = ""
    group: str = ""  # an extra or a dependency group that asks for it


class LockedPackage(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: str  # empty for the project itself and for some sources
    source: str = ""  # an index, a URL, a VCS reference or a path; empty: the default index
    marker: str = ""
    files: tuple[str, ...] = ()  # names of wheels and sdists; empty when the format does not name them
    hashes: tuple[str, ...] = ()  # `sha256:…`
    needs: tuple[Need, ...] = ()  # what it depends on, where the format says so
    group: str = ""  # a conda platform or environment, a pipenv section; empty: the default
    is_optional: bool = False  # only an extra asks for it
    is_project: bool = False  # the project itself, or another one beside it
    build: str = ""  # conda's build, e.g. `py311_cuda118_0`
    line: int = 0  # where it stands in the lock, from 1; 0 when unknown


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The exact packages of a project. One name may have several versions, told apart by their markers."""

    kind: str  # uv, poetry, pdm, pipenv, pylock, requirements or conda
    file: str
    requires_python: str = ""
    packages: tuple[LockedPackage, ...] = ()

    def versions_of(self, name: str) -> list[str]:
        wanted = normalised(name)
        return [package.version for package in self.packages if package.name == wanted]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    system: str  # `Linux`
    machine: str  # `x86_64`
    libc: str  # `glibc 2.36`, or empty
    cpus: int  # what this process may use


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Where code runs: what decides whether another machine gives the same result."""

    python: str  # `3.11.7`
    implementation: str  # `cpython`
    lock_file: str  # relative to the project; empty when there is none
    lock_digest: str  # blake3 of the lock file
    installed: dict[str, str]  # distribution -> version
    host: Host
    digest: str  # over everything above but the host


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
