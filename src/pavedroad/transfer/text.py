"""The report of a transfer, for the terminal."""

from __future__ import annotations

from pavedroad.kit.terminal import styled, table
from pavedroad.kit.text import count, size
from pavedroad.transfer.model import KINDS, Report

SHOWN_PROBLEMS = 10


def report_text(report: Report, *, width: int) -> str:
    lines = [f"{report.origin} → {report.target}", ""]
    rows = [
        (kind, f"{each.source:,}", f"{each.taken:,}", f"{each.already:,}", f"{each.not_taken:,}")
        for kind in KINDS
        if (each := report.counts[kind]).source
    ]
    there = "there" if report.verb != "imported" else "here"
    heads = ("", "source", "to take" if report.dry_run else "taken", f"already {there}", "not taken")
    if rows:
        lines += [table(heads, rows, right=heads[1:], fit=width), ""]
    else:
        lines += ["the source holds nothing", ""]
    lines += [f"note: {text}" for text in report.notes]
    lines += _problems(report)
    lines.append(_summary(report))
    return "\n".join(lines)


def _problems(report: Report) -> list[str]:
    if not report.problems:
        return []
    total = sum(each.not_taken for each in report.counts.values())
    lines = ["not taken:"]
    lines += [f"  {problem.what}: {problem.why}" for problem in report.problems[:SHOWN_PROBLEMS]]
    if total > len(lines) - 1:
        lines.append(
            f"  … and {total - len(lines) + 1:,} more; --json names the first {len(report.problems)}"
        )
    return [*lines, ""]


def _summary(report: Report) -> str:
    if report.dry_run:
        return "nothing was written: this was a dry run"
    changed = any(each.taken for each in report.counts.values())
    if not report.matches:
        return styled("the counts do not match: not everything was taken", "bad")
    if not changed:
        return styled("nothing to do: everything is there already", "good")
    files = f", {size(report.bytes)} of files" if report.bytes else ""
    runs = count(report.counts["runs"].taken, "run")
    return styled(f"the counts match; {report.verb} {runs}{files} in {report.seconds:.1f} s", "good")
