import json
import urllib.error
import urllib.request
from typing import Any

import msgspec
import pytest

from pavedroad.catalog import read_facts
from pavedroad.environments.examination import Report
from pavedroad.environments.probe import Line
from pavedroad.environments.store import count_board, newest_locks, read_board, read_published, save_report
from pavedroad.errors import NotFound
from pavedroad.record import Record

BROKEN = Line(check="gpu", verdict="fail", says="no driver", next_step="install one")
FINE = Line(check="gpu", verdict="ok", says="CPU only: no GPU here, and none is asked for")
FULL = Line(check="disk", verdict="fail", says="0 bytes free", next_step="free some")


def report(*lines: Line, project: str = "churn", machine: str = "lab", lock: str = "") -> Report:
    return Report(
        machine=machine,
        system="Linux x86_64",
        project=project,
        python="3.11.7",
        lock_digest=lock,
        at_ms=1,
        took_ms=300,
        lines=list(lines),
    )


def push(record: Record, *reports: Report) -> None:
    for each in reports:
        record.db.write(lambda tx, each=each: save_report(tx, each, who="ada"))  # type: ignore[misc]


def facts(record: Record) -> list[tuple[str, str, object]]:
    found = [fact for fact in read_facts(record.db) if fact.verb.startswith("found-")]
    return [(fact.verb, fact.artifact, fact.payload["checks"]) for fact in reversed(found)]


def test_the_board_shows_the_newest_of_each_environment_on_each_machine(any_record: Record) -> None:
    push(
        any_record,
        report(BROKEN),
        report(FINE),
        report(FINE, machine="other"),
        report(BROKEN, project="flights"),
        report(FINE, project=""),
    )
    board = read_board(any_record.db)
    assert [(each.project, each.machine, each.verdict) for each in board] == [
        ("flights", "lab", "fail"),
        ("", "lab", "ok"),
        ("churn", "other", "ok"),
        ("churn", "lab", "ok"),
    ]
    assert [seen.verdict for seen in board[3].history] == ["fail", "ok"]
    assert count_board(any_record.db) == {"fail": 1, "ok": 3}
    assert [each.project for each in read_board(any_record.db, words="%fligh%")] == ["flights"]


def test_only_a_new_failure_becomes_a_fact_and_its_end_too(any_record: Record) -> None:
    push(any_record, report(BROKEN), report(BROKEN), report(BROKEN, FULL), report(FINE), report(FINE))
    assert facts(any_record) == [
        ("found-failing", "project/churn", ["gpu"]),
        ("found-failing", "project/churn", ["disk"]),
        ("found-working", "project/churn", ["disk", "gpu"]),
    ]


def test_a_machine_without_gpu_is_no_failure(record: Record) -> None:
    push(record, report(FINE))
    assert facts(record) == []


def test_the_lock_that_was_seen_last_is_known(any_record: Record) -> None:
    push(any_record, report(FINE, lock="old"), report(FINE, machine="other", lock="new"))
    assert newest_locks(any_record.db) == {"churn": "new"}


def test_an_unknown_examination_is_told(record: Record) -> None:
    with pytest.raises(NotFound, match="no examination 7"):
        read_published(record.db, 7)


def fetch(url: str, body: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_an_empty_board_says_how_to_fill_it(live: Any) -> None:
    status, text = fetch(f"{live.url}/environments")
    assert status == 200
    assert 'data-copy="paved doctor --push"' in text


def test_the_pages_show_long_names_whole_on_hover_and_the_next_step(shared_live: Any) -> None:
    long = "a-project-" * 9 + "x"
    push(shared_live.record, report(BROKEN, project=long, machine="m" * 80), report(FINE))

    board = fetch(f"{shared_live.url}/environments")[1]
    assert long in board
    assert "CPU only" in board
    one = fetch(f"{shared_live.url}/environments/1")[1]
    assert "install one" in one
    assert "1 line fails." in one


@pytest.mark.parametrize("unknown", ["77", "x", "9" * 20])
def test_an_unknown_examination_has_no_page(shared_live: Any, unknown: str) -> None:
    assert fetch(f"{shared_live.url}/environments/{unknown}")[0] == 404


BODIES = [
    b"[",
    b"{}",
    b'{"repo\xcfrt": 3}',
    b'{"report": 3}',
    b'{"report": {}, "more": 1}',
    b"[" * 100_000,
    b"x" * 2_000_000,
    msgspec.json.encode({"report": report(FINE, machine="")}),
    msgspec.json.encode({"report": report(FINE, machine="a\nb")}),
    msgspec.json.encode({"report": report(FINE, project="no/such name")}),
    msgspec.json.encode({"report": report(*[FINE] * 300)}),
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_result_is_refused(shared_live: Any, body: bytes) -> None:
    before = sum(count_board(shared_live.record.db).values())
    status, text = fetch(f"{shared_live.url}/api/pavedroad/environments", body)
    assert status == 400
    assert json.loads(text)["message"]
    assert sum(count_board(shared_live.record.db).values()) == before
