"""Damage of every kind in a real record is found and named; what can be set right is."""

from __future__ import annotations

import sqlite3
from collections import namedtuple

import pytest
from tests.housekeeping.filled import fill

from pavedroad.housekeeping.collecting import nothing_shown
from pavedroad.housekeeping.doctor import examine_store
from pavedroad.tracking import metric_history


def examine(settings, *, quick=False, do_repair=False):
    return examine_store(settings, quick=quick, do_repair=do_repair, progress=nothing_shown)


def failures(diagnosis) -> list[str]:
    return [f"{line.check}: {line.says}" for line in diagnosis.lines if line.verdict == "fail"]


@pytest.mark.parametrize("quick", [False, True])
def test_a_whole_record_is_whole(any_record, quick):
    fill(any_record)
    found = examine(any_record.settings, quick=quick)
    assert failures(found) == []
    assert found.is_whole
    told = {line.check: line.says for line in found.lines}
    assert told["schema"] == "up to date"
    assert ("curves" in told) is not quick
    assert told["files"].startswith("3 files of 51 B")
    assert told["unnamed"].startswith("1 file of 15 B")


def write(record, statement: str, **values):
    record.db.write(lambda tx: tx.run(statement, **values))


def drop_an_index(record, filled):
    write(record, "DROP INDEX metric_blocks_by_curve")


def change_a_summary(record, filled):
    write(record, "UPDATE latest_metrics SET max_value = 77 WHERE key = 'loss'")


def lose_points(record, filled):
    write(record, "DELETE FROM metrics WHERE step = 2")


def leave_a_pipeline_alone(record, filled):
    write(record, "UPDATE pipeline_runs SET run_id = 'gone'")


def name_a_model_that_is_not_there(record, filled):
    write(record, "UPDATE run_models SET model_id = 'm-gone'")


def lose_a_folder(record, filled):
    write(record, "DELETE FROM artifact_entries WHERE name = 'plots'")


def lose_a_cached_result(record, filled):
    record.files.remove(filled.digests["value"])


REPAIRABLE = [
    (drop_an_index, "schema: indexes are missing: metric_blocks_by_curve", "made index"),
    (change_a_summary, "curves: 1 of 11 curves differ from their points", "summaries of 1 curves"),
    (lose_points, "curves: 1 of 11 curves differ from their points", "summaries of 1 curves"),
    (leave_a_pipeline_alone, "rows: 1 runs of pipelines without a run", "belonged to nothing"),
    (name_a_model_that_is_not_there, "rows: 1 uses of logged models that are not there", "belonged to"),
    (lose_a_folder, "rows: 1 folder of artifacts have no entry of their own", "1 folders"),
    (lose_a_cached_result, "files: of 3 files 1 missing, 0 damaged", "forgot 1 cached results"),
]


@pytest.mark.parametrize(
    ("damage", "says", "done"), REPAIRABLE, ids=lambda each: getattr(each, "__name__", "")
)
def test_damage_is_named_and_repaired(any_record, damage, says, done):
    damage(any_record, fill(any_record))
    found = examine(any_record.settings)
    assert says in failures(found)
    assert not found.is_whole
    assert all(line.next_step for line in found.lines if line.verdict == "fail")
    repaired = examine(any_record.settings, do_repair=True)
    assert any(done in each for each in repaired.repaired)
    assert failures(repaired) == []


def test_the_points_stay_as_they_are_when_summaries_are_repaired(record):
    filled = fill(record)
    before = metric_history(record.db, filled.run_id, "loss")
    change_a_summary(record, filled)
    examine(record.settings, do_repair=True)
    assert metric_history(record.db, filled.run_id, "loss") == before


def lose_an_artifact(record, filled):
    record.files.remove(filled.digests["artifact"])


def cut_an_artifact(record, filled):
    path = record.files.path(filled.digests["artifact"])
    path.write_bytes(path.read_bytes()[:-1])


def change_a_byte(record, filled):
    path = record.files.path(filled.digests["artifact"])
    path.write_bytes(b"?" + path.read_bytes()[1:])


@pytest.mark.parametrize(
    ("damage", "says", "detail"),
    [
        (lose_an_artifact, "files: of 3 files 1 missing, 0 damaged", "missing"),
        (cut_an_artifact, "files: of 3 files 0 missing, 1 damaged", "damaged"),
        (change_a_byte, "files: of 3 files 0 missing, 1 damaged", "damaged"),
    ],
)
def test_a_file_that_is_gone_or_changed_is_named_by_what_people_know(record, damage, says, detail):
    filled = fill(record)
    damage(record, filled)
    found = examine(record.settings, do_repair=True)  # nothing can bring these bytes back
    assert failures(found) == [says]
    (line,) = [line for line in found.lines if line.check == "files"]
    assert line.details == [
        f"{filled.experiment_id}/{filled.run_id}/artifacts/plots/a.txt: {detail}"
        f" ({filled.digests['artifact'][:12]})"
    ]


def test_quick_does_not_read_bytes(record):
    change_a_byte(record, fill(record))
    assert failures(examine(record.settings, quick=True)) == []


def test_points_that_cannot_be_read_are_named(record):
    fill(record)
    write(record, "UPDATE metric_blocks SET payload = :bytes", bytes=b"\x01garbage")
    found = examine(record.settings)
    assert failures(found) == ["curves: 1 of 11 curves differ from their points"]
    (line,) = [line for line in found.lines if line.check == "curves"]
    assert "many: its points cannot be read" in line.details[0]


def test_a_broken_foreign_key_is_found(record):
    fill(record)
    other = sqlite3.connect(record.settings.home / "paved.db")
    other.execute("INSERT INTO params (run_no, key, value) VALUES (999, 'a', 'b')")
    other.commit()
    other.close()
    told = failures(examine(record.settings))
    assert "keys: 1 row of params name rows that are not there" in told
    assert "rows: 1 params without a run" in told
    assert failures(examine(record.settings, do_repair=True)) == []


def test_a_damaged_database_file_is_one_line_with_the_next_step(record):
    fill(record)
    record.close()
    path = record.settings.home / "paved.db"
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + b"\xff" * 8192 + whole[middle + 8192 :])
    found = examine(record.settings)
    assert not found.is_whole
    assert any(line.check == "database" and line.verdict == "fail" and line.next_step for line in found.lines)
    path.write_bytes(b"not a database at all" * 100)
    (line,) = examine(record.settings).lines
    assert "is not a SQLite database" in line.says


@pytest.mark.parametrize(("free", "verdict"), [(10**12, "ok"), (10**9, "warn"), (10**8, "fail")])
def test_little_space_is_said(record, monkeypatch, free, verdict):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**12, 0, free))
    (line,) = [line for line in examine(record.settings).lines if line.check == "space"]
    assert line.verdict == verdict


def test_doctor_from_the_shell(paved, record):
    filled = fill(record)
    assert "ok    schema    up to date" in paved("doctor", "store").out
    lose_an_artifact(record, filled)
    assert "next: restore it from a backup" in paved("doctor", "store", "--quick", code=1).out
    assert {line["verdict"] for line in paved("doctor", "store", "--json", code=1).json["lines"]} == {
        "ok",
        "fail",
    }
