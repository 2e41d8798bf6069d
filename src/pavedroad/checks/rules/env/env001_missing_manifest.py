from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.import_names import distributions_of
from pavedroad.checks.rules.env.imported import imports_of
from pavedroad.kit.text import count

SHOWN = 4


@rule(
    "ENV001",
    "missing-manifest",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    of_project=True,
)
def missing_manifest(project: Project) -> Iterator[Found]:
    """A project that imports packages has a file that names them.

    Why:
        Without one, the next person installs what the error messages ask for, one after the other, in
        whatever version is newest that day. Of 42 public projects 10% had no such file at all.
    Bad:
        ```text
        train.py            imports pandas and sklearn; no pyproject.toml, no requirements.txt
        ```
    Good:
        ```text
        train.py
        pyproject.toml      dependencies = ["pandas>=2.2", "scikit-learn>=1.5"]
        ```
    Accepts:
        pyproject.toml, requirements files, Pipfile, environment.yml, setup.cfg, setup.py, or a lock.
    Fix:
        Makes requirements.txt with the packages that the code imports, without versions: add them.
    References:
        https://packaging.python.org/en/latest/guides/writing-pyproject-toml/
    """
    if project.units or any(manifest.declared for manifest in project.manifests) or project.lock_for(""):
        return
    places: dict[str, Place] = {}
    for module in project.modules:
        for found in imports_of(project, module):
            if not found.is_optional:
                known = distributions_of(found.module)
                places.setdefault(known[0] if known else found.root, found.at)
    if places:
        names = sorted(places)
        shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        yield Found(
            at=next(iter(places.values())),
            says=f"imports {count(len(names), 'package')} ({shown}), and no file of the project names them",
            hint="declare them in pyproject.toml: `uv init`, then `uv add " + " ".join(names[:SHOWN]) + "`",
            fix=_fix(project, names),
        )


def _fix(project: Project, names: list[str]) -> Fix | None:
    if "requirements.txt" in project.files or any(not name.replace("-", "").isalnum() for name in names):
        return None
    text = "".join(f"{name}\n" for name in names)
    edit = Edit(path="requirements.txt", start=0, end=0, text=text)
    return Fix(
        says=f"make requirements.txt with {count(len(names), 'package')}", safety="unsafe", edits=(edit,)
    )
