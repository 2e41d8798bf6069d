"""Every rule against its own good and bad projects, in `rules/<CODE>/`, and against its own documentation.

`python tests/checks/test_rules.py` writes the snapshots `rules/<CODE>/says.txt` anew: look at the difference.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pavedroad.checks import RULES, Finding, Rule, check_project
from pavedroad.checks.fixes import plan_changes, write_changes
from pavedroad.checks.rule import REQUIRED_SECTIONS
from pavedroad.checks.rules.env import env003_bare_dependency
from pavedroad.checks.text import finding_text

FIXTURES = Path(__file__).parent / "rules"
PACKAGE = Path(env003_bare_dependency.__file__).parents[1]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
fixing_rules = pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.fix], ids=lambda rule: rule.code
)


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs on the machine is the same on all: a bound comes from the lock alone."""
    monkeypatch.setattr(env003_bare_dependency, "installed_distributions", dict)


def projects(rule: Rule, kind: str) -> list[Path]:
    """A rule about whole projects has one folder for each; another has one folder with many files."""
    folder = FIXTURES / rule.code / kind
    return sorted(folder.iterdir()) if rule.of_project else [folder]


def copies(rule: Rule, kind: str, target: Path) -> Iterator[Path]:
    """Copied out of this repository, so that they are checked as a user's folder is."""
    for project in projects(rule, kind):
        yield Path(shutil.copytree(project, target / project.name))


def found(rule: Rule, project: Path) -> list[Finding]:
    return list(check_project(project, profile="production", only=[rule.code]).findings)


def said(rule: Rule, target: Path) -> str:
    blocks = [
        f"{project.name}/{finding_text(finding, width=80)}"
        for project in copies(rule, "bad", target)
        for finding in found(rule, project)
    ]
    return "\n\n".join(blocks) + "\n"


@every_rule
def test_good_projects_have_no_finding(rule: Rule, tmp_path: Path) -> None:
    for project in copies(rule, "good", tmp_path):
        assert [finding_text(finding, width=80) for finding in found(rule, project)] == []


@every_rule
def test_each_bad_project_has_a_finding(rule: Rule, tmp_path: Path) -> None:
    for project in copies(rule, "bad", tmp_path):
        assert found(rule, project), project.name


@every_rule
def test_it_says_what_it_said(rule: Rule, tmp_path: Path) -> None:
    assert said(rule, tmp_path) == (FIXTURES / rule.code / "says.txt").read_text("utf-8")


@every_rule
def test_each_finding_has_a_line_a_sentence_and_a_next_step(rule: Rule, tmp_path: Path) -> None:
    for project in copies(rule, "bad", tmp_path):
        for finding in found(rule, project):
            assert finding.place.path
            assert finding.place.line >= 1
            assert finding.hint
            assert not finding.says.endswith(".")


@every_rule
def test_its_examples_are_true(rule: Rule, tmp_path: Path) -> None:
    """Examples in Python are run through the rule; the others are pictures of folders."""
    for section, expected in (("Bad", True), ("Good", False)):
        code = re.match(r"```python\n(.*)```", rule.sections[section], re.DOTALL)
        if code:
            project = tmp_path / section
            project.mkdir()
            (project / "example.py").write_text(code.group(1), "utf-8")
            assert bool(found(rule, project)) is expected, section


@every_rule
def test_it_is_documented_and_lies_where_its_code_says(rule: Rule) -> None:
    assert set(REQUIRED_SECTIONS) <= rule.sections.keys()
    assert ("Fix" in rule.sections) == bool(rule.fix)
    name = f"{rule.code.lower()}_{rule.name.replace('-', '_')}.py"
    assert (PACKAGE / rule.family.lower() / name).is_file()


@fixing_rules
def test_its_fixes_remove_findings_and_then_change_nothing(rule: Rule, tmp_path: Path) -> None:
    fixed = 0
    for project in copies(rule, "bad", tmp_path):
        before = found(rule, project)
        changes = plan_changes(before, project, unsafe=True)
        write_changes(changes, project)
        after = found(rule, project)

        answered = sum(len(change.findings) for change in changes)
        assert len(after) == len(before) - answered
        assert plan_changes(after, project, unsafe=True) == []
        fixed += answered
    assert fixed


def test_codes_and_names_are_unique() -> None:
    words = [word for rule in RULES for word in (rule.code, rule.name)]

    assert len(set(words)) == len(words)


def test_every_rule_file_is_in_the_table() -> None:
    files = {file.stem for file in PACKAGE.glob("*/*[0-9][0-9][0-9]_*.py")}

    assert files == {f"{rule.code.lower()}_{rule.name.replace('-', '_')}" for rule in RULES}


def test_a_stricter_profile_asks_for_no_less() -> None:
    order = {"": 0, "note": 1, "warning": 2, "error": 3}
    for rule in RULES:
        levels = [order[rule.levels.get(profile, "")] for profile in ("explore", "team", "production")]
        assert levels == sorted(levels), rule.code


if __name__ == "__main__":
    import tempfile

    env003_bare_dependency.installed_distributions = dict  # type: ignore[assignment]
    for each in RULES:
        with tempfile.TemporaryDirectory() as temporary:
            (FIXTURES / each.code / "says.txt").write_text(said(each, Path(temporary)), "utf-8")
