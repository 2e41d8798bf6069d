"""What changed between two environments, and what an installation has that its lock has not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from pavedroad.environments.cuda import cuda_of_lock
from pavedroad.environments.model import Environment, Lock, LockedPackage
from pavedroad.environments.wheels import Target, needed_on

ChangeKind = Literal["added", "removed", "upgraded", "downgraded", "changed"]
DriftKind = Literal["missing", "different", "extra"]
# What comes with every environment, and is in hardly any lock.
_INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "distribute", "pkg-resources"})


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of two environments that are compared."""

    label: str
    python: str
    packages: dict[str, tuple[str, ...]]  # name -> versions, more than one where markers choose
    cuda: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: ChangeKind
    before: str  # versions, with commas between; empty when it was not there
    after: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    before: Side
    after: Side
    changes: list[Change]

    @property
    def is_same(self) -> bool:
        return not self.changes and self.before.python == self.after.python


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between a lock and what is installed."""

    name: str
    kind: DriftKind
    locked: str
    installed: str


def side_of_lock(label: str, lock: Lock) -> Side:
    found: dict[str, list[str]] = {}
    for package in lock.packages:
        if not package.is_project:
            shown = package.version or package.source or "any"
            versions = found.setdefault(package.name or package.source, [])
            if shown not in versions:
                versions.append(shown)
    sign = cuda_of_lock(lock)
    return Side(
        label=label,
        python=lock.requires_python,
        packages={name: tuple(sorted(versions, key=version_order)) for name, versions in found.items()},
        cuda=str(sign.cuda) if sign else "",
    )


def side_of_environment(label: str, environment: Environment) -> Side:
    sign = cuda_of_lock(lock_of_installed(environment.installed))
    return Side(
        label=label,
        python=environment.python,
        packages={name: (version,) for name, version in environment.installed.items()},
        cuda=str(sign.cuda) if sign else "",
    )


def lock_of_installed(distributions: Mapping[str, str]) -> Lock:
    """An installation as a lock, so that what reads locks can read it."""
    packages = (LockedPackage(name=name, version=version) for name, version in distributions.items())
    return Lock(kind="installed", file="", packages=tuple(packages))


def compare(before: Side, after: Side) -> Comparison:
    """The packages that differ, by name."""
    changes = []
    for name in sorted(before.packages.keys() | after.packages.keys()):
        old, new = before.packages.get(name, ()), after.packages.get(name, ())
        if old != new:
            changes.append(
                Change(name=name, kind=_kind(old, new), before=", ".join(old), after=", ".join(new))
            )
    return Comparison(before=before, after=after, changes=changes)


def drift(lock: Lock, installed: Mapping[str, str], target: Target) -> list[Drift]:
    """Where an installation and its lock differ on this target, by kind and name.

    Missing is only what the project always needs: extras, and groups other than `dev`, may be left out.
    """
    needed = {
        package.name: package.version
        for package in needed_on(lock, target)
        if package.name and not package.is_project and package.group != "develop"
    }
    always = {package.name for package in _always(lock, target)}
    ours = {package.name for package in lock.packages if package.is_project}
    locked: dict[str, set[str]] = {}
    for package in lock.packages:
        locked.setdefault(package.name, set()).add(package.version)
    found = []
    for name in sorted(locked.keys() | installed.keys()):
        have = installed.get(name, "")
        versions = locked.get(name, set())
        if name in ours or (name in _INSTALLERS and not versions):
            continue
        if not have and name in always and name in needed:
            found.append(Drift(name=name, kind="missing", locked=needed[name], installed=""))
        elif have and not versions:
            found.append(Drift(name=name, kind="extra", locked="", installed=have))
        elif have and "" not in versions and not any(is_same_version(have, one) for one in versions):
            shown = needed.get(name) or ", ".join(sorted(versions))
            found.append(Drift(name=name, kind="different", locked=shown, installed=have))
    order = {"different": 0, "missing": 1, "extra": 2}
    return sorted(found, key=lambda each: (order[each.kind], each.name))


def is_same_version(one: str, other: str) -> bool:
    """As PEP 440 compares; a build (`+cu126`) counts only when both name one."""
    if one == other:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        left, right = Version(one), Version(other)
    except InvalidVersion:
        return False
    if left.local and right.local:
        return left == right
    return Version(left.public) == Version(right.public)


def version_order(version: str) -> tuple[int, tuple[int, ...], str]:
    """Sorts versions of any scheme: numbers first, as numbers."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:6])
    return (0, numbers, version) if version[:1].isdigit() else (1, (), version)


def _kind(old: tuple[str, ...], new: tuple[str, ...]) -> ChangeKind:
    if not old:
        return "added"
    if not new:
        return "removed"
    before, after = version_order(old[-1]), version_order(new[-1])
    if before[0] or after[0] or before[1] == after[1]:
        return "changed"
    return "upgraded" if before < after else "downgraded"


def _always(lock: Lock, target: Target) -> list[LockedPackage]:
    """What a plain installation takes: not optional, and asked for by more than an extra of the project."""
    kept = needed_on(lock, target)
    roots = [package for package in kept if package.is_project]
    chosen = [need for root in roots for need in root.needs]
    plain = {need.name for need in chosen if need.group in ("", "dev")}
    only_by_choice = {need.name for need in chosen} - plain
    others = {need.name for package in kept if not package.is_project for need in package.needs}
    return [
        package
        for package in kept
        if not package.is_optional and (package.name not in only_by_choice or package.name in others)
    ]
