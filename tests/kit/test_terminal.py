"""How a command speaks: tables that fit, colours only for a person."""

from __future__ import annotations

import pytest

from pavedroad.kit.terminal import len_shown, styled, table

COLUMNS = ("no", "fact")
LONG = "ada promoted model/late-flights@3 as champion, before it was 2, because the new one is better"


def test_a_table_lines_its_columns_up() -> None:
    assert table(COLUMNS, [(1, "a"), (22, "b")], right=("no",)).splitlines() == [
        "NO  FACT",
        " 1  a",
        "22  b",
    ]


def test_what_does_not_fit_is_cut_in_the_middle() -> None:
    (_, row) = table(COLUMNS, [(1, LONG)], fit=40).splitlines()
    assert len(row) == 40
    assert row.startswith("1   ada promoted")
    assert row.endswith("one is better")
    assert "…" in row


def test_a_column_of_sentences_goes_on_in_the_next_line() -> None:
    lines = table(COLUMNS, [(1, LONG), (2, "short")], fit=40, wrap="fact").splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(line[4:] for line in lines[1:-1]).split()) == LONG
    assert lines[2].startswith("    ")
    assert lines[-1] == "2   short"


def test_sentences_give_way_before_names() -> None:
    name = "model/a-name-of-thirty-characters"
    lines = table(("artifact", "says"), [(name, LONG)], fit=70, wrap="says").splitlines()
    assert lines[1].startswith(name + "  ")
    assert max(map(len, lines)) <= 70


def test_a_word_longer_than_the_line_is_cut_in_the_middle() -> None:
    text = table(COLUMNS, [(1, f"ada created dataset/{'x' * 60}@ab12 now")], fit=40, wrap="fact")
    assert [line.strip() for line in text.splitlines()][1:] == [
        "1   ada created",
        "dataset/xxxxxxxxxx…xxxxxxxxxxxx@ab12",
        "now",
    ]


def test_wide_letters_take_two_columns() -> None:
    assert len_shown("東京") == 4
    assert len_shown("e\u0301") == 1


def test_nothing_is_coloured_for_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert styled("closed", "bad") == "closed"
