"""`paved oncall`: who is on call, until when, who next; and everything that decides it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from pavedroad.errors import Invalid
from pavedroad.kit.terminal import json_option, note, print_json, table

if TYPE_CHECKING:
    from pavedroad.desk.rota.model import Body, Event, Layer
    from pavedroad.record import Record

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT = "show"
LAYER_NAMES = ("primary", "secondary", "shadow")
WARNED_DAYS = 60
REPORTED_DAYS = 28
CALENDAR_DAYS = 90
DAY_MS = 86_400_000
FAR_MS = 2**42  # in the year 2109

rota_option = click.option("--rota", default="desk", metavar="NAME", help="Which rota; default: desk.")
zone_option = click.option("--zone", default="", metavar="ZONE", help="Times in this zone, not in yours.")
layer_option = click.option(
    "--layer", type=click.Choice(LAYER_NAMES), default="primary", help="Default: primary."
)


def span_options(command: F) -> F:
    """`--from` and `--until`, given as `start` and `end`."""
    command = click.option("--until", "end", default="", metavar="TIME", help="Until before then.")(command)
    return click.option(
        "--from", "start", default="", metavar="TIME", help="2026-11-30 or '2026-11-30 09:00'."
    )(command)


class WithDefault(click.Group):
    """`paved oncall --at TIME` means `paved oncall show --at TIME`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


class Desk(NamedTuple):
    """An open rota, as the person at the terminal sees it."""

    record: Record
    rota: str
    me: str
    zone: str
    now_ms: int
    events: list[Event]

    def instant(self, text: str, otherwise: int | None = None) -> int:
        """Raises: Invalid for a time that cannot be read, or that is missing and has no default."""
        from pavedroad.desk.rota.wall_clock import read_instant

        if text:
            return read_instant(text, self.zone)
        if otherwise is None:
            raise Invalid("an end is missing", hint="add --until '2026-11-30 09:00'")
        return otherwise

    def decide(self, body: Body) -> Desk:
        """Keep it if it may be decided; the rota after that."""
        from pavedroad.desk.rota.deciding import check
        from pavedroad.desk.rota.store import keep, read_events

        def work(tx: Any) -> None:
            check(body, read_events(tx, self.rota), me=self.me, now_ms=self.now_ms)
            keep(tx, self.rota, body, who=self.me)

        self.record.db.write(work)
        events = read_events(self.record.db, self.rota)
        return self._replace(events=events, now_ms=max(self.now_ms, events[-1].at_ms))

    def warn(self) -> None:
        """Tell which shifts of the next time fall to people who are away."""
        from pavedroad.desk.rota.standing import uncovered
        from pavedroad.desk.rota.text import warning

        for one in uncovered(self.events, self.now_ms):
            if one.shift.start_ms < self.now_ms + WARNED_DAYS * DAY_MS:
                note(warning(one, self.zone))


@contextmanager
def desk_of(rota: str, zone: str = "") -> Iterator[Desk]:
    """Raises: Invalid for a name or a zone that cannot be used."""
    from pavedroad.config import read_settings
    from pavedroad.desk.rota.deciding import check_name
    from pavedroad.desk.rota.standing import people
    from pavedroad.desk.rota.store import read_events
    from pavedroad.desk.rota.wall_clock import read_zone
    from pavedroad.kit.clock import now_ms
    from pavedroad.record import record_of

    settings = read_settings()
    check_name(rota)
    with record_of(settings) as record:
        events = read_events(record.db, rota)
        shown = zone or people(events).get(settings.who) or zone_of_machine()
        read_zone(shown)
        yield Desk(record, rota, settings.who, shown, now_ms(), events)


def zone_of_machine() -> str:
    """TZ, else what /etc/localtime points at, else UTC."""
    from pavedroad.desk.rota.wall_clock import read_zone

    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    for name in (os.environ.get("TZ", "").lstrip(":"), linked):
        if name:
            try:
                read_zone(name)
            except Invalid:
                continue
            return name
    return "UTC"


@click.group(cls=WithDefault)
def oncall() -> None:
    """Tell who is on call, until when, and who next.

    `paved oncall` is short for `paved oncall show`. Without a rotation it is you.
    """


@oncall.command()
@click.option("--at", default="", metavar="TIME", help="At this time, not now.")
@rota_option
@zone_option
@json_option
def show(at: str, rota: str, zone: str, as_json: bool) -> None:
    """Tell who is on call, until when, who next, and what to know.

    Notes since the hand-over before the last one are shown, and shifts of people who will be away.
    """
    from pavedroad.desk.rota.standing import notes_since, with_default
    from pavedroad.desk.rota.text import notes_text, turns_text

    with desk_of(rota, zone) as desk:
        at_ms = desk.instant(at, desk.now_ms)
        events = with_default(desk.events, desk.me)
        turns = _turns(events, at_ms)
        notes = notes_since(events, _notes_from(events, at_ms), at_ms)
        if as_json:
            shown = {layer: one._asdict() for layer, one in turns.items()}
            print_json({"rota": rota, "zone": desk.zone, "at_ms": at_ms, **shown, "notes": notes})
            return
        click.echo(turns_text(turns, desk.zone))
        if notes:
            click.echo(f"\nnotes\n{notes_text(notes, desk.zone)}")
        desk.warn()


def _turns(events: list[Event], at_ms: int) -> dict[Layer, Any]:
    """Of each layer that has a rotation, and of the primary always."""
    from pavedroad.desk.rota.model import LAYERS, Rotation
    from pavedroad.desk.rota.standing import turn

    used = {"primary"} | {event.body.layer for event in events if isinstance(event.body, Rotation)}
    return {layer: turn(events, layer, at_ms) for layer in LAYERS if layer in used}


def _notes_from(events: list[Event], at_ms: int) -> int:
    """The start of the shift before this one: what was written in it is for whoever is on call now."""
    from pavedroad.desk.rota.schedule import shifts

    near = shifts(events, "primary", at_ms - WARNED_DAYS * DAY_MS, at_ms + 1)
    return near[-2].start_ms if len(near) > 1 else near[-1].start_ms


@oncall.command()
@click.argument("name", required=False)
@click.option("--zone", default="", metavar="ZONE", help="Their time zone, e.g. Europe/Paris.")
@rota_option
@json_option
def people(name: str | None, zone: str, rota: str, as_json: bool) -> None:
    """List people with their time zones, or set NAME's."""
    from pavedroad.desk.rota.model import Person
    from pavedroad.desk.rota.standing import people as people_of

    with desk_of(rota) as desk:
        if name:
            desk = desk.decide(Person(name=name, zone=zone or people_of(desk.events).get(name, desk.zone)))
        elif zone:
            raise Invalid("--zone needs a name", hint="paved oncall people NAME --zone Europe/Paris")
        known = people_of(desk.events) or {desk.me: desk.zone}
    if as_json:
        print_json([{"name": name, "zone": zone} for name, zone in known.items()])
    else:
        click.echo(table(("name", "zone"), list(known.items())))


@oncall.command()
@click.argument("names", nargs=-1)
@layer_option
@click.option("--unit", type=click.Choice(("day", "week")), default="week", help="Default: week.")
@click.option("--every", default=1, metavar="N", help="Units between two hand-overs; default: 1.")
@click.option("--at", default="09:00", metavar="HH:MM", help="Wall clock of the hand-over; default: 09:00.")
@click.option("--zone", default="", metavar="ZONE", help="Whose wall clock; default: yours.")
@click.option("--start", default="", metavar="DATE", help="The first of NAMES begins on this day.")
@click.option("--stop", is_flag=True, help="Nobody is in this layer any more.")
@rota_option
@json_option
def rotation(
    names: tuple[str, ...],
    layer: Layer,
    unit: Any,
    every: int,
    at: str,
    zone: str,
    start: str,
    stop: bool,
    rota: str,
    as_json: bool,
) -> None:
    """List the rotations, or set one: NAMES in their order.

    A change never touches who was on call. Without --start it begins with the next hand-over of the rotation
    that it replaces, or today when there is none. A shadow is told, and never counts as cover.
    """
    from pavedroad.desk.rota.model import Rotation
    from pavedroad.desk.rota.text import rotations_text

    if stop and names:
        raise Invalid("--stop takes no names", hint="leave out one of them")
    with desk_of(rota) as desk:
        if names or stop:
            made = Rotation(
                layer=layer,
                people=names,
                zone=zone or desk.zone,
                unit=unit,
                every=every,
                handover=at,
                start=start or _first_day(desk, layer, zone or desk.zone, stop=stop),
            )
            desk = desk.decide(made)
        listed = _rotations(desk)
        if as_json:
            print_json([{"rotation": one, "from": since} for one, since in listed])
        else:
            click.echo(rotations_text(listed) if listed else f"no rotation: {desk.me} is always on call")
            desk.warn()


def _first_day(desk: Desk, layer: Layer, zone: str, *, stop: bool) -> str:
    from pavedroad.desk.rota.schedule import forces, next_handover_day
    from pavedroad.desk.rota.wall_clock import local

    held = [one for one in forces(desk.events, layer, desk.now_ms + 1) if one.end_ms > desk.now_ms]
    if held and held[0].rotation.people and not stop:
        return next_handover_day(held[0].rotation, desk.now_ms).isoformat()
    return local(desk.now_ms, zone).date().isoformat()


def _rotations(desk: Desk) -> list[tuple[Any, str]]:
    """Those that hold now or later, with the words that say from when."""
    from pavedroad.desk.rota.model import LAYERS
    from pavedroad.desk.rota.schedule import forces
    from pavedroad.desk.rota.wall_clock import local

    found = []
    for layer in LAYERS:
        for one in forces(desk.events, layer, FAR_MS):
            if one.end_ms > desk.now_ms:
                since = f"{local(one.start_ms, desk.zone):%Y-%m-%d %H:%M}"
                found.append((one.rotation, "now" if one.start_ms <= desk.now_ms else since))
    return found


@oncall.command()
@click.option("--add", default="", metavar="NAME", help="This person is on call where nobody is.")
@click.option("--remove", default="", metavar="NAME", help="This person is not; with --add: replaced.")
@span_options
@layer_option
@click.option("--undo", type=int, metavar="NO", help="End this override now.")
@rota_option
@json_option
def override(
    add: str, remove: str, start: str, end: str, layer: Layer, undo: int | None, rota: str, as_json: bool
) -> None:
    """List overrides, or add, remove or replace somebody for a while.

    It begins now when --from is missing or past: who was on call never changes.
    """
    from pavedroad.desk.rota.model import Override, Withdrawn
    from pavedroad.desk.rota.text import overrides_text

    with desk_of(rota) as desk:
        if undo is not None:
            desk = desk.decide(Withdrawn(number=undo))
        elif add or remove or start or end:
            start_ms, end_ms = desk.instant(start, desk.now_ms), desk.instant(end)
            desk = desk.decide(
                Override(layer=layer, start_ms=start_ms, end_ms=end_ms, add=add, remove=remove)
            )
        listed = _to_come(desk, Override)
        if as_json:
            print_json([{"number": number, "override": one} for number, one in listed])
        else:
            click.echo(overrides_text(listed, desk.zone) if listed else "no overrides")
            desk.warn()


def _to_come(desk: Desk, kind: type) -> list[tuple[int, Any]]:
    from pavedroad.desk.rota.schedule import withdrawals

    ended = withdrawals(desk.events)
    return [
        (event.number, event.body)
        for event in desk.events
        if isinstance(event.body, kind)
        and event.number not in ended
        and getattr(event.body, "end_ms", 0) > desk.now_ms
    ]


@oncall.command()
@span_options
@layer_option
@click.option("--person", default="", metavar="NAME", help="Who asks, or takes; default: you.")
@click.option("--take", type=int, metavar="NO", help="Take the shifts of this request.")
@click.option("--undo", type=int, metavar="NO", help="Withdraw this request; taken: from now on.")
@rota_option
@json_option
def swap(
    start: str,
    end: str,
    layer: Layer,
    person: str,
    take: int | None,
    undo: int | None,
    rota: str,
    as_json: bool,
) -> None:
    """List swap requests, ask somebody to take your shifts, or take.

    Until somebody takes it, a request changes nothing.
    """
    from pavedroad.desk.rota.model import Swap, Taken, Withdrawn
    from pavedroad.desk.rota.standing import swaps
    from pavedroad.desk.rota.text import swaps_text

    with desk_of(rota) as desk:
        who = person or desk.me
        if take is not None:
            desk = desk.decide(Taken(swap=take, person=who))
        elif undo is not None:
            desk = desk.decide(Withdrawn(number=undo))
        elif start or end:
            start_ms, end_ms = desk.instant(start, desk.now_ms), desk.instant(end)
            desk = desk.decide(Swap(layer=layer, person=who, start_ms=start_ms, end_ms=end_ms))
        listed = [one for one in swaps(desk.events, desk.now_ms) if one.state in ("open", "taken")]
        if as_json:
            print_json([one._asdict() for one in listed])
        else:
            click.echo(swaps_text(listed, desk.zone) if listed else "no swap requests")


@oncall.command()
@click.argument("reason", required=False)
@span_options
@click.option("--person", default="", metavar="NAME", help="Who is away; default: you.")
@click.option("--undo", type=int, metavar="NO", help="Forget this absence.")
@rota_option
@json_option
def absence(
    reason: str | None, start: str, end: str, person: str, undo: int | None, rota: str, as_json: bool
) -> None:
    """List absences, or tell of one, with a REASON if you like.

    It changes no shift. Those that fall into it are named until somebody else has them.
    """
    from pavedroad.desk.rota.model import Absence, Withdrawn
    from pavedroad.desk.rota.standing import uncovered
    from pavedroad.desk.rota.text import absences_text

    with desk_of(rota) as desk:
        if undo is not None:
            desk = desk.decide(Withdrawn(number=undo))
        elif start or end or reason:
            away = Absence(
                person=person or desk.me,
                start_ms=desk.instant(start, desk.now_ms),
                end_ms=desk.instant(end),
                reason=reason or "",
            )
            desk = desk.decide(away)
        listed = _to_come(desk, Absence)
        if as_json:
            gaps = [one.shift for one in uncovered(desk.events, desk.now_ms)]
            print_json(
                {
                    "absences": [{"number": number, "absence": one} for number, one in listed],
                    "uncovered": gaps,
                }
            )
        else:
            click.echo(absences_text(listed, desk.zone) if listed else "no absences")
            desk.warn()


@oncall.command("note")
@click.argument("text", required=False)
@rota_option
@zone_option
@json_option
def note_(text: str | None, rota: str, zone: str, as_json: bool) -> None:
    """Read the hand-off notes, or leave TEXT for who is next."""
    from pavedroad.desk.rota.model import Note
    from pavedroad.desk.rota.standing import notes_since
    from pavedroad.desk.rota.text import notes_text
    from pavedroad.desk.scrubbing import scrub

    with desk_of(rota, zone) as desk:
        if text is not None:
            desk = desk.decide(Note(text=scrub(text).text))
        notes = notes_since(desk.events, 0, 2**62)[-20:]
        if as_json:
            print_json(notes)
        else:
            click.echo(notes_text(notes, desk.zone) if notes else "no notes")


@oncall.command()
@span_options
@rota_option
@zone_option
@json_option
def report(start: str, end: str, rota: str, zone: str, as_json: bool) -> None:
    """Tell who carries how much, and when nobody is on call.

    Default: four weeks from now. Hours are real ones; nights are 22:00 to 06:00, and weekends Saturday and
    Sunday, in each person's zone.
    """
    from pavedroad.desk.rota.report import fairness
    from pavedroad.desk.rota.standing import with_default
    from pavedroad.desk.rota.text import fairness_text

    with desk_of(rota, zone) as desk:
        start_ms, end_ms = _bounds(desk, start, end, REPORTED_DAYS)
        found = fairness(with_default(desk.events, desk.me), start_ms, end_ms)
    if as_json:
        print_json(found)
    else:
        click.echo(fairness_text(found, desk.zone))


def _bounds(desk: Desk, start: str, end: str, days: int) -> tuple[int, int]:
    start_ms = desk.instant(start, desk.now_ms)
    end_ms = desk.instant(end, start_ms + days * DAY_MS)
    if end_ms <= start_ms:
        raise Invalid("it ends before it begins", hint="give --until a later time than --from")
    if end_ms - start_ms > 3660 * DAY_MS:
        raise Invalid("more than ten years", hint="give --from and --until closer to each other")
    return start_ms, end_ms


@oncall.command()
@click.option("--person", default="", metavar="NAME", help="Only their shifts.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@span_options
@rota_option
@json_option
def calendar(person: str, out: Path | None, start: str, end: str, rota: str, as_json: bool) -> None:
    """Print the shifts as a calendar (iCalendar, RFC 5545).

    Default: 90 days from now. Import it again after a change: a shift keeps its identity, and one that is
    gone is cancelled.
    """
    from pavedroad.desk.rota.calendar import calendar_text, entries
    from pavedroad.desk.rota.standing import with_default

    with desk_of(rota) as desk:
        start_ms, end_ms = _bounds(desk, start, end, CALENDAR_DAYS)
        listed = entries(with_default(desk.events, desk.me), rota, start_ms, end_ms, person=person)
    text = calendar_text(listed, rota)
    if out:
        _write(out, text)
    if as_json:
        print_json(listed)
    elif not out:
        click.echo(text, nl=False)


def _write(out: Path, text: str) -> None:
    try:
        out.write_bytes(text.encode())
    except OSError as error:
        raise Invalid(f"cannot write {out}: {error.strerror}", hint="choose another file") from None
