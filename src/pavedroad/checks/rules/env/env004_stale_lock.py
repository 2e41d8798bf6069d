from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.pinned import as_specifiers, version_of
from pavedroad.checks.rules.env.pythons import allowed_pythons, python_place
from pavedroad.environments import Declared, Lock, Manifest, normalised

# Which manifest a lock of each kind is made from, and how to make it again.
MADE_FROM = {
    "uv": ("pyproject", "uv lock"),
    "poetry": ("pyproject", "poetry lock"),
    "pdm": ("pyproject", "pdm lock"),
    "pipenv": ("pipenv", "pipenv lock"),
    "pylock": ("pyproject", "uv export --format pylock.toml -o pylock.toml"),
}


@rule(
    "ENV004", "stale-lock", since="0.1", explore="note", team="warning", production="error", of_project=True
)
def stale_lock(project: Project) -> Iterator[Found]:
    """A lock holds what its manifest asks for.

    Why:
        An installation from an old lock fails, or silently gives another version than the manifest says.
    Bad:
        ```text
        pyproject.toml      dependencies = ["pandas>=2.2"]
        uv.lock             pandas 1.5.3
        ```
    Good:
        ```text
        pyproject.toml      dependencies = ["pandas>=2.2"]
        uv.lock             pandas 2.2.3
        ```
    Accepts:
        A lock that is older by its date but holds what is asked for, entries with a marker,
        optional ones, and direct references.
    References:
        https://docs.astral.sh/uv/concepts/projects/sync/
    """
    for unit in project.units:
        lock = project.lock(unit.lock) if unit.lock else None
        if lock is None or not lock.packages or not unit.lock.startswith(unit.folder):
            continue
        kind, command = MADE_FROM.get(lock.kind, ("", ""))
        for manifest in unit.manifests:
            if manifest.kind == kind and "/" not in manifest.file[len(unit.folder) :]:
                yield from _differences(project, unit, manifest, lock, command)


def _differences(
    project: Project, unit: Unit, manifest: Manifest, lock: Lock, command: str
) -> Iterator[Found]:
    hint = f"run `{command}` and commit {unit.lock}"
    for declared in manifest.declared:
        says = _difference(project, declared, lock)
        if says:
            yield Found(at=project.line(declared.file, declared.line), says=says, hint=hint)
    asked, locked = allowed_pythons(manifest.python), allowed_pythons(lock.requires_python)
    if asked and locked and not asked <= locked:
        yield Found(
            at=python_place(project, manifest),
            says=f"it asks for Python {manifest.python}, the lock was made for {lock.requires_python}",
            hint=hint,
        )


def _difference(project: Project, declared: Declared, lock: Lock) -> str:
    if declared.direct or not declared.name or declared.name == normalised(project.settings.name):
        return ""
    packages = [package for package in lock.packages if package.name == declared.name]
    if not packages:
        return "" if _is_conditional(project, declared) else f"{declared.name} is not in the lock"
    if any(not package.version or (package.source and "://" not in package.source) for package in packages):
        return ""  # from a folder or a repository: its version is what lies there
    ranges = as_specifiers(declared.specifier, is_poetry=lock.kind == "poetry")
    versions = [version for package in packages if (version := version_of(package.version))]
    if ranges is None or not versions or _is_conditional(project, declared):
        return ""
    if any(each.contains(version, prereleases=True) for each in ranges for version in versions):
        return ""
    return f"{declared.name} {declared.specifier} is asked for, the lock has {packages[0].version}"


def _is_conditional(project: Project, declared: Declared) -> bool:
    """Whether a marker, an extra or a platform decides if it is installed."""
    line = project.text(declared.file).split("\n")[declared.line - 1]
    return ";" in line or "marker" in line or "optional" in line or "python =" in line or "platform" in line
