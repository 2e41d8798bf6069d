"""What needs a person, oldest first: closed gates, failed or lost runs, failing environments, ownerless."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import msgspec

from pavedroad.catalog import Ref
from pavedroad.catalog.addresses import address_of
from pavedroad.environments.store import read_board
from pavedroad.kit.clock import how_long_ago, now_ms
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader, Row
from pavedroad.kit.text import count
from pavedroad.overview.lanes import SQL, read_standings
from pavedroad.pipelines.lost import why_lost
from pavedroad.pipelines.surroundings import Process
from pavedroad.record import Record
from pavedroad.registry import exemptions_ending
from pavedroad.serving import list_services

SOON_MS = 14 * 86_400_000  # an exemption that ends within this time
MOST = 200
NAMED = 3  # things without owner that are named one by one


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    at_ms: int
    state: str  # a state of web.states
    says: str
    href: str
    command: str = ""


def read_concerns(record: Record) -> list[Concern]:
    reader: Reader = record.db
    found = [
        *_closed_gates(reader),
        *_runs(reader),
        *_exemptions(reader),
        *_services(record),
        *_environments(reader),
        *_ownerless(reader),
    ]
    return sorted(found, key=lambda concern: concern.at_ms)


def _closed_gates(reader: Reader) -> Iterable[Concern]:
    champions = {(row["name"], int(row["version"])) for row in reader.all(SQL.holders)}
    for standing in read_standings(reader).values():
        if standing.closed and (standing.model, standing.version) not in champions:
            yield Concern(
                at_ms=standing.at_ms,
                state="closed",
                says=standing.says,
                href=standing.href,
                command=f"paved promote {shlex.quote(standing.title)} --to {shlex.quote(standing.alias)}",
            )


def _runs(reader: Reader) -> Iterable[Concern]:
    """Pipelines and experiments whose last run failed, and runs whose process is gone."""
    seen: set[str] = set()
    for row in reader.all(SQL.still_running, limit=MOST):
        if not _is_gone(row):
            continue
        seen.add(row["run_id"])
        yield Concern(
            at_ms=row["started_ms"],
            state="LOST",
            says=f"a run of {row['pipeline']} was lost: its process is gone",
            href=f"/runs/{row['run_id']}",
            command=f"paved show {row['run_id'][:8]}",
        )
    pipelines: set[str] = set()
    for row in reader.all(SQL.newest_of_each_pipeline):
        pipelines.add(row["project"])
        if row["status"] in ("FAILED", "LOST") and row["run_id"] not in seen:
            error = reader.value(SQL.tag_of_run, run_id=row["run_id"], key="paved.error") or ""
            went = "failed" if row["status"] == "FAILED" else "was lost"
            yield Concern(
                at_ms=row["heartbeat_ms"] or row["started_ms"],
                state=row["status"],
                says=f"the last run of {row['pipeline']} {went}" + (f": {error[:160]}" if error else ""),
                href=f"/runs/{row['run_id']}",
                command=f"paved show {row['run_id'][:8]}",
            )
    for row in reader.all(SQL.newest_of_each_experiment):
        if row["status"] == "FAILED" and row["experiment"] not in pipelines:
            yield Concern(
                at_ms=row["end_ms"] or row["start_ms"],
                state="FAILED",
                says=f"the last run in {row['experiment']} failed: {row['name']}",
                href=f"/runs/{row['id']}",
                command=f"paved show {row['id'][:8]}",
            )


def _is_gone(row: Row) -> bool:
    process = Process(host=row["host"], boot=row["boot"], pid=row["pid"], started=row["process_started"])
    return bool(why_lost(process, row["heartbeat_ms"]))


def _exemptions(reader: Reader) -> Iterable[Concern]:
    now = now_ms()
    for name, version, exemption in exemptions_ending(reader, after_ms=now, until_ms=now + SOON_MS):
        title = f"{name}@{version}"
        yield Concern(
            at_ms=exemption.at_ms,
            state="exempt",
            says=f"the exemption of {title} from {exemption.gate} ends {how_long_ago(exemption.until_ms)}",
            href=f"/models/{segment(name)}/{version}",
            command=f"paved promote {shlex.quote(title)}",
        )


def _services(record: Record) -> Iterable[Concern]:
    for service in list_services(record):
        if service.state == "gone":
            title = shlex.quote(f"{service.model}@{service.alias or service.version}")
            yield Concern(
                at_ms=service.started_ms,
                state="attention",
                says=f"service {service.name} is gone: its process ended without a word",
                href=address_of(Ref("service", service.name)),
                command=f"paved serve {title}",
            )


def _environments(reader: Reader) -> Iterable[Concern]:
    """Machines on which a project's environment fails, by the newest examination."""
    for found in read_board(reader, limit=MOST):
        line = found.report.gravest
        if found.verdict != "fail" or line is None:
            continue
        yield Concern(
            at_ms=found.at_ms,
            state="fail",
            says=f"{found.project or 'the machine'} on {found.machine}: {line.check}: {line.says}",
            href=f"/environments/{found.id}",
            command="paved doctor --push",
        )


def _ownerless(reader: Reader) -> Iterable[Concern]:
    rows = reader.all(SQL.ownerless, limit=MOST)
    if len(rows) > NAMED:
        yield Concern(
            at_ms=rows[0]["created_ms"],
            state="unknown",
            says=f"{count(len(rows), 'artifact')}{' or more' if len(rows) == MOST else ''} belong to nobody",
            href="/artifacts?owner=nobody",
            command="paved own KIND/NAME OWNER",
        )
        return
    for row in rows:
        ref = Ref(row["kind"], row["name"])
        yield Concern(
            at_ms=row["created_ms"],
            state="unknown",
            says=f"{ref.kind} {ref.name} belongs to nobody",
            href=address_of(ref),
            command=f"paved own {shlex.quote(str(ref))} OWNER",
        )
