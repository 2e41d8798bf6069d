import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks import all_rules, check_project
from pavedroad.checks import project as project_module
from pavedroad.checks.ignores import read_check_settings
from pavedroad.checks.running import Spent
from pavedroad.errors import ConfigError

MakeProject = Callable[[dict[str, str | bytes]], Path]
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])\n"
BY_MODULE = [rule for rule in all_rules() if rule.by_module]
FIXTURES = Path(__file__).parent / "rules"


@pytest.mark.parametrize("rule", BY_MODULE, ids=lambda rule: rule.code)
def test_what_a_rule_finds_in_a_module_depends_on_no_other(rule: Any, tmp_path: Path) -> None:
    root = Path(shutil.copytree(FIXTURES / rule.code / "bad", tmp_path / "bad"))
    if not (root / "pyproject.toml").exists():
        (root / "pyproject.toml").write_text("")  # so that a file knows its project
    together = check_project(root, only=[rule.code]).findings
    alone = [
        finding
        for path in sorted({finding.place.path for finding in together})
        for finding in check_project(root / path, only=[rule.code]).findings
    ]

    assert [(each.place, each.says) for each in alone] == [(each.place, each.says) for each in together]


def test_a_large_project_is_found_to_hold_the_same(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({f"m{number}.py": f"import random\n{SPLIT}random.random()\n" for number in range(20)})
    expected = check_project(root).findings
    monkeypatch.setattr(project_module, "MOST_LINES_HELD", 4)  # no tree outlives the next

    assert check_project(root).findings == expected


def test_each_rule_says_what_it_took_and_found(make_project: MakeProject) -> None:
    spent: list[Spent] = []
    check_project(make_project({"train.py": SPLIT}), only=["REP201", "REP202"], spent=spent)

    assert [(each.code, each.findings) for each in spent] == [("reading", 0), ("REP201", 1), ("REP202", 0)]
    assert all(each.ms >= 0 for each in spent)


@pytest.mark.parametrize(
    ("levels", "severity"),
    [
        ('{ REP201 = "error" }', "error"),
        ('{ unseeded-split = "note" }', "note"),
        ('{ REP = "error" }', "error"),
        ('{ REP = "off", REP201 = "note" }', "note"),
        ('{ REP201 = "off" }', None),
        ('{ REP = "off" }', None),
    ],
)
def test_the_manifest_decides_how_much_a_rule_matters(
    make_project: MakeProject, levels: str, severity: str | None
) -> None:
    root = make_project({"train.py": SPLIT, "pyproject.toml": f"[tool.paved.checks]\nlevels = {levels}\n"})
    found = [finding.severity for finding in check_project(root).findings if finding.code == "REP201"]

    assert found == ([severity] if severity else [])


def test_a_rule_that_is_off_runs_when_it_is_asked_for(make_project: MakeProject) -> None:
    manifest = '[tool.paved.checks]\nlevels = { REP201 = "off" }\n'
    root = make_project({"train.py": SPLIT, "pyproject.toml": manifest})

    assert [finding.code for finding in check_project(root, only=["REP201"]).findings] == ["REP201"]


def test_a_level_that_is_none_or_of_no_rule_is_refused(make_project: MakeProject) -> None:
    with pytest.raises(ConfigError, match="levels"):
        read_check_settings({"levels": {"REP201": "fatal"}})
    root = make_project({"pyproject.toml": '[tool.paved.checks]\nlevels = { RPE201 = "off" }\n'})
    with pytest.raises(ConfigError, match="no rule 'RPE201' in levels"):
        check_project(root)
