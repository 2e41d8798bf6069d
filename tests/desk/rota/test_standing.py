"""What holds at an instant."""

from __future__ import annotations

from tests.desk.rota.decisions import DAY, decided, ms, weekly

from pavedroad.desk.rota.model import Absence, Note, Override, Person, Swap, Taken, Withdrawn
from pavedroad.desk.rota.standing import absences, notes_since, people, swaps, turn, uncovered, with_default

NOW = ms("2026-03-01")
SPAN = {"start_ms": ms("2026-03-03"), "end_ms": ms("2026-03-05")}


def test_without_any_decision_it_is_you_and_no_end() -> None:
    assert turn(with_default([], "ada"), "primary", NOW) == ("ada", 0, "")


def test_the_only_person_known_is_on_call() -> None:
    made = decided(Person(name="bob", zone="Europe/Paris"))
    assert turn(with_default(made, "ada"), "primary", NOW).person == "bob"


def test_of_several_people_without_rotation_nobody_is() -> None:
    made = decided(Person(name="bob", zone="UTC"), Person(name="cyd", zone="UTC"))
    assert turn(with_default(made, "ada"), "primary", NOW) == ("", 0, "")


def test_a_turn_ends_where_somebody_else_begins() -> None:
    made = decided(weekly("ada", "bob"))
    assert turn(made, "primary", NOW) == ("bob", ms("2026-03-02T09:00"), "ada")


def test_a_change_years_ahead_is_no_end_in_sight() -> None:
    made = decided(weekly("ada"), weekly("bob", start="2029-01-01"))
    assert turn(made, "primary", NOW).until_ms == 0


def test_who_is_only_named_in_a_rotation_has_its_zone() -> None:
    made = decided(weekly("ada", "bob"), Person(name="bob", zone="Asia/Tehran"))
    assert people(made) == {"ada": "Europe/London", "bob": "Asia/Tehran"}


def test_a_swap_is_open_then_taken_or_withdrawn_or_past() -> None:
    asked = Swap(layer="primary", person="ada", **SPAN)
    made = decided(weekly("ada"), asked, asked, asked, Taken(swap=3, person="bob"), Withdrawn(number=4))
    assert [(one.state, one.taken_by) for one in swaps(made, NOW)] == [
        ("open", ""),
        ("taken", "bob"),
        ("withdrawn", ""),
    ]
    assert [one.state for one in swaps(made, ms("2026-04-01"))] == ["past", "taken", "withdrawn"]


def test_an_absence_warns_of_the_shifts_in_it_until_somebody_has_them() -> None:
    made = decided(weekly("ada"), Absence(person="ada", **SPAN))
    (found,) = uncovered(made, NOW)
    assert (found.shift.start_ms, found.shift.end_ms) == (SPAN["start_ms"], SPAN["end_ms"])
    half = Override(
        layer="primary", add="bob", remove="ada", start_ms=SPAN["start_ms"], end_ms=ms("2026-03-04")
    )
    made = decided(weekly("ada"), Absence(person="ada", **SPAN), half)
    assert [one.shift.length_ms for one in uncovered(made, NOW)] == [DAY]


def test_a_shadow_who_is_away_is_no_gap_and_a_shadow_fills_none() -> None:
    made = decided(weekly("ada", layer="shadow"), Absence(person="ada", **SPAN))
    assert uncovered(made, NOW) == []
    assert turn(made, "primary", NOW).person == ""


def test_a_withdrawn_absence_is_forgotten() -> None:
    made = decided(weekly("ada"), Absence(person="ada", **SPAN), Withdrawn(number=2))
    assert absences(made) == []
    assert uncovered(made, NOW) == []


def test_notes_are_those_of_the_span() -> None:
    made = decided(Note(text="x"))
    assert notes_since(made, ms("2026-01-01"), NOW) == made
    assert notes_since(made, ms("2026-01-02"), NOW) == []
