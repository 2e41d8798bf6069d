"""What may be decided."""

from __future__ import annotations

import pytest
from tests.desk.rota.decisions import decided, ms, weekly

from pavedroad.desk.rota.deciding import check
from pavedroad.desk.rota.model import Absence, Body, Note, Override, Person, Swap, Taken, Withdrawn
from pavedroad.errors import Conflict, Invalid, NotFound, PavedError

NOW = ms("2026-03-01")
SPAN = {"start_ms": ms("2026-03-03"), "end_ms": ms("2026-03-05")}
OVER = {"start_ms": ms("2026-02-03"), "end_ms": NOW}
ASKED = Swap(layer="primary", person="ada", **SPAN)
EVENTS = decided(weekly("ada", "bob"), ASKED, ASKED, Taken(swap=3, person="bob"), Withdrawn(number=3))


@pytest.mark.parametrize(
    "body",
    [
        Person(name="Zoë O'Neil", zone="Asia/Kathmandu"),
        weekly("ada", "new"),
        weekly(),
        Override(layer="primary", add="ada", remove="bob", **SPAN),
        Override(layer="primary", add="me", **SPAN),
        Absence(person="bob", reason="skiing", **SPAN),
        Note(text="two\nlines"),
        Taken(swap=2, person="bob"),
        Withdrawn(number=2),
    ],
)
def test_what_means_something_may_be_decided(body: Body) -> None:
    check(body, EVENTS, me="me", now_ms=NOW)


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (Person(name="", zone="UTC"), Invalid, "is not a name"),
        (Person(name="a\x1b[31m", zone="UTC"), Invalid, "is not a name"),
        (Person(name="ada", zone="Mars/Base"), Invalid, "unknown time zone"),
        (Person(name="ada", zone="../etc/passwd"), Invalid, "unknown time zone"),
        (weekly("ada", "ada"), Invalid, "named twice"),
        (weekly("ada", every=0), Invalid, "not between 1 and 52"),
        (weekly("ada", handover="24:00"), Invalid, "not a time of day"),
        (weekly("ada", start="2026-02-30"), Invalid, "not a date"),
        (Override(layer="primary", **SPAN), Invalid, "changes nobody"),
        (Override(layer="primary", add="ada", remove="ada", **SPAN), Invalid, "from themselves"),
        (Override(layer="primary", add="ada", **OVER), Invalid, "never changed"),
        (Override(layer="primary", add="adda", **SPAN), NotFound, "nobody on the rota is called 'adda'"),
        (Swap(layer="primary", person="ada", start_ms=2, end_ms=2), Invalid, "ends before it begins"),
        (Absence(person="ada", reason="x" * 201, **SPAN), Invalid, "too long"),
        (Note(text=" "), Invalid, "empty"),
        (Note(text="\x1b[2J"), Invalid, "cannot be shown"),
        (Note(text="\udcff"), Invalid, "cannot be shown"),
        (Taken(swap=1, person="bob"), NotFound, "no swap 1"),
        (Taken(swap=2, person="ada"), Conflict, "ada asked for swap 2"),
        (Taken(swap=3, person="bob"), Conflict, "swap 3 is withdrawn"),
        (Withdrawn(number=1), NotFound, "no override, swap or absence 1"),
        (Withdrawn(number=3), Conflict, "withdrawn already"),
    ],
)
def test_what_means_nothing_is_refused_with_the_next_step(
    body: Body, error: type[PavedError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        check(body, EVENTS, me="me", now_ms=NOW)
    assert caught.value.hint
