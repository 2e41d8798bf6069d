"""Whether the clock can be right: tokens, certificates and schedules depend on it."""

from __future__ import annotations

from pavedroad.environments.machine import Machine
from pavedroad.environments.probe import Line
from pavedroad.kit.clock import utc_iso

BUILT_MS = 1_764_000_000_000  # November 2025: no clock is right that is before this program
AHEAD_MS = 5 * 60_000
SET = "set the clock, e.g. `timedatectl set-ntp true`"


def clock(machine: Machine) -> list[Line]:
    now = _minute(machine.now_ms)
    if machine.now_ms < BUILT_MS:
        return [Line(check="clock", verdict="fail", says=f"it says {now} UTC, which is past", next_step=SET)]
    answer = machine.ask("git", "-C", str(machine.project), "log", "-1", "--format=%ct")
    if answer.status == "ok" and answer.text.strip().isdigit():
        newest_ms = int(answer.text.strip()) * 1000
        if newest_ms > machine.now_ms + AHEAD_MS:
            return [
                Line(
                    check="clock",
                    verdict="fail",
                    says=f"it says {now} UTC, but the last commit was at {_minute(newest_ms)}",
                    next_step=SET,
                )
            ]
    told = machine.ask("timedatectl", "show", "-p", "NTPSynchronized", "--value", limit_s=1.0)
    if told.status == "ok" and told.text.strip() == "no":
        return [
            Line(
                check="clock",
                verdict="warn",
                says=f"{now} UTC, and nothing keeps it right",
                next_step=SET,
            )
        ]
    kept = ", kept right by the network" if told.status == "ok" and told.text.strip() == "yes" else ""
    return [Line(check="clock", verdict="ok", says=f"{now} UTC{kept}")]


def _minute(at_ms: int) -> str:
    return utc_iso(at_ms)[:16].replace("T", " ")
