"""Asking the gates about a version on the record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from pavedroad.catalog import Project, Ref, ensure_artifact, set_owner
from pavedroad.checks import Report, save_report
from pavedroad.errors import ConfigError, Invalid
from pavedroad.kit.clock import now_ms
from pavedroad.pipelines.store import write_project
from pavedroad.record import Record
from pavedroad.registry import Context, Gate, ModelVersion, Outcome, evaluate_gates, exempt, opened, promote
from pavedroad.registry.evaluation import ask
from pavedroad.registry.policy import Question
from pavedroad.serving import Latency

NEXT_MONTH = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
WithGates = Callable[..., Record]


def verdicts(record: Record, version: ModelVersion, **doors: Any) -> dict[str, str]:
    gates = evaluate_gates(record, version, "champion", who="bob", **doors)
    return {evidence.gate: evidence.verdict for evidence in gates}


def add_project(record: Record, name: str, **gates: Any) -> None:
    project = Project(name=name, gates=gates)
    record.db.write(lambda tx: write_project(tx, project, run_id="r", at_ms=1))


def test_a_fine_version_passes_every_cheap_gate(any_make: Any, with_gates: WithGates) -> None:
    card = "Tells at departure whether a flight lands late. Trained on New York, 2013. Blind to holidays."
    version = any_make.version(metrics={"auc": 0.9}, card=card)
    record = with_gates(
        any_make.record,
        owner=True,
        signature=True,
        model_card={"min_words": 15},
        metric=[{"name": "auc", "at_least": 0.8}],
        not_worse_than={"metric": "auc"},
        contract={
            "columns": {"dep_delay": {"type": "number", "min": -60}, "carrier": {"one_of": ["UA", "DL"]}}
        },
    )
    record.db.write(lambda tx: set_owner(tx, Ref("model", "flights"), "ops", who="ada"))
    gates = evaluate_gates(record, version, "champion", who="bob")
    assert {evidence.gate: evidence.says for evidence in gates} == {
        "digest": "4 files (573 B) read, all as registered",
        "owner": "owned by ops",
        "signature": "takes 2 inputs, gives 1 output",
        "model_card": "the model card has 16 words",
        "contract": "2 columns as agreed, values seen in input example",
        "metric": "auc is 0.9, at least 0.8",
        "not_worse_than": "no champion yet",
    }
    assert all(evidence.verdict == "open" and not evidence.next_step for evidence in gates)


# ------------------------------------------------------------------------------------------- broken gates


def question(evaluate: Callable[[Any, Context], Any]) -> Question:
    class Nothing(msgspec.Struct, frozen=True):
        pass

    gate = Gate(name="odd", asks="?", policy=Nothing, evaluate=evaluate)
    return Question(gate=gate, policy=Nothing(), origin="team")


def broken(policy: Any, context: Context) -> Outcome:
    return opened(f"one in {1 / 0}")


def refusing(policy: Any, context: Context) -> Outcome:
    raise Invalid("the model cannot be read", hint="log it again")


@pytest.mark.parametrize(
    ("evaluate", "says"),
    [
        (broken, "the gate broke: ZeroDivisionError: division by zero"),
        (refusing, "the model cannot be read"),
        (lambda policy, context: True, "the gate answered True, not an Outcome"),
        (lambda policy, context: None, "the gate answered None, not an Outcome"),
    ],
)
def test_a_gate_that_breaks_is_unknown_and_never_open(evaluate: Any, says: str) -> None:
    outcome = ask(question(evaluate), None)  # type: ignore[arg-type]
    assert (outcome.verdict, outcome.says) == ("unknown", says)
    assert outcome.next_step


def test_a_manifest_that_cannot_be_read_makes_its_gates_unknown_and_no_other(
    make: Any, with_gates: WithGates
) -> None:
    record = with_gates(make.record, owner=True, signature=True, metric={"name": "auc", "at_least": 0.1})
    for written in (b"\xff not text", b"- a list", b"flavors: [", b""):
        version = make.version(metrics={"auc": 0.9}, files={"MLmodel": written})
        expected = {"digest": "open", "owner": "closed", "signature": "unknown", "metric": "open"}
        assert verdicts(record, version) == expected, written


def test_a_folder_without_manifest_has_no_signature(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, signature=True)
    assert verdicts(record, make.version(signature=None))["signature"] == "closed"


# ----------------------------------------------------------------------------------------------- exemptions


def test_an_exemption_lets_pass_until_its_day_is_over(
    make: Any, with_gates: WithGates, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = with_gates(make.record, owner=True)
    version = make.version()
    assert verdicts(record, version)["owner"] == "closed"
    made = exempt(record, "flights", 1, "owner", reason="new team", owner="ada", until=NEXT_MONTH, who="ada")
    (evidence,) = [
        each for each in evaluate_gates(record, version, "champion", who="b") if each.gate == "owner"
    ]
    assert (evidence.verdict, evidence.lets_pass, evidence.next_step) == ("exempt", True, "")
    assert evidence.says.endswith(f"exempt until {NEXT_MONTH} by ada: new team")

    monkeypatch.setattr("pavedroad.registry.context.now_ms", lambda: made.until_ms)
    (evidence,) = [
        each for each in evaluate_gates(record, version, "champion", who="b") if each.gate == "owner"
    ]
    assert (evidence.verdict, evidence.lets_pass) == ("closed", False)
    assert evidence.says.endswith(f"the exemption by ada ended with {NEXT_MONTH}")
    assert evidence.next_step


def test_an_exemption_counts_for_its_own_gate_and_version_only(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, owner=True, model_card=True)
    first, second = make.version(), make.version()
    exempt(record, "flights", 1, "owner", reason="new", owner="ada", until=NEXT_MONTH, who="ada")
    assert verdicts(record, first) == {"digest": "open", "owner": "exempt", "model_card": "closed"}
    assert verdicts(record, second)["owner"] == "closed"


def test_an_open_gate_stays_open_whoever_is_exempt(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, signature=True)
    version = make.version()
    exempt(record, "flights", 1, "signature", reason="x", owner="ada", until=NEXT_MONTH, who="ada")
    assert verdicts(record, version)["signature"] == "open"


# ------------------------------------------------------------------------------------------ whose gates


def test_the_gates_of_the_project_that_made_the_version_are_asked_too(
    any_make: Any, with_gates: WithGates
) -> None:
    add_project(any_make.record, "late", metric={"name": "auc", "at_least": 0.95})
    record = with_gates(any_make.record, metric={"name": "auc", "at_least": 0.5})
    version = any_make.version(metrics={"auc": 0.9}, tags={"paved.project": "late"})
    (evidence,) = [e for e in evaluate_gates(record, version, "champion", who="b") if e.gate == "metric"]
    assert (evidence.verdict, evidence.says) == ("closed", "auc is 0.9; it must be at least 0.95")
    assert [answer["asked_by"] for answer in evidence.inputs["answers"]] == ["team", "project late"]


def test_a_version_of_no_project_meets_the_gates_of_the_champions_project(
    make: Any, with_gates: WithGates
) -> None:
    """Otherwise logging by hand would be a way round what the project asks."""
    add_project(make.record, "late", owner=True)
    record = with_gates(make.record)
    make.version(tags={"paved.project": "late"})
    exempt(record, "flights", 1, "owner", reason="x", owner="ada", until=NEXT_MONTH, who="ada")
    assert promote(record, "flights", 1, who="ada").passed
    stranger = make.version(tags={"paved.project": "lax"})
    assert verdicts(record, stranger)["owner"] == "closed"


def test_gates_of_a_project_that_cannot_be_read_are_an_error(make: Any) -> None:
    add_project(make.record, "late", ownr=True)
    version = make.version(tags={"paved.project": "late"})
    with pytest.raises(ConfigError, match="unknown gate 'ownr' of project late"):
        evaluate_gates(make.record, version, "champion", who="b")


def test_the_owner_may_be_the_projects(make: Any, with_gates: WithGates) -> None:
    record = with_gates(make.record, owner=True)
    version = make.version(tags={"paved.project": "late"})
    assert verdicts(record, version)["owner"] == "closed"
    record.db.write(lambda tx: ensure_artifact(tx, Ref("project", "late"), who="ada", owner="ops"))
    assert verdicts(record, version)["owner"] == "open"


# ---------------------------------------------------------------------------------- measured and checked


def test_a_measured_latency_is_kept_and_counts_where_none_can_be_measured(
    any_make: Any, with_gates: WithGates
) -> None:
    record = with_gates(any_make.record, latency={"p99_ms": 20, "requests": 50, "concurrency": 2})
    version = any_make.version()
    asked: list[tuple[str, int, int]] = []

    def measure(record: Record, version: ModelVersion, *, requests: int, concurrency: int) -> Latency:
        asked.append((str(version), requests, concurrency))
        return Latency(p50_ms=2.0, p99_ms=11.0, requests=50, errors=0, seconds=1.0)

    assert verdicts(record, version) == {"digest": "open", "latency": "unknown"}
    assert promote(record, "flights", 1, who="ada", measure_latency=measure).passed
    assert asked == [("flights@1", 50, 2)]
    assert verdicts(record, version)["latency"] == "open"
    heavier = with_gates(any_make.record, latency={"p99_ms": 20, "requests": 500, "concurrency": 2})
    assert verdicts(heavier, version)["latency"] == "unknown"
    stricter = with_gates(any_make.record, latency={"p99_ms": 5, "requests": 50, "concurrency": 2})
    assert verdicts(stricter, version)["latency"] == "closed"
    assert verdicts(record, any_make.version())["latency"] == "unknown", "of other files"


def test_an_old_measurement_does_not_count(
    make: Any, with_gates: WithGates, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = with_gates(make.record, latency={"p99_ms": 20, "fresh_days": 1})
    version = make.version()

    def measure(record: Record, version: ModelVersion, *, requests: int, concurrency: int) -> Latency:
        return Latency(p50_ms=2.0, p99_ms=11.0, requests=200, errors=0, seconds=1.0)

    promote(record, "flights", 1, who="ada", measure_latency=measure)
    later = now_ms() + 2 * 24 * 3600 * 1000
    monkeypatch.setattr("pavedroad.registry.context.now_ms", lambda: later)
    assert verdicts(record, version)["latency"] == "unknown"


def report(*, commit: str, profile: str = "team", errors: int = 0) -> Report:
    return Report(
        project="late",
        root="",
        profile=profile,
        findings=(),
        waived=(),
        counts={"error": errors, "warning": 0, "note": 0},
        files=1,
        lines=1,
        digest="d",
        commit=commit,
        at_ms=1,
        took_ms=1.0,
        version="0",
    )


def test_a_recorded_report_counts_for_the_commit_that_made_the_version(
    any_make: Any, with_gates: WithGates
) -> None:
    record = with_gates(any_make.record, checks={"profile": "team"})
    version = any_make.version(tags={"paved.project": "late", "mlflow.source.git.commit": "c1"})
    assert verdicts(record, version)["checks"] == "unknown"
    record.db.write(lambda tx: save_report(tx, report(commit="c0"), who="ada"))
    assert verdicts(record, version)["checks"] == "unknown", "a report about other code"
    record.db.write(lambda tx: save_report(tx, report(commit="c1", profile="explore"), who="ada"))
    assert verdicts(record, version)["checks"] == "unknown", "a report with another profile"
    record.db.write(lambda tx: save_report(tx, report(commit="c1"), who="ada"))
    assert verdicts(record, version)["checks"] == "open"
    record.db.write(lambda tx: save_report(tx, report(commit="c1", errors=2), who="ada"))
    assert verdicts(record, version)["checks"] == "closed"


def test_checks_run_where_the_folder_is_are_kept_for_where_it_is_not(
    make: Any, with_gates: WithGates
) -> None:
    record = with_gates(make.record, checks=True)
    version = make.version(tags={"paved.project": "late"})
    assert promote(record, "flights", 1, who="ada", check_project=lambda profile: report(commit="")).passed
    assert verdicts(record, version)["checks"] == "open"
