"""`paved gc`: erase what was deleted long ago, then remove files that no row names.

Safe beside writers: a file gets its name a moment after it is there, so a file is removed only when it is
older than a grace time, and after a last look whether it was named meanwhile. Rows go before files: ended in
the middle, nothing that is named is gone, and the next run goes on from there.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from pavedroad import tracking
from pavedroad.catalog import write_fact
from pavedroad.errors import Conflict, NotFound
from pavedroad.housekeeping.erasing import RUNS_AT_ONCE, erase_experiment, erase_runs, with_steps
from pavedroad.housekeeping.named_files import Doomed, named_files, named_since
from pavedroad.housekeeping.turns import own_turn
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import ABANDONED_AFTER_S, Listed
from pavedroad.kit.sql import Transaction
from pavedroad.pipelines.erasing import erase_unused_descriptions, erase_unused_entries, unused_entries
from pavedroad.record import Record

FILES_AT_ONCE = 500
T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # what, how many are done, of how many


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is old enough to go."""

    deleted_before_ms: int
    unused_before_ms: int  # results in the cache
    written_before_ms: int  # files


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What would go, or what went."""

    runs: int = 0
    experiments: int = 0
    logged_models: int = 0
    cached_results: int = 0
    files: int = 0
    bytes: int = 0
    young_files: int = 0  # unnamed, and kept because somebody may be about to name them


def nothing_shown(what: str, done: int, total: int) -> None:
    pass


def plan(record: Record, limits: Limits, *, progress: Progress = nothing_shown) -> Collected:
    """What `collect` would remove now. Changes nothing."""
    doomed = _doomed(record, limits)
    named = named_files(record.db, steps_since_ms=limits.unused_before_ms, doomed=doomed)
    old, young = _unnamed(record, named, limits, progress)
    return _counted(doomed, old, young)


def collect(record: Record, limits: Limits, *, who: str, progress: Progress = nothing_shown) -> Collected:
    """Remove it. The journal tells what went. Raises Unavailable while a backup is made."""
    with own_turn(record.settings):
        return _collect(record, limits, who, progress)


def _collect(record: Record, limits: Limits, who: str, progress: Progress) -> Collected:
    began_ms = now_ms()
    doomed = _doomed(record, limits)
    _erase_rows(record, doomed, limits, who=who, progress=progress)
    named = named_files(record.db, steps_since_ms=limits.unused_before_ms)
    remove_leftovers(record)
    old, young = _unnamed(record, named, limits, progress)
    removed = _remove_files(record, old, limits, began_ms, progress)
    went = _counted(doomed, removed, young)
    if went != Collected(young_files=young):
        record.db.write(lambda tx: _tell(tx, went, who))
    return went


def _counted(doomed: Doomed, files: list[Listed], young: int) -> Collected:
    return Collected(
        runs=len(doomed.runs),
        experiments=len(doomed.experiments),
        logged_models=len(doomed.models),
        cached_results=len(doomed.cache_keys),
        files=len(files),
        bytes=sum(file.size_bytes for file in files),
        young_files=young,
    )


def _tell(tx: Transaction, went: Collected, who: str) -> None:
    payload = msgspec.to_builtins(went)
    write_fact(tx, who=who, verb="collected", artifact="record/unnamed-files", payload=payload)


def _doomed(record: Record, limits: Limits) -> Doomed:
    reader, before = record.db, limits.deleted_before_ms
    experiments = frozenset(number for number, _ in tracking.deleted_experiments(reader, before_ms=before))
    runs = {run for number in experiments for run in tracking.runs_of_experiment(reader, number, limit=2**31)}
    runs |= set(with_steps(reader, tracking.deleted_runs(reader, before_ms=before)))
    return Doomed(
        runs=runs,
        experiments=experiments,
        models={*tracking.deleted_models(reader, before_ms=before), *tracking.models_made_by(reader, runs)},
        cache_keys=frozenset(
            entry.cache_key for entry in unused_entries(reader, before_ms=limits.unused_before_ms)
        ),
    )


def _erase_rows(record: Record, doomed: Doomed, limits: Limits, *, who: str, progress: Progress) -> None:
    """In small transactions: others want to write too."""
    db, done = record.db, 0
    for part in _parts(sorted(doomed.runs), RUNS_AT_ONCE):
        db.write(lambda tx, part=part: _erase_if_there(tx, part, limits, who))  # type: ignore[misc]
        done += len(part)
        progress("erasing runs", done, len(doomed.runs))
    for number in sorted(doomed.experiments):
        with suppress(Conflict, NotFound):  # restored, or erased by another, meanwhile
            erase_experiment(db, number, who=who)
    db.write(lambda tx: tracking.erase_logged_models(tx, before_ms=limits.deleted_before_ms, who=who))
    for part in _parts(sorted(doomed.cache_keys), FILES_AT_ONCE):
        _forget_results(record, part, limits)
    db.write(erase_unused_descriptions)


def _forget_results(record: Record, keys: list[str], limits: Limits) -> None:
    record.db.write(lambda tx: erase_unused_entries(tx, keys, before_ms=limits.unused_before_ms))


def _erase_if_there(tx: Transaction, run_ids: list[str], limits: Limits, who: str) -> None:
    """Erase those of them that are still there and were not restored meanwhile."""
    still = set(tracking.deleted_runs(tx, before_ms=limits.deleted_before_ms))
    found = [run_id for run_id in run_ids if tracking.has_run(tx, run_id)]
    parents = [run_id for run_id in found if run_id in still]
    erase_runs(tx, parents, who=who)


def _unnamed(
    record: Record, named: dict[str, int], limits: Limits, progress: Progress
) -> tuple[list[Listed], int]:
    """Files that no row names: those old enough to go, and how many are too young."""
    old: list[Listed] = []
    young = 0
    for seen, file in enumerate(record.files.listing(), start=1):
        if file.digest not in named:
            if file.written_s * 1000 < limits.written_before_ms:
                old.append(file)
            else:
                young += 1
        if not seen % FILES_AT_ONCE:
            progress("looking at files", seen, max(seen, len(named)))
    return old, young


def _remove_files(
    record: Record, files: list[Listed], limits: Limits, began_ms: int, progress: Progress
) -> list[Listed]:
    removed: list[Listed] = []
    for at, part in enumerate(_parts(files, FILES_AT_ONCE)):
        named = named_since(record.db, [file.digest for file in part], since_ms=began_ms)
        removed += [
            file
            for file in part
            if file.digest not in named
            and record.files.remove_older(file.digest, than_s=limits.written_before_ms / 1000)
        ]
        progress("removing files", min((at + 1) * FILES_AT_ONCE, len(files)), len(files))
    return removed


def remove_leftovers(record: Record) -> int:
    """Remove what killed writers left outside of the store, a day later; how many."""
    oldest_s, removed = time.time() - ABANDONED_AFTER_S, 0
    for folder in (record.settings.home / "uploads", record.settings.home / "work"):
        for path in _children(folder):
            with suppress(OSError):
                if path.stat().st_mtime < oldest_s:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    removed += 1
    return removed


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _parts(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def limits_of(*, older_than_ms: int, grace_ms: int) -> Limits:
    """What is older than these times now."""
    now = time.time_ns() // 1_000_000
    return Limits(
        deleted_before_ms=now - older_than_ms,
        unused_before_ms=now - older_than_ms,
        written_before_ms=now - grace_ms,
    )
