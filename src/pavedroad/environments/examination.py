"""The examination of a machine and a project: every probe, side by side, as one report."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pavedroad.catalog import read_project
from pavedroad.environments.fingerprint import this_host
from pavedroad.environments.installation import find_installation
from pavedroad.environments.lock import find_lock, read_lock
from pavedroad.environments.machine import Machine
from pavedroad.environments.model import Lock
from pavedroad.environments.probe import Line, NamedProbe, run_probes
from pavedroad.environments.probes import clock, credentials, disk, gpu, python, tools
from pavedroad.errors import PavedError
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import digest_of_file

# Each line of the screen, in its order. A GPU may have to start a framework.
PROBES = (
    NamedProbe(name="python", run=python.python),
    NamedProbe(name="lock", run=python.lock),
    NamedProbe(name="wheels", run=python.wheels),
    NamedProbe(name="gpu", run=gpu.gpu, limit_s=gpu.SMI_LIMIT_S + gpu.KERNEL_LIMIT_S + 1),
    NamedProbe(name="disk", run=disk.disk),
    NamedProbe(name="clock", run=clock.clock),
    NamedProbe(name="git", run=tools.git),
    *(NamedProbe(name=tool.name, run=tools.probe_of(tool)) for tool in tools.TOOLS),
    NamedProbe(name="login", run=credentials.credentials),
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an examination found."""

    machine: str  # the host's name
    system: str  # `Linux x86_64, glibc 2.36`
    project: str  # empty outside of one
    python: str
    lock_file: str = ""
    lock_digest: str = ""
    at_ms: int
    took_ms: int
    lines: list[Line]

    @property
    def verdict(self) -> str:
        """The worst of its lines."""
        found = {line.verdict for line in self.lines}
        return next((verdict for verdict in ("fail", "warn") if verdict in found), "ok")

    @property
    def gravest(self) -> Line | None:
        return next((line for line in self.lines if line.verdict == self.verdict), None)

    def count(self, verdict: str) -> int:
        return sum(line.verdict == verdict for line in self.lines)


def machine_of(
    project: Path, record_home: Path, environ: Mapping[str, str], *, root: Path = Path("/")
) -> Machine:
    """The machine we run on, or the one whose file system lies under `root`."""
    home = Path(environ.get("HOME") or "/root")
    lock, problem = _lock_of(project)
    return Machine(
        root=root,
        path=environ.get("PATH", ""),
        environ=dict(environ),
        home=home if root == Path("/") else root / str(home).lstrip("/"),
        record_home=record_home,
        project=project,
        now_ms=now_ms(),
        lock=lock,
        lock_problem=problem,
        installation=find_installation(project, environ),
    )


def examine(machine: Machine) -> Report:
    """Run every probe. Nothing here needs a network."""
    started = time.monotonic()
    lines = run_probes(PROBES, machine)
    host = this_host()
    glibc = machine.glibc_of_files()
    libc = f"glibc {glibc[0]}.{glibc[1]}" if glibc else host.libc
    lock_path = machine.project / machine.lock.file if machine.lock else None
    return Report(
        machine=host.name,
        system=", ".join(part for part in (f"{host.system} {platform.machine()}", libc) if part),
        project=_name_of(machine.project),
        python=machine.installation.python,
        lock_file=machine.lock.file if machine.lock else "",
        lock_digest=digest_of_file(lock_path) if lock_path and lock_path.is_file() else "",
        at_ms=machine.now_ms,
        took_ms=round((time.monotonic() - started) * 1000),
        lines=lines,
    )


def _lock_of(project: Path) -> tuple[Lock | None, str]:
    try:
        path = find_lock(project)
        return (read_lock(path), "") if path else (None, "")
    except PavedError as error:
        return None, error.message


def _name_of(project: Path) -> str:
    if not (project / "pyproject.toml").is_file():
        return ""
    try:
        return read_project(project).name
    except PavedError:
        return project.name
