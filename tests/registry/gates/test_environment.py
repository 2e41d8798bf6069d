from collections.abc import Callable

import pytest

from pavedroad.environments.examination import Report
from pavedroad.environments.probe import Line
from pavedroad.environments.store import save_report
from pavedroad.record import Record
from pavedroad.registry import Context, Outcome
from pavedroad.registry.context import environments_of
from pavedroad.registry.gate import EnvironmentSeen
from pavedroad.registry.gates.environment import DAY_MS, ENVIRONMENT

Make = Callable[..., Context]
Ask = Callable[..., Outcome]
NOW_MS = 100 * DAY_MS


def seen(machine: str, verdict: str = "ok", *, days: int = 0) -> EnvironmentSeen:
    return EnvironmentSeen(
        machine=machine,
        verdict=verdict,
        says="cuda: too new",
        next_step="lock less",
        at_ms=NOW_MS - days * DAY_MS,
    )


@pytest.mark.parametrize(
    ("environments", "policy", "verdict"),
    [
        ([], {}, "unknown"),
        ([seen("lab")], {}, "open"),
        ([seen("lab", "warn")], {}, "open"),
        ([seen("lab", "warn")], {"max_verdict": "ok"}, "closed"),
        ([seen("lab", "fail")], {}, "closed"),
        ([seen("lab", "fail")], {"max_verdict": "fail"}, "open"),
        ([seen("lab", "odd")], {"max_verdict": "fail"}, "closed"),
        ([seen("lab", "fail"), seen("gpu-1")], {"machine": "gpu-*"}, "open"),
        ([seen("lab")], {"machine": "gpu-*"}, "unknown"),
        ([seen("lab", days=31)], {}, "unknown"),
        ([seen("lab", days=31)], {"max_age_days": 60}, "open"),
        ([seen("old", "fail", days=31), seen("lab")], {}, "open"),
    ],
)
def test_the_newest_examinations_decide(
    ask: Ask, context: Make, environments: list[EnvironmentSeen], policy: dict[str, object], verdict: str
) -> None:
    asked = context(read_environments=lambda: environments, now_ms=NOW_MS, project="churn")
    assert ask(ENVIRONMENT, policy, asked).verdict == verdict


def test_it_says_what_fails_and_what_to_do(ask: Ask, context: Make) -> None:
    asked = context(
        read_environments=lambda: [seen("lab", "fail"), seen("b")], now_ms=NOW_MS, project="churn"
    )
    outcome = ask(ENVIRONMENT, {}, asked)
    assert outcome.says == "1 of 2 environments not in order: lab (cuda: too new)"
    assert outcome.next_step == "lock less"


def test_the_record_tells_the_newest_of_each_machine(any_record: Record) -> None:
    def push(machine: str, verdict: str) -> None:
        line = Line(check="gpu", verdict=verdict, says="no driver", next_step="install one")  # type: ignore[arg-type]
        report = Report(
            machine=machine, system="Linux", project="churn", python="3.11", at_ms=1, took_ms=1, lines=[line]
        )
        any_record.db.write(lambda tx: save_report(tx, report, who="ada"))

    for machine, verdict in (("lab", "fail"), ("lab", "ok"), ("box", "fail")):
        push(machine, verdict)
    found = [(each.machine, each.verdict, each.says) for each in environments_of(any_record.db, "churn")]
    assert found == [("box", "fail", "gpu: no driver"), ("lab", "ok", "in order")]
    assert environments_of(any_record.db, "") == []
