from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from pavedroad.catalog import read_facts
from pavedroad.errors import Conflict, Invalid, NotFound
from pavedroad.record import Record
from pavedroad.registry import find_version, list_moves, rollback, version_files
from pavedroad.transfer.importing import import_store
from pavedroad.transfer.model import Report
from pavedroad.transfer.sources import open_source

UNREACHABLE = 1  # the one version of the store whose files lie in a bucket


def take(record: Record, place: Path, **options: Any) -> Report:
    source = open_source(str(place), here=place.parent)
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


def test_an_import_killed_half_way_goes_on_and_ends_with_equal_counts(database: Path, record: Record) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-m", "pavedroad", "import", "mlflow", str(database)],
        env={**os.environ, "PAVED_HOME": str(record.settings.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while killed.poll() is None and not record.db.value("SELECT COUNT(*) FROM runs"):
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = record.db.value("SELECT COUNT(*) FROM runs")
    report = take(record, database)
    runs = report.counts["runs"]
    assert 0 < before <= runs.source == record.db.value("SELECT COUNT(*) FROM runs")
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


def everything(client: Any, run_id: str) -> dict[str, Any]:
    run = client.get_run(run_id)
    info = {name: text for name, text in dict(run.info).items() if name != "artifact_uri"}
    return {
        "info": info,
        "params": run.data.params,
        "tags": run.data.tags,
        "curves": {
            key: [
                (repr(point.value), point.timestamp, point.step)
                for point in sorted(
                    client.get_metric_history(run_id, key), key=lambda p: (p.timestamp, p.step, repr(p.value))
                )
            ]
            for key in run.data.metrics
        },
        "last": {key: repr(value) for key, value in run.data.metrics.items()},
        "inputs": sorted(str(each) for each in run.inputs.dataset_inputs),
        "outputs": sorted(str(each) for each in run.outputs.model_outputs) if run.outputs else [],
    }
