"""`paved oncall`, as a person types it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.desk.rota.test_calendar import read

PAGE = Path(__file__).parents[2] / "docs" / "oncall.md"
ME = {"PAVED_USER": "ada", "TZ": "Europe/London"}


def test_one_person_without_any_configuration_is_on_call(paved: Callable[..., Any]) -> None:
    found = paved("oncall", "--json", env=ME).json
    assert (found["primary"], found["zone"]) == (
        {"person": "ada", "until_ms": 0, "next_person": ""},
        "Europe/London",
    )


def test_a_rota_is_set_changed_and_told(paved: Callable[..., Any], tmp_path: Path) -> None:
    """Rotation, replacement, swap, absence, note: each is seen in the answer of the next command."""
    paved("oncall", "rotation", "ada", "bob", "--start", "2026-01-05", env=ME)
    at = ("--at", "2050-01-04 12:00")
    before = paved("oncall", *at, "--json", env=ME).json["primary"]
    person, other = before["person"], before["next_person"]
    assert {person, other} == {"ada", "bob"}

    span = ("--from", "2050-01-04", "--until", "2050-01-05")
    (made,) = paved("oncall", "override", "--add", other, "--remove", person, *span, "--json", env=ME).json
    assert paved("oncall", *at, "--json", env=ME).json["primary"]["person"] == other
    paved("oncall", "override", "--undo", made["number"], env=ME)
    assert paved("oncall", *at, "--json", env=ME).json["primary"] == before

    (asked,) = paved("oncall", "swap", "--person", person, *span, "--json", env=ME).json
    away = paved("oncall", "absence", "skiing", "--person", person, *span, "--json", env=ME).json
    assert [one["person"] for one in away["uncovered"]] == [person]
    paved("oncall", "swap", "--take", asked["number"], "--person", other, env=ME)
    assert paved("oncall", *at, "--json", env=ME).json["primary"]["person"] == other
    assert paved("oncall", "absence", "--json", env=ME).json["uncovered"] == []

    file = tmp_path / "rota.ics"
    paved("oncall", "calendar", "--from", "2050-01-01", "--until", "2050-01-08", "--out", file, env=ME)
    told = {one.summary for one in read(file.read_bytes().decode())}
    assert f"On call: {other} (primary, desk)" in told


def test_a_note_is_read_at_the_next_shift_without_its_secrets(paved: Callable[..., Any]) -> None:
    paved("oncall", "note", "feed is late, see https://ada:hush@feed.example/x", env=ME)
    told = paved("oncall", env=ME).out
    assert "feed is late" in told
    assert "hush" not in told


def test_who_was_on_call_cannot_be_changed(paved: Callable[..., Any]) -> None:
    done = paved(
        "oncall",
        "override",
        "--remove",
        "ada",
        "--from",
        "2020-01-01",
        "--until",
        "2020-01-02",
        env=ME,
        code=2,
    )
    assert "who was on call is never changed" in done.err


def test_a_misspelt_person_is_not_put_on_call(paved: Callable[..., Any]) -> None:
    paved("oncall", "rotation", "ada", "bob", env=ME)
    done = paved("oncall", "override", "--add", "bobb", "--until", "2100-01-01", env=ME, code=2)
    assert "did you mean 'bob'" in done.err


def test_a_swap_is_taken_once_and_by_somebody_else(paved: Callable[..., Any]) -> None:
    paved("oncall", "rotation", "ada", "bob", env=ME)
    paved("oncall", "swap", "--until", "2100-01-01", env=ME)
    assert "asked for swap 2" in paved("oncall", "swap", "--take", "2", env=ME, code=1).err
    paved("oncall", "swap", "--take", "2", "--person", "bob", env=ME)
    assert "is taken" in paved("oncall", "swap", "--take", "2", "--person", "bob", env=ME, code=1).err


def test_an_edit_without_a_start_waits_for_the_next_handover(paved: Callable[..., Any]) -> None:
    paved("oncall", "rotation", "ada", "bob", "--start", "2026-01-05", env=ME)
    before = paved("oncall", "--json", env=ME).json["primary"]
    listed = paved("oncall", "rotation", "cyd", "--json", env=ME).json
    assert [one["from"] == "now" for one in listed] == [True, False]
    after = paved("oncall", "--json", env=ME).json["primary"]
    assert (after["person"], after["until_ms"]) == (before["person"], before["until_ms"])
    assert after["next_person"] == "cyd"


def test_the_example_of_the_page_prints_what_the_page_says(paved: Callable[..., Any]) -> None:
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    pieces = re.split(r"^\$ paved ", block, flags=re.MULTILINE)[1:]
    assert len(pieces) == 3
    for piece in pieces:
        command, _, told = piece.partition("\n")
        arguments = [one.strip("'") for one in re.findall(r"'[^']*'|\S+", command)]
        assert paved(*arguments, env=ME).out == told
