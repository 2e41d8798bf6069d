"""What gates said, as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pavedroad.kit.terminal import Style, styled
from pavedroad.kit.text import count
from pavedroad.registry.model import Evidence, GateEvaluation
from pavedroad.registry.promotion import Decision

# Shape and word, so that nothing depends on colour alone.
MARKS: dict[str, tuple[str, Style]] = {
    "open": ("●", "good"),
    "closed": ("✕", "bad"),
    "exempt": ("~", "warn"),
    "unknown": ("?", "warn"),
}
VERDICT_WIDTH = len("● unknown")


def gates_text(gates: Sequence[Evidence], *, width: int) -> str:
    """One gate under the other: verdict, name, what it found, what to do."""
    name_width = max((len(evidence.gate) for evidence in gates), default=0)
    room = max(20, width - VERDICT_WIDTH - name_width - 4)
    lines = []
    for evidence in gates:
        mark, style = MARKS[evidence.verdict]
        verdict = styled(f"{mark} {evidence.verdict}".ljust(VERDICT_WIDTH), style)
        head = f"{verdict}  {evidence.gate.ljust(name_width)}  "
        said = _wrapped(evidence.says, room)
        if evidence.next_step:
            said += [styled(line, "dim") for line in _wrapped(f"next: {evidence.next_step}", room)]
        indent = " " * (VERDICT_WIDTH + name_width + 4)
        lines += [head + said[0], *(indent + line for line in said[1:])]
    return "\n".join(lines)


def decision_text(decision: Decision, *, width: int) -> str:
    """The gates and what followed from them."""
    before = f" (before: {decision.name}@{decision.previous})" if decision.previous else ""
    if not decision.is_gated:
        return f"{decision} is {decision.alias} of {decision.name}{before}; no gate guards this alias"
    gates = gates_text(decision.gates, width=width)
    if not decision.passed:
        closed = len(decision.closed)
        are = f"{count(closed, 'gate')} {'is' if closed == 1 else 'are'} closed"
        verdict = "\n".join(_wrapped(f"{are}: {decision} did not become {decision.alias}", width))
        return f"{gates}\n\n{styled(verdict, 'bad')}" if gates else styled(verdict, "bad")
    if decision.previous == decision.version:
        before = " already"
    verdict = styled(f"{decision} is {decision.alias}{before}", "good")
    return f"{gates}\n\n{verdict}" if gates else verdict


def summary(evaluation: GateEvaluation | None) -> str:
    """`8 open, 1 exempt`; `-` when no gate was asked yet."""
    if evaluation is None:
        return "-"
    verdicts = [evidence.verdict for evidence in evaluation.gates]
    return ", ".join(f"{verdicts.count(each)} {each}" for each in MARKS if each in verdicts) or "none asked"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]
