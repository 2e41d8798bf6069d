"""A report as JUnit XML, which every CI server shows: one test case for each finding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from pavedroad.checks.model import Finding, Report

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report_junit(report: Report) -> str:
    """Errors and warnings are failures; notes and what is ignored or known are skipped, with the reason."""
    findings = [*report.findings, *report.waived, *report.known]
    suites = ET.Element("testsuites", name="paved check")
    suite = ET.SubElement(
        suites, "testsuite", name=_clean(report.project), time=f"{report.took_ms / 1000:.3f}"
    )
    kept = {id(finding): reason for finding, reason in _kept(report)}
    for finding in findings:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_clean(finding.place.path),
            name=_clean(f"{finding.code} {finding.name}, {_where(finding)}"),
            file=_clean(finding.place.path),
            line=str(finding.place.line),
        )
        if id(finding) in kept:
            ET.SubElement(case, "skipped", message=_clean(kept[id(finding)]))
        else:
            failure = ET.SubElement(case, "failure", type=finding.severity, message=_clean(finding.says))
            failure.text = _clean("\n".join([str(finding.place), *finding.source, f"next: {finding.hint}"]))
    for broken in report.failures:
        case = ET.SubElement(suite, "testcase", classname="paved check", name=broken.code)
        ET.SubElement(case, "error", type="failed", message=_clean(broken.says))
    if not findings and not report.failures:
        ET.SubElement(suite, "testcase", classname="paved check", name=f"no findings in {report.files} files")
    tests, failures = len(suite), sum(1 for case in suite if case.find("failure") is not None)
    for element in (suites, suite):
        element.set("tests", str(tests))
        element.set("failures", str(failures))
        element.set("errors", str(len(report.failures)))
    suite.set("skipped", str(sum(1 for case in suite if case.find("skipped") is not None)))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _kept(report: Report) -> Iterable[tuple[Finding, str]]:
    for finding in report.findings:
        if finding.severity == "note":
            yield finding, f"note: {finding.says}"
    for finding in report.waived:
        yield finding, f"ignored: {finding.waiver.reason if finding.waiver else ''}"
    for finding in report.known:
        yield finding, "known: in the baseline"


def _where(finding: Finding) -> str:
    cell = f"cell {finding.place.cell}, " if finding.place.cell else ""
    return f"{cell}line {finding.place.line}"


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_XML.sub("�", text)
