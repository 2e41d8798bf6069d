"""What a probe answers, and running all of them side by side, each with its own limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from pavedroad.environments.machine import Machine, end_tools

Verdict = Literal["ok", "warn", "fail"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    check: str  # `gpu`
    verdict: Verdict
    says: str
    next_step: str = ""
    details: list[str] = []


Probe = Callable[[Machine], list[Line]]


class NamedProbe(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    run: Probe
    limit_s: float = 1.5  # after this its line says so, and nobody waits for it any more


def run_probes(probes: Sequence[NamedProbe], machine: Machine) -> list[Line]:
    """All their lines, in the order of `probes`. A probe that hangs or breaks is a line that says so."""
    answers: dict[str, list[Line]] = {}
    threads = [
        threading.Thread(target=_answer, args=(probe, machine, answers), daemon=True) for probe in probes
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread, probe in zip(threads, probes, strict=True):
        thread.join(max(0.0, probe.limit_s - (time.monotonic() - started)))
    end_tools()
    return [line for probe in probes for line in answers.get(probe.name) or [_hung(probe)]]


def _answer(probe: NamedProbe, machine: Machine, answers: dict[str, list[Line]]) -> None:
    try:
        answers[probe.name] = probe.run(machine)
    except Exception as error:
        answers[probe.name] = [
            Line(
                check=probe.name,
                verdict="warn",
                says=f"could not be examined: {type(error).__name__}: {error}",
                next_step="tell it to the people who keep Pavedroad",
            )
        ]


def _hung(probe: NamedProbe) -> Line:
    return Line(
        check=probe.name,
        verdict="warn",
        says=f"no answer within {probe.limit_s:g} s",
        next_step="look whether a network folder or a device hangs, then ask again",
    )
