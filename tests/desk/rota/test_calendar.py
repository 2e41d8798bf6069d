"""Calendars, read back by a strict reader of RFC 5545."""

from __future__ import annotations

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.desk.rota.decisions import DAY, decided, histories, instants, ms, weekly

from pavedroad.desk.rota.calendar import Entry, calendar_text, entries
from pavedroad.desk.rota.model import Event, Override, Swap, Taken, Withdrawn
from pavedroad.desk.rota.schedule import shifts

START, END = ms("2026-03-01"), ms("2026-04-15")
PROPERTY = re.compile(r"([A-Z][A-Z-]*):(.*)")
TEXT = re.compile(r"(?:[^\\;,\x00-\x1f]|\\[\\;,nN])*")
STAMP = re.compile(r"\d{8}T\d{6}Z")


class Read(msgspec.Struct, frozen=True):
    uid: str
    start_ms: int
    end_ms: int
    sequence: int
    summary: str
    status: str


def read(text: str) -> list[Read]:
    """Fails on anything that RFC 5545 does not allow in such a calendar."""
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    physical = text[:-2].split("\r\n")
    assert all(0 < len(line.encode()) <= 75 for line in physical)
    lines = "\r\n".join(physical).replace("\r\n ", "").split("\r\n")
    matched = [PROPERTY.fullmatch(line) for line in lines]
    assert all(matched), lines
    pairs = [(one[1], one[2]) for one in matched if one]
    assert pairs[0] == ("BEGIN", "VCALENDAR")
    assert pairs[-1] == ("END", "VCALENDAR")
    head = dict(pairs[1 : pairs.index(("BEGIN", "VEVENT")) if ("BEGIN", "VEVENT") in pairs else -1])
    assert head["VERSION"] == "2.0"
    assert head["PRODID"]
    assert head["METHOD"] == "PUBLISH"
    found: list[Read] = []
    inside: dict[str, str] | None = None
    for name, value in pairs[1 + len(head) : -1]:
        if (name, value) == ("BEGIN", "VEVENT"):
            assert inside is None
            inside = {}
        elif (name, value) == ("END", "VEVENT"):
            assert inside is not None
            found.append(read_event(inside))
            inside = None
        else:
            assert inside is not None
            assert name not in inside, "a property twice"
            inside[name] = value
    assert inside is None
    assert len({one.uid for one in found}) == len(found)
    return found


def read_event(values: dict[str, str]) -> Read:
    assert STAMP.fullmatch(values["DTSTAMP"])
    assert TEXT.fullmatch(values["SUMMARY"])
    assert values["STATUS"] in ("CONFIRMED", "CANCELLED")
    for name in ("DTSTART", "DTEND"):
        assert STAMP.fullmatch(values[name])
    return Read(
        uid=values["UID"],
        start_ms=stamp_ms(values["DTSTART"]),
        end_ms=stamp_ms(values["DTEND"]),
        sequence=int(values["SEQUENCE"]),
        summary=re.sub(r"\\(.)", lambda mark: "\n" if mark[1] in "nN" else mark[1], values["SUMMARY"]),
        status=values["STATUS"],
    )


def stamp_ms(text: str) -> int:
    return ms(f"{text[:4]}-{text[4:6]}-{text[6:11]}:{text[11:13]}:{text[13:15]}")


def by_uid(listed: list[Entry]) -> dict[str, Entry]:
    return {one.uid: one for one in listed}


MADE = decided(weekly("ada", "bob"))
LATER = {"at_ms": ms("2026-02-01"), "who": "ada"}


def test_the_calendar_read_back_is_the_computed_shifts() -> None:
    found = read(calendar_text(entries(MADE, "desk", START, END), "desk"))
    whole = shifts(MADE, "primary", ms("2026-02-23T09:00"), ms("2026-04-20T08:00"))
    assert [(one.summary, one.start_ms, one.end_ms) for one in found] == [
        (f"On call: {one.person} (primary, desk)", one.start_ms, one.end_ms) for one in whole
    ]


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=120))
def test_any_name_survives_escaping_and_folding(name: str) -> None:
    (first, *_) = read(calendar_text(entries(decided(weekly(name)), "desk", START, END), "desk"))
    assert first.summary == f"On call: {name} (primary, desk)"


@given(histories())
def test_the_calendar_of_any_history_can_be_read_and_holds_the_shifts_that_are(events: list[Event]) -> None:
    found = read(calendar_text(entries(events, "desk", START, END), "desk"))
    held = {
        (one.start_ms // 1000, one.end_ms // 1000, one.person)
        for one in shifts(events, "primary", START - 90 * DAY, END + 90 * DAY)
        if one.person and one.end_ms > START and one.start_ms < END
    }
    told = {
        (one.start_ms // 1000, one.end_ms // 1000, one.summary.split()[2])
        for one in found
        if one.status == "CONFIRMED"
    }
    assert told == held


def test_an_edit_keeps_the_identity_and_raises_the_sequence() -> None:
    edited = [*MADE, Event(number=2, body=weekly("ada", "bob", handover="10:30"), **LATER)]
    before, after = by_uid(entries(MADE, "desk", START, END)), by_uid(entries(edited, "desk", START, END))
    assert before.keys() == after.keys()
    assert {one.sequence for one in before.values()} == {0}
    assert {one.sequence for one in after.values()} == {1}
    assert not any(one.is_cancelled for one in after.values())


def test_a_replaced_shift_is_cancelled_for_one_and_new_for_the_other() -> None:
    swap = Swap(layer="primary", person="ada", start_ms=ms("2026-03-02T09:00"), end_ms=ms("2026-03-09T09:00"))
    events = [
        *MADE,
        Event(number=2, body=swap, **LATER),
        Event(number=3, body=Taken(swap=2, person="cyd"), **LATER),
    ]
    (theirs,) = entries(events, "desk", START, END, person="cyd")
    mine = [one for one in entries(events, "desk", START, END, person="ada") if one.is_cancelled]
    assert [one.uid for one in mine] == [theirs.uid]
    assert (theirs.sequence, theirs.is_cancelled, theirs.start_ms) == (1, False, swap.start_ms)
    assert "STATUS:CANCELLED" in calendar_text(mine, "desk")


def test_what_comes_back_after_a_cancellation_has_a_higher_sequence() -> None:
    out = Override(layer="primary", remove="ada", start_ms=ms("2026-03-01"), end_ms=ms("2026-03-10"))
    removed = [*MADE, Event(number=2, body=out, **LATER)]
    returned = [*removed, Event(number=3, body=Withdrawn(number=2), **LATER)]
    start_ms = ms("2026-03-02T09:00")
    sequences = [
        next(
            (one.sequence, one.is_cancelled)
            for one in entries(made, "desk", START, END)
            if one.start_ms == start_ms
        )
        for made in (MADE, removed, returned)
    ]
    assert sequences == [(0, False), (1, True), (2, False)]


@given(histories())
def test_a_decision_never_lowers_a_sequence(events: list[Event]) -> None:
    before = by_uid(entries(events[:-1], "desk", START, END))
    after = by_uid(entries(events, "desk", START - 60 * DAY, END + 60 * DAY))
    for uid, entry in before.items():
        now = after[uid]
        assert now.sequence >= entry.sequence
        is_same = msgspec.structs.replace(now, sequence=0) == msgspec.structs.replace(entry, sequence=0)
        assert is_same == (now.sequence == entry.sequence)


def test_a_shift_keeps_its_identity_as_time_goes_on() -> None:
    early = by_uid(entries(MADE, "desk", START, END))
    late = by_uid(entries(MADE, "desk", START + 10 * DAY, END + 10 * DAY))
    common = early.keys() & late.keys()
    assert len(common) >= 4
    assert all(early[uid] == late[uid] for uid in common)


@given(histories(), instants, st.integers(1, 60), st.sampled_from(["", "ada"]))
def test_what_is_told_of_a_shift_does_not_depend_on_the_window(
    events: list[Event], start_ms: int, days: int, person: str
) -> None:
    end_ms = start_ms + days * DAY
    wide = entries(events, "desk", start_ms - 50 * DAY, end_ms + 50 * DAY, person=person)
    assert entries(events, "desk", start_ms, end_ms, person=person) == [
        one for one in wide if one.end_ms > start_ms and one.start_ms < end_ms
    ]
