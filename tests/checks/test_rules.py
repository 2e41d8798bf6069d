"""Every rule against its own good and bad projects, in `rules/<CODE>/`, and against its own documentation.

`python tests/checks/test_rules.py [CODE...]` writes the snapshots `rules/<CODE>/says.txt` anew: look at
the difference.
"""

from pathlib import Path

import pytest

from pavedroad.checks import Rule, all_rules
from pavedroad.checks.model import OURS
from pavedroad.checks.rules import RULES
from pavedroad.checks.rules.env import env003_bare_dependency
from pavedroad.checks.testing import CONFORMANCE, Property, main

FIXTURES = Path(__file__).parent / "rules"
PACKAGE = Path(env003_bare_dependency.__file__).parents[1]
OUR_RULES = [rule for rule in all_rules() if rule.package == OURS]


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs on the machine is the same on all: a bound comes from the lock alone."""
    monkeypatch.setattr(env003_bare_dependency, "installed_distributions", dict)


@pytest.mark.parametrize("holds", CONFORMANCE, ids=lambda holds: holds.__name__)
@pytest.mark.parametrize("rule", OUR_RULES, ids=lambda rule: rule.code)
def test_what_every_rule_promises(rule: Rule, holds: Property, tmp_path: Path) -> None:
    holds(rule, FIXTURES, tmp_path)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_it_lies_where_its_code_says(rule: Rule) -> None:
    name = f"{rule.code.lower()}_{rule.name.replace('-', '_')}.py"

    assert (PACKAGE / rule.family.lower() / name).is_file()


def test_every_rule_file_is_in_the_table() -> None:
    files = {file.stem for file in PACKAGE.glob("*/*[0-9][0-9][0-9]_*.py")}

    assert files == {f"{rule.code.lower()}_{rule.name.replace('-', '_')}" for rule in RULES}


def test_a_stricter_profile_asks_for_no_less() -> None:
    order = {"": 0, "note": 1, "warning": 2, "error": 3}
    for rule in OUR_RULES:
        levels = [order[rule.levels.get(profile, "")] for profile in ("explore", "team", "production")]
        assert levels == sorted(levels), rule.code


if __name__ == "__main__":
    import sys

    env003_bare_dependency.installed_distributions = dict  # type: ignore[assignment]
    main(FIXTURES, sys.argv[1:])
