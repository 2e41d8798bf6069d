"""A report as a person reads it at 80 columns: the place, the sentence, the line itself, the next step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pavedroad.checks.model import UNSAFE, Finding, Report
from pavedroad.kit.clock import duration
from pavedroad.kit.terminal import Style, len_shown, styled
from pavedroad.kit.text import count

STYLES: dict[str, Style] = {"error": "bad", "warning": "warn", "note": "dim"}
CUT = "…"


def report_text(report: Report, *, width: int) -> str:
    blocks = [finding_text(finding, width=width) for finding in report.findings]
    return "\n\n".join([*blocks, summary(report)])


def finding_text(finding: Finding, *, width: int) -> str:
    head = f"{styled(str(finding.place), 'strong')}  {styled(finding.severity, STYLES[finding.severity])}"
    lines = [f"{head}  {finding.code} {finding.name}"]
    lines += textwrap.wrap(finding.says, width, initial_indent="  ", subsequent_indent="  ")
    lines += _source(finding, width)
    if finding.hint:
        hint = f"next: {finding.hint}{_how_to_fix(finding)}"
        lines += textwrap.wrap(
            hint, width, initial_indent="  ", subsequent_indent="        ", break_long_words=False
        )
    return "\n".join(lines)


def summary(report: Report) -> str:
    """One or two lines: how many of what, and what can be fixed."""
    shown = [count(number, severity) for severity, number in report.counts.items() if number]
    seen = f"{count(report.files, 'file')}, profile {report.profile}, {duration(report.took_ms)}"
    lines = [f"{', '.join(shown) or 'no findings'} in {seen}"]
    if report.waived:
        lines[0] += f"; {len(report.waived)} ignored with a reason"
    if report.known:
        lines[0] += f"; {len(report.known)} known from the baseline"
    safe = [finding for finding in report.findings if finding.fix and finding.fix.safety != UNSAFE]
    fixable = [finding for finding in report.findings if finding.fix]
    if fixable:
        command = "paved check --fix" if len(safe) == len(fixable) else "paved check --fix --unsafe"
        lines.append(f"{len(fixable)} can be fixed: {command} (look first: add --diff)")
    lines += report.remarks
    for failure in report.failures:
        rule = f"{failure.code} of {failure.package}"
        lines.append(styled(f"the rule {rule} failed and found nothing: {failure.says}", "bad"))
    return "\n".join(lines)


def _how_to_fix(finding: Finding) -> str:
    if finding.fix is None:
        return ""
    return " (or --fix --unsafe)" if finding.fix.safety == UNSAFE else " (or --fix)"


def _source(finding: Finding, width: int) -> Iterator[str]:
    """The line and what is meant in it; a long line is cut around the place."""
    if not finding.source or not finding.source[0].strip():
        return
    line = "".join(" " if not character.isprintable() else character for character in finding.source[0])
    start = finding.place.column - 1
    one_line = finding.place.last_line == finding.place.line
    end = finding.place.end_column - 1 if one_line and finding.place.end_column else len(line.rstrip())
    margin = len(line) - len(line.lstrip())
    line, start, end = line[margin:], max(0, start - margin), max(0, end - margin)
    number = str(finding.place.line)
    room = width - 2 - len(number) - 4
    if len_shown(line) > room:
        first = max(0, min(start - 8, len(line) - room + 1))
        before = CUT if first else ""
        line = before + line[first : first + room - 2]
        start, end = start - first + len(before), min(end - first + len(before), len(line))
        line += CUT
    yield f"  {styled(f'{number} |', 'dim')} {line.rstrip()}"
    if finding.place.end_column and end > start:
        pad = " " * len_shown(line[:start])
        yield f"  {styled(' ' * len(number) + ' |', 'dim')} {pad}{'^' * max(1, len_shown(line[start:end]))}"
