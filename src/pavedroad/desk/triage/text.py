"""A verdict for the terminal."""

from __future__ import annotations

import textwrap

from pavedroad.desk.triage.model import Evidence, Verdict
from pavedroad.kit.terminal import styled

SHOWN = 5
_ACTS = {
    "reporter": "the reporter can cure it",
    "team": "the team has to act",
    "either": "it is not clear who has to act",
}


def verdict_text(verdict: Verdict, *, width: int) -> str:
    first, second, *_ = verdict.likeliest
    if verdict.label:
        head = f"{styled(verdict.label, 'strong')}, {verdict.probability:.0%}; {_ACTS[verdict.acts]}"
    else:
        likely = f"{first} {verdict.probabilities[first]:.0%}, {second} {verdict.probabilities[second]:.0%}"
        head = f"{styled('no verdict', 'strong')}: {likely}; {_ACTS[verdict.acts]}"
    lines = [head]
    if verdict.exception:
        lines += [_wrapped(verdict.exception.partition("\n")[0][:400], width, "  ")]
    if verdict.evidence:
        lines += ["", styled("because", "dim")]
        lines += [_reason(one, width) for one in verdict.evidence[:SHOWN]]
    lines += ["", styled(f"to tell {first} from {second}", "dim"), _wrapped(verdict.next_check, width, "  ")]
    return "\n".join(lines)


def _reason(one: Evidence, width: int) -> str:
    leading = max(one.weights, key=lambda label: one.weights[label])
    return _wrapped(f"{one.says}: {leading} {one.weights[leading]:+.1f}", width, "  ")


def _wrapped(text: str, width: int, indent: str) -> str:
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
