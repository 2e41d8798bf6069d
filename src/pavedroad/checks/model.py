"""What a check says: places, findings, fixes, and the report that holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

SEVERITIES = ("error", "warning", "note")  # worst first
SAFE, UNSAFE = "safe", "unsafe"
OURS = "pavedroad"  # the package of our own rules


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is. Lines and columns (in characters) count from 1; in a notebook, within the cell."""

    path: str  # relative to the project, with `/`
    line: int = 1
    column: int = 1
    end_line: int = 0  # 0: the same line
    end_column: int = 0  # exclusive; 0: unknown
    cell: int = 0  # of a notebook, from 1

    @property
    def last_line(self) -> int:
        return self.end_line or self.line

    @property
    def is_whole_file(self) -> bool:
        """Whether it means the file as such, or the project behind it: there is no line to show."""
        return self.line == 1 and not self.end_column

    def __str__(self) -> str:
        cell = f":cell {self.cell}" if self.cell else ""
        return f"{self.path}{cell}:{self.line}:{self.column}"


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """Replace the text from `start` to `end` (offsets in characters). A file that does not exist is made."""

    path: str
    start: int
    end: int
    text: str


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    says: str  # what it does: `add random_state=42`
    safety: str  # safe: no program behaves differently; unsafe: look at it
    edits: tuple[Edit, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule yields."""

    at: Place
    says: str  # one sentence without a full stop, with the value found
    hint: str = ""  # the next step
    fix: Fix | None = None
    severity: str = ""  # lower than the profile's, when this case is milder


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as its file declares it; see `rule.py`."""

    code: str
    name: str  # reads well after "allow"
    since: str
    title: str  # the docstring's first line
    sections: dict[str, str]  # Why, Bad, Good, and what else the docstring has
    levels: dict[str, str]  # profile -> severity; a profile that is missing does not run it
    fix: str  # safe, unsafe, or empty
    of_project: bool  # looks at the project as a whole, not at one file by itself
    by_module: bool  # what it finds in a module depends on no other module
    check: Callable[[Any], Iterator[Found]]  # takes a `checks.project.Project`
    package: str = OURS  # the installed package that brings it

    @property
    def family(self) -> str:
        return family_of(self.code)


def family_of(code: str) -> str:
    """`REP` of REP201, `RUF` of RUF:NPY201."""
    return code.partition(":")[0] if ":" in code else code.rstrip("0123456789")


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that someone chose to keep, and why."""

    reason: str
    place: Place  # where it is written
    until: str = ""  # the last day, YYYY-MM-DD


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str
    severity: str
    says: str
    hint: str
    place: Place
    source: tuple[str, ...] = ()  # the lines it points at
    fix: Fix | None = None
    fingerprint: str = ""  # stays the same while the line does, wherever it moves in the file
    waiver: Waiver | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that ended in an error of its own: what it looks for was not looked for."""

    code: str
    package: str
    says: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that one check found."""

    project: str
    root: str
    profile: str
    findings: tuple[Finding, ...]  # open ones, by place
    waived: tuple[Finding, ...]
    counts: dict[str, int]  # severity -> open findings
    files: int
    lines: int  # of Python
    digest: str  # blake3 over the names and contents of all files
    commit: str  # of git, with `-dirty` when files differ; empty without git
    at_ms: int
    took_ms: float
    version: str
    failures: tuple[Failure, ...] = ()
    remarks: tuple[str, ...] = ()  # what else to know: ruff was left out, and why
    known: tuple[Finding, ...] = ()  # those in the baseline: they were there when it was written

    @property
    def is_clean(self) -> bool:
        """Whether nothing needs to be done: notes are only told."""
        return not self.counts["error"] and not self.counts["warning"] and not self.failures
