"""Best practices as rules: what a project should have, found without running any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavedroad.checks.model import SEVERITIES, Edit, Finding, Fix, Found, Place, Report, Rule, Waiver
from pavedroad.checks.store import ReportRow, latest_report, list_reports, save_report

if TYPE_CHECKING:
    from pavedroad.checks.engine import check_project, open_project
    from pavedroad.checks.plugins import all_rules
    from pavedroad.checks.rules import RULES

__all__ = [
    "RULES",
    "SEVERITIES",
    "Edit",
    "Finding",
    "Fix",
    "Found",
    "Place",
    "Report",
    "ReportRow",
    "Rule",
    "Waiver",
    "all_rules",
    "check_project",
    "latest_report",
    "list_reports",
    "open_project",
    "save_report",
]


def __getattr__(name: str) -> Any:
    """The engine and its rules are loaded when something is checked, not to show a stored report."""
    if name in ("check_project", "open_project"):
        from pavedroad.checks import engine

        return getattr(engine, name)
    if name == "all_rules":
        from pavedroad.checks.plugins import all_rules

        return all_rules
    if name == "RULES":
        from pavedroad.checks.rules import RULES

        return RULES
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
