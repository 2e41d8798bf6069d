"""From a word on the command line to the run or the experiment that is deleted, brought back or erased."""

from __future__ import annotations

import msgspec

from pavedroad import tracking
from pavedroad.errors import Conflict, Invalid, NotFound
from pavedroad.housekeeping.erasing import erase_experiment, erase_runs
from pavedroad.kit.sql import Reader
from pavedroad.record import Record

EXPERIMENT = "experiment/"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    kind: str  # run or experiment
    id: str
    name: str
    is_deleted: bool
    runs: int = 0  # of an experiment, deleted ones included

    @property
    def says(self) -> str:
        return f"run {self.name} ({self.id[:8]})" if self.kind == "run" else f"experiment {self.name!r}"


def find_target(reader: Reader, word: str) -> Target:
    """`experiment/NAME`, `experiment/ID`, or the start of a run's id (`run/ID` too).

    Raises: NotFound, and Invalid for what names neither.
    """
    if word.startswith(EXPERIMENT):
        return _experiment(reader, word.removeprefix(EXPERIMENT))
    run = tracking.find_run(reader, word.removeprefix("run/"))
    return Target(kind="run", id=run.id, name=run.name, is_deleted=run.lifecycle_stage == "deleted")


def delete(record: Record, target: Target) -> None:
    """Raises Conflict when it is deleted already."""
    who = record.settings.who
    if target.is_deleted:
        raise Conflict(f"{target.says} is deleted already", hint="erase it with `paved delete --forever`")
    if target.kind == "run":
        record.db.write(lambda tx: tracking.delete_run(tx, target.id, who=who))
    else:
        record.db.write(lambda tx: tracking.delete_experiment(tx, target.id, who=who))


def undelete(record: Record, target: Target) -> None:
    """Raises Conflict when it is not deleted; Exists when an experiment's name is another one's now."""
    who = record.settings.who
    if not target.is_deleted:
        raise Conflict(f"{target.says} is not deleted", hint="see `paved show`")
    if target.kind == "run":
        record.db.write(lambda tx: tracking.restore_run(tx, target.id, who=who))
    else:
        record.db.write(lambda tx: tracking.restore_experiment(tx, target.id, who=who))


def erase(record: Record, target: Target) -> int:
    """Erase it, deleted before or not: who calls has asked. How many runs went."""
    who = record.settings.who
    if target.kind == "run":
        return record.db.write(lambda tx: erase_runs(tx, [target.id], who=who, force=True))
    return erase_experiment(record.db, target.id, who=who, force=True)


def _experiment(reader: Reader, word: str) -> Target:
    if not word:
        raise Invalid("no experiment is named", hint="write experiment/NAME")
    found = tracking.find_experiment(reader, word)
    if found is None and word.isascii() and word.isdigit():
        found = tracking.get_experiment(reader, word)
    if found is None:
        raise NotFound(f"no experiment {word!r}", hint="list runs with `paved runs`")
    runs = sum(tracking.count_runs(reader, found.id, stage=stage) for stage in ("active", "deleted"))
    is_deleted = found.lifecycle_stage == "deleted"
    return Target(kind="experiment", id=found.id, name=found.name, is_deleted=is_deleted, runs=runs)
