"""The verdict on public failures that somebody has labelled, from their text alone."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.desk.triage.labelled import FORMS, Labelled, plain, read_labelled

from pavedroad.desk.triage import judge_text
from pavedroad.desk.triage.model import CURED_BY_REPORTER

FILE = Path(__file__).parents[4] / "shared" / "data" / "tracebacks" / "tracebacks.csv"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the labelled tracebacks are not here")
ALL = read_labelled(FILE) if FILE.exists() else []


def test_at_least_34_of_40_labels_are_right():
    right = [one.id for one in ALL if judge_text(plain(one)).label == one.label]
    assert len(right) >= 34, sorted({one.id for one in ALL} - set(right))


def test_at_least_37_of_40_are_sent_to_those_who_can_act():
    def acts(label: str) -> str:
        return "reporter" if label in CURED_BY_REPORTER else "team"

    wrong = [one.id for one in ALL if judge_text(plain(one)).acts != acts(one.label)]
    assert len(ALL) - len(wrong) >= 37, wrong


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_form_does_not_change_the_verdict(form):
    changed = {
        one.id: (judge_text(plain(one)).label, judge_text(form(one)).label)
        for one in ALL
        if judge_text(plain(one)).label != judge_text(form(one)).label
    }
    assert changed == {}


words = st.text(string.ascii_lowercase, min_size=4, max_size=9)


def renamed(one: Labelled, word: str) -> Labelled:
    """The job's own files and functions under other names."""

    def rename(path: str) -> str:
        if path.startswith("<") or not re.match(r"^(train|tools|model|main|pipeline)[\w/]*\.py$", path):
            return path
        return re.sub(r"(\w+)\.py$", rf"{word}_\1.py", path)

    return Labelled(
        one.id,
        one.label,
        one.type,
        one.message,
        tuple((rename(path), function) for path, function in one.frames),
        one.library,
    )


@settings(max_examples=1000, deadline=None)
@given(at=st.integers(0, 39), word=words, form=st.sampled_from((plain, *FORMS)))
def test_names_and_forms_together_do_not_change_the_verdict(at, word, form):
    one = ALL[at]
    assert judge_text(form(renamed(one, word))).label == judge_text(plain(one)).label
