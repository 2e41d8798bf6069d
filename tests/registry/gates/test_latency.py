from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pavedroad.registry import Context, LatencySeen, Outcome
from pavedroad.registry.gates.latency import LATENCY

Make = Callable[..., Context]
Ask = Callable[..., Outcome]
POLICY = {"p99_ms": 20, "requests": 100, "concurrency": 2}
SEEN = LatencySeen(p50_ms=3, p99_ms=12.5, requests=100, concurrency=2, measured_ms=1_000_000_000)


def seen(**different: Any) -> LatencySeen:
    return msgspec.structs.replace(SEEN, **different)


def test_a_candidate_within_the_budget_passes(ask: Ask, context: Make) -> None:
    asked: list[tuple[int, int]] = []

    def measure(requests: int, concurrency: int) -> LatencySeen:
        asked.append((requests, concurrency))
        return SEEN

    outcome = ask(LATENCY, POLICY, context(measure_latency=measure))
    assert (outcome.verdict, asked) == ("open", [(100, 2)])
    assert outcome.says == "p99 is 12 ms over 100 requests, 2 at a time; 20 ms are allowed"


def test_a_slow_candidate_is_closed(ask: Ask, context: Make) -> None:
    outcome = ask(LATENCY, POLICY, context(measure_latency=lambda *_: seen(p99_ms=20.1)))
    assert outcome.verdict == "closed"


def test_a_candidate_that_fails_requests_is_closed_however_fast(ask: Ask, context: Make) -> None:
    outcome = ask(LATENCY, POLICY, context(measure_latency=lambda *_: seen(errors=3)))
    assert (outcome.verdict, outcome.says) == ("closed", "3 of 100 requests failed while it was served")


def test_too_few_answers_say_nothing_about_one_in_a_hundred(ask: Ask, context: Make) -> None:
    outcome = ask(LATENCY, POLICY, context(measure_latency=lambda *_: seen(requests=7)))
    assert (outcome.verdict, outcome.says) == ("unknown", "only 7 requests were answered in time")


def test_where_it_cannot_be_served_an_earlier_measurement_counts(ask: Ask, context: Make) -> None:
    asked: list[tuple[int, int, int]] = []

    def earlier(requests: int, concurrency: int, since_ms: int) -> LatencySeen:
        asked.append((requests, concurrency, since_ms))
        return seen(measured_ms=context().now_ms - 3_600_000)

    outcome = ask(LATENCY, {**POLICY, "fresh_days": 2}, context(earlier_latency=earlier))
    assert outcome.verdict == "open"
    assert "measured 60 min ago" in outcome.says
    assert asked == [(100, 2, context().now_ms - 2 * 86_400_000)]


def test_without_any_measurement_it_is_unknown_and_names_the_command(ask: Ask, context: Make) -> None:
    outcome = ask(LATENCY, POLICY, context())
    assert outcome.verdict == "unknown"
    assert "run `paved promote flights@3 --to champion`" in outcome.next_step
