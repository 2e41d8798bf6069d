from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.facts import table
from pavedroad.checks.rules.env.manifest_text import line_of, remove_entry, replace_in_line
from pavedroad.checks.rules.env.pinned import is_within
from pavedroad.environments import Declared, Manifest

# Their version numbers go on under the new name.
SAME_VERSIONS = ("tensorflow-gpu", "msgpack-python")


@rule(
    "ENV015", "deprecated-name", since="0.1", explore="note", team="warning", production="error", fix="safe",
    of_project=True,
)  # fmt: skip
def deprecated_name(project: Project) -> Iterator[Found]:
    """Packages are asked for by the name under which they live on.

    Why:
        An old name installs an empty package, one that no longer gets fixes, or nothing at all: `pip install
        sklearn` has failed since December 2023, and with it every image that asks for it.
    Bad:
        ```text
        requirements.txt    sklearn==0.0
        ```
    Good:
        ```text
        requirements.txt    scikit-learn==1.7.2
        ```
    Accepts:
        What a lock holds because another package asks for it, and entries with a marker for an old Python.
    Fix:
        Writes the new name where the imports stay the same, and takes out backports that Python no longer
        needs. A new name with another API is left to you.
    References:
        https://github.com/scikit-learn/sklearn-pypi-package
    """
    renamed = {row["name"]: row for row in table("renamed")}
    for unit in project.units:
        for manifest in unit.manifests:
            for declared in manifest.declared:
                row = None if _is_of_its_time(declared) else renamed.get(declared.name)
                if (
                    row
                    and manifest.kind != "conda"
                    and not declared.direct
                    and not _has_marker(project, declared)
                ) or (row and manifest.kind == "conda" and _is_pip_entry(project, declared)):
                    yield _found(project, manifest, declared, row)


def _found(project: Project, manifest: Manifest, declared: Declared, row: dict[str, str]) -> Found:
    instead = row["instead"]
    return Found(
        at=project.line(declared.file, declared.line),
        says=f"{declared.name} {row['says']}",
        hint=f"ask for {instead}" if instead else "take the line out",
        fix=_fix(project, manifest, declared, row),
    )


def _is_of_its_time(declared: Declared) -> bool:
    """TensorFlow before 2.1 had its GPU build under this name only."""
    version = declared.specifier.lstrip("=~")
    return declared.name == "tensorflow-gpu" and is_within(version, "<2.1")


def _has_marker(project: Project, declared: Declared) -> bool:
    line = line_of(project, declared)
    return ";" in line or "python_version" in line or "markers" in line


def _is_pip_entry(project: Project, declared: Declared) -> bool:
    """Whether it stands below `pip:` in an environment.yml: conda's own names differ."""
    before = project.text(declared.file).split("\n")[: declared.line - 1]
    return any(re.match(r"\s*-\s*pip:\s*$", line) for line in before)


def _fix(project: Project, manifest: Manifest, declared: Declared, row: dict[str, str]) -> Fix | None:
    if manifest.kind not in ("requirements", "pyproject") or "--hash" in project.text(declared.file):
        return None
    if row["kind"] == "remove":
        edit = remove_entry(project, manifest, declared)
        return Fix(says=f"take out {declared.name}", safety="safe", edits=(edit,)) if edit else None
    if row["kind"] != "alias" or row["instead"] in {entry.name for entry in manifest.declared}:
        return None
    name = re.escape(declared.name).replace(r"\-", "[-_.]+")
    version = r"" if declared.name in SAME_VERSIONS else r"(?:\s*[=<>~!]=?=?\s*[\w.*]+,?)*"
    edit = replace_in_line(project, declared, rf"(?i)(?<![\w.-]){name}(?![\w.-]){version}", row["instead"])
    return Fix(says=f"ask for {row['instead']}", safety="safe", edits=(edit,)) if edit else None
