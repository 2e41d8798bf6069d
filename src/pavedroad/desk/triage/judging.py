"""From evidence to a verdict: log-odds are added, the likeliest label is named if it is likely enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from pavedroad.desk.triage.advice import advice_on
from pavedroad.desk.triage.model import CONFIDENT, CURED_BY_REPORTER, LABELS, Evidence, Raised, Trace, Verdict
from pavedroad.desk.triage.parsing import parse_trace
from pavedroad.desk.triage.places import Place, place_of
from pavedroad.desk.triage.rules import Rule, all_rules, evidence_of
from pavedroad.desk.triage.signature import signature_of

AS_CONSEQUENCE = 0.3  # how much an exception counts that came after the cause
# Where nothing else speaks: most failures of small teams are the job's own and its environment's.
PRIOR: Mapping[str, float] = {
    "user": 0.5, "data": 0.0, "environment": 0.2, "upstream": -0.6, "platform": -0.4, "infrastructure": 0.0,
}  # fmt: skip
_CHECKS = {
    ("user", "data"): "run the step on the input of the last good run: if it passes, the data changed",
    ("user", "environment"): "compare the installed versions with those of the last good run",
    ("user", "upstream"): "call the library alone, as documented: if that fails, it is the library",
    ("user", "platform"): "run the step here without the platform: if it passes, it is the platform",
    ("user", "infrastructure"): "run it again on another machine, or with half the batch",
    ("data", "environment"): "read the same file with the lock of the last good run",
    ("data", "upstream"): "read a small file made by hand: if that fails too, it is the library",
    ("data", "platform"): "read the same file outside the platform: if that fails too, it is the file",
    ("data", "infrastructure"): "copy the file again and compare its size and digest with the source",
    ("environment", "upstream"): "install the versions of the last good run: if it passes, pin them",
    ("environment", "platform"): "import the package in the job's image by hand",
    ("environment", "infrastructure"): "run `paved doctor` where it failed",
    ("upstream", "platform"): "call the library outside the platform: if that fails too, it is the library",
    ("upstream", "infrastructure"): "run it again unchanged: a defect of a library comes back",
    ("platform", "infrastructure"): "look at the component's own log, and at others' runs of that hour",
}


def judge_text(text: str) -> Verdict:
    """The verdict on a traceback or a log by itself."""
    return judge(parse_trace(text))


def judge(trace: Trace, more: Iterable[Evidence] = (), *, rules: tuple[Rule, ...] | None = None) -> Verdict:
    """The verdict on a failure; `more` is what else is known of it, such as what changed since it worked.

    `rules` are those that may speak; None: all.
    """
    evidence = [*_evidence(trace, all_rules() if rules is None else rules), *more]
    odds: dict[str, float] = {label: PRIOR[label] for label in LABELS}
    for one in evidence:
        for label, weight in one.weights.items():
            odds[label] += weight
    probabilities = _softmax(odds) if evidence else dict.fromkeys(odds, 1 / len(odds))
    first, second = sorted(probabilities, key=lambda label: -probabilities[label])[:2]
    is_sure = probabilities[first] >= CONFIDENT
    return Verdict(
        label=first if is_sure else "",
        probability=round(probabilities[first], 3),
        probabilities={label: round(value, 3) for label, value in probabilities.items()},
        evidence=tuple(sorted(evidence, key=lambda one: -one.strength)),
        acts=_acts(probabilities, first, is_sure),
        next_check=_next_check(first, second),
        signature=signature_of(trace),
        exception=trace.cause.said[:2000],
    )


def _evidence(trace: Trace, rules: tuple[Rule, ...]) -> list[Evidence]:
    found = []
    for at, raised in enumerate(trace.raised):
        place = place_of(raised, below=trace.raised[at + 1 :])
        share = 1.0 if at == 0 else AS_CONSEQUENCE
        found += evidence_of(raised, place, rules, share=share)
        if at == 0:
            found += filter(None, (_by_place(place), advice_on(raised, place)))
    if not trace.raised:
        found += evidence_of(_as_raised(trace.log), Place(), rules)
    strongest: dict[str, Evidence] = {}
    for one in found:  # the same rule twice in a chain is one reason
        if one.name not in strongest or one.strength > strongest[one.name].strength:
            strongest[one.name] = one
    return list(strongest.values())


def _by_place(place: Place) -> Evidence | None:
    """What the stack alone says; little, and it decides where no word does."""
    known = {
        "job": ("raised in the job's own code", {"user": 0.9, "upstream": -0.8, "platform": -0.6}),
        "library": ("raised in a library", {"upstream": 0.3, "platform": -0.3}),
        "platform": ("raised in the platform's code", {"platform": 0.6, "user": -0.2}),
    }
    if place.last not in known:
        return None
    says, weights = known[place.last]
    if place.last == "library" and place.caller == "job":
        says, weights = (
            "raised in a library that the job called",
            {"user": 0.3, "data": 0.3, "upstream": -0.2},
        )
    return Evidence(
        name="place", says=says, weights=weights, source="the frame that raised, and the nearest other one"
    )


def _as_raised(log: str) -> Raised:
    """A log without any exception: its last lines speak."""
    return Raised(message="\n".join(log.strip().splitlines()[-200:]))


def _softmax(odds: Mapping[str, float]) -> dict[str, float]:
    largest = max(odds.values())
    powers = {label: math.exp(value - largest) for label, value in odds.items()}
    total = sum(powers.values())
    return {label: power / total for label, power in powers.items()}


def _acts(
    probabilities: Mapping[str, float], first: str, is_sure: bool
) -> Literal["reporter", "team", "either"]:
    reporter = sum(value for label, value in probabilities.items() if label in CURED_BY_REPORTER)
    if not is_sure and 0.4 < reporter < 0.6:
        return "either"
    if is_sure:
        return "reporter" if first in CURED_BY_REPORTER else "team"
    return "reporter" if reporter >= 0.5 else "team"


def _next_check(first: str, second: str) -> str:
    return _CHECKS.get((first, second)) or _CHECKS[(second, first)]
