from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

SEVERITIES = {"warns": "note", "changes-results": "warning", "may-break": "warning", "breaks": ""}


@rule(
    "ENV014",
    "removed-upstream",
    since="0.1",
    explore="note",
    team="error",
    production="error",
    fix="safe",
    of_project=True,
)
def removed_upstream(project: Project) -> Iterator[Found]:
    """Code uses nothing that the versions it may get have removed or changed.

    Why:
        69% of 42 public projects used something that a newer release removed, changed or deprecated, and a
        quarter failed, or might have failed, on a fresh install. The lock decides; without one the declared
        range does, and without that the newest release.
    Bad:
        ```python
        import numpy as np  # requirements.txt: numpy

        scores = np.zeros(3, dtype=np.float)  # removed in NumPy 1.24
        ```
    Good:
        ```python
        import numpy as np

        scores = np.zeros(3, dtype=float)
        ```
    Accepts:
        Code under a lock or a range that keeps the change out; `paved advisories` still lists it. Imports
        that a `try` or a look at the version guards. Deprecations are notes.
    Fix:
        What the advisory says, where a text edit can do it and the new form works with the versions at hand.
    References:
        https://numpy.org/doc/stable/release/1.24.0-notes.html
    """
    from pavedroad.advisories.matching import EXPOSED, assess
    from pavedroad.advisories.reading import shipped_advisories

    for case in assess(project, shipped_advisories()):
        if case.state != EXPOSED:
            continue
        for use in case.uses:
            if use.effect:
                yield Found(
                    at=use.at,
                    says=f"{use.symbol}: {case.title} ({case.id}; {use.decided})",
                    hint=case.guidance,
                    fix=use.fix,
                    severity=SEVERITIES[use.effect],
                )


RULES = (removed_upstream,)
