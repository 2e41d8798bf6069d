from pavedroad.environments.examination import Report
from pavedroad.environments.probe import Line
from pavedroad.environments.store import save_report
from pavedroad.overview.attention import read_concerns
from pavedroad.record import Record


def examined(verdict: str) -> Report:
    line = Line(check="gpu", verdict=verdict, says="no driver")  # type: ignore[arg-type]
    return Report(
        machine="lab", system="Linux", project="churn", python="3.11", at_ms=1, took_ms=1, lines=[line]
    )


def test_an_environment_needs_a_person_until_nothing_fails_there(any_record: Record) -> None:
    def told() -> list[str]:
        return [concern.says for concern in read_concerns(any_record) if concern.state == "fail"]

    any_record.db.write(lambda tx: save_report(tx, examined("fail"), who="ada"))
    assert told() == ["churn on lab: gpu: no driver"]
    any_record.db.write(lambda tx: save_report(tx, examined("ok"), who="ada"))
    assert told() == []
