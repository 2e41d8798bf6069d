"""Where examinations of machines are kept, and what the journal is told of them."""

from __future__ import annotations

import re

import msgspec

from pavedroad.catalog import Ref, ensure_artifact, write_fact
from pavedroad.environments.examination import Report
from pavedroad.errors import NotFound
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Transaction, load_queries

SQL = load_queries("pavedroad.environments")
HISTORY = 12
ON_THE_BOARD = 200
LONGEST_SAID = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One examination in a history."""

    id: int
    verdict: str
    at_ms: int


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The newest examination of a project on a machine."""

    id: int
    project: str
    machine: str
    verdict: str
    lock_digest: str
    report: Report
    at_ms: int
    who: str
    history: list[Seen] = []  # oldest first


def save_report(tx: Transaction, report: Report, *, who: str) -> int:
    """Keep an examination; a failure that is new, or that is over, becomes a fact of the journal."""
    before = tx.one(SQL.latest_report, project=report.project, machine=report.machine)
    failing = sorted(line.check for line in report.lines if line.verdict == "fail")
    failed_before = set(before["failing"].split("\n")) - {""} if before else set()
    at_ms = now_ms()
    tx.run(
        SQL.insert_report,
        project=report.project,
        machine=report.machine,
        verdict=report.verdict,
        failing="\n".join(failing),
        lock_id=report.lock_digest,
        report=msgspec.json.encode(report).decode(),
        at_ms=at_ms,
        who=who,
    )
    ref = artifact_of(report)
    ensure_artifact(tx, ref, who=who)
    if new := [line for line in report.lines if line.verdict == "fail" and line.check not in failed_before]:
        reason = f"{new[0].check} on {report.machine}: {new[0].says}"
        write_fact(
            tx,
            who=who,
            verb="found-failing",
            artifact=ref,
            payload={
                "reason": reason[:LONGEST_SAID],
                "machine": report.machine,
                "checks": [line.check for line in new],
                "next_step": new[0].next_step,
            },
        )
    elif failed_before and not failing:
        reason = f"nothing fails any more on {report.machine}"
        write_fact(
            tx,
            who=who,
            verb="found-working",
            artifact=ref,
            payload={"reason": reason, "machine": report.machine, "checks": sorted(failed_before)},
        )
    saved = tx.one(SQL.latest_report, project=report.project, machine=report.machine)
    assert saved is not None
    return int(saved["id"])


def artifact_of(report: Report) -> Ref:
    """The project, or the machine itself where it was examined outside of one."""
    if report.project:
        return Ref("project", report.project)
    return Ref("environment", report.machine if _NAME.fullmatch(report.machine) else "machine")


def read_board(reader: Reader, *, words: str = "", limit: int = ON_THE_BOARD) -> list[Published]:
    """The newest examination of each project on each machine, with its history; what fails first."""
    return [_published(reader, dict(row)) for row in reader.all(SQL.board, words=words, limit=limit)]


def environment_reports(reader: Reader, project: str) -> list[Published]:
    """The newest examination of one project on each machine."""
    return [_published(reader, dict(row)) for row in reader.all(SQL.of_project, project=project)]


def read_published(reader: Reader, report_id: int) -> Published:
    """Raises NotFound."""
    row = reader.one(SQL.report, id=report_id)
    if row is None:
        raise NotFound(f"no examination {report_id}", hint="see /environments for all of them")
    return _published(reader, dict(row))


def count_board(reader: Reader) -> dict[str, int]:
    """How many projects on machines there are, by their newest verdict."""
    return {row["verdict"]: int(row["number"]) for row in reader.all(SQL.pairs)}


def count_machines(reader: Reader) -> int:
    return int(reader.value(SQL.count_machines))


def newest_locks(reader: Reader) -> dict[str, str]:
    """Project -> digest of the lock that was seen last, on any machine."""
    return {row["project"]: row["lock_id"] for row in reader.all(SQL.newest_locks)}


def _published(reader: Reader, row: dict[str, object]) -> Published:
    report = msgspec.json.decode(str(row["report"]), type=Report)
    history = reader.all(SQL.history, project=report.project, machine=report.machine, limit=HISTORY)
    return Published(
        id=int(str(row["id"])),
        project=report.project,
        machine=report.machine,
        verdict=report.verdict,
        lock_digest=report.lock_digest,
        report=report,
        at_ms=int(str(row["at_ms"])),
        who=str(row["who"]),
        history=[
            Seen(id=each["id"], verdict=each["verdict"], at_ms=each["at_ms"]) for each in reversed(history)
        ],
    )
