"""A rota: people, who hands over to whom and when, and what was agreed besides.

A rota is nothing but the list of what was decided, and when (`Event`); it only grows. Nothing that is decided
at an instant has an effect before that instant, so who *was* on call never changes.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Layer = Literal["primary", "secondary", "shadow"]
LAYERS: tuple[Layer, ...] = ("primary", "secondary", "shadow")
COVERING: tuple[Layer, ...] = ("primary", "secondary")  # a shadow is told, and never accountable
Unit = Literal["day", "week"]
DAYS = {"day": 1, "week": 7}
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Person(msgspec.Struct, frozen=True, kw_only=True, tag="person"):
    """Decided: somebody can be on call, and reads times in this zone."""

    name: str
    zone: str


class Rotation(msgspec.Struct, frozen=True, kw_only=True, tag="rotation"):
    """Decided: one layer goes round `people`; it replaces that layer's rotation from its first hand-over."""

    layer: Layer
    people: tuple[str, ...]  # in their order; empty: nobody any more
    zone: str
    unit: Unit = "week"
    every: int = 1  # units between two hand-overs
    handover: str = "09:00"  # wall clock, in `zone`
    start: str = "1970-01-01"  # local date of the first person's first hand-over


class Override(msgspec.Struct, frozen=True, kw_only=True, tag="override"):
    """Decided for one span of a layer: `add` where nobody is, take out `remove`, or one for the other."""

    layer: Layer
    start_ms: int
    end_ms: int
    add: str = ""
    remove: str = ""


class Swap(msgspec.Struct, frozen=True, kw_only=True, tag="swap"):
    """Asked: may somebody take what `person` has of this span?"""

    layer: Layer
    person: str
    start_ms: int
    end_ms: int


class Absence(msgspec.Struct, frozen=True, kw_only=True, tag="absence"):
    """Told: `person` is away. It changes no shift; it warns until each of them is somebody else's."""

    person: str
    start_ms: int
    end_ms: int
    reason: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True, tag="note"):
    """For whoever is on call next."""

    text: str


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag="taken"):
    """Decided: `person` takes the swap with this number."""

    swap: int
    person: str


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True, tag="withdrawn"):
    """Decided: the override, swap or absence with this number ends now."""

    number: int


Body = Person | Rotation | Override | Swap | Absence | Note | Taken | Withdrawn


class Event(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    at_ms: int
    who: str
    body: Body


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one layer, from `start_ms` until before `end_ms`; nobody when `person` is empty."""

    layer: Layer
    person: str
    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms
