import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks import RULES

MakeProject = Callable[[dict[str, str | bytes]], Path]
Paved = Callable[..., Any]
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])\n"


def test_findings_end_with_one_and_a_clean_project_with_zero(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})

    bad = paved("check", root, "--rule", "REP201", code=1)
    assert "train.py:2:1  warning  REP201 unseeded-split" in bad.out
    assert "1 warning in 1 file, profile team" in bad.out
    (root / "train.py").write_text("x = 1\n")
    assert "no findings in 1 file" in paved("check", root, "--rule", "REP201").out


def test_the_project_around_the_working_directory_is_the_default(
    paved: Paved, make_project: MakeProject
) -> None:
    root = make_project({"pyproject.toml": '[project]\nname = "rides"\n', "src/deep/train.py": SPLIT})

    report = paved("check", "--json", cwd=root / "src" / "deep", code=1).json
    assert (report["project"], report["files"]) == ("rides", 2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no file or folder"),
        (["--rule", "REP999"], "no rule 'REP999'"),
        (["--profile", "teem"], "teem"),
        (["--format", "xml"], "xml"),
        (["--unsafe"], "--unsafe does nothing by itself"),
    ],
)
def test_bad_input_ends_with_two_and_one_clear_line(paved: Paved, arguments: list[str], says: str) -> None:
    answer = paved("check", *arguments, code=2)

    assert says in answer.err
    assert " next: " in answer.err


def test_json_and_sarif_are_documents(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})

    report = paved("check", root, "--json", code=1).json
    assert report["findings"][0]["place"]["path"] == "train.py"
    sarif = json.loads(paved("check", root, "--format", "sarif", code=1).out)
    assert sarif["version"] == "2.1.0"


def test_fixing_shows_the_diff_and_twice_changes_nothing(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT, "pyproject.toml": '[project]\nname = "rides"\n'})
    only = ("--rule", "REP201", "--rule", "ENV005")

    looked = paved("check", root, *only, "--diff", "--unsafe", code=1)
    assert "+train_test_split([1, 2], random_state=42)" in looked.out
    assert "2 findings to fix in 2 files" in looked.out
    assert (root / "train.py").read_text() == SPLIT

    fixed = paved("check", root, *only, "--fix", "--unsafe")
    assert "+requires-python" in fixed.out
    assert "2 findings fixed in 2 files" in fixed.out
    after = {file: file.read_bytes() for file in root.iterdir()}
    again = paved("check", root, *only, "--fix", "--unsafe")
    assert "0 findings fixed in 0 files" in again.out
    assert {file: file.read_bytes() for file in root.iterdir()} == after


def test_with_json_the_diff_goes_to_the_side(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})
    answer = paved("check", root, "--rule", "REP201", "--fix", "--unsafe", "--json")

    assert answer.json["findings"] == []
    assert "+train_test_split" in answer.err


def test_a_pushed_report_is_on_the_record(paved: Paved, make_project: MakeProject) -> None:
    root = make_project({"pyproject.toml": '[project]\nname = "rides"\n\n[tool.paved]\nowner = "pricing"\n'})
    answer = paved("check", root, "--push", "--json", code=None)

    assert "kept on the record as project/rides" in answer.err
    from pavedroad.checks import latest_report
    from pavedroad.config import read_settings
    from pavedroad.record import record_of

    with record_of(read_settings()) as record:
        report = latest_report(record.db, "rides")
    assert report is not None
    assert report.digest == answer.json["digest"]


def test_a_rule_is_explained(paved: Paved) -> None:
    answer = paved("explain", "REP201")
    assert "REP201 unseeded-split" in answer.out
    assert "Why" in answer.out
    assert "random_state=42" in answer.out
    assert paved("explain", "unseeded-split").out == answer.out
    assert paved("explain", "REP201", "--json").json["sections"]["Bad"]


def test_all_rules_or_a_family_are_listed(paved: Paved) -> None:
    codes = [rule["code"] for rule in paved("explain", "REP", "--json").json]
    assert codes == [rule.code for rule in RULES if rule.family == "REP"]
    listed = paved("explain").out
    assert listed.startswith("CODE")
    assert all(len(line) <= 80 for line in listed.split("\n"))


def test_an_unknown_rule_cannot_be_explained(paved: Paved) -> None:
    assert "did you mean 'REP201'?" in paved("explain", "RPE201", code=2).err


def test_a_rule_of_ruff_is_explained_by_ruff(paved: Paved) -> None:
    assert "run `ruff rule F401`" in paved("explain", "ruf:f401", code=2).err


@pytest.mark.parametrize(
    ("form", "starts"),
    [
        ("html", "<!doctype html>"),
        ("junit", "<?xml"),
        ("sarif", "{"),
        ("json", "{"),
        ("github", "::"),
        ("text", "train"),
    ],
)
def test_every_format_can_be_written_to_a_file(
    paved: Paved, make_project: MakeProject, tmp_path: Path, form: str, starts: str
) -> None:
    root = make_project({"train.py": SPLIT})
    answer = paved(
        "check", root, "--rule", "REP201", "--format", form, "--output", tmp_path / "report", code=1
    )

    assert (tmp_path / "report").read_text().startswith(starts)
    assert answer.out == ""
    assert f"written to {tmp_path / 'report'}" in answer.err


def test_a_file_that_cannot_be_written_is_named(
    paved: Paved, make_project: MakeProject, tmp_path: Path
) -> None:
    answer = paved("check", make_project({"a.py": ""}), "--output", tmp_path / "no" / "report", code=3)

    assert "cannot write" in answer.err


def test_the_cost_of_each_rule_can_be_asked_for(paved: Paved, make_project: MakeProject) -> None:
    answer = paved("check", make_project({"train.py": SPLIT}), "--rule", "REP", "--stats", code=1)

    assert "REP201" in answer.out.partition("RULE")[2]
    assert f"{len([rule for rule in RULES if rule.family == 'REP'])} rules, " in answer.out
