"""Python, the lock, and whether what it names can be installed here."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec

from pavedroad.environments.advice import sync_command
from pavedroad.environments.comparison import drift
from pavedroad.environments.machine import Machine
from pavedroad.environments.manifests import read_pyproject
from pavedroad.environments.probe import Line
from pavedroad.environments.python_ranges import is_allowed
from pavedroad.environments.wheels import Fit, Target, fits_of
from pavedroad.errors import Invalid
from pavedroad.kit.text import count

# When the last fix of a Python is due: https://devguide.python.org/versions/
END_OF_LIFE = {
    (3, 8): "2024-10-07",
    (3, 9): "2025-10-31",
    (3, 10): "2026-10-31",
    (3, 11): "2027-10-31",
    (3, 12): "2028-10-31",
    (3, 13): "2029-10-31",
    (3, 14): "2030-10-31",
    (3, 15): "2031-10-31",
}
MOST_TOLD = 5


def python(machine: Machine) -> list[Line]:
    """The Python of the project's environment against what the project asks for."""
    installed = machine.installation
    where = f"{installed.python} in {_shown(installed.where, machine)}"
    asked = asked_python(machine)
    if asked and not is_allowed(installed.python, asked):
        own = "" if installed.is_own else "the project has no environment of its own; here is "
        return [
            Line(
                check="python",
                verdict="fail" if installed.is_own else "warn",
                says=f"{own}{where}, but the project asks for {asked}",
                next_step=f"make an environment with such a Python: `uv venv --python '{asked}'`",
            )
        ]
    end = END_OF_LIFE.get(installed.target.python)
    today = datetime.datetime.fromtimestamp(machine.now_ms / 1000, datetime.UTC).date().isoformat()
    if (end and end < today) or installed.target.python < min(END_OF_LIFE):
        return [
            Line(
                check="python",
                verdict="warn",
                says=f"{where} gets no security fixes since {end or 'years'}",
                next_step="move the project to a newer Python",
            )
        ]
    return [Line(check="python", verdict="ok", says=where + (f"; asked for {asked}" if asked else ""))]


def lock(machine: Machine) -> list[Line]:
    """Whether there is a lock, and whether the installation is what it says."""
    if machine.lock is None:
        is_project = (machine.project / "pyproject.toml").is_file()
        return [
            Line(
                check="lock",
                verdict="warn" if is_project or machine.lock_problem else "ok",
                says=machine.lock_problem or ("no lock" if is_project else "no project here, so no lock"),
                next_step="`uv lock`, and commit the file" if is_project or machine.lock_problem else "",
            )
        ]
    sync = sync_command(machine.lock.kind, machine.lock.file)
    if not machine.installation.is_own:
        return [
            Line(
                check="lock",
                verdict="warn",
                says=f"{machine.lock.file} is not compared: the project has no environment of its own",
                next_step=f"{sync}, or activate its environment",
            )
        ]
    found = drift(machine.lock, machine.installation.distributions, machine.installation.target)
    if not found:
        number = count(len(machine.installation.distributions), "distribution")
        return [Line(check="lock", verdict="ok", says=f"{number} as {machine.lock.file} says")]
    kinds = [each.kind for each in found]
    told = [f"{kinds.count(kind)} {kind}" for kind in ("different", "missing", "extra") if kind in kinds]
    details = [
        f"{each.name} {each.installed or 'missing'}, locked {each.locked or 'not at all'}" for each in found
    ]
    return [
        Line(
            check="lock",
            verdict="warn",
            says=f"installed is not what {machine.lock.file} says: {', '.join(told)}",
            next_step=f"{sync}; all of it: `paved env drift`",
            details=_first(details),
        )
    ]


def wheels(machine: Machine) -> list[Line]:
    """Locked packages without a wheel for this Python, system and C library."""
    target = _target(machine)
    glibc = machine.glibc()
    if target.system == "Linux" and glibc:
        target = msgspec.structs.replace(target, glibc=glibc, musl=(0, 0))
    if machine.lock is None:
        return [Line(check="wheels", verdict="ok", says=f"no lock to try on {target.says}")]
    fits = fits_of(machine.lock, target)
    none = [fit for fit in fits if fit.state == "none"]
    source = [fit for fit in fits if fit.state == "source" and len(fit.package.files) > 1]
    if none:
        needs_glibc = any("glibc" in fit.why for fit in none)
        return [
            Line(
                check="wheels",
                verdict="fail",
                says=f"{count(len(none), 'locked package')} cannot be installed for {target.says}",
                next_step="use a newer base system, or lock older versions"
                if needs_glibc
                else "use a Python that they have wheels for, or lock other versions",
                details=_first([_told(fit) for fit in none]),
            )
        ]
    if source:
        return [
            Line(
                check="wheels",
                verdict="warn",
                says=f"{count(len(source), 'locked package')} would be compiled for {target.says}",
                next_step="use a Python that they have wheels for, or have a compiler ready",
                details=_first([_told(fit) for fit in source]),
            )
        ]
    unknown = sum(fit.state == "unknown" for fit in fits)
    if unknown == len(fits):
        says = f"{machine.lock.file} names no files, so nothing is known about {target.says}"
    else:
        says = f"{count(len(fits) - unknown, 'locked package')} can be installed for {target.says}"
    return [Line(check="wheels", verdict="ok", says=says)]


def _target(machine: Machine) -> Target:
    """This Python; where it is not the project's own and not allowed, the oldest one that is."""
    installed, asked = machine.installation, asked_python(machine)
    if installed.is_own or not asked or is_allowed(installed.python, asked):
        return installed.target
    allowed = (python for python in END_OF_LIFE if is_allowed(f"{python[0]}.{python[1]}.99", asked))
    return msgspec.structs.replace(installed.target, python=next(allowed, installed.target.python))


def asked_python(machine: Machine) -> str:
    """`requires-python` of the project, else of its lock."""
    text = machine.read(machine.project / "pyproject.toml")
    if text:
        try:
            asked = read_pyproject("pyproject.toml", text).python
        except Invalid:
            asked = ""
        if asked:
            return asked
    return machine.lock.requires_python if machine.lock else ""


def _told(fit: Fit) -> str:
    return f"{fit.package.name} {fit.package.version}: {fit.why}"


def _first(details: list[str]) -> list[str]:
    more = len(details) - MOST_TOLD
    return details if more <= 1 else [*details[:MOST_TOLD], f"and {more} more"]


def _shown(where: str, machine: Machine) -> str:
    path = Path(where)
    for start, shown in ((machine.project, "."), (machine.home, "~")):
        if start != Path(start.anchor) and path.is_relative_to(start):
            return str(Path(shown) / path.relative_to(start))
    return where
