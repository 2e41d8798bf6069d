from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.dockerfile import Dockerfile, Instruction, Stage
from pavedroad.checks.model import SAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

_INSTALLS_LISTED = re.compile(
    r"pip3?\s+install\b[^&|;\n]{0,400}(?:-r|--requirement)[ =]?\s*\S+|"
    r"\bpoetry\s+install\b|\bpipenv\s+(?:install|sync)\b|"
    r"\bconda\s+env\s+(?:create|update)\b|\bmamba\s+env\s+(?:create|update)\b|\buv\s+sync\b|"
    r"\bnpm\s+(?:ci|install)\b"
)
_VERSION_FROM_GIT = re.compile(r"setuptools[-_]scm|hatch-vcs|versioneer|dunamai|dynamic-versioning")
LONGEST_SCRIPT = 20_000
WHOLE = (".", "./", "/", "*")
CONTENT = """.git
.venv
venv
**/__pycache__
**/*.pyc
**/.ipynb_checkpoints
.pytest_cache
.mypy_cache
.ruff_cache
.env
"""


@rule(
    "SVC610", "careless-build-context", since="0.1", explore="note", team="warning", production="error",
    fix="safe", of_project=True,
)  # fmt: skip
def careless_build_context(project: Project) -> Iterator[Found]:
    """An image takes in only what it needs, and installs before it copies the code.

    Why:
        Without a .dockerignore, `COPY . .` puts .git, .env and the data folder into the image. Copied
        before the install, every changed line installs everything again. 62% of 21 public projects with a
        Dockerfile had no .dockerignore, 14% copied first.
    Bad:
        ```dockerfile
        FROM python:3.11-slim
        COPY . .
        RUN pip install -r requirements.txt
        ```
    Good:
        ```dockerfile
        FROM python:3.11-slim
        COPY requirements.txt .
        RUN pip install -r requirements.txt
        COPY . .
        ```
    Accepts:
        Dockerfiles that copy named files and folders only, and `pip install .`, which needs the code.
    Fix:
        Makes a .dockerignore for .git, environments, caches and .env. The order of the steps is yours.
    References:
        https://docs.docker.com/build/building/best-practices/#exclude-with-dockerignore
    """
    for dockerfile in project.dockerfiles:
        lines = project.lines_of(dockerfile.path)
        copies = [
            (stage, copy)
            for stage in dockerfile.stages
            for copy in stage.named("COPY", "ADD")
            if _is_whole(copy)
        ]
        if copies and not _has_dockerignore(project, dockerfile):
            copy = copies[0][1]
            yield Found(
                at=dockerfile.place(copy, lines[copy.line - 1]),
                says="the whole folder is copied and there is no .dockerignore",
                hint="add a .dockerignore with .git, .env, data and environments",
                fix=_fix(project, dockerfile),
            )
        installs = {stage.index: _first_install(stage) for stage, _ in copies}
        for stage, copy in copies:
            install = installs[stage.index]
            if install and install.line > copy.line:
                yield Found(
                    at=dockerfile.place(copy, lines[copy.line - 1]),
                    says=f"all is copied before line {install.line} installs: any change installs again",
                    hint="copy the list of dependencies first, install, then copy the code",
                )


def _is_whole(copy: Instruction) -> bool:
    return "from" not in copy.flags and any(source in WHOLE for source in copy.arguments[:-1])


def _first_install(stage: Stage) -> Instruction | None:
    """The first that installs from a list; what is copied behind it does not repeat it."""
    runs = stage.named("RUN")
    return next((run for run in runs if _INSTALLS_LISTED.search(run.script[:LONGEST_SCRIPT])), None)


def _contexts(project: Project, dockerfile: Dockerfile) -> list[str]:
    """Folders the image may be built from: what compose says, else its own and the root."""
    said = [
        service.context
        for compose in project.composes
        for service in compose.services
        if service.context is not None and service.dockerfile == dockerfile.path
    ]
    return [f"{folder}/" if folder else "" for folder in said] or [dockerfile.folder, ""]


def _has_dockerignore(project: Project, dockerfile: Dockerfile) -> bool:
    if f"{dockerfile.path}.dockerignore" in project.files:
        return True
    return any(f"{folder}.dockerignore" in project.files for folder in _contexts(project, dockerfile))


def _fix(project: Project, dockerfile: Dockerfile) -> Fix | None:
    folder = _contexts(project, dockerfile)[0]
    names = set(project.files)
    text = CONTENT
    if any(
        _VERSION_FROM_GIT.search(project.text(name))
        for name in ("pyproject.toml", "setup.py")
        if name in names
    ):
        text = text.replace(".git\n", "", 1)  # the version is read from it
    if any(name in names for name in (f"{folder}.env", ".env")):
        text = text.replace("\n.env\n", "\n")  # the program may read it
    edit = Edit(path=f"{folder}.dockerignore", start=0, end=0, text=text)
    return Fix(says="make .dockerignore", safety=SAFE, edits=(edit,))
