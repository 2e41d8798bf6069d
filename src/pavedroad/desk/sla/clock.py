"""The clocks of a question: a function of what happened, and of now."""

from __future__ import annotations

from collections.abc import Sequence

from pavedroad.desk.rota.spans import Span, without
from pavedroad.desk.sla.hours import after_open_ms, open_ms
from pavedroad.desk.sla.model import BusinessHours, Clock, Clocks, Event, Policy
from pavedroad.errors import Invalid, did_you_mean


def clocks(events: Sequence[Event], policy: Policy, priority: str, now_ms: int) -> Clocks:
    """Both promises as they stand at `now_ms`; what happened later is not looked at.

    The reporter is who asked. A reopened question has a new resolution clock and no new first response.
    Raises: Invalid when no target has this priority.
    """
    if priority not in policy.targets:
        raise Invalid(f"no target for priority {priority!r}", hint=did_you_mean(priority, policy.targets))
    target = policy.targets[priority]
    happened = sorted((event for event in events if event.at_ms <= now_ms), key=lambda event: event.at_ms)
    started_ms = _started_ms(happened, policy)
    if started_ms is None:
        return Clocks(
            first_response=Clock(state="not started", target_ms=target.first_response_ms),
            resolution=Clock(state="not started", target_ms=target.resolution_ms),
        )
    pauses = _pauses(happened, now_ms)
    turn_ms, resolved_ms = _resolution_turn(happened, started_ms)
    return Clocks(
        first_response=_clock(
            policy, target.first_response_ms, started_ms, _answered_ms(happened, started_ms), pauses, now_ms
        ),
        resolution=_clock(policy, target.resolution_ms, turn_ms, resolved_ms, pauses, now_ms),
    )


def first_response(events: Sequence[Event]) -> Event | None:
    """The first reply by somebody else than the reporter who is no bot."""
    reporter = _reporter(events)
    for event in sorted(events, key=lambda event: event.at_ms):
        if event.kind == "replied" and event.who != reporter and not event.is_bot:
            return event
    return None


def _reporter(events: Sequence[Event]) -> str:
    return next((event.who for event in events if event.kind == "asked"), "")


def _started_ms(events: Sequence[Event], policy: Policy) -> int | None:
    return next((event.at_ms for event in events if event.kind == policy.starts_at), None)


def _answered_ms(events: Sequence[Event], started_ms: int) -> int | None:
    """An answer that came before the clock started ended it at once."""
    answer = first_response(events)
    return None if answer is None else max(answer.at_ms, started_ms)


def _resolution_turn(events: Sequence[Event], started_ms: int) -> tuple[int, int | None]:
    """When the resolution clock began the last time, and when it ended."""
    began_ms, ended_ms = started_ms, None
    for event in events:
        if event.kind == "resolved" and ended_ms is None:
            ended_ms = max(event.at_ms, began_ms)
        elif event.kind == "reopened" and ended_ms is not None:
            began_ms, ended_ms = max(event.at_ms, started_ms), None
    return began_ms, ended_ms


def _pauses(events: Sequence[Event], now_ms: int) -> list[Span]:
    """While the reporter is waited for; the last one reaches to `now_ms` and beyond when it goes on."""
    reporter = _reporter(events)
    found: list[Span] = []
    since: int | None = None
    for event in events:
        if event.kind == "waiting" and since is None:
            since = event.at_ms
        elif since is not None and _ends_pause(event, reporter):
            found.append((since, event.at_ms))
            since = None
    if since is not None:
        found.append((since, now_ms + 1))
    return found


def _ends_pause(event: Event, reporter: str) -> bool:
    if event.kind == "replied":
        return event.who == reporter and not event.is_bot
    return event.kind in ("continued", "resolved", "reopened")


def _clock(
    policy: Policy, target_ms: int, start_ms: int, ended_ms: int | None, pauses: Sequence[Span], now_ms: int
) -> Clock:
    end_ms = now_ms if ended_ms is None else ended_ms
    spans = _running(start_ms, end_ms, pauses)
    elapsed_ms = sum(open_ms(policy.hours, first, last) for first, last in spans)
    is_paused = ended_ms is None and any(first <= now_ms < last for first, last in pauses)
    due_ms = _due_ms(policy.hours, target_ms, start_ms, end_ms, pauses, is_paused=is_paused)
    is_over = elapsed_ms > target_ms or (elapsed_ms == target_ms and ended_ms is None and not is_paused)
    if is_over:
        return Clock(
            state="breached", target_ms=target_ms, elapsed_ms=elapsed_ms, due_ms=due_ms, ended_ms=ended_ms
        )
    return Clock(
        state="met" if ended_ms is not None else "paused" if is_paused else "running",
        target_ms=target_ms,
        elapsed_ms=elapsed_ms,
        due_ms=due_ms,
        ended_ms=ended_ms,
        is_warned=ended_ms is None and elapsed_ms >= policy.warn_ratio * target_ms,
    )


def _due_ms(
    hours: BusinessHours,
    target_ms: int,
    start_ms: int,
    end_ms: int,
    pauses: Sequence[Span],
    *,
    is_paused: bool,
) -> int | None:
    """When the target is used up; None while it is not and the clock stands still."""
    left = target_ms
    running = _running(start_ms, end_ms, pauses)
    for first, last in running:
        used = open_ms(hours, first, last)
        if used >= left:
            return after_open_ms(hours, first, left)
        left -= used
    return None if is_paused else after_open_ms(hours, end_ms, left)


def _running(start_ms: int, end_ms: int, pauses: Sequence[Span]) -> list[Span]:
    return without([(start_ms, end_ms)], pauses) if start_ms < end_ms else []
