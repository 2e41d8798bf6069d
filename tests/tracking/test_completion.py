"""What is offered while a filter is typed. In the cases, | is the caret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tracking.conftest import Api
from tests.tracking.runs import add_runs

from pavedroad.record import Record
from pavedroad.tracking import log_param
from pavedroad.tracking.completion import OFFERED, complete
from pavedroad.tracking.filters import parse_filter

CASES = [
    ("|", "metrics.", "status"),
    ("met|", "metrics."),
    ("metrics.|", "metrics.auc", "metrics.`train/loss`"),
    ("metrics.`tr|", "metrics.`train/loss`"),
    ("max.a|", "max.auc"),
    ("params.o|", "params.`odd key`"),
    ("dataset.|", "dataset.name", "dataset.digest"),
    ("params.depth |", "=", "LIKE", "IS NULL"),
    ("metrics.auc |", ">", ">=", "!="),
    ("status |", "=", "IN", "NOT IN"),
    ("params.depth i|", "ILIKE", "IS NULL"),
    ("tags.team is |", "NULL", "NOT NULL"),
    ("tags.team is not |", "NULL"),
    ("status not |", "IN"),
    ("params.depth = |", "'2'", "'4'", "'8'"),
    ("params.depth = '8|", "'8'"),
    ("status = 'f|", "'FINISHED'", "'FAILED'"),
    ("status = 'L|", "'LOST'"),
    ("user_id = |", "'ada'"),
    ("status in |", "('RUNNING')"),
    ("status in ('FAILED', |", "'RUNNING'"),
    ("metrics.auc > 0.5 |", "AND", "OR"),
    ("tags.team is null |", "AND", "OR"),
    ("status in ('FAILED') |", "AND", "OR"),
    ("params.depth = '8' a|", "AND"),
    ("metrics.auc > 0.5 and (|", "metrics.", "params."),
    ("not |", "metrics.", "params."),
    ("metrics.a| > 0.5", "metrics.auc"),
]


@pytest.fixture(scope="module")
def filled(shared_record: Record) -> Record:
    add_runs(shared_record)
    return shared_record


@pytest.mark.parametrize(
    ("typed", "words"), [(typed, words) for typed, *words in CASES], ids=[c[0] for c in CASES]
)
def test_what_may_stand_at_the_caret_is_offered(filled: Record, typed: str, words: list[str]) -> None:
    at = typed.index("|")
    offered = [offer.text for offer in complete(filled.db, typed.replace("|", ""), at).words]
    assert [word for word in offered if word in words] == words


def test_a_number_and_a_pattern_are_the_users_own(filled: Record) -> None:
    assert complete(filled.db, "metrics.auc > ").words == []
    assert complete(filled.db, "params.depth like ").words == []


def test_a_taken_word_replaces_what_was_begun_of_it(filled: Record) -> None:
    text = "metrics.auc > 0.5 and params.dep"
    found = complete(filled.db, text)
    taken = f"{text[: found.start]}{found.words[0].text}{text[found.end :]}"
    assert taken == "metrics.auc > 0.5 and params.depth"


def test_a_filter_can_be_written_by_taking_words_alone(filled: Record) -> None:
    text = ""
    for wanted in (
        "params.",
        "params.`odd key`",
        "!=",
        "'=HYPERLINK(0)'",
        "OR",
        "NOT",
        "status",
        "IN",
        "('LOST')",
    ):
        found = complete(filled.db, text)
        assert wanted in [offer.text for offer in found.words], text
        text = f"{text[: found.start]}{wanted}{'' if wanted.endswith('.') else ' '}"
    parse_filter(text)


def test_a_list_of_words_stays_short(record: Record) -> None:
    add_runs(record)
    (run,) = record.db.all("SELECT id FROM runs WHERE name = 'run-0'")
    record.db.write(lambda tx: [log_param(tx, run["id"], f"p{at}", "1") for at in range(50)])
    assert len(complete(record.db, "params.p").words) == OFFERED


@given(st.text("ametrics.pu`'\"()=<>! ,in0.5nolk", max_size=40), st.integers(-5, 60))
def test_no_text_breaks_it(text: str, at: int) -> None:
    class Nothing:
        def all(self, query: str, **values: object) -> list[dict[str, str]]:
            return []

    found = complete(Nothing(), text, at)  # type: ignore[arg-type]
    assert 0 <= found.start <= found.end <= len(text)


def test_completion_is_asked_over_http(api: Api, record: Record) -> None:
    add_runs(record)
    found = api.ok("GET", "/runs/complete.json?filter=metrics.au&at=10")
    assert found == {"start": 0, "end": 10, "words": [{"text": "metrics.auc", "says": "last value"}]}
    assert api("GET", "/runs/complete.json?filter=a&at=x").status == 400
