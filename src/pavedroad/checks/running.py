"""Running rules over a project: module by module where they can, so that trees need not stay in memory."""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import msgspec

from pavedroad.checks.ignores import Ignore
from pavedroad.checks.model import SEVERITIES, Failure, Finding, Found, Rule
from pavedroad.checks.project import Project
from pavedroad.checks.secrets import mask_secrets

SOURCE_LINES = 3  # of a finding that spans many
LONGEST_LINE = 4_000  # characters of it that are shown
MOST_FINDINGS = 20_000  # of one rule: nobody reads more, and they would not fit in memory


class Spent(msgspec.Struct):
    """What one rule cost and found."""

    code: str
    ms: float = 0.0
    findings: int = 0


class Run:
    """One run of chosen rules over a project. Guards what they found and how long they took."""

    def __init__(self, project: Project, rules: Iterable[Rule]) -> None:
        self.project = project
        self.rules = list(rules)
        self.spent = {rule.code: Spent(code=rule.code) for rule in self.rules}
        self.reading_ms = 0.0
        self.failures: dict[str, Failure] = {}
        self.found: dict[str, list[Found]] = {rule.code: [] for rule in self.rules}

    def run(self) -> None:
        by_module = [rule for rule in self.rules if rule.by_module]
        whole = [rule for rule in self.rules if not rule.by_module]
        if by_module:
            self._module_by_module(by_module)
        for rule in whole:
            self._check(rule, self.project)

    def _module_by_module(self, rules: list[Rule]) -> None:
        view = copy.copy(self.project)
        modules = self.project.read_modules()
        while True:
            started = time.perf_counter()
            module = next(modules, None)
            self.reading_ms += (time.perf_counter() - started) * 1000
            if module is None:
                return
            view.__dict__["modules"] = [module]
            for rule in rules:
                self._check(rule, view)

    def _check(self, rule: Rule, project: Project) -> None:
        """Collect what a rule finds; one that fails says so, and the others go on."""
        if rule.code in self.failures:
            return
        started = time.perf_counter()
        found = self.found[rule.code]
        try:
            for each in rule.check(project):
                found.append(each)
                if len(found) >= MOST_FINDINGS:
                    break
        except Exception as error:  # a rule, perhaps of another package, may end in anything
            self.failures[rule.code] = _failure(rule, error)
        self.spent[rule.code].ms += (time.perf_counter() - started) * 1000

    def add(self, rule: Rule, found: list[Found], ms: float) -> None:
        """Take in what another tool found."""
        self.rules.append(rule)
        self.found[rule.code] = found
        self.spent[rule.code] = Spent(code=rule.code, ms=ms)

    def findings(self, levels: dict[str, str]) -> Iterator[Finding]:
        """What was found, with the severity of its rule, and waived where somebody said so."""
        usable = [
            ignore
            for ignore in self.project.ignores
            if ignore.reason and not ignore.has_expired(date.today())
        ]
        in_manifest = [ignore for ignore in usable if ignore.in_manifest]
        in_place: dict[str, list[Ignore]] = {}
        for ignore in usable:
            if not ignore.in_manifest:
                in_place.setdefault(ignore.place.path, []).append(ignore)
        for rule in self.rules:
            for found in self.found[rule.code]:
                candidates = (*in_place.get(found.at.path, ()), *in_manifest)
                waived = next((ignore for ignore in candidates if ignore.covers(rule, found.at)), None)
                self.spent[rule.code].findings += waived is None
                yield self._finding(rule, found, levels[rule.code], waived)

    def _finding(self, rule: Rule, found: Found, severity: str, ignore: Ignore | None) -> Finding:
        milder = found.severity and SEVERITIES.index(found.severity) > SEVERITIES.index(severity)
        lines = [] if found.at.is_whole_file else self.project.lines_of(found.at.path, found.at.cell)
        lines = lines[found.at.line - 1 : found.at.last_line][:SOURCE_LINES]
        return Finding(
            code=rule.code,
            name=rule.name,
            severity=found.severity if milder else severity,
            says=found.says,
            hint=found.hint,
            place=found.at,
            source=tuple(shown_line(line, found.at.column) for line in lines),
            fix=found.fix,
            waiver=ignore.waiver() if ignore else None,
        )


def shown_line(line: str, column: int) -> str:
    """A line for showing, its secrets as stars. One longer than any person writes is cut behind the place."""
    return mask_secrets(line[: max(LONGEST_LINE, column + LONGEST_LINE)].rstrip("\r"))


def _failure(rule: Rule, error: Exception) -> Failure:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    says = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Failure(
        code=rule.code, package=rule.package, says=f"{says} ({Path(frame.filename).name}:{frame.lineno})"
    )
