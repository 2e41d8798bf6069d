from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule


@rule("CHK901", "unexplained-ignore", since="0.1", explore="warning", team="warning", production="error")
def unexplained_ignore(project: Project) -> Iterator[Found]:
    """An ignored finding names its rule and says why it is kept.

    Why:
        A year later nobody knows whether the reason still holds. An ignore without one is not obeyed.
    Bad:
        ```python
        path = "/home/ann/data.csv"  # paved: ignore[REP204]
        ```
    Good:
        ```python
        path = "/home/ann/data.csv"  # paved: ignore[REP204] the lab's only machine, until 2027-03-31
        ```
    Accepts:
        The same in the manifest: `[tool.paved.checks] ignore = [{ rule = "REP204", reason = "..." }]`.
    """
    for ignore in project.ignores:
        if not ignore.rules:
            yield Found(
                at=ignore.place, says="this ignore names no rule", hint="write # paved: ignore[CODE] reason"
            )
        elif not ignore.reason:
            yield Found(
                at=ignore.place,
                says=f"ignoring {', '.join(ignore.rules)} without a reason",
                hint="add why the finding is kept"
                if ignore.in_manifest
                else "write the reason behind the bracket",
            )
