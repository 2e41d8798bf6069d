"""The examination of the record as a whole: opened, examined, repaired when asked, examined again."""

from __future__ import annotations

import msgspec

from pavedroad.config import Settings
from pavedroad.errors import PavedError
from pavedroad.housekeeping.checks import Line, Progress, examine, unusable
from pavedroad.housekeeping.repair import repair
from pavedroad.kit.snapshot import snapshot_of
from pavedroad.record import Record, open_record


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    lines: list[Line]
    repaired: list[str] = []

    @property
    def is_whole(self) -> bool:
        return all(line.verdict != "fail" for line in self.lines)


def examine_store(settings: Settings, *, quick: bool, do_repair: bool, progress: Progress) -> Diagnosis:
    """A record that cannot be opened is one line that says why."""
    try:
        record = open_record(settings)
    except PavedError as error:
        return Diagnosis(lines=[unusable(error)])
    try:
        return _examine(record, quick=quick, do_repair=do_repair, progress=progress)
    except PavedError as error:  # damage that even reading meets
        return Diagnosis(lines=[unusable(error)])
    finally:
        record.close()


def _examine(record: Record, *, quick: bool, do_repair: bool, progress: Progress) -> Diagnosis:
    url = record.settings.database_url
    with snapshot_of(url) as snapshot:
        found = examine(record, snapshot, quick=quick, progress=progress)
    done = repair(record, found, who=record.settings.who) if do_repair else []
    if done:
        with snapshot_of(url) as snapshot:
            found = examine(record, snapshot, quick=quick, progress=progress)
    return Diagnosis(lines=found.lines, repaired=done)
