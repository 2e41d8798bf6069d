"""A rota in words, in the reader's zone."""

from __future__ import annotations

from collections.abc import Sequence

from pavedroad.desk.rota.model import Absence, Event, Layer, Override, Rotation, Shift
from pavedroad.desk.rota.report import MOST_SHARE, Fairness
from pavedroad.desk.rota.standing import Asked, Turn, Uncovered
from pavedroad.desk.rota.wall_clock import local
from pavedroad.kit.terminal import table

GAPS_SHOWN = 10


def moment(at_ms: int, zone: str) -> str:
    """`Mon 30 Nov 2026 09:00`"""
    shown = local(at_ms, zone)
    return f"{shown:%a} {shown.day} {shown:%b %Y %H:%M}"


def span(start_ms: int, end_ms: int, zone: str) -> str:
    return f"{moment(start_ms, zone)} to {moment(end_ms, zone)}"


def turns_text(turns: dict[Layer, Turn], zone: str) -> str:
    rows = [
        (
            layer,
            one.person or "nobody",
            moment(one.until_ms, zone) if one.until_ms else "no end",
            (one.next_person or "nobody") if one.until_ms else "",
        )
        for layer, one in turns.items()
    ]
    return f"{table(('layer', 'on call', 'until', 'then'), rows)}\ntimes in {zone}"


def rotations_text(rotations: Sequence[tuple[Rotation, str]]) -> str:
    """Each with the words that say from when it holds."""
    rows = [
        (one.layer, ", ".join(one.people) or "nobody", f"{rhythm(one)} {one.handover} {one.zone}", since)
        for one, since in rotations
    ]
    return table(("layer", "people", "hand-over", "from"), rows, wrap="people")


def rhythm(rotation: Rotation) -> str:
    if rotation.every == 1:
        return f"every {rotation.unit}"
    return f"every {rotation.every} {rotation.unit}s"


def overrides_text(listed: Sequence[tuple[int, Override]], zone: str) -> str:
    rows = [(number, one.layer, change(one), span(one.start_ms, one.end_ms, zone)) for number, one in listed]
    return f"{table(('no', 'layer', 'change', 'when'), rows, right=('no',))}\ntimes in {zone}"


def change(override: Override) -> str:
    if override.add and override.remove:
        return f"{override.add} for {override.remove}"
    return f"{override.add} where nobody is" if override.add else f"not {override.remove}"


def swaps_text(listed: Sequence[Asked], zone: str) -> str:
    rows = [
        (
            one.number,
            one.swap.layer,
            one.swap.person,
            span(one.swap.start_ms, one.swap.end_ms, zone),
            f"taken by {one.taken_by}" if one.state == "taken" else one.state,
        )
        for one in listed
    ]
    return f"{table(('no', 'layer', 'asks', 'when', 'state'), rows, right=('no',))}\ntimes in {zone}"


def absences_text(listed: Sequence[tuple[int, Absence]], zone: str) -> str:
    rows = [(number, one.person, span(one.start_ms, one.end_ms, zone), one.reason) for number, one in listed]
    return f"{table(('no', 'person', 'away', 'reason'), rows, right=('no',))}\ntimes in {zone}"


def warning(one: Uncovered, zone: str) -> str:
    shift = one.shift
    return f"{shift.person} is away while {shift.layer}: {span(shift.start_ms, shift.end_ms, zone)}"


def notes_text(notes: Sequence[Event], zone: str) -> str:
    return "\n".join(
        f"{moment(note.at_ms, zone)}, {note.who}: {getattr(note.body, 'text', '')}" for note in notes
    )


def fairness_text(found: Fairness, zone: str) -> str:
    rows = [
        (
            load.person,
            f"{load.primary_hours:.0f}",
            f"{load.secondary_hours:.0f}",
            f"{load.night_hours:.0f}",
            f"{load.weekend_hours:.0f}",
            f"{load.share:.0%}{' over' if load.is_over else ''}",
        )
        for load in found.loads
    ]
    heads = ("person", "primary", "secondary", "nights", "weekends", "share")
    lines = [
        f"hours on call, {span(found.start_ms, found.end_ms, zone)} ({zone})",
        table(heads, rows, right=heads[1:]),
        f"share: of the whole time; Google's line is {MOST_SHARE:.0%} (Site Reliability Engineering, 11)",
    ]
    if not found.gaps:
        lines.append("no gaps")
    lines += [f"nobody is {gap.layer}: {_gap(gap, zone)}" for gap in found.gaps[:GAPS_SHOWN]]
    if len(found.gaps) > GAPS_SHOWN:
        lines.append(f"and {len(found.gaps) - GAPS_SHOWN} more gaps; --json lists them")
    return "\n".join(lines)


def _gap(gap: Shift, zone: str) -> str:
    return f"{span(gap.start_ms, gap.end_ms, zone)} ({gap.length_ms / 3_600_000:.0f} h)"
