import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks import RULES
from pavedroad.checks.plugins import GROUP, joined_rules
from pavedroad.errors import ConfigError

RULE = '''
from pavedroad.checks.model import Found
from pavedroad.checks.rule import rule


@rule("{code}", "{name}", since="1.0", explore="note", team="warning", production="error")
def print_call(project):
    """Results are logged, not printed.

    Why:
        Nobody reads the terminal of last week.
    Bad:
        ```python
        print("auc", 0.8)
        ```
    Good:
        ```python
        import logging
        logging.info("auc %s", 0.8)
        ```
    """
    {body}
    for module in project.modules:
        for call in module.calls("print"):
            yield Found(at=module.place(call.node), says="print is not a log", hint="use logging")


RULES = [print_call]
'''


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Install a package of rules; the answer is the environment in which a process sees it."""

    def write(
        code: str = "ACM001", name: str = "printed-result", body: str = "", source: str = ""
    ) -> dict[str, str]:
        site = tmp_path / "site"
        info = site / "acme_rules-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\nacme = acme_rules:RULES\n")
        (site / "acme_rules.py").write_text(source or RULE.format(code=code, name=name, body=body))
        return {"PYTHONPATH": str(site)}

    return write


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "train.py").write_text('print("auc")\n')
    return tmp_path / "project"


def test_a_teams_rule_is_checked_explained_and_documented_like_ours(
    install: Callable[..., dict[str, str]], paved: Callable[..., Any], project: Path, tmp_path: Path
) -> None:
    env = install()
    only = ("check", project, "--rule", "ACM")

    assert "train.py:1:1  warning  ACM001 printed-result" in paved(*only, code=1, env=env).out
    assert "ACM001" in paved(*only, "--format", "sarif", code=1, env=env).out
    assert "Results are logged, not printed." in paved("explain", "printed-result", env=env).out
    command = [sys.executable, "-m", "pavedroad.checks.pages_of_rules", str(tmp_path / "pages"), "acme-rules"]
    subprocess.run(command, check=True, env={**os.environ, **env})
    assert sorted(file.name for file in (tmp_path / "pages").iterdir()) == ["ACM001.md", "README.md"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("raise SystemError('at home')", "SystemError: at home"),
        ("RULES = 3", "TypeError: 'int' object is not iterable"),
        ("RULES = ['ACM001']", "'ACM001' is not a rule"),
        (RULE.format(code="ACM1", name="x", body=""), "code 'ACM1' is not three letters and three digits"),
        (RULE.format(code="REP201", name="x", body=""), "REP201 is a rule of pavedroad already"),
        (RULE.format(code="ACM001", name="unseeded-split", body=""), "unseeded-split is a rule of pavedroad"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(
    install: Callable[..., dict[str, str]], paved: Callable[..., Any], project: Path, source: str, says: str
) -> None:
    answer = paved("check", project, code=2, env=install(source=source))

    assert "the rules 'acme' of acme-rules cannot be used" in answer.err
    assert says in answer.err
    assert "correct or uninstall acme-rules" in answer.err


def test_a_rule_that_fails_is_named_and_the_others_go_on(
    install: Callable[..., dict[str, str]], paved: Callable[..., Any], project: Path
) -> None:
    env = install(body="{}['key']")
    (project / "split.py").write_text(
        "from sklearn.model_selection import train_test_split\ntrain_test_split(1)\n"
    )
    answer = paved("check", project, code=2, env=env)

    assert (
        "the rule ACM001 of acme-rules failed and found nothing: KeyError: 'key' (acme_rules.py:"
        in answer.out
    )
    assert "REP201" in answer.out


def test_two_rules_of_one_name_are_refused_whoever_comes_first() -> None:
    plugin = EntryPoint(name="twice", value="pavedroad.checks.rules.rep:RULES", group=GROUP)

    with pytest.raises(ConfigError, match="is a rule of pavedroad already"):
        joined_rules(RULES, [plugin])


def test_the_rule_of_the_page_keeps_what_the_page_promises(
    install: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "checks.md").read_text("utf-8")
    rule, test = (
        code
        for code in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        if "ACM001" in code or "CONFORMANCE" in code
    )
    env = {**os.environ, **install(source=rule)}
    fixtures = tmp_path / "tests" / "rules" / "ACM001"
    for kind, code in (("bad", "print(1)\n"), ("good", "import logging\nlogging.info(1)\n")):
        (fixtures / kind).mkdir(parents=True)
        (fixtures / kind / "train.py").write_text(code)
    (tmp_path / "tests" / "test_rules.py").write_text(test)
    write = [sys.executable, "-m", "pavedroad.checks.testing", str(fixtures.parent), "ACM001"]
    subprocess.run(write, check=True, env=env)
    assert (fixtures / "says.txt").read_text().startswith("bad/train.py:1:1  error  ACM001 printed-result")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout
