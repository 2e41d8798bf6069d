import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks import check_project
from pavedroad.checks.baseline import read_baseline, without_known, write_baseline
from pavedroad.checks.project import BASELINE as FILE
from pavedroad.errors import ConfigError

MakeProject = Callable[[dict[str, str | bytes]], Path]
Paved = Callable[..., Any]
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])\n"
SECRET = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3x41"


def test_only_new_findings_fail(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})
    accepted = paved("check", root, "--write-baseline")
    assert f"accepted in {root / FILE}: only new ones fail from now on" in accepted.out

    assert "known from the baseline" in paved("check", root).out
    (root / "new.py").write_text(SPLIT)
    assert [
        finding["place"]["path"] for finding in paved("check", root, "--json", code=1).json["findings"]
    ] == ["new.py"]
    assert "train.py:2:1" in paved("check", root, "--no-baseline", code=1).out


def test_a_known_line_may_move_but_not_change(make_project: MakeProject, tmp_path: Path) -> None:
    root = make_project({"train.py": SPLIT})
    write_baseline(root / FILE, check_project(root))
    baseline = read_baseline(root / FILE)
    assert baseline is not None

    (root / "train.py").write_text(f"import os\n\n\n{SPLIT}")
    assert without_known(check_project(root, only=["REP201"]), baseline).findings == ()
    (root / "train.py").write_text(SPLIT.replace("[1, 2]", "[1, 2, 3]"))
    assert len(without_known(check_project(root, only=["REP201"]), baseline).findings) == 1


def test_one_more_of_the_same_line_is_new(make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})
    write_baseline(root / FILE, check_project(root))
    baseline = read_baseline(root / FILE)
    assert baseline is not None
    (root / "train.py").write_text(f"{SPLIT}train_test_split([1, 2])\n")
    report = without_known(check_project(root, only=["REP201"]), baseline)

    assert (len(report.known), len(report.findings)) == (1, 1)


def test_the_file_holds_no_text_of_the_project_and_no_secret(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": f'{SPLIT}token = "{SECRET}"\nhome = open("/home/ann/rides.csv")\n'})
    answer = paved("check", root, "--write-baseline")
    text = (root / FILE).read_text()

    assert "1 secret not: change and remove them" in answer.out
    assert not any(word in text for word in (SECRET, "ann", "token", "train_test_split", "SEC701"))
    assert {finding["code"] for finding in json.loads(text)["findings"]} >= {"REP201", "REP204"}
    assert "SEC701" in paved("check", root, code=1).out


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1}', '{"version": 9, "findings": []}', "[" * 99_999]
)
def test_a_file_that_is_no_baseline_is_refused(make_project: MakeProject, text: str) -> None:
    root = make_project({FILE: text})

    with pytest.raises(ConfigError, match=FILE):
        read_baseline(root / FILE)


def test_the_manifest_may_name_another_file(paved: Paved, make_project: MakeProject) -> None:
    manifest = '[tool.paved.checks]\nbaseline = "known.json"\n'
    root = make_project({"train.py": SPLIT, "pyproject.toml": manifest})

    assert "no baseline" in paved("check", root, code=2).err
    paved("check", root, "--write-baseline")
    assert (root / "known.json").is_file()
    paved("check", root)


def test_a_baseline_is_of_the_whole_project(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})

    assert (
        "a baseline is of the whole project"
        in paved("check", root, "--rule", "REP", "--write-baseline", code=2).err
    )


def test_the_record_keeps_what_the_baseline_hides(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT, "pyproject.toml": '[project]\nname = "rides"\n'})
    paved("check", root, "--write-baseline")
    paved("check", root, "--push")
    from pavedroad.checks import latest_report
    from pavedroad.config import read_settings
    from pavedroad.record import record_of

    with record_of(read_settings()) as record:
        report = latest_report(record.db, "rides")
    assert report is not None
    assert "REP201" in {finding.code for finding in report.findings}
