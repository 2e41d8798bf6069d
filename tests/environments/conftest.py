"""A machine made of a folder and a PATH."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pavedroad.environments import Lock, LockedPackage, Target
from pavedroad.environments.installation import Installation
from pavedroad.environments.machine import Machine
from pavedroad.environments.probe import Line, Probe

NOW_MS = 1_795_000_000_000


class Made:
    """A machine that tests change piece by piece."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.bin = folder / "bin"
        self.project = folder / "project"
        self.home = self.root / "home" / "ada"
        for place in (self.root, self.bin, self.project, self.home):
            place.mkdir(parents=True)
        self.machine = Machine(
            root=self.root,
            path=str(self.bin),
            environ={"HOME": str(self.home)},
            home=self.home,
            record_home=folder / "record",
            project=self.project,
            now_ms=NOW_MS,
            limit_s=5,
            installation=Installation(
                where=str(self.project / ".venv"),
                python="3.11.7",
                target=Target(python=(3, 11), glibc=(2, 36)),
                distributions={},
            ),
        )

    def tool(self, name: str, script: str) -> None:
        """A program on the PATH, as lines of a shell."""
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def says(self, name: str, text: str) -> None:
        self.tool(name, f"/bin/cat <<'END'\n{text}\nEND")

    def file(self, path: str, text: str | bytes) -> Path:
        """A file under the root."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        place.chmod(0o600)
        return place

    def lock(self, *packages: LockedPackage) -> None:
        self.change(lock=Lock(kind="uv", file="uv.lock", packages=packages))

    def installed(self, **distributions: str) -> None:
        self.change(
            installation=msgspec.structs.replace(self.machine.installation, distributions=distributions)
        )

    def change(self, **fields: Any) -> None:
        self.machine = msgspec.structs.replace(self.machine, **fields)

    def ask(self, probe: Probe) -> Line:
        """The first line of a probe that is not ok, else its first one."""
        lines = probe(self.machine)
        return next((line for line in lines if line.verdict != "ok"), lines[0])


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture
def package() -> Callable[..., LockedPackage]:
    return lambda name, version, *files: LockedPackage(name=name, version=version, files=files)
