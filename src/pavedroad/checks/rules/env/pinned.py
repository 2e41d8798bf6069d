"""Exact versions a project chose, wherever it wrote them: in manifests and in locks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from pavedroad.checks.model import Place
from pavedroad.checks.project import Project, Unit
from pavedroad.environments import Declared, LockedPackage, Manifest

_PIN = re.compile(r"={1,3}\s*([^\s*,=]+)$")


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: str
    unit: Unit
    manifest: Manifest | None = None  # None: it stands in the lock
    declared: Declared | None = None
    locked: LockedPackage | None = None

    def place(self, project: Project) -> Place:
        """Where it stands: looked up for findings only, a lock has thousands of lines."""
        if self.declared is not None:
            return project.line(self.declared.file, self.declared.line)
        assert self.locked is not None
        return lock_place(project, self.unit.lock, self.locked)


def pins_of(project: Project, unit: Unit) -> Iterator[Pin]:
    """Of the manifests, then of the lock what no manifest has with that version."""
    seen: set[tuple[str, str]] = set()
    for manifest in unit.manifests:
        for declared in manifest.declared:
            version = exact_version(manifest, declared)
            if version:
                seen.add((declared.name, version))
                yield Pin(
                    name=declared.name, version=version, unit=unit, manifest=manifest, declared=declared
                )
    if unit.lock and unit.lock not in {manifest.file for manifest in unit.manifests}:
        for package in project.lock(unit.lock).packages:
            if package.version and package.source != "conda" and (package.name, package.version) not in seen:
                seen.add((package.name, package.version))
                yield Pin(name=package.name, version=package.version, unit=unit, locked=package)


def exact_version(manifest: Manifest, declared: Declared) -> str:
    """The one version a manifest's entry allows; empty when it allows more, or is conda's own build."""
    match = _PIN.fullmatch(declared.specifier)
    if match:
        return "" if manifest.kind == "conda" and not declared.specifier.startswith("==") else match.group(1)
    is_plain = re.fullmatch(r"\d+(?:\.\d+)*(?:\.?(?:post|rc|a|b)\d+)?", declared.specifier)
    return declared.specifier if is_plain and manifest.kind == "pyproject" else ""  # Poetry's `"1.2.3"`


def lock_place(project: Project, lock: str, package: LockedPackage) -> Place:
    if package.line:
        return project.line(lock, package.line)
    return project.place_of(lock, package.name)


def version_of(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def is_within(version: str, specifier: str) -> bool:
    """Whether a version lies in a range; a version nobody can read does not."""
    parsed = version_of(version)
    return parsed is not None and SpecifierSet(specifier).contains(parsed, prereleases=True)


def as_specifiers(specifier: str, *, is_poetry: bool = False) -> list[SpecifierSet] | None:
    """What a manifest asks for, as alternatives; None when it cannot be read. Poetry's `^1.2` too."""
    found = []
    for alternative in specifier.split("||"):
        clauses = []
        for clause in re.split(r"[,\s]+(?=[<>=!~^\d])", alternative.strip()):
            clauses += _clauses(clause.strip(), is_poetry)
        try:
            found.append(SpecifierSet(",".join(clauses)))
        except InvalidSpecifier:
            return None
    return found


def _clauses(clause: str, is_poetry: bool) -> list[str]:
    clause = re.sub(r"\s+", "", clause)
    match = re.fullmatch(r"([\^~])(\d+(?:\.\d+)*)(.*)", clause)
    if match and not match.group(3):
        numbers = [int(part) for part in match.group(2).split(".")]
        return [f">={match.group(2)}", f"<{_caret(numbers) if match.group(1) == '^' else _tilde(numbers)}"]
    if is_poetry and re.fullmatch(r"\d[\w.+*-]*", clause):
        return [f"=={clause}"]
    return [clause] if clause and clause != "*" else []


def _caret(numbers: list[int]) -> str:
    """The first version that `^` excludes: the left-most number that is not zero goes up."""
    at = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
    return ".".join(str(number) for number in [*numbers[:at], numbers[at] + 1])


def _tilde(numbers: list[int]) -> str:
    at = min(1, len(numbers) - 1)
    return ".".join(str(number) for number in [*numbers[:at], numbers[at] + 1])
