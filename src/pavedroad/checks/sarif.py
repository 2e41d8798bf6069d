"""A report as SARIF 2.1.0, which code hosts and editors read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pavedroad.checks.model import Finding, Fix, Place, Report, Rule
from pavedroad.checks.ruff import PREFIX, ruff_rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
INFORMATION = "https://github.com/pavedroad/pavedroad/tree/main/docs"


def report_sarif(report: Report, rules: Iterable[Rule]) -> dict[str, Any]:
    every = [*report.findings, *report.waived, *report.known]
    known = {rule.code: rule for rule in rules} | {
        finding.code: ruff_rule(finding.code.removeprefix(PREFIX), finding.name)
        for finding in every
        if finding.code.startswith(PREFIX)
    }
    is_known = {id(finding) for finding in report.known}
    found = sorted({finding.code for finding in every})
    index = {code: at for at, code in enumerate(found)}
    run = {
        "tool": {
            "driver": {
                "name": "Pavedroad",
                "version": report.version,
                "informationUri": INFORMATION,
                "rules": [_rule(known[code], report.profile) for code in found],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [
            _result(finding, index[finding.code], Path(report.root), is_known=id(finding) in is_known)
            for finding in every
        ],
        "properties": {"project": report.project, "profile": report.profile, "digest": report.digest},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(report: Report) -> dict[str, Any]:
    failures = [
        {"level": "error", "message": {"text": f"{failure.code} of {failure.package} failed: {failure.says}"}}
        for failure in report.failures
    ]
    return {"executionSuccessful": not failures, "toolExecutionNotifications": failures}


def _rule(rule: Rule, profile: str) -> dict[str, Any]:
    level = rule.levels.get(profile) or next(iter(rule.levels.values()))
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.sections["Why"]},
        "help": {"text": rule.sections["Why"], "markdown": _markdown(rule)},
        "helpUri": _page_of(rule),
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [rule.family]},
    }


def _page_of(rule: Rule) -> str:
    if rule.package == "ruff":
        return f"https://docs.astral.sh/ruff/rules/{rule.name}"
    return f"{INFORMATION}/rules/{rule.code}.md"


def _markdown(rule: Rule) -> str:
    return "\n\n".join(f"**{name}**\n\n{text}" for name, text in rule.sections.items())


def _result(finding: Finding, rule_index: int, root: Path, *, is_known: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": finding.severity,
        "message": {"text": f"{finding.says}. {finding.hint}" if finding.hint else finding.says},
        "locations": [_location(finding, root)],
        "partialFingerprints": {"paved/v1": finding.fingerprint},
    }
    if finding.waiver:
        kind = "external" if finding.waiver.place.path == "pyproject.toml" else "inSource"
        result["suppressions"] = [
            {"kind": kind, "status": "accepted", "justification": finding.waiver.reason}
        ]
    if is_known:
        result["baselineState"] = "unchanged"
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": "it is in the baseline"}
        ]
    if finding.fix:
        result["fixes"] = [_fix(finding.fix)]
    return result


def _location(finding: Finding, root: Path) -> dict[str, Any]:
    place = finding.place
    if place.cell:
        region: dict[str, Any] = {"startLine": line_in_notebook(root / place.path, place, finding.source)}
    else:
        region = {"startLine": place.line, "startColumn": place.column}
        if place.end_line:
            region["endLine"] = place.end_line
        if place.end_column:
            region["endColumn"] = place.end_column
    if finding.source:
        region["snippet"] = {"text": "\n".join(finding.source)}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(place.path)}, "region": region}
    }
    if place.cell:
        location["logicalLocations"] = [{"name": f"cell {place.cell}", "kind": "module"}]
    return location


def _fix(fix: Fix) -> dict[str, Any]:
    paths = dict.fromkeys(edit.path for edit in fix.edits)
    return {
        "description": {"text": fix.says},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": quote(path)},
                "replacements": [
                    {
                        "deletedRegion": {"charOffset": edit.start, "charLength": edit.end - edit.start},
                        "insertedContent": {"text": edit.text},
                    }
                    for edit in fix.edits
                    if edit.path == path
                ],
            }
            for path in paths
        ],
    }


def line_in_notebook(file: Path, place: Place, source: tuple[str, ...]) -> int:
    """The line of the JSON that holds a cell's line: after the cell's own `cell_type`, else that one."""
    try:
        lines = file.read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return 1
    starts = [number for number, line in enumerate(lines) if '"cell_type"' in line]
    start = starts[place.cell - 1] if 0 < place.cell <= len(starts) else 0
    text = source[0] if source else ""
    wanted = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    for number in range(start, len(lines)):
        if text and any(spelling in lines[number] for spelling in wanted):
            return number + 1
    return start + 1
