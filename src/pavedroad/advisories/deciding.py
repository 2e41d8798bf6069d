"""Which version of a package a project has: what its lock says, else what it declares, else the newest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

import msgspec

from pavedroad.advisories.ranges import holds, overlaps, pinned
from pavedroad.checks.project import Project, Unit, unit_folder
from pavedroad.environments import Declared, Lock, normalised, parse_lock
from pavedroad.errors import Invalid

BROKEN, WARNS, OUTSIDE = "broken", "warns", "outside"
LOCK, RANGE, UNDECLARED = "lock", "range", "undeclared"
_INSTALLS = re.compile(r"[!%]\s*(?:python -m )?pip3? install ([^\"\\]*)")
_PINS = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?==([\w.]+)")
_FROM_PYTHON = re.compile(r"^\s*FROM\s+(?:--\S+\s+)?\S*python:(\d+\.\d+(?:\.\d+)?)", re.I | re.M)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a package's version in one folder of a project."""

    package: str
    by: str  # lock, range or undeclared
    versions: str = ""  # `1.2.3` of a lock, `>=1` of a declaration
    path: str = ""  # of the file that says so
    line: int = 1

    def level(self, broken: str, warns: str) -> str:
        """Whether the versions reach into the broken range, else into the warned one, else neither."""
        reaches = holds if self.by == LOCK else overlaps
        for level, versions in ((BROKEN, broken), (WARNS, warns)):
            if self.by == UNDECLARED and versions and overlaps(">=0", versions):
                return level if overlaps(">9998", versions) else OUTSIDE
            if reaches(self.versions, versions):
                return level
        return OUTSIDE

    @property
    def said(self) -> str:
        if self.by == UNDECLARED:
            return f"{self.package} is not declared: the newest is installed"
        if self.by == LOCK:
            return f"{self.package} {self.versions} in {self.path}"
        return f"{self.package}{self.versions or ' (any version)'} in {self.path}, no lock"


class Versions:
    """Answers for one project. Guards the locks it has read."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._locks: dict[str, dict[str, list[tuple[str, int]]]] = {}

    def decide(self, path: str, packages: Iterable[str]) -> Decision:
        """For a file of the project: the nearest folder above that knows the package, else any."""
        names = [normalised(package) for package in packages]
        if names[0] == "python":
            return self._python(path)
        if decision := self._in_notebook(path, names):
            return decision
        folder = unit_folder(path)
        above = [unit for unit in self._units if folder.startswith(unit.folder)]
        others = [unit for unit in self._units if unit not in above]
        for unit in (*above, *sorted(others, key=lambda unit: -_shared(folder, unit.folder))):
            if decision := self._in_unit(unit, names):
                return decision
        return Decision(package=names[0], by=UNDECLARED)

    def everywhere(self, packages: Iterable[str]) -> list[Decision]:
        """One decision for each folder that locks or declares the package."""
        names = [normalised(package) for package in packages]
        if names[0] == "python":
            return [self._python("")]
        found = [self._in_unit(unit, names) for unit in self._units]
        return [decision for decision in found if decision is not None]

    def locked(self, unit: Unit) -> dict[str, list[tuple[str, int]]]:
        """Package -> versions and lines of the lock that holds in a folder."""
        if not unit.lock:
            return {}
        if unit.lock not in self._locks:
            self._locks[unit.lock] = _read(self._project, unit.lock)
        return self._locks[unit.lock]

    def pins(self, unit: Unit) -> dict[str, Decision]:
        """Exact versions of a folder's packages, of the lock or of declarations that name just one."""
        found = {}
        for declared in unit.declared:
            if version := pinned(declared.specifier):
                found[declared.name] = Decision(
                    package=declared.name,
                    by=LOCK,
                    versions=version.rstrip(".*"),
                    path=declared.file,
                    line=declared.line,
                )
        for name, versions in self.locked(unit).items():
            version, line = versions[0]
            found[name] = Decision(package=name, by=LOCK, versions=version, path=unit.lock, line=line)
        return found

    @cached_property
    def units(self) -> list[Unit]:
        return self._units

    @cached_property
    def _units(self) -> list[Unit]:
        """The deepest first: the nearest folder speaks for a file."""
        units = list(self._project.units)
        known = {unit.folder for unit in units}
        for path in self._project.files:
            folder = unit_folder(path)
            if folder not in known and self._project.lock_for(folder).startswith(folder):
                known.add(folder)
                lock = self._project.lock_for(folder)
                if lock and unit_folder(lock) == folder:
                    units.append(Unit(folder=folder, manifests=(), lock=lock))
        return sorted(units, key=lambda unit: -unit.folder.count("/"))

    def _in_notebook(self, path: str, names: list[str]) -> Decision | None:
        """What a cell of the notebook itself installs."""
        if not path.endswith(".ipynb"):
            return None
        for line in _INSTALLS.findall(self._project.read(path).decode(errors="replace")):
            for name, version in _PINS.findall(line):
                if normalised(name) in names:
                    return Decision(package=normalised(name), by=LOCK, versions=version, path=path)
        return None

    def _in_unit(self, unit: Unit, names: list[str]) -> Decision | None:
        locked = self.locked(unit)
        for name in names:
            if versions := [one for one in locked.get(name, ()) if one[0]]:
                version, line = versions[0]
                return Decision(package=name, by=LOCK, versions=version, path=unit.lock, line=line)
        declared = [one for one in unit.declared if one.name in names and not one.direct]
        return _declared(declared) if declared else None

    def _python(self, path: str) -> Decision:
        """An exact choice (`.python-version`, a base image, a conda pin) before a range."""
        said = list(self._pythons())
        if not said:
            return Decision(package="python", by=UNDECLARED)
        folder = unit_folder(path)
        order = sorted(said, key=lambda one: (one.by != LOCK, -_shared(folder, unit_folder(one.path))))
        return order[0]

    def _pythons(self) -> Iterator[Decision]:
        for path in self._project.named(".python-version", "runtime.txt"):
            if match := re.search(r"\d+\.\d+(\.\d+)?", self._project.text(path)):
                yield Decision(package="python", by=LOCK, versions=match[0], path=path)
        for path in self._project.files:
            if "dockerfile" in path.rpartition("/")[2].lower():
                text = self._project.text(path)
                for match in _FROM_PYTHON.finditer(text):
                    line = text.count("\n", 0, match.start(1)) + 1
                    yield Decision(package="python", by=LOCK, versions=match[1], path=path, line=line)
        for manifest in self._project.manifests:
            if re.fullmatch(r"\d+\.\d+(\.\d+)?", manifest.python) and manifest.kind in ("conda", "pipenv"):
                yield Decision(package="python", by=LOCK, versions=manifest.python, path=manifest.file)
            elif manifest.python and manifest.python != "computed":
                yield Decision(package="python", by=RANGE, versions=manifest.python, path=manifest.file)


def _declared(found: list[Declared]) -> Decision:
    """The strictest declaration of a package: one that pins it, else the first with a version."""
    best = min(found, key=lambda one: (not pinned(one.specifier), not one.specifier))
    return Decision(
        package=best.name, by=RANGE, versions=best.specifier.strip(), path=best.file, line=best.line
    )


def _read(project: Project, path: str) -> dict[str, list[tuple[str, int]]]:
    try:
        lock: Lock = parse_lock(path.rpartition("/")[2], project.text(path))
    except Invalid:  # a broken lock, or a kind known by name only: another finding says so
        return {}
    found: dict[str, list[tuple[str, int]]] = {}
    for package in lock.packages:
        line = getattr(package, "line", 0) or 1
        found.setdefault(normalised(package.name), []).append((package.version, line))
    return found


def _shared(folder: str, other: str) -> int:
    """How many folders two paths share from the top."""
    shared = 0
    for left, right in zip(folder.split("/"), other.split("/"), strict=False):
        if left != right:
            break
        shared += 1
    return shared
