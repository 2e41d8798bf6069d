from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule


@rule("CHK902", "expired-ignore", since="0.1", explore="warning", team="warning", production="error")
def expired_ignore(project: Project) -> Iterator[Found]:
    """An ignore whose last day has passed is decided again.

    Why:
        The date was written so that somebody would look. The finding itself is shown again too.
    Bad:
        ```python
        path = "/home/ann/data.csv"  # paved: ignore[REP204] until the move until 2020-01-31
        ```
    Good:
        ```python
        path = "/home/ann/data.csv"  # paved: ignore[REP204] until the move until 2999-01-31
        ```
    """
    today = date.today()
    for ignore in project.ignores:
        if ignore.has_expired(today):
            yield Found(
                at=ignore.place,
                says=f"the ignore of {', '.join(ignore.rules)} ended on {ignore.until}",
                hint="correct the finding, or give a later date",
            )
