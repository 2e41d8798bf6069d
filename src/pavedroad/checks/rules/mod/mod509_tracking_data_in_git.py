from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.files import ProjectFile
from pavedroad.checks.model import SAFE, Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.kit.text import count, size

_RUNS = re.compile(r"^(?P<place>(?:.*/)?)(?P<name>mlruns|mlartifacts)/")
_DATABASE = re.compile(r"^(?P<place>(?:.*/)?)(?P<name>mlflow[\w-]*\.(?:db|sqlite3?)|mlruns\.db|paved\.db)$")
# A run of MLflow's file store, and an experiment of it: without them the folder is something else.
_OF_MLFLOW = re.compile(r"/(meta\.yaml|MLmodel|metrics/|params/|tags/|artifacts/)|/\d+/")


@rule(
    "MOD509",
    "tracking-data-in-git",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="safe",
    of_project=True,
)
def tracking_data_in_git(project: Project) -> Iterator[Found]:
    """Runs and their database stay out of the repository.

    Why:
        Every run changes them, each on its own machine: branches cannot be merged, and the history keeps
        every model for ever. Runs belong on a server that all can see. 12% of 42 public projects had them in
        git.
    Bad:
        ```text
        mlruns/0/8a1f.../metrics/accuracy    committed
        ```
    Good:
        ```text
        mlruns/                              in .gitignore
        ```
    Accepts:
        Runs below a folder of tests, files that git ignores.
    Fix:
        Adds the folder or the database to .gitignore. What is already committed stays until you run
        `git rm -r --cached` on it.
    References:
        https://mlflow.org/docs/latest/self-hosting/architecture/tracking-server/
    """
    kept: dict[str, list[ProjectFile]] = {}
    for path, file in project.files.items():
        match = _RUNS.match(path) or _DATABASE.match(path)
        if match and not project.is_test(path) and (path.endswith(match["name"]) or _OF_MLFLOW.search(path)):
            slash = "" if path.endswith(match["name"]) else "/"
            kept.setdefault(f"{match['place']}{match['name']}{slash}", []).append(file)
    for name, files in kept.items():
        tracked = any(file.tracked for file in files)
        total = size(sum(file.size_bytes for file in files))
        yield Found(
            at=Place(path=files[0].path),
            says=f"{name} ({count(len(files), 'file')}, {total}) {_where(project, tracked)}",
            hint=f"ignore it, then `git rm -r --cached {name}`" if tracked else "ignore it",
            fix=_fix(project, name),
        )


def _where(project: Project, tracked: bool) -> str:
    if not project.has_git:
        return "lies among the project's files"
    return "is in git" if tracked else "is not ignored by git"


def _fix(project: Project, name: str) -> Fix | None:
    """A line in the root's .gitignore, unless it is there."""
    ignored = project.text(".gitignore") if ".gitignore" in project.files else ""
    line = f"/{name}"
    if line in ignored.split("\n"):
        return None
    text = f"{'' if not ignored or ignored.endswith(chr(10)) else chr(10)}{line}\n"
    edit = Edit(path=".gitignore", start=len(ignored), end=len(ignored), text=text)
    return Fix(says=f"add {line} to .gitignore", safety=SAFE, edits=(edit,))
