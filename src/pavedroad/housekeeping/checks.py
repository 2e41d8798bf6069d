"""`paved doctor store`: one check of the record, one function; each answers with lines of ok, warn or fail.

Rows are read from one moment, so that writers may go on meanwhile.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from pavedroad.errors import Damaged, PavedError
from pavedroad.housekeeping import schema
from pavedroad.housekeeping.named_files import named_files
from pavedroad.housekeeping.orphans import count_orphans
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import FileStore
from pavedroad.kit.migrations import read_migrations
from pavedroad.kit.snapshot import Snapshot
from pavedroad.kit.sql import Reader, load_queries
from pavedroad.kit.text import count, size
from pavedroad.record import Record, migration_folders
from pavedroad.tracking.curve_checks import WrongCurve, check_curves, count_curves

SQL = load_queries("pavedroad.housekeeping", "checks.sql")
Verdict = Literal["ok", "warn", "fail"]
Progress = Callable[[str, int, int], None]
LOW_BYTES, TOO_LOW_BYTES = 2 * 10**9, 2 * 10**8  # of free space
MOST_TOLD = 20
REPAIR = "paved doctor store --repair"
RESTORE = "restore it from a backup: `paved restore`"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    check: str
    verdict: Verdict
    says: str
    next_step: str = ""
    details: list[str] = []


class Examined(msgspec.Struct, kw_only=True):
    """What the checks found, for the repair."""

    lines: list[Line] = []
    curves: list[WrongCurve] = []
    bad_files: set[str] = set()
    missing_indexes: list[str] = []


def examine(record: Record, snapshot: Snapshot, *, quick: bool, progress: Progress) -> Examined:
    """All checks; `quick` leaves out those that read every point and every byte."""
    found = Examined(lines=[], curves=[], bad_files=set(), missing_indexes=[])
    found.lines += check_database(snapshot, quick=quick)
    found.lines += check_schema(snapshot, found)
    found.lines += check_rows(snapshot)
    if not quick:
        found.lines += check_summaries(snapshot, found, progress)
    found.lines += check_files(record, snapshot, found, quick=quick, progress=progress)
    found.lines += check_space(record)
    return found


def check_database(snapshot: Snapshot, *, quick: bool) -> Iterator[Line]:
    """SQLite's own checks; PostgreSQL checks its pages and keys by itself."""
    if snapshot.dialect == "postgresql":
        version = str(snapshot.value("SHOW server_version"))
        yield Line(check="database", verdict="ok", says=f"PostgreSQL {version} answers")
        return
    how = "quick_check" if quick else "integrity_check"
    told = [str(next(iter(row))) for row in snapshot.all(f"PRAGMA {how}({MOST_TOLD})")]
    if told == ["ok"]:
        yield Line(check="database", verdict="ok", says=f"SQLite's {how} finds nothing")
    else:
        yield Line(
            check="database",
            verdict="fail",
            says=f"SQLite finds damage: {told[0]}",
            next_step=RESTORE,
            details=told,
        )
    broken = snapshot.all("PRAGMA foreign_key_check")
    if broken:
        tables = sorted({str(row["table"]) for row in broken})
        yield Line(
            check="keys",
            verdict="fail",
            says=f"{count(len(broken), 'row')} of {', '.join(tables)} name rows that are not there",
            next_step=REPAIR,
        )


def check_schema(snapshot: Snapshot, found: Examined) -> Iterator[Line]:
    """Tables and indexes are those that the migrations make."""
    dialect = snapshot.dialect
    tables = [
        table.name
        for table in schema.tables_of(dialect)
        if not schema.columns_of(snapshot, dialect, table.name)
    ]
    there = indexes_there(snapshot)
    found.missing_indexes = sorted(set(indexes_wanted(dialect)) - there)
    if tables:
        yield Line(
            check="schema", verdict="fail", says=f"tables are missing: {', '.join(tables)}", next_step=RESTORE
        )
    if found.missing_indexes:
        yield Line(
            check="schema",
            verdict="fail",
            says=f"indexes are missing: {', '.join(found.missing_indexes)}",
            next_step=REPAIR,
        )
    if not tables and not found.missing_indexes:
        yield Line(check="schema", verdict="ok", says="up to date")


def indexes_wanted(dialect: str) -> dict[str, str]:
    """Name and statement of every index of the migrations."""
    found = {}
    for feature, folder in migration_folders():
        for migration in read_migrations(feature, folder, dialect):
            for statement in migration.statements(dialect):
                made = re.search(r"CREATE (?:UNIQUE )?INDEX (\w+)", statement)
                if made is not None:
                    found[made[1]] = statement
    return found


def indexes_there(reader: Snapshot) -> set[str]:
    if reader.dialect == "sqlite":
        rows = reader.all("SELECT name FROM sqlite_master WHERE type = 'index'")
    else:
        rows = reader.all("SELECT indexname AS name FROM pg_indexes WHERE schemaname = current_schema()")
    return {row["name"] for row in rows}


def check_rows(snapshot: Snapshot) -> Iterator[Line]:
    """No row is left alone."""
    orphans = count_orphans(snapshot)
    for kind, number in orphans:
        yield Line(check="rows", verdict="fail", says=f"{number:,} {kind.says}", next_step=REPAIR)
    folders = {row["folder"] + "/" * bool(row["folder"]) + row["name"] for row in snapshot.all(SQL.folders)}
    lost = sorted({row["folder"] for row in snapshot.all(SQL.folders_with_entries)} - folders)
    if lost:
        yield Line(
            check="rows",
            verdict="fail",
            says=f"{count(len(lost), 'folder')} of artifacts have no entry of their own",
            next_step=REPAIR,
            details=lost[:MOST_TOLD],
        )
    if not orphans and not lost:
        yield Line(check="rows", verdict="ok", says="every row belongs to one that is there")


def check_summaries(snapshot: Snapshot, found: Examined, progress: Progress) -> Iterator[Line]:
    """The last, lowest and highest point of each curve, and their number, are those of its points."""
    total, unreadable = count_curves(snapshot), 0
    for done, wrong in enumerate(check_curves(snapshot), start=1):
        if wrong is not None:
            found.curves.append(wrong)
            unreadable += not wrong.right
        progress("reading curves", done, total)
    if not found.curves:
        yield Line(check="curves", verdict="ok", says=f"{count(total, 'curve')}, each as its points say")
        return
    yield Line(
        check="curves",
        verdict="fail",
        says=f"{len(found.curves)} of {count(total, 'curve')} differ from their points",
        next_step=RESTORE if unreadable else REPAIR,
        details=[f"{wrong.run_id[:8]} {wrong.key}: {wrong.says}" for wrong in found.curves[:MOST_TOLD]],
    )


def check_files(
    record: Record, snapshot: Snapshot, found: Examined, *, quick: bool, progress: Progress
) -> Iterator[Line]:
    """What is named is there, has its size and, unless `quick`, the bytes of its digest."""
    named = named_files(snapshot, steps_since_ms=now_ms())
    there = {file.digest: file.size_bytes for file in record.files.listing()}
    missing = sorted(digest for digest in named if digest not in there)
    wrong = sorted(digest for digest in named if digest in there and there[digest] != named[digest])
    told = [*missing, *wrong]
    if not quick:
        told += _damaged(record.files, sorted(set(named) - set(told)), named, progress)
    found.bad_files = set(told)
    words = dict.fromkeys(told, "damaged") | dict.fromkeys(missing, "missing")
    details = [
        f"{where_named(snapshot, digest)}: {words[digest]} ({digest[:12]})" for digest in told[:MOST_TOLD]
    ]
    total = sum(named.values())
    if told:
        yield Line(
            check="files",
            verdict="fail",
            says=f"of {count(len(named), 'file')} {len(missing)} missing, {len(told) - len(missing)} damaged",
            next_step=f"{RESTORE}; `{REPAIR}` forgets cached results without their files",
            details=details,
        )
    else:
        how = "are there" if quick else "are what their digests say"
        yield Line(check="files", verdict="ok", says=f"{count(len(named), 'file')} of {size(total)} {how}")
    unnamed = [digest for digest in there if digest not in named]
    if unnamed:
        taken = size(sum(there[digest] for digest in unnamed))
        yield Line(
            check="unnamed",
            verdict="ok",
            says=f"{count(len(unnamed), 'file')} of {taken} are named by nothing that lasts",
            next_step="paved gc",
        )


def _damaged(files: FileStore, digests: list[str], named: dict[str, int], progress: Progress) -> list[str]:
    """Those whose bytes have another digest, or that cannot be read."""
    found, done, total = [], 0, sum(named.values())
    for digest in digests:
        try:
            files.path(digest)
        except PavedError:
            found.append(digest)
        done += named[digest]
        progress("reading bytes of files", done, total)
    return found


def where_named(reader: Reader, digest: str) -> str:
    """A name of a file that a person knows."""
    row = reader.one(SQL.version_of, digest=digest)
    if row is not None:
        return f"model/{row['name']}@{row['version']} {row['path']}"
    row = reader.one(SQL.artifact_of, digest=digest)
    return f"{row['folder']}/{row['name']}" if row is not None else "a cached result"


def check_space(record: Record) -> Iterator[Line]:
    """Room for more, on each disk that is written to."""
    folders = {"home": record.settings.home}
    if "://" not in record.settings.files_url:
        folders["files"] = Path(record.settings.files_url)
    seen: set[int] = set()
    for folder in folders.values():
        place = next(each for each in (folder, *folder.parents) if each.exists())
        if place.stat().st_dev in seen:
            continue
        seen.add(place.stat().st_dev)
        free = shutil.disk_usage(place).free
        verdict: Verdict = "fail" if free < TOO_LOW_BYTES else "warn" if free < LOW_BYTES else "ok"
        step = "free some: `paved gc`, or a larger disk" if verdict != "ok" else ""
        yield Line(check="space", verdict=verdict, says=f"{size(free)} free at {folder}", next_step=step)


def unusable(error: PavedError) -> Line:
    """The record cannot even be opened."""
    verdict: Verdict = "fail"
    step = RESTORE if isinstance(error, Damaged) else error.hint
    return Line(check="database", verdict=verdict, says=error.message, next_step=step)
