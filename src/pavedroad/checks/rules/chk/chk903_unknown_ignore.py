from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found, family_of
from pavedroad.checks.project import Project
from pavedroad.checks.ruff import FAMILY as RUFF
from pavedroad.checks.rule import rule
from pavedroad.errors import nearest


@rule("CHK903", "unknown-ignore", since="0.1", explore="warning", team="warning", production="error")
def unknown_ignore(project: Project) -> Iterator[Found]:
    """An ignore names a rule that exists.

    Why:
        A misspelt code ignores nothing, and nobody notices until the finding it was meant for comes back.
    Bad:
        ```python
        path = "/home/ann/data.csv"  # paved: ignore[RPE204] the lab's only machine
        ```
    Good:
        ```python
        path = "/home/ann/data.csv"  # paved: ignore[REP204] the lab's only machine
        ```
    """
    for ignore in project.ignores:
        for word in ignore.rules:
            if word not in project.rule_words and family_of(word) != RUFF:
                close = nearest(word.upper(), project.rule_words)
                yield Found(
                    at=ignore.place,
                    says=f"there is no rule {word!r} to ignore",
                    hint=f"did you mean {close!r}?" if close else "list the rules with `paved explain`",
                )
