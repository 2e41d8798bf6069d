"""A report as one HTML file that needs nothing else: to be kept with a build, sent by mail, or printed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pavedroad.checks.model import SEVERITIES, Finding, Report, Rule, family_of
from pavedroad.checks.rules import FAMILIES
from pavedroad.kit.clock import duration, utc_iso
from pavedroad.kit.svg import Svg, element, picture
from pavedroad.kit.text import count
from pavedroad.web.page import STATIC

MOST_SHOWN = 100  # findings of one rule
BAR_WIDTH, BAR_HEIGHT = 600, 16


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, as the page shows it."""

    severity: str
    place: str
    says: str
    hint: str
    number: int  # of its first line; 0: there is no line to show
    before: str
    marked: str
    after: str


class RuleGroup(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str
    title: str
    why: str
    total: int
    lines: tuple[Line, ...]


class FamilyGroup(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    title: str
    counts: dict[str, int]
    said: str
    bar: Svg
    rules: tuple[RuleGroup, ...]


class ReportPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the template may use."""

    title: str
    state: str  # good, warn or bad
    verdict: str
    facts: str
    families: tuple[FamilyGroup, ...]
    caption: str  # of the picture
    kept: tuple[tuple[str, str, str], ...]  # place, rule, why it is kept
    failures: tuple[str, ...]
    fixable: str
    style: str


def report_html(report: Report, rules: Sequence[Rule]) -> str:
    folder = str(files("pavedroad.checks") / "templates")
    pages = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return pages.get_template("report.html").render(page=report_page(report, rules)) + "\n"


def report_page(report: Report, rules: Sequence[Rule]) -> ReportPage:
    known = {rule.code: rule for rule in rules}
    by_family: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_family.setdefault(family_of(finding.code), []).append(finding)
    largest = max((len(found) for found in by_family.values()), default=1)
    order = [*FAMILIES, *sorted(by_family.keys() - FAMILIES.keys())]
    shown = [count(number, severity) for severity, number in report.counts.items() if number]
    most = max(by_family, key=lambda family: len(by_family[family]), default="")
    kept = [(str(each.place), each.code, each.waiver.reason if each.waiver else "") for each in report.waived]
    kept += [(str(each.place), each.code, "in the baseline") for each in report.known]
    when = utc_iso(report.at_ms).replace("T", " ")[:16]
    facts = [
        count(report.files, "file"), f"{report.lines:,} lines of Python", f"profile {report.profile}",
        f"commit {report.commit[:10]}" if report.commit else "", f"{when} UTC", duration(report.took_ms),
    ]  # fmt: skip
    return ReportPage(
        title=report.project,
        state="bad"
        if report.counts["error"] or report.failures
        else "warn"
        if report.counts["warning"]
        else "good",
        verdict=", ".join(shown) or "no findings",
        facts=" · ".join(filter(None, facts)),
        families=tuple(
            _family_group(family, by_family[family], known, largest)
            for family in order
            if family in by_family
        ),
        caption=f"Most are about {_title(most)}: {len(by_family[most])} of {len(report.findings)}"
        if most
        else "",
        kept=tuple(kept[:MOST_SHOWN]),
        failures=tuple(f"{each.code} of {each.package}: {each.says}" for each in report.failures),
        fixable=_fixable(report),
        style=(STATIC / "paved.css").read_text("utf-8"),
    )


def _title(family: str) -> str:
    return FAMILIES.get(family, "code style (ruff)" if family == "RUF" else family)


def _family_group(family: str, findings: list[Finding], known: dict[str, Rule], largest: int) -> FamilyGroup:
    counts = dict.fromkeys(SEVERITIES, 0)
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        counts[finding.severity] += 1
        by_rule.setdefault(finding.code, []).append(finding)
    said = ", ".join(count(number, severity) for severity, number in counts.items() if number)
    title = _title(family)
    groups = (_rule_group(code, by_rule[code], known.get(code)) for code in sorted(by_rule))
    return FamilyGroup(
        code=family,
        title=title,
        counts=counts,
        said=said,
        bar=_bar(counts, largest, f"{title}: {said}"),
        rules=tuple(groups),
    )


def _rule_group(code: str, findings: list[Finding], rule: Rule | None) -> RuleGroup:
    return RuleGroup(
        code=code,
        name=findings[0].name,
        title=rule.title if rule else "",
        why=rule.sections.get("Why", "") if rule else "",
        total=len(findings),
        lines=tuple(_line(finding) for finding in findings[:MOST_SHOWN]),
    )


def _bar(counts: dict[str, int], largest: int, title: str) -> Svg:
    """One bar: errors, warnings, notes from the left. They differ in height too, not by colour alone."""
    pieces, left = [], 0.0
    heights = {"error": BAR_HEIGHT, "warning": BAR_HEIGHT * 0.7, "note": BAR_HEIGHT * 0.4}
    for severity, number in counts.items():
        width = number / largest * BAR_WIDTH
        if number:
            height, shown = heights[severity], max(2.0, width - 1)
            y = BAR_HEIGHT - height
            pieces.append(element("rect", x=left, y=y, width=shown, height=height, class_=severity))
        left += width
    return picture(
        *pieces, width=BAR_WIDTH, height=BAR_HEIGHT, title=title, class_="bar", preserveAspectRatio="none"
    )


def _line(finding: Finding) -> Line:
    place = finding.place
    text = finding.source[0] if finding.source else ""
    one_line = place.last_line == place.line and place.end_column > place.column
    start, end = (place.column - 1, place.end_column - 1) if one_line else (len(text), len(text))
    first = max(0, start - 80)
    return Line(
        severity=finding.severity,
        place=str(place),
        says=finding.says,
        hint=finding.hint,
        number=place.line if text.strip() else 0,
        before=("…" if first else "") + (text[first:start] if first else text[:start].lstrip()),
        marked=text[start : min(end, start + 240)],
        after=text[end : end + 80] + ("…" if len(text) > end + 80 else ""),
    )


def _fixable(report: Report) -> str:
    fixable = [finding for finding in report.findings if finding.fix]
    return f"{len(fixable)} of them can be fixed: paved check --diff --unsafe shows how" if fixable else ""
