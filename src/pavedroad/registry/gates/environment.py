"""Do the environments that the project runs in work?"""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from pavedroad.errors import did_you_mean
from pavedroad.kit.text import count
from pavedroad.registry.gate import Context, EnvironmentSeen, Gate, Outcome, closed, listed, opened, unknown

DAY_MS = 24 * 60 * 60_000
VERDICTS = ("ok", "warn", "fail")  # mild to grave


class EnvironmentPolicy(msgspec.Struct, frozen=True, kw_only=True):
    machine: str = "*"  # a pattern of the machines that count
    max_age_days: int = 30  # an older examination counts for nothing
    max_verdict: str = "warn"  # the gravest that is let through

    def __post_init__(self) -> None:
        if self.max_age_days < 1:
            raise ValueError(f"max_age_days {self.max_age_days} is less than a day")
        if self.max_verdict not in VERDICTS:
            raise ValueError(
                f"unknown verdict {self.max_verdict!r}; {did_you_mean(self.max_verdict, VERDICTS)}"
            )


def evaluate(policy: EnvironmentPolicy, context: Context) -> Outcome:
    asked = msgspec.to_builtins(policy)
    project = context.project or "the project"
    oldest_ms = context.now_ms - policy.max_age_days * DAY_MS
    seen = [each for each in context.read_environments() if fnmatchcase(each.machine, policy.machine)]
    recent = [each for each in seen if each.at_ms >= oldest_ms]
    if not recent:
        old = f"; {count(len(seen), 'older one')}" if seen else ""
        where = "" if policy.machine == "*" else f" on {policy.machine}"
        return unknown(
            f"no examination of {project}{where} within {count(policy.max_age_days, 'day')}{old}",
            next_step="run `paved doctor --push` in the project, on each machine that serves it",
            policy=asked,
        )
    found = {"policy": asked, "environments": [msgspec.to_builtins(each) for each in recent]}
    bad = [each for each in recent if _grave(each.verdict) > _grave(policy.max_verdict)]
    if bad:
        return closed(
            f"{len(bad)} of {count(len(recent), 'environment')} not in order: "
            f"{listed([f'{each.machine} ({each.says})' for each in bad])}",
            next_step=bad[0].next_step or "see /environments",
            **found,
        )
    return opened(f"{count(len(recent), 'environment')} in order: {_names(recent)}", **found)


def _grave(verdict: str) -> int:
    """An unknown word counts as grave."""
    return VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS)


def _names(seen: list[EnvironmentSeen]) -> str:
    return listed(sorted(each.machine for each in seen))


ENVIRONMENT = Gate(
    name="environment",
    asks="Do the environments that the project runs in work?",
    policy=EnvironmentPolicy,
    evaluate=evaluate,
)
