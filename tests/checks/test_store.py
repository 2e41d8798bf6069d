from collections.abc import Callable
from pathlib import Path

import msgspec

from pavedroad.catalog import Ref, get_artifact, read_facts
from pavedroad.checks import check_project, latest_report, list_reports, save_report
from pavedroad.record import Record

MakeProject = Callable[[dict[str, str | bytes]], Path]


def test_a_report_comes_back_as_it_was(any_record: Record, make_project: MakeProject) -> None:
    report = check_project(make_project({"train.py": "open('/home/ann/x.csv')\n"}))
    any_record.db.write(lambda tx: save_report(tx, report, who="ada", owner="pricing"))

    assert latest_report(any_record.db, "project") == msgspec.structs.replace(report, root="")
    assert latest_report(any_record.db, "another") is None


def test_saving_makes_the_project_known_and_writes_a_fact(
    any_record: Record, make_project: MakeProject
) -> None:
    report = check_project(make_project({"train.py": "x = 1\n"}))
    any_record.db.write(lambda tx: save_report(tx, report, who="ada", owner="pricing"))

    assert get_artifact(any_record.db, Ref("project", "project")).owner == "pricing"
    (fact,) = read_facts(any_record.db, artifact="project/project", verb="checked")
    assert (fact.who, fact.payload["counts"], fact.payload["digest"]) == ("ada", report.counts, report.digest)


def test_the_newest_of_a_profile_and_a_tree_is_found(any_record: Record, make_project: MakeProject) -> None:
    root = make_project({"train.py": "x = 1\n"})
    team = check_project(root)
    explore = check_project(root, profile="explore")
    (root / "train.py").write_text("x = 2\n")
    newer = check_project(root)
    for report in (team, explore, newer):
        any_record.db.write(lambda tx, report=report: save_report(tx, report, who="ada"))  # type: ignore[misc]

    def found(**where: str) -> str:
        report = latest_report(any_record.db, "project", **where)
        assert report is not None
        return f"{report.profile} {report.digest}"

    assert found() == f"team {newer.digest}"
    assert found(profile="explore") == f"explore {team.digest}"
    assert found(profile="team", digest=team.digest) == f"team {team.digest}"
    rows = list_reports(any_record.db, "project", limit=2)
    assert [row.tree_digest for row in rows] == [newer.digest, explore.digest]
    assert [row.profile for row in list_reports(any_record.db, before=rows[-1].id)] == ["team"]
