from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

_FILE = re.compile(
    r"(.*/)?[^/]*(run[-_ ]?book|on[-_ ]?call|play[-_ ]?book|incident|trouble[-_ ]?shooting|operations|"
    r"disaster)[^/]*(\.(md|rst|txt|adoc|html|ipynb)|/.*)",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"run ?book|on[- ]call|pager ?duty|opsgenie|victorops|incident response|escalat|trouble ?shooting|"
    r"rollback",
    re.IGNORECASE,
)
WRITTEN = (".md", ".rst", ".txt", ".adoc")
LARGEST_BYTES = 512 * 2**10


@rule("DOC804", "missing-runbook", since="0.1", production="warning", of_project=True)
def missing_runbook(project: Project) -> Iterator[Found]:
    """Whoever is called at night finds what to do.

    Why:
        The person on call did not write the model. Where its logs are, how to go back a version, when to
        wake somebody: none of 42 public projects said.
    Bad:
        ```text
        rides/    README.md  train.py
        ```
    Good:
        ```text
        rides/    README.md  train.py  docs/runbook.md
        ```
    Accepts:
        A file named for a runbook, on-call, incidents, operations or troubleshooting; a document that
        speaks of them; links to PagerDuty or Opsgenie in catalog-info.yaml. It is asked of the production
        profile only.
    References:
        https://sre.google/workbook/on-call/
    """
    if not project.modules or any(_FILE.fullmatch(path) for path in project.files):
        return
    if any(_WORDS.search(project.text(path)) for path in _written(project)):
        return
    readme = next((name for name in ("README.md", "README.rst") if name in project.files), project.front_page)
    yield Found(
        at=Place(path=readme),
        says="nothing says what to do when it fails at night",
        hint="write docs/runbook.md: where the logs are, how to go back a version, whom to call",
    )


def _written(project: Project) -> Iterator[str]:
    """Documents, and the catalogue entry that links to what is elsewhere."""
    for path, file in project.files.items():
        name = path.rpartition("/")[2]
        is_written = path.endswith(WRITTEN) and not name.startswith("requirements")
        if (is_written or name.startswith("catalog-info")) and file.size_bytes <= LARGEST_BYTES:
            yield path
