"""Where reports are kept."""

from __future__ import annotations

import msgspec

from pavedroad.catalog import Ref, ensure_artifact, write_fact
from pavedroad.checks.model import Report
from pavedroad.kit.sql import Reader, Transaction, load_queries

SQL = load_queries("pavedroad.checks")
NEWEST = 2**62


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A report without its findings."""

    id: int
    project: str
    profile: str
    commit_id: str
    tree_digest: str
    errors: int
    warnings: int
    notes: int
    waived: int
    at_ms: int
    who: str


def save_report(tx: Transaction, report: Report, *, who: str, owner: str = "") -> None:
    """Keep a report and say so on the journal; the project becomes known."""
    # Where the project lies on somebody's disk is nobody else's business.
    kept = msgspec.structs.replace(report, root="")
    project = Ref("project", report.project)
    ensure_artifact(tx, project, who=who, owner=owner)
    tx.run(
        SQL.insert_report,
        project=report.project,
        profile=report.profile,
        commit_id=report.commit,
        tree_digest=report.digest,
        errors=report.counts["error"],
        warnings=report.counts["warning"],
        notes=report.counts["note"],
        waived=len(report.waived),
        report=msgspec.json.encode(kept).decode(),
        at_ms=report.at_ms,
        who=who,
    )
    payload = {
        "profile": report.profile,
        "counts": report.counts,
        "waived": len(report.waived),
        "commit": report.commit,
        "digest": report.digest,
    }
    write_fact(tx, who=who, verb="checked", artifact=project, payload=payload)


def latest_report(reader: Reader, project: str, *, profile: str = "", digest: str = "") -> Report | None:
    """The newest report of a project, of one profile or tree when given; None when there is none."""
    row = reader.one(SQL.latest_report, project=project, profile=profile, tree_digest=digest)
    return None if row is None else msgspec.json.decode(row["report"], type=Report)


def list_reports(
    reader: Reader, project: str = "", *, before: int = NEWEST, limit: int = 100
) -> list[ReportRow]:
    rows = reader.all(SQL.reports, project=project, before=before, limit=limit)
    return [ReportRow(**dict(row)) for row in rows]
