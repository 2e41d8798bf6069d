"""A backup holds one moment while others write, and becomes an equal record in either database."""

from __future__ import annotations

import json
import shutil
import tarfile
import threading
import time

import pytest
from tests.housekeeping.filled import fill, tables

from pavedroad.config import Settings
from pavedroad.errors import Conflict, Damaged, Exists, Invalid, NotFound
from pavedroad.housekeeping import schema
from pavedroad.housekeeping.backup import make_backup
from pavedroad.housekeeping.collecting import nothing_shown
from pavedroad.housekeeping.named_files import named_files
from pavedroad.housekeeping.restore import restore
from pavedroad.kit.files import put_bytes, read_bytes
from pavedroad.record import record_of
from pavedroad.tracking import Metric, create_experiment, log_batch, metric_history, put_file, start_run
from pavedroad.tracking.model import root_of
from pavedroad.tracking.store import get_run


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request, tmp_path):
    """Settings of another, empty record, in either database."""
    home = tmp_path / "elsewhere"
    if request.param == "sqlite":
        yield Settings(home=home, user="grace")
        return
    with request.getfixturevalue("postgres").database() as url:
        yield Settings(home=home, user="grace", database=url)


def everything(record) -> dict[str, list[tuple]]:
    """All rows of all tables, in order."""
    found = {}
    for name, columns in tables(record).items():
        if name != "schema_migrations":
            rows = record.db.all(f"SELECT * FROM {name}")
            found[name] = sorted([tuple(row[column] for column in sorted(columns)) for row in rows], key=repr)
    return found


def backup(record, target):
    return make_backup(record, target, progress=nothing_shown)


def test_a_restored_record_equals_the_one_that_was_backed_up_whatever_the_databases(
    any_record, elsewhere, tmp_path
):
    filled = fill(any_record)
    odd = [Metric(key="odd", value=value, at_ms=1, step=0) for value in (float("inf"), float("nan"), 0.1)]
    any_record.db.write(lambda tx: log_batch(tx, filled.run_id, metrics=odd))
    made = backup(any_record, tmp_path / "backup")
    assert (made.files, made.copied_files, made.missing) == (3, 3, [])
    restore(elsewhere, tmp_path / "backup", replace=False, progress=nothing_shown)
    with record_of(elsewhere) as restored:
        assert everything(restored) == everything(any_record)
        for digest in named_files(restored.db, steps_since_ms=0):
            if digest != filled.digests["step"]:
                assert read_bytes(restored.files, digest) == read_bytes(any_record.files, digest)
        another = restored.db.write(lambda tx: create_experiment(tx, "after", who="grace"))
        assert int(another.id) > int(filled.experiment_id)
        fill(restored, "more")  # every table gives numbers that are free


def test_a_backup_while_eight_write_holds_all_that_was_acknowledged_before(any_record, elsewhere, tmp_path):
    experiment = any_record.db.write(lambda tx: create_experiment(tx, "busy", who="ada"))
    stop = threading.Event()
    acknowledged: dict[str, int] = {}

    def write(number: int) -> None:
        run = any_record.db.write(lambda tx: start_run(tx, experiment_id=experiment.id))
        step = 0
        while not stop.is_set():
            point = Metric(key="loss", value=float(step), at_ms=step, step=step)
            stored = put_bytes(any_record.files, f"{number} {step}".encode())
            any_record.db.write(lambda tx, point=point: log_batch(tx, run, metrics=[point]))
            any_record.db.write(
                lambda tx, stored=stored, step=step: put_file(
                    tx, root_of(get_run(tx, run).artifact_uri), f"{step}.txt", stored
                )
            )
            step += 1
            acknowledged[run] = step

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(acknowledged) < 8 or min(acknowledged.values()) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    before = dict(acknowledged)
    made = backup(any_record, tmp_path / "backup")
    stop.set()
    for thread in threads:
        thread.join()
    assert made.missing == []
    restore(elsewhere, tmp_path / "backup", replace=False, progress=nothing_shown)
    with record_of(elsewhere) as restored:
        for run, steps in before.items():
            points = metric_history(restored.db, run, "loss")
            assert [point.step for point in points] == list(range(len(points)))
            assert len(points) >= steps
        for digest in named_files(restored.db, steps_since_ms=0):
            read_bytes(restored.files, digest)


def test_a_second_backup_copies_only_new_files_and_drops_what_is_gone(record, tmp_path):
    fill(record, "one")
    assert backup(record, tmp_path / "backup").copied_files == 3
    fill(record, "two")
    made = backup(record, tmp_path / "backup")
    assert (made.files, made.copied_files) == (6, 3)
    folder = tmp_path / "backup" / "tables"
    assert len(list(folder.iterdir())) == made.tables + 1


def test_a_backup_that_is_killed_leaves_the_one_before_whole(record, tmp_path, elsewhere):
    filled = fill(record, "one")
    backup(record, tmp_path / "backup")
    fill(record, "two")

    def killed(what: str, done: int, total: int) -> None:
        if what.startswith("copying") and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_backup(record, tmp_path / "backup", progress=killed)
    restore(elsewhere, tmp_path / "backup", replace=False, progress=nothing_shown)
    with record_of(elsewhere) as restored:
        assert get_run(restored.db, filled.run_id).name == "first"
        assert restored.db.value("SELECT COUNT(*) AS number FROM runs") == 1


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz"])
def test_a_backup_may_be_one_file(record, elsewhere, tmp_path, name):
    filled = fill(record)
    backup(record, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == [name]
    with pytest.raises(Exists):
        backup(record, tmp_path / name)
    restore(elsewhere, tmp_path / name, replace=False, progress=nothing_shown)
    with record_of(elsewhere) as restored:
        assert read_bytes(restored.files, filled.digests["artifact"]) == b"artifact of flights"


def test_a_record_with_something_in_it_is_replaced_only_when_told(any_record, tmp_path, elsewhere):
    filled = fill(any_record)
    backup(any_record, tmp_path / "backup")
    with record_of(elsewhere) as other:
        lost = fill(other, "lost")
    with pytest.raises(Conflict, match="not empty"):
        restore(elsewhere, tmp_path / "backup", replace=False, progress=nothing_shown)
    restore(elsewhere, tmp_path / "backup", replace=True, progress=nothing_shown)
    with record_of(elsewhere) as other:
        assert get_run(other.db, filled.run_id).name == "first"
        with pytest.raises(NotFound):
            get_run(other.db, lost.run_id)


def damage_table(folder):
    path = next(path for path in (folder / "tables").iterdir() if path.name.startswith("params"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def damage_file(folder):
    path = next((folder / "files").glob("??/*"))
    path.write_bytes(b"something else")


def lose_file(folder):
    next((folder / "files").glob("??/*")).unlink()


def damage_list(folder):
    next((folder / "tables").glob("files-*")).write_bytes(b"")


def another_format(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))


def another_version(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["migrations"]["tracking"] = 99
    (folder / "manifest.json").write_text(json.dumps(manifest))


def lose_manifest(folder):
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (damage_table, Damaged, "table params of the backup is damaged"),
        (damage_file, Damaged, "is damaged"),
        (lose_file, Damaged, "of the backup is missing"),
        (damage_list, Damaged, "the list of files"),
        (another_format, Invalid, "format 99"),
        (another_version, Conflict, "made by a newer version"),
        (lose_manifest, NotFound, "no complete backup"),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_is_restored(record, tmp_path, damage, error, says):
    fill(record)
    backup(record, tmp_path / "backup")
    damage(tmp_path / "backup")
    elsewhere = Settings(home=tmp_path / "elsewhere", user="grace")
    with pytest.raises(error, match=says):
        restore(elsewhere, tmp_path / "backup", replace=False, progress=nothing_shown)
    with record_of(elsewhere) as other:
        assert schema.is_empty(other.db, "sqlite")


def test_a_tar_with_paths_that_climb_out_is_refused(tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        (tmp_path / "x").write_text("x")
        tar.add(tmp_path / "x", arcname="../../escaped")
    elsewhere = Settings(home=tmp_path / "home")
    with pytest.raises(Damaged):
        restore(elsewhere, tmp_path / "evil.tar", replace=False, progress=nothing_shown)
    assert not (tmp_path.parent / "escaped").exists()


def test_a_folder_with_other_things_is_not_touched(record, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(Exists, match=r"letter\.txt"):
        backup(record, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_the_tables_of_the_migrations_are_those_of_the_database(any_record):
    names = {table.name for table in schema.tables_of(any_record.db.dialect)}
    assert names == set(tables(any_record)) - {"schema_migrations"}


def test_backup_and_restore_from_the_shell(paved, record, tmp_path):
    fill(record)
    assert "3 files" in paved("backup", tmp_path / "b.tar.gz").out
    assert "add --yes" in paved("restore", tmp_path / "b.tar.gz", "--replace", code=1).err
    assert "not empty" in paved("restore", tmp_path / "b.tar.gz", code=1).err
    told = paved("restore", tmp_path / "b.tar.gz", "--json", env={"PAVED_HOME": str(tmp_path / "new")}).json
    assert told["files"] == 3
    paved("restore", tmp_path / "nothing", code=2)
    shutil.rmtree(tmp_path / "new")
