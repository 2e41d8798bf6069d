"""Does the candidate answer in time, when it is really served?"""

from __future__ import annotations

from typing import Annotated

import msgspec

from pavedroad.kit.clock import duration, how_long_ago
from pavedroad.kit.text import count
from pavedroad.registry.gate import Context, Gate, Outcome, closed, opened, promote_command, unknown

DAY_MS = 24 * 3600 * 1000
FEWEST_REQUESTS = 20  # fewer say nothing about one in a hundred


class LatencyPolicy(msgspec.Struct, frozen=True, kw_only=True):
    p99_ms: Annotated[float, msgspec.Meta(gt=0)]
    requests: Annotated[int, msgspec.Meta(ge=FEWEST_REQUESTS, le=100_000)] = 200
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=256)] = 4
    fresh_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = (
        7  # how long a measurement counts where none can be made
    )


def evaluate(policy: LatencyPolicy, context: Context) -> Outcome:
    seen = context.measure_latency(policy.requests, policy.concurrency)
    if seen is None:
        since_ms = context.now_ms - policy.fresh_days * DAY_MS
        seen = context.earlier_latency(policy.requests, policy.concurrency, since_ms)
    if seen is None:
        return unknown(
            f"nobody measured these files in the last {count(policy.fresh_days, 'day')}",
            next_step=f"run `{promote_command(context)}`, which serves and measures it",
            policy=msgspec.to_builtins(policy),
        )
    found = {"policy": msgspec.to_builtins(policy), "measured": msgspec.to_builtins(seen)}
    age = (
        f", measured {how_long_ago(seen.measured_ms, now=context.now_ms)}"
        if seen.measured_ms < context.now_ms
        else ""
    )
    if seen.errors:
        return closed(
            f"{seen.errors} of {count(seen.requests, 'request')} failed while it was served{age}",
            next_step=f"run `paved serve {context.version}` and read what it answers",
            **found,
        )
    if seen.requests < FEWEST_REQUESTS:
        return unknown(
            f"only {count(seen.requests, 'request')} were answered in time{age}",
            next_step=f"run `paved serve {context.version}` and see why it is slow",
            **found,
        )
    how = f"over {count(seen.requests, 'request')}, {seen.concurrency} at a time{age}"
    said = f"p99 is {duration(seen.p99_ms)} {how}"
    if seen.p99_ms <= policy.p99_ms:
        return opened(f"{said}; {duration(policy.p99_ms)} are allowed", **found)
    return closed(
        f"{said}; only {duration(policy.p99_ms)} are allowed",
        next_step="make the model smaller or faster, or raise p99_ms in [tool.paved.gates.latency]",
        **found,
    )


LATENCY = Gate(
    name="latency",
    asks="Is the 99th percentile of its answers, really served, within the budget?",
    policy=LatencyPolicy,
    evaluate=evaluate,
)
