from collections.abc import Callable
from pathlib import Path

from pavedroad.checks import check_project
from pavedroad.checks.annotations import report_annotations

MakeProject = Callable[[dict[str, str | bytes]], Path]
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])"


def annotations(root: Path, profile: str = "team") -> list[str]:
    return report_annotations(check_project(root, only=["REP201"], profile=profile)).split("\n")


def test_a_finding_is_a_command_with_its_place(make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})

    assert annotations(root)[0] == (
        "::warning file=train.py,line=2,endLine=2,col=1,endColumn=25,title=REP201 unseeded-split"
        "::train_test_split without random_state gives another split on every run"
        "%0Anext: pass random_state=42"
    )
    assert annotations(root, "production")[0].startswith("::error ")
    assert annotations(root, "explore")[0].startswith("::notice ")


def test_a_file_name_cannot_end_the_command(make_project: MakeProject) -> None:
    root = make_project({"a,b::c%.py": SPLIT})

    assert annotations(root)[0].startswith("::warning file=a%2Cb%3A%3Ac%25.py,line=2,")


def test_a_notebook_is_shown_at_the_line_of_its_file(make_project: MakeProject) -> None:
    cell = '{"cell_type": "code",\n "source": ["from sklearn.model_selection import train_test_split\\n",\n'
    text = f'{{"cells": [\n{cell} "train_test_split([1, 2])"]}}]}}\n'

    assert annotations(make_project({"a.ipynb": text}))[0].startswith("::warning file=a.ipynb,line=4,title=")
