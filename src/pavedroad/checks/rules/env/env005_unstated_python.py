from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from pavedroad.checks.model import Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.pythons import stated_pythons

# Files that say it by being there.
VERSION_FILES = (".python-version", "runtime.txt", ".tool-versions", "mise.toml", ".mise.toml", "pixi.toml")
READMES = ("README.md", "README.rst", "README.txt", "README", "readme.md", "Readme.md")
_IN_PROSE = re.compile(r"\bpython\s*(?:version\s*)?(?:[=>≥]+\s*|v)?3\.\d", re.IGNORECASE)
_PROJECT_TABLE = re.compile(r"^\[project\][^\n]*\n", re.MULTILINE)
_POETRY_TABLE = re.compile(r"^\[tool\.poetry\.dependencies\][^\n]*\n", re.MULTILINE)
_IDENTITY = re.compile(r"(?:(?:name|version|description|readme)\s*=\s*(?:\"[^\"\n]*\"|'[^'\n]*')[^\n]*\n)+")


@rule(
    "ENV005",
    "unstated-python",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="safe",
    of_project=True,
)
def unstated_python(project: Project) -> Iterator[Found]:
    """A project says which Python it runs on.

    Why:
        A colleague's newer Python has no wheels for an older pin, and the install fails far from the cause.
        Of 42 public projects 26% named no Python anywhere.
    Bad:
        ```toml
        [project]
        name = "rides"
        ```
    Good:
        ```toml
        [project]
        name = "rides"
        requires-python = ">=3.11"
        ```
    Accepts:
        requires-python in pyproject.toml, python in Poetry's, Pipenv's or conda's file, python_requires,
        .python-version, runtime.txt, .tool-versions, `FROM python:3.11` in a Dockerfile, or a version in CI.
        A version that only a README names is a note.
    Fix:
        Adds requires-python to pyproject.toml, or makes .python-version, with the Python that runs the check.
    """
    if not (project.modules or project.manifests) or _is_stated(project):
        return
    path = project.front_page
    if path != "pyproject.toml":
        path = next((manifest.file for manifest in project.manifests), path)
    readme = next(
        (name for name in READMES if name in project.files and _IN_PROSE.search(project.text(name))), ""
    )
    says = "nothing says which Python this project needs"
    yield Found(
        at=Place(path=path),
        says=f"only {readme} says which Python this project needs, and no tool reads it" if readme else says,
        hint='add requires-python = ">=3.11" to pyproject.toml',
        severity="note" if readme else "",
        fix=_fix(project),
    )


def _is_stated(project: Project) -> bool:
    if any(manifest.python for manifest in project.manifests) or project.named(*VERSION_FILES):
        return True
    return bool(stated_pythons(project))


def _fix(project: Project) -> Fix:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = project.text("pyproject.toml") if "pyproject.toml" in project.files else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    for table, line in ((_PROJECT_TABLE, "requires-python"), (_POETRY_TABLE, "python")):
        if match := table.search(text):
            head = _IDENTITY.match(text, match.end())
            at = head.end() if head else match.end()
            edit = Edit(path="pyproject.toml", start=at, end=at, text=f'{line} = ">={version}"{newline}')
            return Fix(says=f"add {line}", safety="safe", edits=(edit,))
    edit = Edit(path=".python-version", start=0, end=0, text=f"{version}\n")
    return Fix(says="make .python-version", safety="safe", edits=(edit,))
