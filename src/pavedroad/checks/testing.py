"""What must hold of every rule, ours and a team's own.

A rule has a folder of fixtures named by its code: `bad/`, `good/`, and `says.txt`, what it says of `bad/`. A
rule about projects has one folder for each project in them; any other has one project with many files.

@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
@pytest.mark.parametrize("holds", CONFORMANCE, ids=lambda holds: holds.__name__)
def test_rule(rule, holds, tmp_path):
    holds(rule, Path(__file__).parent / "rules", tmp_path)

`python -m pavedroad.checks.testing FIXTURES [CODE...]` writes `says.txt` anew: look at the difference.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pavedroad.checks.engine import check_project
from pavedroad.checks.fixes import Change, plan_changes, write_changes
from pavedroad.checks.model import Finding, Rule
from pavedroad.checks.plugins import all_rules
from pavedroad.checks.rule import REQUIRED_SECTIONS
from pavedroad.checks.text import finding_text

WIDTH = 80
Property = Callable[[Rule, Path, Path], None]  # rule, folder of all fixtures, an empty folder to work in
_found: dict[tuple[str, Path, str], dict[str, list[Finding]]] = {}


class Nonconforming(AssertionError):
    """A rule, its fixtures or its documentation break a promise that every rule makes."""


def documentation_is_complete(rule: Rule, fixtures: Path, folder: Path) -> None:
    missing = [section for section in REQUIRED_SECTIONS if not rule.sections.get(section)]
    _expect(not missing, rule, f"its docstring lacks {missing}")
    _expect(("Fix" in rule.sections) == bool(rule.fix), rule, "a Fix: section and fix= belong together")


def good_projects_have_no_finding(rule: Rule, fixtures: Path, folder: Path) -> None:
    for name, findings in findings_in(rule, fixtures, "good").items():
        said = "\n\n".join(finding_text(finding, width=WIDTH) for finding in findings)
        _expect(not findings, rule, f"good/{name} has findings:\n{said}")


def each_bad_project_has_a_finding(rule: Rule, fixtures: Path, folder: Path) -> None:
    for name, findings in findings_in(rule, fixtures, "bad").items():
        _expect(bool(findings), rule, f"bad/{name} has no finding")


def it_says_what_it_said(rule: Rule, fixtures: Path, folder: Path) -> None:
    kept = fixtures / rule.code / "says.txt"
    _expect(
        kept.is_file(), rule, f"{kept.name} is missing; write it with `python -m pavedroad.checks.testing`"
    )
    said = what_it_says(rule, fixtures)
    _expect(said == kept.read_text("utf-8"), rule, f"it says something else than {kept.name}:\n{said}")


def findings_can_be_acted_on(rule: Rule, fixtures: Path, folder: Path) -> None:
    for findings in findings_in(rule, fixtures, "bad").values():
        for finding in findings:
            _expect(bool(finding.place.path), rule, f"a finding without a file: {finding.says}")
            _expect(finding.place.line >= 1, rule, f"a finding without a line: {finding.says}")
            _expect(bool(finding.hint), rule, f"no next step: {finding.says}")
            _expect(not finding.says.endswith("."), rule, f"a full stop at the end: {finding.says}")


def examples_are_true(rule: Rule, fixtures: Path, folder: Path) -> None:
    """Examples in Python are run through the rule; the others are pictures of folders."""
    for section, expected in (("Bad", True), ("Good", False)):
        code = re.match(r"```python\n(.*)```", rule.sections[section], re.DOTALL)
        if code:
            project = folder / section
            project.mkdir()
            (project / "example.py").write_text(code.group(1), "utf-8")
            said = "has no finding" if expected else "has a finding"
            _expect(bool(found_in(rule, project)) is expected, rule, f"the example of {section} {said}")


def fixes_remove_findings_and_then_change_nothing(rule: Rule, fixtures: Path, folder: Path) -> None:
    """What could be read before, code or data, can be read after; a second run has nothing to do."""
    if not rule.fix:
        return
    fixed = 0
    for project in copies(rule, fixtures, "bad", folder):
        before = found_in(rule, project)
        changes = plan_changes(before, project, unsafe=True)
        for change in changes:
            _expect(not _is_readable(change.path, change.before) or _is_readable(change.path, change.after),
                    rule, f"its fix breaks {change.path}")  # fmt: skip
        write_changes(changes, project)
        after = found_in(rule, project)
        answered = _answered(changes)
        _expect(
            len(after) == len(before) - answered,
            rule,
            f"{answered} fixed, {len(after)} left in {project.name}",
        )
        again = [change.path for change in plan_changes(after, project, unsafe=True)]
        _expect(not again, rule, f"a second run changes {again}")
        fixed += answered
    _expect(fixed > 0, rule, "none of its bad fixtures is fixed")


CONFORMANCE: tuple[Property, ...] = (
    documentation_is_complete,
    good_projects_have_no_finding,
    each_bad_project_has_a_finding,
    it_says_what_it_said,
    findings_can_be_acted_on,
    examples_are_true,
    fixes_remove_findings_and_then_change_nothing,
)


# --------------------------------------------------------------------------------------------- fixtures


def found_in(rule: Rule, project: Path) -> list[Finding]:
    """The findings of one rule by itself. Raises Nonconforming when the rule fails."""
    rules = (*(known for known in all_rules() if known.code != rule.code), rule)
    report = check_project(project, profile="production", only=[rule.code], rules=rules)
    for failure in report.failures:
        raise Nonconforming(f"{rule.code}: {failure.says}")
    return [finding for finding in report.findings if finding.code == rule.code]


def copies(rule: Rule, fixtures: Path, kind: str, target: Path) -> Iterator[Path]:
    """The projects of `bad` or `good`, copied out of their repository: checked as a user's folder is."""
    folder = fixtures / rule.code / kind
    _expect(folder.is_dir(), rule, f"it has no fixtures {rule.code}/{kind}")
    for project in sorted(folder.iterdir()) if rule.of_project else [folder]:
        yield Path(shutil.copytree(project, target / project.name))


def findings_in(rule: Rule, fixtures: Path, kind: str) -> dict[str, list[Finding]]:
    """Project -> findings of one kind of fixtures. They are looked at once for all properties."""
    key = (rule.code, fixtures, kind)
    if key not in _found:
        with tempfile.TemporaryDirectory() as folder:
            projects = copies(rule, fixtures, kind, Path(folder))
            _found[key] = {project.name: found_in(rule, project) for project in projects}
    return _found[key]


def what_it_says(rule: Rule, fixtures: Path) -> str:
    """The text of `says.txt`."""
    blocks = [
        f"{name}/{finding_text(finding, width=WIDTH)}"
        for name, findings in findings_in(rule, fixtures, "bad").items()
        for finding in findings
    ]
    return "\n\n".join(blocks) + "\n"


def write_what_they_say(rules: Iterable[Rule], fixtures: Path) -> None:
    for rule in rules:
        (fixtures / rule.code / "says.txt").write_text(what_it_says(rule, fixtures), "utf-8")


def _answered(changes: Iterable[Change]) -> int:
    return len({(finding.place, finding.says) for change in changes for finding in change.findings})


def _is_readable(path: str, text: str) -> bool:
    readers: dict[str, Callable[[str], object]] = {
        ".py": ast.parse, ".toml": tomllib.loads, ".json": json.loads, ".ipynb": json.loads,
    }  # fmt: skip
    try:
        readers.get(Path(path).suffix, str)(text)
    except (ValueError, SyntaxError, RecursionError):
        return False
    return True


def _expect(holds: bool, rule: Rule, says: str) -> None:
    if not holds:
        raise Nonconforming(f"{rule.code}: {says}")


def main(fixtures: Path, codes: Iterable[str]) -> None:
    wanted = set(codes)
    write_what_they_say(
        (
            rule
            for rule in all_rules()
            if (rule.code in wanted) or (not wanted and (fixtures / rule.code).is_dir())
        ),
        fixtures,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
