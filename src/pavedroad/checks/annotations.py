"""A report as workflow commands of GitHub Actions, which shows each finding beside its line in the change."""

from __future__ import annotations

from pathlib import Path

from pavedroad.checks.model import Finding, Report
from pavedroad.checks.sarif import line_in_notebook
from pavedroad.checks.text import summary

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def report_annotations(report: Report) -> str:
    lines = [_annotation(finding, Path(report.root)) for finding in report.findings]
    for failure in report.failures:
        says = f"the rule {failure.code} of {failure.package} failed: {failure.says}"
        lines.append(f"::error title=paved check::{_escaped(says)}")
    return "\n".join([*lines, summary(report)])


def _annotation(finding: Finding, root: Path) -> str:
    place = finding.place
    fields = {"file": place.path, "line": str(place.line)}
    if place.cell:
        fields["line"] = str(line_in_notebook(root / place.path, place, finding.source))
    elif place.end_column:
        fields |= {
            "endLine": str(place.last_line),
            "col": str(place.column),
            "endColumn": str(place.end_column),
        }
    fields["title"] = f"{finding.code} {finding.name}"
    shown = ",".join(f"{name}={_escaped_field(value)}" for name, value in fields.items())
    says = f"{finding.says}\nnext: {finding.hint}" if finding.hint else finding.says
    return f"::{_COMMANDS[finding.severity]} {shown}::{_escaped(says)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_field(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
