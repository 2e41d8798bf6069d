"""Collecting removes what nobody needs, and nothing that anybody names or is about to name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time

import pytest
from tests.conftest import clean_environment
from tests.housekeeping.filled import fill, tables

from pavedroad.catalog import read_facts
from pavedroad.housekeeping.collecting import Collected, collect, limits_of, plan, remove_leftovers
from pavedroad.housekeeping.named_files import NAMING_COLUMNS, named_files
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import FolderFiles, put_bytes, read_bytes
from pavedroad.tracking import (
    create_experiment,
    delete_experiment,
    delete_run,
    get_run,
    put_file,
    restore_run,
    start_run,
)

DAY_MS = 86_400_000
A_MONTH = limits_of(older_than_ms=30 * DAY_MS, grace_ms=DAY_MS)
NOW = limits_of(older_than_ms=-DAY_MS, grace_ms=-DAY_MS)  # as if a day had passed


def age_files(record, days: float) -> None:
    for digest in record.files.digests():
        path, at = record.files.path(digest), time.time() - days * 86_400
        os.utime(path, (at, at))


def test_without_run_nothing_changes_and_the_plan_says_what_would_go(any_record):
    filled = fill(any_record)
    any_record.db.write(lambda tx: delete_experiment(tx, filled.experiment_id, who="ada"))
    planned = plan(any_record, NOW)
    assert (planned.runs, planned.experiments, planned.cached_results, planned.files) == (1, 1, 1, 4)
    assert get_run(any_record.db, filled.run_id).lifecycle_stage == "deleted"
    assert collect(any_record, NOW, who="ada") == planned
    assert list(any_record.files.digests()) == []
    assert plan(any_record, NOW) == Collected()
    assert read_facts(any_record.db, limit=1)[0].verb == "collected"


def test_what_was_deleted_lately_stays(any_record):
    filled = fill(any_record, at_ms=now_ms())
    any_record.db.write(lambda tx: delete_run(tx, filled.run_id, who="ada"))
    age_files(any_record, 60)
    assert (
        collect(any_record, limits_of(older_than_ms=30 * DAY_MS, grace_ms=DAY_MS), who="ada") == Collected()
    )
    any_record.db.write(lambda tx: restore_run(tx, filled.run_id, who="ada"))
    for digest in filled.digests.values():
        read_bytes(any_record.files, digest)


def test_results_that_nobody_takes_leave_the_cache_and_what_runs_logged_stays(record):
    filled = fill(record, at_ms=now_ms() - 60 * DAY_MS)
    age_files(record, 60)
    went = collect(record, A_MONTH, who="ada")
    assert (went.runs, went.cached_results, went.files) == (0, 1, 2)
    assert set(record.files.digests()) == {
        filled.digests["artifact"],
        filled.digests["model"],
    }


def test_a_result_taken_lately_stays(record):
    fill(record, at_ms=now_ms() - 60 * DAY_MS)
    record.db.write(lambda tx: tx.run("UPDATE step_runs SET ended_ms = :at_ms", at_ms=now_ms()))
    age_files(record, 60)
    assert collect(record, A_MONTH, who="ada") == Collected()


def test_a_file_that_is_about_to_get_its_name_is_kept(record):
    stored = put_bytes(record.files, b"just written")
    limits = limits_of(older_than_ms=0, grace_ms=3_600_000)
    assert collect(record, limits, who="ada") == Collected(young_files=1)
    age_files(record, 1)
    put_bytes(record.files, b"just written")  # written again: young again
    assert collect(record, limits, who="ada").files == 0
    age_files(record, 1)
    assert collect(record, limits, who="ada").files == 1
    assert not record.files.has(stored.digest)


def test_a_file_named_while_it_is_looked_at_is_kept(record, monkeypatch):
    """Named after all names were read, and before it is removed."""
    stored = put_bytes(record.files, b"named late")
    age_files(record, 60)
    listing = FolderFiles.listing

    def name_it_meanwhile(files):
        record.db.write(lambda tx: put_file(tx, "0/late", "file.txt", stored))
        return listing(files)

    monkeypatch.setattr(FolderFiles, "listing", name_it_meanwhile)
    assert collect(record, NOW, who="ada").files == 0
    assert read_bytes(record.files, stored.digest) == b"named late"


def test_a_collection_that_was_killed_is_finished_by_the_next(record, monkeypatch):
    filled = fill(record)
    record.db.write(lambda tx: delete_run(tx, filled.run_id, who="ada"))

    def killed(files, digest, *, than_s):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FolderFiles, "remove_older", killed)
        with pytest.raises(KeyboardInterrupt):
            collect(record, NOW, who="ada")
    named = named_files(record.db, steps_since_ms=0)
    assert all(record.files.has(digest) for digest in named)
    assert collect(record, NOW, who="ada").files == 4


def test_writers_and_a_collector_side_by_side_lose_no_named_file(any_record):
    experiment = any_record.db.write(lambda tx: create_experiment(tx, "busy", who="ada"))
    stop = threading.Event()

    def write(number: int) -> None:
        for turn in range(40):
            # Equal bytes again and again: what a collector is about to remove is written anew.
            stored = put_bytes(any_record.files, f"{number % 2} {turn % 5}".encode())
            run = any_record.db.write(lambda tx: start_run(tx, experiment_id=experiment.id))
            any_record.db.write(
                lambda tx, run=run, stored=stored: put_file(
                    tx, f"{experiment.id}/{run}/artifacts", "a.txt", stored
                )
            )
            if turn % 2:
                any_record.db.write(lambda tx, run=run: delete_run(tx, run, who="ada"))

    def keep_collecting() -> None:
        while not stop.is_set():
            collect(any_record, limits_of(older_than_ms=0, grace_ms=1_000), who="ada")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    collector = threading.Thread(target=keep_collecting)
    for thread in (*writers, collector):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    collector.join()
    for digest in named_files(any_record.db, steps_since_ms=0):
        read_bytes(any_record.files, digest)


def test_leftovers_of_killed_uploads_go_after_a_day(record):
    old, young = record.settings.home / "uploads" / "old", record.settings.home / "uploads" / "young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "1").write_bytes(b"part")
    at = time.time() - 2 * 86_400
    os.utime(old, (at, at))
    assert remove_leftovers(record) == 1
    assert young.is_dir()
    assert not old.exists()


def test_every_column_that_may_name_a_file_is_known(record):
    """A new column of digests must be told apart: a name of a file, or of something else."""
    of_something_else = {
        "datasets.digest", "model_versions.digest", "gate_evaluations.digest", "model_approvals.digest",
        "check_reports.tree_digest", "logged_model_metrics.dataset_digest", "code_parts.digest",
        "environments.digest", "transferred.digest", "packages.digest", "packages.tree_digest",
    }  # fmt: skip
    found = {
        f"{table}.{column}"
        for table, columns in tables(record).items()
        for column in columns
        if re.search("digest|output|file(?!$)|blob", column.replace("profile", ""))
    }
    assert found - of_something_else == set(NAMING_COLUMNS)


def test_gc_tells_first_and_removes_when_told(paved, record):
    filled = fill(record)
    paved("delete", filled.run_id[:8])
    said = paved("gc", "--older-than", "0", "--grace", "0")
    assert said.out.startswith("WOULD BE REMOVED")
    assert paved("gc", "--older-than", "0", "--grace", "0", "--json").json["files"] == 4
    assert "nothing was changed; next: `paved gc --run`" in said.out
    assert paved("gc", "--older-than", "0", "--grace", "0", "--run", "--json").json["files"] == 4
    assert paved("gc", "--older-than", "tomorrow", code=2).err.startswith("error: 'tomorrow' is not a length")


def test_delete_undelete_and_erase_from_the_shell(paved, record):
    filled = fill(record)
    assert "experiment 'flights' is deleted" in paved("delete", "experiment/flights").out
    paved("delete", "experiment/flights", code=1)
    assert "is back" in paved("undelete", "experiment/flights").out
    assert get_run(record.db, filled.run_id).lifecycle_stage == "active"
    assert "add --yes" in paved("delete", "experiment/flights", "--forever", code=1).err
    told = paved("delete", "experiment/flights", "--forever", "--yes", "--json").json
    assert told == [
        {
            "kind": "experiment", "id": filled.experiment_id, "name": "flights", "is_erased": True,
            "erased_runs": 1,
        }
    ]  # fmt: skip
    assert "no experiment 'flights'" in paved("undelete", "experiment/flights", code=2).err


def test_erasing_over_http(live):
    filled = fill(live.record)
    import json
    import urllib.error
    import urllib.request

    def post(path: str, body: bytes = b"{}"):
        request = urllib.request.Request(
            live.url + path, data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    address = f"/api/pavedroad/runs/{filled.run_id}/erase"
    for body, status in ((b"{}", 409), (b'{"forced": 1}', 400), (b"[", 400)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(address, body)
        assert caught.value.code == status
        caught.value.close()
    assert post(address, b'{"force": true}') == {"erased_runs": 1}
    live.record.db.write(lambda tx: delete_experiment(tx, filled.experiment_id, who="ada"))
    assert post(f"/api/pavedroad/experiments/{filled.experiment_id}/erase") == {"erased_runs": 0}


@pytest.mark.parametrize("delay_s", [0.35, 0.5, 0.8])
def test_a_collection_killed_at_any_moment_leaves_all_that_is_named(paved, record, delay_s):
    for number in range(30):
        filled = fill(record, f"e{number}")
        if number % 2:
            record.db.write(lambda tx, run=filled.run_id: delete_run(tx, run, who="ada"))
    command = [sys.executable, "-m", "pavedroad.cli", "gc", "--older-than", "0", "--grace", "0", "--run"]
    process = subprocess.Popen(
        command, env=clean_environment(record.settings.home), stdout=subprocess.DEVNULL
    )
    time.sleep(delay_s)
    process.kill()
    process.wait()
    for digest in named_files(record.db, steps_since_ms=now_ms()):
        read_bytes(record.files, digest)
    paved("gc", "--older-than", "0", "--grace", "0", "--run")
    assert set(record.files.digests()) == set(named_files(record.db, steps_since_ms=now_ms()))
    assert record.db.value("SELECT COUNT(*) AS number FROM runs") == 15
