from __future__ import annotations

from collections.abc import Callable

import pytest

from pavedroad.checks import SEVERITIES as SEVERITIES_OF_CHECKS
from pavedroad.registry import CheckResult, Context, Outcome
from pavedroad.registry.gates.checks import CHECKS, SEVERITIES

Make = Callable[..., Context]
Ask = Callable[..., Outcome]


def found(**counts: int) -> CheckResult:
    findings = [f"DEP101 uv.lock: {severity}" for severity, number in counts.items() for _ in range(number)]
    return CheckResult(profile="team", counts=counts, findings=findings, where="project folder")


def test_the_severities_are_those_of_the_checks() -> None:
    assert sorted(SEVERITIES) == sorted(SEVERITIES_OF_CHECKS)


@pytest.mark.parametrize(
    ("counts", "max_severity", "verdict"),
    [
        ({}, "none", "open"),
        ({"note": 1}, "none", "closed"),
        ({"note": 1}, "note", "open"),
        ({"warning": 1}, "note", "closed"),
        ({"warning": 2, "note": 1}, "warning", "open"),
        ({"error": 1}, "warning", "closed"),
        ({"error": 1}, "error", "open"),
        ({"fatal": 1}, "error", "closed"),
        ({"error": 0, "warning": 0, "note": 0}, "none", "open"),
    ],
)
def test_findings_graver_than_allowed_close_it(
    ask: Ask, context: Make, counts: dict[str, int], max_severity: str, verdict: str
) -> None:
    result = found(**counts)
    outcome = ask(CHECKS, {"max_severity": max_severity}, context(check_project=lambda profile: result))
    assert outcome.verdict == verdict


def test_it_asks_for_the_profile_of_the_policy(ask: Ask, context: Make) -> None:
    asked: list[str] = []

    def check(profile: str) -> CheckResult:
        asked.append(profile)
        return found()

    outcome = ask(CHECKS, {"profile": "production"}, context(check_project=check))
    assert (asked, outcome.says) == (
        ["production"],
        "no findings with profile production (project folder)",
    )


def test_a_closed_one_shows_the_first_findings(ask: Ask, context: Make) -> None:
    outcome = ask(CHECKS, True, context(check_project=lambda profile: found(error=5)))
    assert outcome.says.startswith("5 findings graver than warning (project folder): DEP101 uv.lock: error,")
    assert outcome.says.endswith("and 2 others")


def test_without_a_report_for_this_code_it_is_unknown(ask: Ask, context: Make) -> None:
    outcome = ask(CHECKS, True, context(project="late-flights"))
    assert outcome.verdict == "unknown"
    assert outcome.next_step == "run `paved promote flights@3 --to champion` in the folder of late-flights"
