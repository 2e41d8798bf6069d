from __future__ import annotations

import pytest

from pavedroad.catalog import Ref, add_edge, ensure_artifact
from pavedroad.catalog.lineage import LARGEST, MOST_NEXT, parts_of, trace
from pavedroad.record import Record

MODEL, PIPELINE, PROJECT = Ref("model", "m"), Ref("pipeline", "p"), Ref("project", "q")


def known(record: Record, *refs: Ref) -> None:
    for ref in refs:
        record.db.write(lambda tx, ref=ref: ensure_artifact(tx, ref, who="ada"))


def says(record: Record, source: Ref, verb: str, target: Ref, run_id: str = "") -> None:
    record.db.write(lambda tx: add_edge(tx, source, verb, target, run_id=run_id))


@pytest.fixture
def two_runs(any_record: Record) -> Record:
    """Run 1 made version 1 of data a; run 2 made version 2 of data b; a service serves version 2."""
    for number, data in ((1, "a"), (2, "b")):
        version = Ref("model", "m", str(number))
        known(any_record, version, Ref("dataset", data, "x"))
        says(any_record, PIPELINE, "used", Ref("dataset", data, "x"), run_id=f"run{number}")
        says(any_record, PIPELINE, "produced", version, run_id=f"run{number}")
    says(any_record, Ref("service", "s"), "serves", Ref("model", "m", "2"))
    return any_record


def steps(record: Record, ref: Ref) -> set[str]:
    return {step.key for step in trace(record.db, ref).steps}


def test_a_version_has_only_the_data_of_its_own_run(two_runs: Record) -> None:
    assert steps(two_runs, Ref("model", "m", "1")) == {"model/m@1", "pipeline/p#run1", "dataset/a@x"}


def test_what_comes_after_is_found_too(two_runs: Record) -> None:
    assert steps(two_runs, Ref("dataset", "b", "x")) == {
        "dataset/b@x",
        "pipeline/p#run2",
        "model/m@2",
        "service/s",
    }


def test_an_artifact_without_version_stands_for_its_versions(two_runs: Record) -> None:
    assert set(trace(two_runs.db, MODEL).focus) == {"model/m@1", "model/m@2"}


def test_a_pipeline_stands_for_all_its_runs(two_runs: Record) -> None:
    assert steps(two_runs, PIPELINE) == {
        "pipeline/p",
        "dataset/a@x",
        "dataset/b@x",
        "model/m@1",
        "model/m@2",
        "service/s",
    }


def test_flows_go_in_the_direction_of_the_data(two_runs: Record) -> None:
    flows = {(flow.source, flow.target) for flow in trace(two_runs.db, Ref("model", "m", "2")).flows}
    assert flows == {
        ("dataset/b@x", "pipeline/p#run2"),
        ("pipeline/p#run2", "model/m@2"),
        ("model/m@2", "service/s"),
    }


def test_sentences_are_told_as_they_were_recorded(two_runs: Record) -> None:
    assert "service/s serves model/m@2" in trace(two_runs.db, Ref("model", "m", "2")).sentences


def test_a_sentence_that_two_runs_said_is_told_once(record: Record) -> None:
    for run in ("one", "two"):
        says(record, PIPELINE, "used", Ref("dataset", "a", "x"), run_id=run)
    assert trace(record.db, PIPELINE).sentences == ["pipeline/p used dataset/a@x"]


def test_a_circle_comes_to_an_end(record: Record) -> None:
    says(record, Ref("application", "a"), "used", Ref("service", "s"))
    says(record, Ref("service", "s"), "used", Ref("application", "a"))
    assert steps(record, Ref("service", "s")) == {"service/s", "application/a"}


def test_too_many_neighbours_are_counted_not_drawn(record: Record) -> None:
    for number in range(100):
        says(record, PIPELINE, "produced", Ref("dataset", "d", f"{number:03}"), run_id=f"r{number}")
    found = trace(record.db, PIPELINE)
    assert len(found.steps) == MOST_NEXT + 1 <= LARGEST
    assert found.left_out == 100 - MOST_NEXT


def test_a_project_shows_what_its_parts_did(two_runs: Record) -> None:
    says(two_runs, PIPELINE, "part-of", PROJECT)
    assert parts_of(two_runs.db, PROJECT) == ([], ["pipeline/p"])
    assert parts_of(two_runs.db, PIPELINE) == (["project/q"], [])
    assert "model/m@2" in steps(two_runs, PROJECT)


def test_an_artifact_of_which_nothing_is_known_stands_alone(record: Record) -> None:
    found = trace(record.db, Ref("dataset", "alone"))
    assert [step.key for step in found.steps] == ["dataset/alone"]
    assert found.flows == []
