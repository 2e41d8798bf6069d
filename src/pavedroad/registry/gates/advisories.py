"""Does an upstream change break, or will it, the project that made the model?"""

from __future__ import annotations

import msgspec

from pavedroad.errors import did_you_mean
from pavedroad.kit.text import count
from pavedroad.registry.gate import Context, Gate, Outcome, closed, listed, opened, unknown

EFFECTS = ("warns", "changes-results", "may-break", "breaks")  # mild to grave
NEVER = "none"  # max_effect of a project that must not be exposed to anything


class AdvisoriesPolicy(msgspec.Struct, frozen=True, kw_only=True):
    max_effect: str = "warns"  # the gravest exposure that is let through
    accept: tuple[str, ...] = ()  # ids of advisories that do not count

    def __post_init__(self) -> None:
        known = (NEVER, *EFFECTS)
        if self.max_effect not in known:
            raise ValueError(f"unknown effect {self.max_effect!r}; {did_you_mean(self.max_effect, known)}")


def evaluate(policy: AdvisoriesPolicy, context: Context) -> Outcome:
    seen = context.read_advisories()
    asked = msgspec.to_builtins(policy)
    project = context.project or "the project"
    if seen is None or (context.commit and seen.commit and seen.commit != context.commit):
        known = "" if seen is None else f", only at commit {seen.commit[:10]}"
        return unknown(
            f"nothing is known of what {project} uses at the commit of {context.version}{known}",
            next_step="run `paved check --push` in the project, at that commit",
            policy=asked,
            commit=context.commit,
        )
    counted = [case for case in seen.exposed if case.id not in policy.accept]
    bad = [case for case in counted if _grave(case.effect) > _grave(policy.max_effect)]
    found = {"policy": asked, "exposed": msgspec.to_builtins(seen.exposed), "at_ms": seen.at_ms}
    if bad:
        return closed(
            f"{project} is exposed to {count(len(bad), 'upstream change')}: "
            f"{listed([f'{case.id} {case.effect} ({case.decided})' for case in bad])}",
            next_step="run `paved advisories` in the project; `--fix` applies the safe ones",
            **found,
        )
    mild = f"; {count(len(counted), 'milder one')}" if counted else ""
    return opened(f"{project} is exposed to no upstream change that is grave enough{mild}", **found)


def _grave(effect: str) -> int:
    """An unknown word counts as grave."""
    if effect == NEVER:
        return -1
    return EFFECTS.index(effect) if effect in EFFECTS else len(EFFECTS)


ADVISORIES = Gate(
    name="advisories",
    asks="Is the project that made the model safe from known upstream changes?",
    policy=AdvisoriesPolicy,
    evaluate=evaluate,
)
