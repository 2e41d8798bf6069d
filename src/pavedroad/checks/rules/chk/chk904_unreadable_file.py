from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule


@rule("CHK904", "unreadable-file", since="0.1", explore="warning", team="warning", production="error")
def unreadable_file(project: Project) -> Iterator[Found]:
    """Every Python file, notebook and manifest can be read.

    Why:
        What does not parse is not checked: a clean report would promise more than was looked at.
    Bad:
        ```python
        def train(:
        ```
    Good:
        ```python
        def train(): ...
        ```
    """
    # What is read late complains late; so everything is asked for first.
    _ = project.modules, project.units, project.ignores
    for problem in project.problems:
        yield Found(at=problem.place, says=f"it {problem.says}", hint=problem.hint)
