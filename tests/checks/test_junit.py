from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

from pavedroad.checks import check_project
from pavedroad.checks.junit import report_junit

MakeProject = Callable[[dict[str, str | bytes]], Path]
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])"


def suite(root: Path, **options: str) -> ET.Element:
    report = check_project(root, only=["REP201"], **options)  # type: ignore[arg-type]
    found = ET.fromstring(report_junit(report)).find("testsuite")
    assert found is not None
    return found


def test_a_finding_is_a_failed_case_of_its_file(make_project: MakeProject) -> None:
    found = suite(make_project({"a/train.py": SPLIT}))
    (case,) = found
    failure = case.find("failure")

    assert (found.get("tests"), found.get("failures"), found.get("skipped")) == ("1", "1", "0")
    assert (case.get("classname"), case.get("name")) == ("a/train.py", "REP201 unseeded-split, line 2")
    assert failure is not None
    assert failure.get("type") == "warning"
    assert "train_test_split([1, 2])" in (failure.text or "")


def test_notes_and_what_is_ignored_are_skipped_with_the_reason(make_project: MakeProject) -> None:
    root = make_project({"train.py": f"{SPLIT}  # paved: ignore[REP201] a smoke test\n"})
    skipped = suite(root).find("testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "ignored: a smoke test"

    note = suite(make_project({"train.py": SPLIT}), profile="explore").find("testcase/skipped")
    assert note is not None
    assert (note.get("message") or "").startswith("note: train_test_split")


def test_a_clean_project_has_one_passed_case(make_project: MakeProject) -> None:
    (case,) = suite(make_project({"train.py": "x = 1\n"}))

    assert list(case) == []


def test_characters_that_xml_cannot_hold_are_replaced(make_project: MakeProject) -> None:
    root = make_project({"train.py": f"{SPLIT}; x = '\x01\x0b <&>'\n"})
    failure = suite(root).find("testcase/failure")

    assert failure is not None
    assert "<&>" in (failure.text or "")
