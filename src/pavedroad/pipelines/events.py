"""What happens in a run, as it happens: for the terminal and, one JSON object per line, for machines."""

from __future__ import annotations

from typing import Any

import msgspec


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=_snake):
    """`event` names its kind: run_started, map_spread, step_started, step_retried, step_finished, note,
    run_finished."""


class RunStarted(Event, frozen=True, kw_only=True):
    run_id: str
    pipeline: str
    project: str
    parameters: dict[str, str]
    steps: list[str]


class MapSpread(Event, frozen=True, kw_only=True):
    """A `.map` knows how many items it goes over; each is a step `name[0]`, `name[1]`, …"""

    step: str
    items: int


class StepStarted(Event, frozen=True, kw_only=True):
    """A step really runs; one whose result is cached only finishes."""

    step: str
    step_run_id: str
    attempt: int = 1


class StepRetried(Event, frozen=True, kw_only=True):
    step: str
    attempt: int  # that failed
    wait_s: float
    error: str


class StepFinished(Event, frozen=True, kw_only=True):
    step: str
    step_run_id: str
    verdict: str  # hit, miss or off
    status: str  # FINISHED, FAILED or KILLED
    duration_ms: int
    attempts: int = 1
    output: str = ""  # `Table 336,776 × 19`
    because: str = ""  # why it is not cached, or what went wrong


class Note(Event, frozen=True, kw_only=True):
    """A remark: something works, but not as well as it could."""

    text: str
    step: str = ""


class RunFinished(Event, frozen=True, kw_only=True):
    run_id: str
    status: str  # FINISHED, FAILED or KILLED
    duration_ms: int
    hits: int
    misses: int
    failed: int
    metrics: dict[str, float] = {}
    error: str = ""
    traceback: str = ""


def to_json(event: Event) -> bytes:
    return msgspec.json.encode(event, enc_hook=_as_text)


def _as_text(value: Any) -> str:
    return str(value)
