from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.pythons import Minor, StatedPython, dotted, stated_pythons

# Who is believed when two differ: what the packages are resolved for comes first.
ORDER = ("manifest", "lock", "version-file", "image", "ci")


@rule(
    "ENV007", "disagreeing-pythons", since="0.1", explore="note", team="warning", production="error",
    fix="unsafe", of_project=True,
)  # fmt: skip
def disagreeing_pythons(project: Project) -> Iterator[Found]:
    """Manifest, container, CI and lock name the same Python.

    Why:
        Tests on one Python say little about a service on another: wheels, pickles and the standard library
        differ. Of 42 public projects 14% named two different ones.
    Bad:
        ```text
        pyproject.toml      requires-python = ">=3.11"
        Dockerfile          FROM python:3.9-slim
        ```
    Good:
        ```text
        pyproject.toml      requires-python = ">=3.11"
        Dockerfile          FROM python:3.11-slim
        ```
    Accepts:
        An exact version inside a range, CI that tests several versions of which one is right, and images that
        install none of the project's packages.
    Fix:
        Writes the version that the manifest, the lock or .python-version names into the Dockerfile, the CI
        file or .python-version, where that is one version and not a range.
    References:
        https://packaging.python.org/en/latest/guides/writing-pyproject-toml/#python-requires
    """
    by_folder: dict[str, list[StatedPython]] = {}
    for stated in stated_pythons(project):
        if stated.folder != "?":
            by_folder.setdefault(stated.folder, []).append(stated)
    for folder, group in by_folder.items():
        units = [unit.folder for unit in project.units]
        # CI at the root installs one of several units: which one is not known.
        known = [each for each in group if each.kind != "ci" or units == [folder]]
        yield from _disagreements(project, sorted(known, key=lambda each: ORDER.index(each.kind)))


def _disagreements(project: Project, group: list[StatedPython]) -> Iterator[Found]:
    """Each place against the first, in the order of belief, that it cannot agree with."""
    for number, stated in enumerate(group):
        other = next((each for each in group[:number] if _conflict(each, stated)), None)
        if other is None:
            continue
        yield Found(
            at=stated.at,
            says=f"{_name(stated)} says Python {_short(stated)}, {other.at.path} says {_short(other)}",
            hint=f"choose one; {other.at.path} line {other.at.line} is what the packages are resolved for",
            fix=_fix(project, stated, other.only),
        )


def _conflict(one: StatedPython, other: StatedPython) -> bool:
    if one.allowed & other.allowed:
        return False
    return not (one.kind == other.kind and one.kind in ("image", "ci"))  # services and jobs may differ


def _name(stated: StatedPython) -> str:
    return "this job" if stated.kind == "ci" else "this image" if stated.kind == "image" else "this"


def _short(stated: StatedPython) -> str:
    return dotted(stated.only) if stated.only else stated.says


def _fix(project: Project, stated: StatedPython, python: Minor | None) -> Fix | None:
    if python is None or stated.only is None or stated.kind not in ("image", "ci", "version-file"):
        return None
    lines = project.text(stated.at.path).split("\n")
    start = sum(len(line) + 1 for line in lines[: stated.at.line - 1])
    pattern = rf"(?<![\d.]){stated.only[0]}\.{stated.only[1]}(?:\.\d+)?(?![\d.]*\d)"
    found = list(re.finditer(pattern, lines[stated.at.line - 1]))
    if len(found) != 1:
        return None
    edit = Edit(
        path=stated.at.path, start=start + found[0].start(), end=start + found[0].end(), text=dotted(python)
    )
    return Fix(says=f"write Python {dotted(python)}", safety="unsafe", edits=(edit,))
