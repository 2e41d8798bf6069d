from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.transfer.conftest import MLflowServer
from tests.transfer.reading import everything, ids_of

from pavedroad.config import Settings
from pavedroad.record import Record, open_record
from pavedroad.transfer.exporting import export_store
from pavedroad.transfer.importing import import_store
from pavedroad.transfer.model import Report
from pavedroad.transfer.record_source import RecordSource
from pavedroad.transfer.sources import open_source, open_target

UNREACHABLE = "versions/flights@4: s3://nowhere/model"  # the one version whose files lie in a bucket
BEFORE_THE_KILL = 60  # runs that are there when it comes, of more than 200


class Exported(NamedTuple):
    """A record that was exported in two goes, the first of which was killed."""

    record: Record
    server: MLflowServer
    when_killed: int
    report: Report


def send(record: Record, url: str, **options: Any) -> Report:
    target = open_target(url)
    try:
        return export_store(record, RecordSource(record), target, **options)
    finally:
        target.close()


def take(record: Record, uri: str) -> Report:
    source = open_source(uri, here=Path())
    try:
        return import_store(record, source)
    finally:
        source.close()


def numbers(report: Report) -> dict[str, tuple[int, int, int]]:
    return {kind: (each.taken, each.already, each.not_taken) for kind, each in report.counts.items()}


def whole_runs(record: Record) -> int:
    query = "SELECT COUNT(*) FROM transferred WHERE kind = 'run' AND transfer_id = 2 AND digest <> ''"
    return int(record.db.value(query))


@pytest.fixture(scope="module")
def exported(
    small_database: Path, mlflow_server: MLflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exported]:
    record = open_record(Settings(home=tmp_path_factory.mktemp("exported") / "home", user="ada"))
    take(record, str(small_database))
    killed = subprocess.Popen(
        [sys.executable, "-m", "pavedroad", "export", "mlflow", mlflow_server.url],
        env={**os.environ, "PAVED_HOME": str(record.settings.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while killed.poll() is None and whole_runs(record) < BEFORE_THE_KILL:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    when_killed = whole_runs(record)
    yield Exported(record, mlflow_server, when_killed, send(record, mlflow_server.url))
    record.close()


def test_an_export_killed_half_way_goes_on_and_ends_with_equal_counts(exported: Exported) -> None:
    report, runs = exported.report, exported.report.counts["runs"]
    assert report.matches, report.problems
    assert BEFORE_THE_KILL <= exported.when_killed < runs.source
    assert (runs.already, runs.taken) == (exported.when_killed, runs.source - exported.when_killed)
    assert runs.source == exported.record.db.value("SELECT COUNT(*) FROM runs")
    assert report.counts["points"].source == exported.record.db.value(
        "SELECT SUM(points) FROM latest_metrics"
    )


def test_exported_again_nothing_is_sent(exported: Exported) -> None:
    again = send(exported.record, exported.server.url)
    assert {kind: count.taken for kind, count in again.counts.items() if count.taken} == {}
    assert again.matches


def test_every_run_is_there_once_and_reads_equal_through_mlflows_client(
    exported: Exported, small_database: Path, mlflow_module: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = mlflow_module.MlflowClient(f"sqlite:///{small_database}")
        there = mlflow_module.MlflowClient(exported.server.url)
        wanted, sent = ids_of(theirs), {}
        for run_id in ids_of(there):
            origin = there.get_run(run_id).data.tags["paved.run_id"]
            assert origin not in sent
            sent[origin] = run_id
        assert sorted(sent) == sorted(wanted)
        odd = [run_id for run_id in wanted if not run_id.startswith("000000")]
        for run_id in odd + sorted(set(wanted) - set(odd))[::10]:
            assert everything(there, sent[run_id]) == everything(theirs, run_id)


def test_files_of_runs_and_models_are_there_and_name_what_is_there(
    exported: Exported, tmp_path: Path, mlflow_module: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = mlflow_module.MlflowClient(exported.server.url)
        experiment = there.get_experiment_by_name("flights").experiment_id
        (first,) = there.search_runs([experiment], "attributes.run_name = 'first'")
        folder = Path(there.download_artifacts(first.info.run_id, "", str(tmp_path)))
        assert (folder / "deep/down/b.txt").read_text() == "text of deep/down/b.txt"
        assert (folder / "empty.txt").read_bytes() == b""
        (model,) = there.search_logged_models([experiment])
        mlflow_module.set_tracking_uri(exported.server.url)
        (tmp_path / "model").mkdir()
        path = mlflow_module.artifacts.download_artifacts(
            f"models:/{model.model_id}", dst_path=str(tmp_path / "model")
        )
        said = (Path(path) / "MLmodel").read_text()
        assert said == f"flavors: {{}}\nmodel_id: {model.model_id}\nrun_id: {first.info.run_id}\n"
        assert (Path(path) / "weights.bin").read_bytes() == bytes(range(256))
        assert [each.model_id for each in first.outputs.model_outputs] == [model.model_id]
        assert [(each.key, each.value, each.dataset_name) for each in model.metrics] == [
            ("auc", 0.9, "flights")
        ]
        assert (str(model.status), len(model.params["text"])) == ("READY", 500)


def test_the_registry_has_the_same_numbers_stages_and_aliases(exported: Exported, mlflow_module: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = mlflow_module.MlflowClient(exported.server.url)
        model = there.get_registered_model("flights")
        assert (model.description, model.tags["owner"]) == ("Late or not", "ada")
        assert model.aliases == {"champion": "2", "old": "1"}
        versions = {each.version: each for each in there.search_model_versions("name = 'flights'")}
        assert {number: each.current_stage for number, each in sorted(versions.items())} == {
            "1": "Archived", "2": "Production", "4": "None"
        }  # fmt: skip
        assert {number: each.tags["n"] for number, each in versions.items()} == {"1": "1", "2": "2", "4": "4"}
        experiment = there.get_experiment_by_name("flights").experiment_id
        (logged,) = there.search_logged_models([experiment])
        assert versions["1"].source == f"models:/{logged.model_id}"
        assert versions["4"].source == "s3://nowhere/model"
        assert there.get_registered_model("empty").aliases == {}


def test_a_record_that_forgot_what_it_sent_makes_nothing_twice(
    exported: Exported, small_database: Path, record: Record, mlflow_module: Any
) -> None:
    take(record, str(small_database))
    before = runs_there(mlflow_module, exported.server.url)
    report = send(record, exported.server.url, only=["flights", "gone"])
    assert report.counts["runs"].taken == report.counts["runs"].source
    assert report.matches, report.problems
    assert runs_there(mlflow_module, exported.server.url) == before


def runs_there(mlflow: Any, url: str) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sorted(ids_of(mlflow.MlflowClient(url)))


def test_only_what_changed_is_sent(exported: Exported, mlflow_module: Any) -> None:
    from pavedroad.tracking import Metric, log_batch, search_runs

    db = exported.record.db
    (run,), _ = search_runs(db, ["2", "3", "1"], "attributes.run_name = 'sweep-7'")
    point = Metric(key="m0", value=0.5, at_ms=1_800_000_000_000, step=99)
    db.write(lambda tx: log_batch(tx, run.id, [point], tags={"group": "changed"}))
    report = send(exported.record, exported.server.url)
    assert report.counts["runs"].taken == 1
    assert numbers(report)["files"][0] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = mlflow_module.MlflowClient(exported.server.url)
        (found,) = there.search_runs(
            [there.get_experiment_by_name("many").experiment_id], f"tags.`paved.run_id` = '{run.id}'"
        )
        assert (found.data.metrics["m0"], found.data.tags["group"]) == (0.5, "changed")
        assert len(there.get_metric_history(found.info.run_id, "m0")) == 21


def test_a_live_server_is_a_source_and_what_comes_back_is_what_was_sent(
    exported: Exported, record: Record
) -> None:
    report = take(record, exported.server.url)
    assert [problem.what for problem in report.problems] == [UNREACHABLE]
    for kind in ("runs", "points", "logged models", "models", "versions", "aliases"):
        assert report.counts[kind].taken == report.counts[kind].source >= exported.report.counts[kind].source
    again = take(record, exported.server.url)
    assert sum(count.taken for count in again.counts.values()) == 0


def test_a_dry_run_sends_nothing(exported: Exported, record: Record, small_database: Path) -> None:
    take(record, str(small_database))
    report = send(record, exported.server.url, dry_run=True)
    assert report.counts["runs"].taken == report.counts["runs"].source > 200
    assert record.db.value("SELECT COUNT(*) FROM transfers WHERE direction = 'export'") == 0
