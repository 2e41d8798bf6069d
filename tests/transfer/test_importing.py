from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import PASSWORD, TEST_ALL
from tests.transfer.conftest import RUNS, make
from tests.transfer.reading import everything

from pavedroad.catalog import read_facts
from pavedroad.errors import Conflict, Invalid, NotFound
from pavedroad.record import Record
from pavedroad.registry import find_version, list_moves, rollback, version_files
from pavedroad.tracking import metric_history, search_runs
from pavedroad.transfer.importing import import_store
from pavedroad.transfer.model import Report
from pavedroad.transfer.sources import open_source

UNREACHABLE = 1  # the one version of the store whose files lie in a bucket


def take(record: Record, place: Path | str, **options: Any) -> Report:
    source = open_source(str(place), here=Path(place).parent)
    try:
        return import_store(record, source, **options)
    finally:
        source.close()


def numbers(report: Report) -> dict[str, tuple[int, int, int]]:
    return {kind: (each.source, each.taken, each.already) for kind, each in report.counts.items()}


@pytest.mark.parametrize("store", ["database", "mlruns"])
def test_everything_is_taken_once_and_a_second_import_changes_nothing(
    store: str, any_record: Record, request: pytest.FixtureRequest
) -> None:
    place = request.getfixturevalue(store)
    first = take(any_record, place)
    assert [problem.what for problem in first.problems] == ["versions/flights@4: s3://nowhere/model"]
    assert all(each.source == each.taken for kind, each in first.counts.items() if kind != "files"), numbers(
        first
    )
    assert first.counts["points"].here == first.counts["points"].source
    second = take(any_record, place)
    assert all(each.taken == 0 for each in second.counts.values()), numbers(second)
    assert {kind: each.source for kind, each in second.counts.items()} == {
        kind: each.source for kind, each in first.counts.items()
    }


# Ends itself as `kill -9` would, in the middle of the sweep's runs.
KILLED = """
import os, signal, sys
from pathlib import Path
from pavedroad.config import read_settings
from pavedroad.record import record_of
from pavedroad.tracking import metric_history, search_runs
from pavedroad.transfer.importing import import_store
from pavedroad.transfer.sources import open_source
from tests.conftest import PASSWORD, TEST_ALL
from tests.transfer.conftest import RUNS, make
from tests.transfer.reading import everything

source, seen = open_source(sys.argv[1], here=Path()), set()
points = source.points

def until_half(runs):
    for run_id, point in points(runs):
        seen.add(run_id)
        if len(seen) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        yield run_id, point

source.points = until_half
with record_of(read_settings()) as record:
    import_store(record, source)
"""


def test_an_import_killed_half_way_goes_on_and_ends_with_equal_counts(database: Path, record: Record) -> None:
    half = RUNS // 2 + 30
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(database), str(half)],
        env={**os.environ, "PAVED_HOME": str(record.settings.home)},
    )
    assert killed.returncode == -signal.SIGKILL
    before = record.db.value("SELECT COUNT(*) FROM transferred WHERE kind = 'run'")
    assert before == record.db.value("SELECT COUNT(*) FROM runs")
    assert half - 60 < before < half
    report = take(record, database)
    runs = report.counts["runs"]
    assert runs.source == record.db.value("SELECT COUNT(*) FROM runs")
    assert (runs.already, runs.taken) == (before, runs.source - before)
    assert report.counts["points"].here == report.counts["points"].source


def test_a_dry_run_writes_nothing(database: Path, record: Record) -> None:
    report = take(record, database, dry_run=True)
    assert report.counts["runs"].taken == report.counts["runs"].source > 200
    assert record.db.value("SELECT COUNT(*) FROM runs") == 0


def test_one_experiment_can_be_chosen(database: Path, record: Record) -> None:
    report = take(record, database, only=["gone"])
    assert numbers(report)["runs"] == (1, 1, 0)
    with pytest.raises(NotFound, match="no experiment 'fligths'"):
        take(record, database, only=["fligths"])


def test_a_gated_alias_comes_as_imported_and_no_rollback_goes_back_to_it(
    database: Path, record: Record
) -> None:
    take(record, database)
    version = find_version(record.db, "flights", "champion")
    assert version is not None
    assert version.version == 2
    assert {file.path for file in version_files(record.db, version.uid)} == {"MLmodel", "weights.bin"}
    assert version.source.startswith("mlflow-artifacts:/")
    (move,) = list_moves(record.db, "flights", alias="champion")
    assert (move.what, move.evaluation_id) == ("imported", 0)
    fact = read_facts(record.db, artifact="model/flights@2", verb="imported")[0]
    assert fact.payload["gates"] == "not asked"
    with pytest.raises(Conflict):
        rollback(record, "flights", who="ada")


def test_a_number_of_a_deleted_version_is_given_to_no_other(database: Path, record: Record) -> None:
    take(record, database)
    assert find_version(record.db, "flights", 3) is None
    assert record.db.value("SELECT version FROM model_version_numbers WHERE name = 'flights' AND version = 3")


@pytest.mark.parametrize("name", ["nothing.db", "not.db"])
def test_what_is_no_store_of_mlflow_is_refused(name: str, tmp_path: Path, record: Record) -> None:
    (tmp_path / "not.db").write_text("no database")
    with pytest.raises(Invalid):
        take(record, tmp_path / name)


def test_runs_read_equal_field_by_field_through_both_clients(
    database: Path, live: Any, mlflow_module: Any
) -> None:
    take(live.record, database)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = mlflow_module.MlflowClient(f"sqlite:///{database}")
        ours = mlflow_module.MlflowClient(live.url)
        ids = [
            run.info.run_id
            for experiment in theirs.search_experiments(view_type=3)
            for run in theirs.search_runs([experiment.experiment_id], run_view_type=3, max_results=50_000)
        ]
        chosen = [run_id for run_id in ids if not run_id.startswith("000000")]
        chosen += random.Random(4).sample(sorted(set(ids) - set(chosen)), 200 - len(chosen))
        for run_id in chosen:
            assert everything(ours, run_id) == everything(theirs, run_id)
            assert ours.get_run(run_id).info.run_id == run_id


@pytest.mark.skipif(not TEST_ALL, reason="MLflow needs a quarter of a minute to make its tables there")
def test_a_postgresql_of_mlflow_is_a_source(
    postgres: Any, record: Record, tmp_path: Path, mlflow_module: Any
) -> None:
    with postgres.database() as url:
        make(tmp_path, url.replace("postgresql://", "postgresql+psycopg://"), 20)
        report = take(record, url)
        assert [problem.what for problem in report.problems] == ["versions/flights@4: s3://nowhere/model"]
        assert PASSWORD not in report.origin
        assert report.counts["runs"].taken == report.counts["runs"].source == 27
        assert report.counts["points"].here == report.counts["points"].source > 20 * 100
        assert sum(count.taken for count in take(record, url).counts.values()) == 0


def test_a_database_of_an_old_mlflow_is_a_source(record: Record, tmp_path: Path) -> None:
    """Made by MLflow 1.30, of 2022: no inputs, no logged models, no aliases, fewer columns."""
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.executescript(Path(__file__).with_name("mlflow_1_30.sql").read_text("utf-8"))
    report = take(record, tmp_path / "mlflow.db", with_files=False)
    assert report.matches, report.problems
    counts = {kind: count.taken for kind, count in report.counts.items() if count.taken}
    assert counts == {"experiments": 2, "runs": 2, "points": 6, "models": 1, "versions": 2}
    (run,) = search_runs(record.db, ["1"], view="ALL")[0]
    assert (run.name, run.user, run.status, run.params) == ("old", "ada", "FINISHED", {"lr": "0.1"})
    assert [point.value for point in metric_history(record.db, run.id, "loss")] == [1.0, 0.5, 0.25]
    version = find_version(record.db, "old", 2)
    assert version is not None
    assert (version.stage, version.description, version.tags) == ("Production", "the second", {"k": "v"})


def test_a_history_of_100_000_points_is_taken_whole(record: Record, tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "5" / ("5" * 32)
    for part in ("metrics", "params", "tags"):
        (run / part).mkdir(parents=True)
    (run.parent / "meta.yaml").write_text(
        "artifact_location: /nowhere\nexperiment_id: '5'\nlifecycle_stage: active\nname: long\n"
        "creation_time: 1700000000000\nlast_update_time: 1700000000000\n"
    )
    (run / "meta.yaml").write_text(
        "artifact_uri: /nowhere\nend_time: 2\nexperiment_id: '5'\nlifecycle_stage: active\n"
        f"run_id: {run.name}\nrun_name: long\nrun_uuid: none\n"
        "source_type: 4\nstart_time: 1\nstatus: 3\nuser_id: ada\n"
    )
    lines = (f"{1_700_000_000_000 + step} {step / 7} {step}\n" for step in range(100_000))
    (run / "metrics" / "loss").write_text("".join(lines))
    report = take(record, tmp_path / "mlruns")
    assert (report.counts["points"].taken, report.counts["points"].here) == (100_000, 100_000)
    points = metric_history(record.db, run.name, "loss")
    assert [point.value for point in points[::9_999]] == [step / 7 for step in range(0, 100_000, 9_999)]
