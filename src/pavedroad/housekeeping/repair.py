"""`paved doctor store --repair`: what can be set right without losing anything that a person logged."""

from __future__ import annotations

from pavedroad.catalog import write_fact
from pavedroad.housekeeping.checks import SQL as CHECKS
from pavedroad.housekeeping.checks import Examined, indexes_wanted
from pavedroad.housekeeping.orphans import remove_orphans
from pavedroad.housekeeping.turns import own_turn
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Transaction
from pavedroad.pipelines.erasing import forget_entries_with
from pavedroad.record import Record
from pavedroad.tracking.curve_checks import repair_curve

INSERT_FOLDER = (
    "INSERT INTO artifact_entries (folder, name, is_dir, digest, size_bytes, at_ms)"
    " VALUES (:folder, :name, 1, '', 0, :at_ms) ON CONFLICT (folder, name) DO NOTHING"
)


def repair(record: Record, found: Examined, *, who: str) -> list[str]:
    """Make indexes again, forget rows that are left alone and cached results without their files, take the
    summaries of curves from their points. What was done, in words.
    """
    with own_turn(record.settings):
        return record.db.write(lambda tx: _repair(tx, record.db.dialect, found, who))


def _repair(tx: Transaction, dialect: str, found: Examined, who: str) -> list[str]:
    wanted, done = indexes_wanted(dialect), []
    for name in found.missing_indexes:
        tx.run(wanted[name])
        done.append(f"made index {name} again")
    if orphans := remove_orphans(tx):
        done.append(f"removed {orphans:,} rows that belonged to nothing")
    if folders := _make_folders(tx):
        done.append(f"gave {folders} folders of artifacts their entry")
    right = [wrong for wrong in found.curves if wrong.right]
    for wrong in right:
        repair_curve(tx, wrong)
    if right:
        done.append(f"took the summaries of {len(right)} curves from their points")
    if forgotten := forget_entries_with(tx, found.bad_files):
        done.append(f"forgot {forgotten} cached results without their files: their steps run again")
    if done:
        write_fact(tx, who=who, verb="repaired", artifact="record/store", payload={"done": done})
    return done


def _make_folders(tx: Transaction) -> int:
    made = 0
    for row in tx.all(CHECKS.folders_with_entries):
        path = row["folder"]
        while path:
            folder, _, name = path.rpartition("/")
            made += tx.run(INSERT_FOLDER, folder=folder, name=name, at_ms=now_ms())
            path = folder
    return made
