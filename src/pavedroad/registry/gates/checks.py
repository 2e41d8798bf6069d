"""Does the project that made the model pass its checks?"""

from __future__ import annotations

import msgspec

from pavedroad.catalog import PROFILES
from pavedroad.errors import did_you_mean
from pavedroad.kit.text import count
from pavedroad.registry.gate import (
    CheckResult,
    Context,
    Gate,
    Outcome,
    closed,
    listed,
    opened,
    promote_command,
    unknown,
)

SEVERITIES = ("note", "warning", "error")  # mild to grave
NEVER = "none"  # max_severity of a project that must have no finding at all


class ChecksPolicy(msgspec.Struct, frozen=True, kw_only=True):
    profile: str = "team"
    max_severity: str = "warning"  # the gravest finding that is let through

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"unknown profile {self.profile!r}; {did_you_mean(self.profile, PROFILES)}")
        if self.max_severity not in (NEVER, *SEVERITIES):
            known = (NEVER, *SEVERITIES)
            raise ValueError(
                f"unknown severity {self.max_severity!r}; {did_you_mean(self.max_severity, known)}"
            )


def evaluate(policy: ChecksPolicy, context: Context) -> Outcome:
    result = context.check_project(policy.profile)
    asked = msgspec.to_builtins(policy)
    if result is None:
        project = context.project or "the project"
        return unknown(
            f"no report of `paved check --profile {policy.profile}` for the code that made {context.version}",
            next_step=f"run `{promote_command(context)}` in the folder of {project}",
            policy=asked,
            commit=context.commit,
        )
    too_grave = gravest_beyond(result, policy.max_severity)
    found = {"policy": asked, "report": msgspec.to_builtins(result)}
    total = sum(result.counts.values())
    if too_grave:
        return closed(
            f"{count(too_grave, 'finding')} graver than {policy.max_severity} ({result.where}):"
            f" {listed(result.findings)}",
            next_step=f"run `paved check --profile {policy.profile}` in the project and follow it",
            **found,
        )
    said = (
        "no findings" if not total else f"{count(total, 'finding')}, none graver than {policy.max_severity}"
    )
    return opened(f"{said} with profile {policy.profile} ({result.where})", **found)


def gravest_beyond(result: CheckResult, max_severity: str) -> int:
    """How many findings are graver than what is let through; an unknown severity counts as grave."""
    allowed = SEVERITIES[: SEVERITIES.index(max_severity) + 1] if max_severity != NEVER else ()
    return sum(number for severity, number in result.counts.items() if severity not in allowed)


CHECKS = Gate(
    name="checks",
    asks="Does the project pass `paved check`?",
    policy=ChecksPolicy,
    evaluate=evaluate,
)
