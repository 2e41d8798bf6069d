from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.kit.text import count


@rule(
    "ENV002",
    "unlocked-dependencies",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    of_project=True,
)
def unlocked_dependencies(project: Project) -> Iterator[Found]:
    """A lock names the exact version of every installed package.

    Why:
        Two installs a week apart must give the same program. Pinning what you import is not enough: the
        packages behind it still move. Of 42 public projects 60% had no lock of any kind.
    Bad:
        ```text
        pyproject.toml      dependencies = ["pandas>=2"], and no lock beside it
        ```
    Good:
        ```text
        pyproject.toml      dependencies = ["pandas>=2"]
        uv.lock             made by `uv lock`, committed
        ```
    Accepts:
        uv.lock, pylock.toml, poetry.lock, pdm.lock, Pipfile.lock, pixi.lock, conda-lock.yml, and a
        requirements file with hashes or as pip-compile, uv or pip freeze write it.
    """
    for unit in project.units:
        if not unit.lock:
            first = unit.declared[0]
            yield Found(at=project.line(first.file, first.line), says=_says(unit), hint=_hint(unit))


def _says(unit: Unit) -> str:
    number = count(len(unit.declared), "dependency", "dependencies")
    if all(declared.is_pinned for declared in unit.declared):
        return f"{number} pinned, but nothing locks the packages behind them"
    return f"{number} declared, and no lock says which versions to install"


def _hint(unit: Unit) -> str:
    kinds = {manifest.kind for manifest in unit.manifests}
    if "pipenv" in kinds:
        return "run `pipenv lock` and commit Pipfile.lock"
    if "pyproject" in kinds:
        return "run `uv lock` and commit uv.lock"
    if kinds == {"conda"}:
        return "run `conda-lock` and commit conda-lock.yml"
    source = next(manifest.file for manifest in unit.manifests if manifest.declared).rpartition("/")[2]
    return f"run `uv pip compile --generate-hashes {source} -o requirements.lock` and commit it"
