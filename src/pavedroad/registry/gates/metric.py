"""Is the model good enough by itself?"""

from __future__ import annotations

import math

import msgspec

from pavedroad.registry.gate import Context, Gate, Measured, Outcome, Subject, closed, number, opened, unknown


class MetricPolicy(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if not bounds:
            raise ValueError(f"metric {self.name!r} needs at_least or at_most")
        if any(math.isnan(bound) for bound in bounds):
            raise ValueError(f"metric {self.name!r} is compared with nan, which nothing passes")
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            raise ValueError(f"metric {self.name!r}: at_least {bounds[0]} is above at_most {bounds[1]}")


def evaluate(policy: MetricPolicy, context: Context) -> Outcome:
    measured = only_value(context.candidate, policy.name)
    if isinstance(measured, Outcome):
        return measured
    value = measured.value
    found = {"metric": policy.name, "value": value, "run_id": measured.run_id, "where": measured.where}
    too_low = policy.at_least is not None and not value >= policy.at_least
    too_high = policy.at_most is not None and not value <= policy.at_most
    if math.isnan(value) or too_low or too_high:
        return closed(
            f"{policy.name} is {number(value)}; it must be {bounds_of(policy)}",
            next_step="train a better model and register it",
            **found,
            **bounds(policy),
        )
    return opened(f"{policy.name} is {number(value)}, {bounds_of(policy)}", **found, **bounds(policy))


def only_value(subject: Subject, key: str) -> Measured | Outcome:
    """The subject's value of a metric, or why there is not exactly one."""
    values = subject.metrics.get(key, [])
    if not values:
        known = ", ".join(sorted(subject.metrics)[:8])
        return unknown(
            f"no run of {subject.title} logged {key!r}" + (f"; it logged {known}" if known else ""),
            next_step=f"log {key} in the run that makes the model, then register that run",
            metric=key,
            logged=sorted(subject.metrics),
        )
    if len(values) > 1:
        said = ", ".join(f"{number(measured.value)} ({measured.where})" for measured in values)
        return unknown(
            f"{key!r} of {subject.title} was logged with different values: {said}",
            next_step="log it once for the pipeline's run, or with the model's model_id",
            metric=key,
            values=[msgspec.to_builtins(measured) for measured in values],
        )
    return values[0]


def bounds(policy: MetricPolicy) -> dict[str, float]:
    limits = {"at_least": policy.at_least, "at_most": policy.at_most}
    return {name: limit for name, limit in limits.items() if limit is not None}


def bounds_of(policy: MetricPolicy) -> str:
    return " and ".join(f"{name.replace('_', ' ')} {number(limit)}" for name, limit in bounds(policy).items())


METRIC = Gate(
    name="metric",
    asks="Is a logged metric within its bounds?",
    policy=MetricPolicy,
    evaluate=evaluate,
    takes_many=True,
)
