"""What was promised, when the desk is open, and what happened to a question."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["asked", "tagged", "replied", "waiting", "continued", "resolved", "reopened"]
State = Literal["not started", "running", "paused", "met", "breached"]
MINUTE_MS = 60_000


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Each week on one day, by the wall clock; an end that is not later than the start is the next day's."""

    weekday: int  # 0 is Monday
    start: str  # "09:00"
    end: str  # "17:00"; "24:00" is midnight


class BusinessHours(msgspec.Struct, frozen=True, kw_only=True):
    """When a desk is open. Without openings: always, but for holidays and closures."""

    zone: str = "UTC"
    weekly: tuple[Opening, ...] = ()
    holidays: tuple[str, ...] = ()  # local dates, closed from midnight to midnight
    closures: tuple[tuple[int, int], ...] = ()  # instants from, until before


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Within how much open time."""

    first_response_ms: int
    resolution_ms: int


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    targets: dict[str, Target]  # by priority
    hours: BusinessHours
    starts_at: Literal["asked", "tagged"] = "tagged"
    warn_ratio: float = 0.8  # of the target used


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a question. `replied` by the reporter ends a pause by itself."""

    at_ms: int
    kind: Kind
    who: str
    is_bot: bool = False


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One promise at one instant."""

    state: State
    target_ms: int
    elapsed_ms: int = 0  # open time used, pauses left out
    due_ms: int | None = None  # None: not started, or paused
    ended_ms: int | None = None
    is_warned: bool = False  # nearly used up, and not over

    @property
    def is_breached(self) -> bool:
        return self.state == "breached"


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    first_response: Clock
    resolution: Clock
