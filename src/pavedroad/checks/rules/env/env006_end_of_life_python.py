from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.pythons import RELEASED_AND_ENDED, StatedPython, dotted, stated_pythons


@rule(
    "ENV006",
    "end-of-life-python",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    of_project=True,
)
def end_of_life_python(project: Project) -> Iterator[Found]:
    """The Python a project runs on still gets security fixes.

    Why:
        After the end of its life a Python gets no fix for anything, and libraries stop making wheels for it:
        of the public projects that pin a Python, 56% pin one that has ended.
    Bad:
        ```text
        Dockerfile          FROM python:3.8-slim
        ```
    Good:
        ```text
        Dockerfile          FROM python:3.13-slim
        ```
    Accepts:
        Ranges that also allow a newer one, such as >=3.8, and a list of versions in CI that has a newer one.
        Locks are left to the manifest they were made from.
    References:
        https://devguide.python.org/versions/
    """
    today = date.today()
    for stated in stated_pythons(project):
        if stated.kind != "lock":
            yield from ended(stated, today)


def ended(stated: StatedPython, today: date) -> Iterator[Found]:
    """Whether nothing that this place allows is supported on that day."""
    newest = max(stated.allowed)
    end = RELEASED_AND_ENDED[newest][1] if newest in RELEASED_AND_ENDED else date.max
    if end >= today:
        return
    yield Found(
        at=stated.at,
        says=f"Python {dotted(newest)} has had no fixes since {end:%d %b %Y}".replace("since 0", "since "),
        hint="move to one that is supported (https://devguide.python.org/versions/) and run the tests there",
    )
