"""What may be decided: a rota never takes a name, a span or a number that means nothing."""

from __future__ import annotations

from collections.abc import Sequence

from pavedroad.desk.rota.model import (
    Absence,
    Body,
    Event,
    Note,
    Override,
    Person,
    Rotation,
    Swap,
    Taken,
    Withdrawn,
)
from pavedroad.desk.rota.standing import people, swaps
from pavedroad.desk.rota.wall_clock import read_date, read_time_of_day, read_zone
from pavedroad.errors import Conflict, Invalid, NotFound, did_you_mean

MOST_UNITS = 52
LONGEST_NOTE = 4000
LONGEST_REASON = 200


def check(body: Body, events: Sequence[Event], *, me: str, now_ms: int) -> None:
    """Raises: Invalid, NotFound or Conflict when `body` cannot be decided now."""
    match body:
        case Person():
            check_name(body.name)
            read_zone(body.zone)
        case Rotation():
            _check_rotation(body)
        case Override():
            _check_span(body.start_ms, body.end_ms, now_ms)
            if not (body.add or body.remove):
                raise Invalid("an override that changes nobody", hint="name one with --add or --remove")
            if body.add == body.remove:
                raise Invalid(f"{body.add!r} cannot take over from themselves", hint="name two people")
            _check_known([name for name in (body.add, body.remove) if name], events, me)
        case Swap() | Absence():
            _check_span(body.start_ms, body.end_ms, now_ms)
            _check_known([body.person], events, me)
            _check_text(body.reason if isinstance(body, Absence) else "", "a reason", LONGEST_REASON)
        case Note():
            if not body.text.strip():
                raise Invalid("the note is empty", hint="write what the next one must know")
            _check_text(body.text, "a note", LONGEST_NOTE)
        case Taken():
            _check_known([body.person], events, me)
            _check_open(body, events, now_ms)
        case Withdrawn():
            _check_withdrawn(body, events)


def check_name(name: str) -> None:
    """Raises: Invalid for a name that no list could show."""
    if not name or not name.isprintable() or name != name.strip() or len(name) > 80:
        raise Invalid(f"{name!r} is not a name", hint="use 1 to 80 characters that can be printed")


def _check_text(text: str, what: str, most: int) -> None:
    if len(text) > most:
        raise Invalid(f"{what} of {len(text):,} characters is too long", hint=f"{most:,} are allowed")
    if not text.translate(dict.fromkeys(map(ord, "\n\t"))).isprintable():
        raise Invalid(f"{what} holds characters that cannot be shown", hint="use plain text")


def _check_rotation(rotation: Rotation) -> None:
    for name in rotation.people:
        check_name(name)
    if len(set(rotation.people)) < len(rotation.people):
        raise Invalid("somebody is named twice", hint="name each person once")
    if not 1 <= rotation.every <= MOST_UNITS:
        raise Invalid(f"every {rotation.every} is not between 1 and {MOST_UNITS}", hint="1 is usual")
    read_zone(rotation.zone)
    read_time_of_day(rotation.handover)
    read_date(rotation.start)


def _check_span(start_ms: int, end_ms: int, now_ms: int) -> None:
    if end_ms <= start_ms:
        raise Invalid("it ends before it begins", hint="give --until a later time than --from")
    if end_ms <= now_ms:
        raise Invalid("it is over: who was on call is never changed", hint="choose a time to come")


def _check_known(names: Sequence[str], events: Sequence[Event], me: str) -> None:
    known = {*people(events), me}
    for name in names:
        if name not in known:
            raise NotFound(
                f"nobody on the rota is called {name!r}",
                hint=f"{did_you_mean(name, known)}; or add them: paved oncall people NAME",
            )


def _check_open(body: Taken, events: Sequence[Event], now_ms: int) -> None:
    for asked in swaps(events, now_ms):
        if asked.number == body.swap:
            if asked.state != "open":
                raise Conflict(f"swap {body.swap} is {asked.state}", hint="see `paved oncall swap`")
            if asked.swap.person == body.person:
                raise Conflict(
                    f"{body.person} asked for swap {body.swap}", hint="somebody else takes it, with --person"
                )
            return
    raise NotFound(f"no swap {body.swap}", hint="see `paved oncall swap`")


def _check_withdrawn(body: Withdrawn, events: Sequence[Event]) -> None:
    for event in events:
        if event.number == body.number and isinstance(event.body, Override | Swap | Absence):
            break
    else:
        raise NotFound(f"no override, swap or absence {body.number}", hint="their lists show the numbers")
    if any(isinstance(event.body, Withdrawn) and event.body.number == body.number for event in events):
        raise Conflict(f"{body.number} is withdrawn already", hint="nothing is left to do")
