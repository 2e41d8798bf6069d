"""Backup, restore, collection and repair of one record take turns."""

from __future__ import annotations

import pytest

from pavedroad.config import Settings
from pavedroad.errors import Unavailable
from pavedroad.housekeeping.backup import make_backup
from pavedroad.housekeeping.collecting import collect, limits_of, nothing_shown
from pavedroad.housekeeping.restore import restore
from pavedroad.housekeeping.turns import own_turn


def test_a_second_one_is_told_that_another_is_at_work(any_record, tmp_path):
    limits = limits_of(older_than_ms=0, grace_ms=0)
    works = (
        lambda: collect(any_record, limits, who="ada"),
        lambda: make_backup(any_record, tmp_path / "b", progress=nothing_shown),
        lambda: restore(any_record.settings, tmp_path / "b", replace=False, progress=nothing_shown),
    )
    with own_turn(any_record.settings):
        for work in works:
            with pytest.raises(Unavailable, match="is at work"):
                work()
    works[0]()
    works[1]()


def test_machines_that_share_a_database_take_turns(postgres, tmp_path):
    with postgres.database() as url:
        one, other = (Settings(home=tmp_path / name, database=url) for name in ("one", "other"))
        with own_turn(one), pytest.raises(Unavailable), own_turn(other):
            pass
        with own_turn(other):
            pass


def test_records_of_their_own_do_not_wait_for_each_other(tmp_path):
    with own_turn(Settings(home=tmp_path / "one")), own_turn(Settings(home=tmp_path / "other")):
        pass
