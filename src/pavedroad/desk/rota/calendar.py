"""Shifts as a calendar (RFC 5545) that others subscribe to.

A shift keeps its identity through edits: the rota, the layer, the local day on which it begins, and its place
among those of that day. Its sequence number counts how often it changed, computed from what was decided, so a
calendar written twice is the same. Times are UTC: no calendar needs to know our zones.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from pavedroad.desk.rota.model import (
    DAYS,
    LAYERS,
    Event,
    Layer,
    Override,
    Rotation,
    Shift,
    Swap,
    Taken,
    Withdrawn,
)
from pavedroad.desk.rota.schedule import forces, shifts
from pavedroad.desk.rota.spans import Span
from pavedroad.desk.rota.wall_clock import local

FOLD_BYTES = 75
DAY_MS = 24 * 3_600_000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the calendar."""

    uid: str
    layer: Layer
    person: str
    start_ms: int
    end_ms: int
    sequence: int
    changed_ms: int
    is_cancelled: bool = False


def entries(
    events: Sequence[Event], rota: str, start_ms: int, end_ms: int, *, person: str = ""
) -> list[Entry]:
    """The shifts that touch [start_ms, end_ms), whole, and those that were there once, cancelled.

    With `person` only theirs: a shift that somebody else has now is cancelled for them.
    """
    found = [
        entry
        for layer in LAYERS
        for entry in _entries_of_layer(events, rota, layer, person, (start_ms, end_ms))
        if entry.end_ms > start_ms and entry.start_ms < end_ms
    ]
    return sorted(found, key=lambda entry: (entry.start_ms, LAYERS.index(entry.layer), entry.uid))


def calendar_text(listed: Iterable[Entry], rota: str) -> str:
    """The calendar, with CRLF and lines of at most 75 bytes."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Pavedroad//On-call//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_escaped(f'On call: {rota}')}",
    ]
    for entry in listed:
        lines += _event_lines(entry, rota)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


# ------------------------------------------------------------------------------------------- identities


def _entries_of_layer(
    events: Sequence[Event], rota: str, layer: Layer, person: str, window: Span
) -> list[Entry]:
    """What each state of the rota said, one decision after the other; the last word on each shift."""
    told: dict[str, Entry] = {}
    room = _room_around(events, window)
    once: set[str] = set()  # shifts that were the person's at some time
    for position, event in enumerate(events, start=1):
        if not isinstance(event.body, Rotation | Override | Taken | Withdrawn):
            continue
        current = dict(_identified(events[:position], rota, layer, room))
        for uid, shift in current.items():
            told[uid] = _next(told.get(uid), uid, shift, event.at_ms)
            if shift.person == person:
                once.add(uid)
        for uid, entry in told.items():
            if uid not in current and not entry.is_cancelled:
                told[uid] = msgspec.structs.replace(
                    entry, sequence=entry.sequence + 1, changed_ms=event.at_ms, is_cancelled=True
                )
    if not person:
        return list(told.values())
    return [told[uid] if told[uid].person == person else _lost(told[uid], person) for uid in sorted(once)]


def _lost(entry: Entry, person: str) -> Entry:
    """A shift that somebody else has, as the one sees it who had it."""
    return msgspec.structs.replace(entry, person=person, is_cancelled=True)


def _next(before: Entry | None, uid: str, shift: Shift, at_ms: int) -> Entry:
    entry = Entry(
        uid=uid,
        layer=shift.layer,
        person=shift.person,
        start_ms=shift.start_ms,
        end_ms=shift.end_ms,
        sequence=0 if before is None else before.sequence,
        changed_ms=at_ms if before is None else before.changed_ms,
    )
    if before is None or entry == before:
        return entry
    return msgspec.structs.replace(entry, sequence=before.sequence + 1, changed_ms=at_ms)


def _room_around(events: Sequence[Event], window: Span) -> Span:
    """A span that holds every state of each shift that touches the window, with the whole of its days."""
    turns = [DAYS[one.body.unit] * one.body.every for one in events if isinstance(one.body, Rotation)]
    longest_ms = (max(turns, default=0) + 1) * DAY_MS
    since_ms, until_ms = window[0] - longest_ms, window[1] + longest_ms
    changes = [one.body for one in events if isinstance(one.body, Override | Swap)]
    for one in sorted(changes, key=lambda one: one.end_ms, reverse=True):
        if one.end_ms >= since_ms:
            since_ms = min(since_ms, one.start_ms)
    for one in sorted(changes, key=lambda one: one.start_ms):
        if one.start_ms <= until_ms:
            until_ms = max(until_ms, one.end_ms)
    return since_ms - 2 * DAY_MS, until_ms + 2 * DAY_MS


def _identified(events: Sequence[Event], rota: str, layer: Layer, room: Span) -> Iterator[tuple[str, Shift]]:
    """The shifts of people, with their identities; those at the ends of the room may be cut."""
    since_ms, until_ms = room
    held = forces(events, layer, until_ms)
    seen: Counter[str] = Counter()
    for shift in shifts(events, layer, since_ms, until_ms):
        zone = next((one.rotation.zone for one in held if one.start_ms <= shift.start_ms < one.end_ms), "UTC")
        day = f"{local(shift.start_ms, zone):%Y-%m-%d}"
        seen[day] += 1
        if shift.person:
            yield _uid(rota, layer, day, seen[day]), shift


def _uid(rota: str, layer: Layer, day: str, place: int) -> str:
    name = "\0".join((rota, layer, day, str(place)))
    return f"{hashlib.sha256(name.encode()).hexdigest()[:32]}@pavedroad"


# -------------------------------------------------------------------------------------------------- text


def _event_lines(entry: Entry, rota: str) -> list[str]:
    says = f"{entry.person} ({entry.layer}, {rota})"
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.uid}",
        f"DTSTAMP:{_stamp(entry.changed_ms)}",
        f"DTSTART:{_stamp(entry.start_ms)}",
        f"DTEND:{_stamp(entry.end_ms)}",
        f"SEQUENCE:{entry.sequence}",
        f"SUMMARY:{_escaped(f'On call: {says}')}",
        f"STATUS:{'CANCELLED' if entry.is_cancelled else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _stamp(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Pieces of at most 75 bytes, cut between characters; each but the first begins with a space."""
    piece, size = "", 0
    for letter in line:
        bytes_ = len(letter.encode())
        if size + bytes_ > FOLD_BYTES:
            yield piece
            piece, size = " ", 1
        piece += letter
        size += bytes_
    yield piece
