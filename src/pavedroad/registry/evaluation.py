"""Asking the gates: which ones, about what, and what they answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pavedroad.config import Settings
from pavedroad.errors import PavedError
from pavedroad.pipelines import latest_project
from pavedroad.record import Record
from pavedroad.registry import store
from pavedroad.registry.context import CheckProject, MeasureLatency, last_holder, make_context
from pavedroad.registry.gate import Context, Outcome, unknown
from pavedroad.registry.gates import GATES
from pavedroad.registry.model import Evidence, Exemption, ModelVersion, Verdict
from pavedroad.registry.policy import Question, TeamGates, read_project_gates, read_team_gates
from pavedroad.registry.provenance import PROJECT_TAG, provenance_of

WORST_FIRST: tuple[Verdict, ...] = ("closed", "unknown", "open")


def team_gates(settings: Settings) -> TeamGates:
    return read_team_gates(settings.gates)


def evaluate_gates(
    record: Record,
    version: ModelVersion,
    alias: str,
    *,
    who: str,
    measure_latency: MeasureLatency | None = None,
    check_project: CheckProject | None = None,
) -> list[Evidence]:
    """What every gate says about giving `alias` to `version`, in the order of the gates. Stores nothing.

    Raises: ConfigError when the team's or a project's gates cannot be read.
    """
    questions = questions_about(record, version, alias)
    context = make_context(
        record, version, alias, measure_latency=measure_latency, check_project=check_project
    )
    exemptions = store.list_exemptions(record.db, version.uid)
    return [
        evidence_of([(question, ask(question, context)) for question in same_gate], exemptions, context, who)
        for same_gate in by_gate(questions)
    ]


def questions_about(record: Record, version: ModelVersion, alias: str) -> list[Question]:
    """The team's questions, those of the project that made the version, and those of whoever holds the alias.

    The last keep a version from entering a model through a project, or no project, that asks for less.
    """
    db = record.db
    aliases = dict.fromkeys((alias, *team_gates(record.settings).aliases))
    holders = [last for held in aliases if (last := last_holder(db, version.name, held)) is not None]
    makers = [(version.run_id, version.model_id), *((run_id, model_id) for _, run_id, model_id in holders)]
    projects = [provenance_of(db, run_id, model_id).tag(PROJECT_TAG) for run_id, model_id in makers]
    questions = list(team_gates(record.settings).questions)
    for name in dict.fromkeys(filter(None, projects)):
        project = latest_project(db, name)
        if project is not None:
            questions += read_project_gates(project.manifest.gates, name)
    return questions


def by_gate(questions: Iterable[Question]) -> list[list[Question]]:
    """Questions about one gate together, each policy once, in the order of the gates."""
    groups: dict[str, list[Question]] = {}
    for question in questions:
        group = groups.setdefault(question.gate.name, [])
        if all(question.policy != other.policy for other in group):
            group.append(question)
    order = [gate.name for gate in GATES]
    names = sorted(groups, key=lambda name: order.index(name) if name in order else len(order))
    return [groups[name] for name in names]


def ask(question: Question, context: Context) -> Outcome:
    """A gate that breaks does not know, and so does not let anything pass."""
    try:
        outcome = question.gate.evaluate(question.policy, context)
    except (
        PavedError
    ) as error:  # e.g. a model's files that cannot be read, or a version that cannot be served
        return unknown(_one_line(error.message), next_step=error.hint)
    except Exception as error:  # whatever a gate of another package does
        return unknown(
            _one_line(f"the gate broke: {type(error).__name__}: {error}"),
            next_step=f"look into the gate {question.gate.name!r}, then ask again",
        )
    if not isinstance(outcome, Outcome) or outcome.verdict not in WORST_FIRST:
        return unknown(
            f"the gate answered {outcome!r:.200}, not an Outcome", next_step="tell the authors of that gate"
        )
    return outcome


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]


def evidence_of(
    answers: list[tuple[Question, Outcome]], exemptions: list[Exemption], context: Context, who: str
) -> Evidence:
    """The answers of one gate as one: the worst verdict, and why."""
    gate = answers[0][0].gate
    verdict: Verdict = next(
        worst for worst in WORST_FIRST if any(outcome.verdict == worst for _, outcome in answers)
    )
    deciding = [outcome for _, outcome in answers if outcome.verdict == verdict]
    says = "; ".join(dict.fromkeys(outcome.says for outcome in deciding))
    next_step = "; ".join(dict.fromkeys(outcome.next_step for outcome in deciding if outcome.next_step))
    inputs: dict[str, Any] = {
        "answers": [
            {**outcome.inputs, "asked_by": question.origin, "verdict": outcome.verdict, "says": outcome.says}
            for question, outcome in answers
        ]
    }
    exemption = next((found for found in exemptions if found.gate == gate.name), None)
    if verdict != "open" and exemption is not None and gate.can_be_exempted:
        inputs["exemption"] = msgspec.to_builtins(exemption)
        until = exemption.last_day
        if exemption.holds(context.now_ms):
            verdict = "exempt"
            says = f"{says}; exempt until {until} by {exemption.owner}: {exemption.reason}"
        else:
            says = f"{says}; the exemption by {exemption.owner} ended with {until}"
    return Evidence(
        gate=gate.name,
        verdict=verdict,
        says=says,
        next_step="" if verdict in ("open", "exempt") else next_step,
        inputs=inputs,
        at_ms=context.now_ms,
        who=who,
    )
