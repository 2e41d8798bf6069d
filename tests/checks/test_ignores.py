from collections.abc import Callable
from pathlib import Path

from pavedroad.checks import Report, check_project

MakeProject = Callable[[dict[str, str | bytes]], Path]
BAD = 'open("/home/ann/rides.csv")'


def check(make_project: MakeProject, **files: str) -> Report:
    names = {
        "train": "train.py",
        "manifest": "pyproject.toml",
        "notebook": "look.ipynb",
        "requirements": "requirements.txt",
    }
    return check_project(
        make_project({names[key]: text for key, text in files.items()}), only=["REP204", "ENV003", "CHK"]
    )


def test_a_reason_at_the_end_of_the_line_keeps_the_finding_out(make_project: MakeProject) -> None:
    report = check(make_project, train=f"{BAD}  # paved: ignore[REP204] the lab's only machine\n")

    assert report.findings == ()
    (waived,) = report.waived
    assert waived.waiver is not None
    assert waived.waiver.reason == "the lab's only machine"


def test_a_comment_of_its_own_speaks_for_the_next_line(make_project: MakeProject) -> None:
    report = check(make_project, train=f"# paved: ignore[absolute-path] one machine\n{BAD}\n{BAD}\n")

    assert [finding.place.line for finding in report.findings] == [3]


def test_any_line_of_a_long_statement_will_do(make_project: MakeProject) -> None:
    head = "from sklearn.model_selection import train_test_split as split\n"
    root = make_project(
        {"train.py": head + "split(\n    [1, 2],\n)  # paved: ignore[REP201] seeded by the caller\n"}
    )

    assert len(check_project(root, only=["REP201"]).waived) == 1


def test_without_a_reason_it_is_not_obeyed_and_found_itself(make_project: MakeProject) -> None:
    report = check(make_project, train=f"{BAD}  # paved: ignore[REP204]\n")

    assert [finding.code for finding in report.findings] == ["REP204", "CHK901"]


def test_another_rule_is_not_kept_out(make_project: MakeProject) -> None:
    report = check(make_project, train=f"{BAD}  # paved: ignore[REP201, ENV] no reason here\n")

    assert [finding.code for finding in report.findings] == ["REP204"]


def test_it_ends_on_its_last_day(make_project: MakeProject) -> None:
    ended = check(make_project, train=f"{BAD}  # paved: ignore[REP204] the move, until 2020-01-31\n")
    still = check(make_project, train=f"{BAD}  # paved: ignore[REP204] the move (until 2999-01-31)\n")

    assert [finding.code for finding in ended.findings] == ["REP204", "CHK902"]
    assert (still.findings, still.waived[0].waiver and still.waived[0].waiver.reason) == ((), "the move")


def test_a_text_that_only_looks_like_a_comment_is_none(make_project: MakeProject) -> None:
    report = check(make_project, train=f'note = "# paved: ignore[REP204]"; {BAD}\n')

    assert [finding.code for finding in report.findings] == ["REP204"]


def test_the_manifest_can_ignore_by_path_with_a_date(make_project: MakeProject) -> None:
    entry = '{ rule = "REP204", path = "*.py", reason = "one machine", until = 2999-01-31 }'
    manifest = f"[tool.paved.checks]\nignore = [{entry}]\n"

    assert len(check(make_project, train=BAD, manifest=manifest).waived) == 1
    other = manifest.replace("*.py", "scripts/**")
    assert len(check(make_project, train=BAD, manifest=other).findings) == 1


def test_an_entry_of_the_manifest_without_a_reason_is_not_obeyed(make_project: MakeProject) -> None:
    manifest = '[tool.paved.checks]\nignore = [\n  { rule = "REP204" },\n]\n'
    report = check(make_project, train=BAD, manifest=manifest)

    assert [(finding.code, finding.place.line) for finding in report.findings] == [
        ("CHK901", 3),
        ("REP204", 1),
    ]


def test_it_works_in_a_notebook_and_in_a_requirements_file(make_project: MakeProject) -> None:
    cell = f'"%matplotlib inline\\n{BAD}  # paved: ignore[REP204] one machine"'.replace(
        '("/home', '(\\"/home'
    ).replace('csv")', 'csv\\")')
    notebook = f'{{"cells": [{{"cell_type": "code", "source": {cell}}}]}}'
    report = check(
        make_project, notebook=notebook, requirements="pandas  # paved: ignore[ENV003] whatever is newest\n"
    )

    assert report.findings == ()
    assert [finding.code for finding in report.waived] == ["REP204", "ENV003"]
