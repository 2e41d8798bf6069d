from __future__ import annotations

from collections.abc import Iterator

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.environments import parse_lock
from pavedroad.errors import Invalid

PACKAGE = "scikit-learn"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The scikit-learn that a file of the project asks for."""

    file: str
    version: str = ""  # locked or pinned
    specifier: str = ""  # a range


@rule(
    "MOD503",
    "pickle-version-mismatch",
    since="0.1",
    explore="warning",
    team="error",
    production="error",
    of_project=True,
)
def pickle_version_mismatch(project: Project) -> Iterator[Found]:
    """A model is loaded by the scikit-learn that wrote it.

    Why:
        Another version may refuse the file or, worse, predict other numbers with no more than a warning. Of 7
        public projects with such a file and a lock or a pin, 3 would have loaded theirs with another version.
    Bad:
        ```text
        models/churn.pkl    written by scikit-learn 1.0.2
        uv.lock             scikit-learn 1.6.1
        ```
    Good:
        ```text
        models/churn.pkl    written by scikit-learn 1.6.1
        uv.lock             scikit-learn 1.6.1
        ```
    Accepts:
        Another patch release (1.6.0 and 1.6.1), projects that neither lock nor pin scikit-learn.
    References:
        https://scikit-learn.org/stable/model_persistence.html
    """
    for path, facts in project.pickles.items():
        if not facts.sklearn_versions or _lies_in_a_package(project, path):
            continue
        wanted = _wanted(project, path)
        foreign = [
            version
            for version in facts.sklearn_versions
            if wanted and not any(_fits(version, each) for each in wanted)
        ]
        if foreign:
            asked = wanted[0]
            yield Found(
                at=Place(path=path),
                says=f"it was written by scikit-learn {foreign[0]}, and {asked.file} "
                f"{'installs' if asked.version else 'asks for'} {asked.version or asked.specifier}",
                hint=f"train the model again, or install scikit-learn {foreign[0]} where it is loaded",
            )


def _lies_in_a_package(project: Project, path: str) -> bool:
    """Whether it belongs to a logged model, which brings its own requirements."""
    folder = path.rpartition("/")[0]
    return f"{folder}/MLmodel" in project.files or "/artifacts/" in path


def _wanted(project: Project, path: str) -> list[Wanted]:
    """What the nearest unit above the file asks for; with none, what all units of the project ask for."""
    above = [unit for unit in project.units if path.startswith(unit.folder)]
    for unit in sorted(above, key=lambda unit: len(unit.folder), reverse=True):
        if found := _of_unit(project, unit):
            return found
    return [each for unit in project.units for each in _of_unit(project, unit)]


def _of_unit(project: Project, unit: Unit) -> list[Wanted]:
    locked = _locked(project, unit.lock) if unit.lock else []
    if locked:
        return locked
    found = []
    for declared in unit.declared:
        if declared.name == PACKAGE and declared.specifier:
            pin = declared.specifier.lstrip("= ") if declared.is_pinned else ""
            found.append(Wanted(file=declared.file, version=pin, specifier="" if pin else declared.specifier))
    return found


def _locked(project: Project, lock: str) -> list[Wanted]:
    try:
        versions = parse_lock(lock.rpartition("/")[2], project.text(lock)).versions_of(PACKAGE)
    except Invalid:
        return []
    return [Wanted(file=lock, version=version) for version in versions if version]


def _fits(written: str, wanted: Wanted) -> bool:
    """Whether the version that wrote the file is the one that loads it, patches aside."""
    try:
        if wanted.version:
            return Version(written).release[:2] == Version(wanted.version).release[:2]
        return SpecifierSet(wanted.specifier).contains(written, prereleases=True)
    except (InvalidVersion, InvalidSpecifier):
        return True
