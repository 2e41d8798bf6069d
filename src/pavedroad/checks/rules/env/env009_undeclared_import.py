from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pavedroad.checks.model import Fix, Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.import_names import NAMESPACES, distributions_of, with_companions
from pavedroad.checks.rules.env.imported import (
    Import,
    declared_elsewhere,
    declared_names,
    imports_of,
    installed_by_hand,
    is_provided_for,
    sent_scripts,
    unit_of,
)
from pavedroad.checks.rules.env.manifest_text import add_entries
from pavedroad.environments import normalised
from pavedroad.kit.text import count


class _Missing(msgspec.Struct):
    """One distribution that a unit imports and does not declare."""

    name: str
    first: Import
    files: set[str]


@rule(
    "ENV009",
    "undeclared-import",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    of_project=True,
)
def undeclared_import(project: Project) -> Iterator[Found]:
    """What the code imports is declared.

    Why:
        It works where somebody once installed the package, or as long as another package happens to bring
        it, and fails in the next container.
    Bad:
        ```text
        train.py            import seaborn
        requirements.txt    pandas==2.2.3
        ```
    Good:
        ```text
        train.py            import seaborn
        requirements.txt    pandas==2.2.3
                            seaborn==0.13.2
        ```
    Accepts:
        Imports in try/except, below an `if`, or for type checkers; what a Dockerfile, a script, CI or a
        notebook installs by name; what the manifests of tests and documentation declare; and packages that
        come with a declared one by its own documentation, such as starlette with fastapi. A package that only
        the lock has is a note: it works until the one that brings it no longer does. Modules whose package is
        not known are passed over, and so are scripts that other code names, to run them elsewhere, and
        notebooks of Colab, Kaggle and Databricks, which bring their packages.
    Fix:
        Adds the packages to requirements.txt or to `dependencies` of pyproject.toml, with the locked version
        as lower bound where there is one.
    References:
        https://packaging.python.org/en/latest/discussions/install-requires-vs-requirements/
    """
    by_unit: dict[str, dict[str, _Missing]] = {}
    sent = sent_scripts(project)
    elsewhere: set[str] | None = None
    for module in project.modules:
        units = unit_of(project, module.path)
        if (
            not units
            or is_provided_for(module)
            or module.path.endswith("setup.py")
            or module.path.rpartition("/")[2] in sent
        ):
            continue
        declared = with_companions(declared_names(project, units))
        for found in imports_of(project, module):
            candidates = distributions_of(found.module)
            if found.is_optional or not candidates or _is_declared(candidates, found, declared):
                continue
            if elsewhere is None:
                elsewhere = with_companions(installed_by_hand(project) | declared_elsewhere(project))
            if not _is_declared(candidates, found, elsewhere):
                missing = by_unit.setdefault(units[-1].folder, {})
                entry = missing.setdefault(candidates[0], _Missing(candidates[0], found, set()))
                entry.files.add(found.path)
    for unit in project.units:
        yield from _findings(project, unit, by_unit.get(unit.folder, {}))


def _is_declared(candidates: tuple[str, ...], found: Import, declared: set[str]) -> bool:
    root = normalised(found.root)
    if found.root in NAMESPACES:
        return any(name == root or name in candidates for name in declared)
    return root in declared or any(name in declared for name in candidates)


def _findings(project: Project, unit: Unit, missing: dict[str, _Missing]) -> Iterator[Found]:
    locked: dict[str, str] = {}
    if missing and unit.lock:
        locked = {package.name: package.version for package in project.lock(unit.lock).packages}
    fix = _fix(project, unit, missing, locked)
    for entry in sorted(missing.values(), key=lambda entry: (entry.first.path, entry.first.at.line)):
        more = len(entry.files) - 1
        where = f" here and in {count(more, 'more file')}" if more else ""
        module = ".".join(entry.first.module.split(".")[: 3 if entry.first.root in NAMESPACES else 1])
        package = "" if module == entry.name else f" {entry.name}"
        if entry.name in locked:
            says = f"{module} is imported{where}, but{package} comes only through another package"
        else:
            says = f"{module} is imported{where}, and no manifest declares {package.strip() or 'it'}"
        yield Found(
            at=entry.first.at,
            says=says,
            hint=f"declare {entry.name} in {_manifest_of(unit)}",
            severity="note" if entry.name in locked else "",
            fix=fix,
        )
        fix = None  # the first one declares them all


def _manifest_of(unit: Unit) -> str:
    return next((manifest.file for manifest in unit.manifests if manifest.declared), unit.manifests[0].file)


def _fix(project: Project, unit: Unit, missing: dict[str, _Missing], locked: dict[str, str]) -> Fix | None:
    if not missing or unit.lock.endswith("requirements.txt"):
        return None
    entries = [
        f"{name}>={locked[name].partition('+')[0]}" if locked.get(name) else name for name in sorted(missing)
    ]
    manifest = next(manifest for manifest in unit.manifests if manifest.file == _manifest_of(unit))
    edit = add_entries(project, manifest, entries)
    if edit is None:
        return None
    return Fix(says=f"declare {', '.join(sorted(missing))}", safety="unsafe", edits=(edit,))
