from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.facts import table
from pavedroad.checks.rules.env.manifest_text import replace_in_line
from pavedroad.checks.rules.env.pinned import Pin, pins_of


@rule(
    "ENV012", "yanked-pin", since="0.1", explore="note", team="warning", production="error", fix="unsafe",
    of_project=True,
)  # fmt: skip
def yanked_pin(project: Project) -> Iterator[Found]:
    """No pin names a release that its makers took back.

    Why:
        A yanked release was found to be broken or harmful. An exact pin still installs it, and nobody is
        told.
    Bad:
        ```text
        requirements.txt    requests==2.32.0
        ```
    Good:
        ```text
        requirements.txt    requests==2.32.2
        ```
    Accepts:
        What is not in the table: it works offline, and has the yanked releases of the packages most used in
        data science, as PyPI lists them.
    Fix:
        Writes the next release of the same series into requirements files and pyproject.toml. A lock is made
        again by its own tool.
    References:
        https://peps.python.org/pep-0592/
    """
    yanked = {(row["package"], row["version"]): row for row in table("yanked")}
    for unit in project.units:
        for pin in pins_of(project, unit):
            row = yanked.get((pin.name, pin.version))
            if row:
                tool = f"lock {pin.name} again" if pin.locked else f"take {pin.name} {row['instead']}"
                yield Found(
                    at=pin.place(project),
                    says=f"{pin.name} {pin.version} was yanked: {row['reason']}",
                    hint=f"{tool}; see {row['source']}",
                    fix=_fix(project, pin, row["instead"]),
                )


def _fix(project: Project, pin: Pin, instead: str) -> Fix | None:
    if pin.declared is None or pin.manifest is None or pin.manifest.kind not in ("requirements", "pyproject"):
        return None
    edit = replace_in_line(project, pin.declared, rf"(?<![\w.]){re.escape(pin.version)}(?![\w.])", instead)
    if edit is None or "--hash" in project.text(pin.declared.file):
        return None
    return Fix(says=f"take {pin.name} {instead}", safety="unsafe", edits=(edit,))
