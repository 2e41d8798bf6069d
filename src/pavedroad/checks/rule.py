"""How a rule is written: one function in one file, whose docstring is its documentation.

@rule("REP201", "unseeded-split", since="0.1", explore="note", team="warning", production="error")
def unseeded_split(project: Project) -> Iterator[Found]:
    '''A random split names its seed.

    Why:  without one, two runs train on different rows and their scores cannot be compared.
    Bad:  train_test_split(X, y)
    Good: train_test_split(X, y, random_state=7)
    '''
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator

from pavedroad.checks.model import SEVERITIES, Found, Rule
from pavedroad.checks.project import Project

REQUIRED_SECTIONS = ("Why", "Bad", "Good")
_CODE = re.compile(r"[A-Z]{3}\d{3}")
_NAME = re.compile(r"[a-z]+(-[a-z]+)*")
_SECTION = re.compile(r"^([A-Z][a-z]+):[ \t]*\n?", re.MULTILINE)
Check = Callable[[Project], Iterator[Found]]


def rule(
    code: str,
    name: str,
    *,
    since: str,
    explore: str = "",
    team: str = "",
    production: str = "",
    fix: str = "",
    of_project: bool = False,
    by_module: bool = False,
) -> Callable[[Check], Rule]:
    """Declare a rule. `explore`, `team`, `production`: its severity in that profile; empty: not run there.

    `of_project`: it looks at the project as a whole, so it does not run for a single file. `by_module`: all
    that it finds lies in `project.modules`, and what it finds in one depends on no other module; it is then
    called for each module by itself, with all else of the project in sight: a large project need not fit in
    memory.
    Raises: ValueError when the declaration or the docstring is not complete.
    """
    levels = {
        profile: severity
        for profile, severity in (("explore", explore), ("team", team), ("production", production))
        if severity
    }

    def declare(check: Check) -> Rule:
        title, sections = read_docstring(check.__doc__ or "")
        problems = [
            *([] if _CODE.fullmatch(code) else [f"code {code!r} is not three letters and three digits"]),
            *([] if _NAME.fullmatch(name) else [f"name {name!r} is not words joined by '-'"]),
            *(
                [f"level {level!r} is not one of {SEVERITIES}"]
                for level in levels.values()
                if level not in SEVERITIES
            ),
            *([] if levels else ["no profile runs it"]),
            *(
                [f"section {section}: is missing"]
                for section in REQUIRED_SECTIONS
                if not sections.get(section)
            ),
            *(["it looks at the project or at each module, not at both"] if of_project and by_module else []),
            *([] if title.endswith(".") else ["the first line is not a sentence"]),
        ]
        if problems:
            raise ValueError(f"rule {code}: {problems[0]}")
        return Rule(
            code=code,
            name=name,
            since=since,
            title=title,
            sections=sections,
            levels=levels,
            fix=fix,
            of_project=of_project,
            by_module=by_module,
            check=check,
        )

    return declare


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The first line, and the sections: `Word:` and the indented lines below it."""
    title, _, body = inspect.cleandoc(text).partition("\n")
    pieces = _SECTION.split(body)
    return title.strip(), {
        name: textwrap.dedent(_level_first_line(content)).strip("\n").rstrip()
        for name, content in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def _level_first_line(content: str) -> str:
    """Give the text beside `Word:` the indentation of the lines below it, so that both can be dedented."""
    first, newline, rest = content.partition("\n")
    if not newline or first.startswith((" ", "\t")):
        return content
    indentation = min(
        (len(line) - len(line.lstrip()) for line in rest.splitlines() if line.strip()), default=0
    )
    return " " * indentation + content
