"""Runs side by side: what differs stands apart, and who may be compared."""

from __future__ import annotations

import math

import pytest
from tests.tracking.runs import add_runs

from pavedroad.errors import Invalid, NotFound
from pavedroad.record import Record
from pavedroad.tracking import DatasetInput, log_input, set_tag
from pavedroad.tracking.comparison import (
    compare_code,
    compare_data,
    compare_metrics,
    compare_params,
    compare_tags,
    part,
    pick_runs,
)
from pavedroad.tracking.direction import GREATER_TAG, PRIMARY_TAG
from pavedroad.tracking.store import set_experiment_tag


def test_params_that_differ_stand_apart_from_those_that_are_equal(record: Record) -> None:
    ids = add_runs(record)
    params = compare_params(pick_runs(record.db, ids[1:3]))
    assert params.differing == []
    assert [(row.key, row.values) for row in params.equal] == [("depth", ["8", "8"])]
    params = compare_params(pick_runs(record.db, ids[:2]))
    assert [(row.key, row.values[1]) for row in params.differing] == [("depth", "8"), ("odd key", None)]


def test_nan_in_all_runs_is_equal() -> None:
    assert part("Metrics", {"auc": [math.nan, math.nan]}).differing == []


def test_the_best_of_a_metric_is_marked_with_how_its_direction_is_known(any_record: Record) -> None:
    ids = add_runs(any_record)
    runs = pick_runs(any_record.db, ids)
    (auc,) = compare_metrics(any_record.db, runs).differing
    assert (auc.key, auc.better, auc.because, auc.best) == ("auc", "higher", "by its name", [1])
    tags = {PRIMARY_TAG: "auc", GREATER_TAG: "false"}
    for key, value in tags.items():
        any_record.db.write(
            lambda tx, key=key, value=value: set_experiment_tag(tx, runs[0].experiment_id, key, value)
        )
    (auc,) = compare_metrics(any_record.db, runs).differing
    assert (auc.better, auc.because, auc.best) == ("lower", "the experiment's main metric", [0])
    (auc,) = compare_metrics(any_record.db, runs, higher=["auc"]).differing
    assert (auc.better, auc.because) == ("higher", "you said so")


def test_data_and_code_are_compared_where_the_record_knows_them(record: Record) -> None:
    ids = add_runs(record)

    def work(tx):
        for run_id, digest in zip(ids[:2], ("aa11", "bb22"), strict=True):
            data = DatasetInput(
                name="flights",
                digest=digest,
                source_type="local",
                source="x",
                tags={"mlflow.data.context": "training"},
            )
            log_input(tx, run_id, data)
            set_tag(tx, run_id, "mlflow.source.git.commit", digest * 10)
            set_tag(tx, run_id, "mlflow.source.name", "train.py")

    record.db.write(work)
    runs = pick_runs(record.db, ids[:2])
    (data,) = compare_data(record.db, runs).differing
    assert (data.key, data.values) == ("flights, training", ["aa11", "bb22"])
    code = compare_code(runs)
    assert [(row.key, row.values) for row in code.differing] == [("commit", ["aa11aa11aa11", "bb22bb22bb22"])]
    assert [row.key for row in code.equal] == ["source"]


def test_tags_are_those_of_people(record: Record) -> None:
    ids = add_runs(record)
    tags = compare_tags(pick_runs(record.db, ids[:2]))
    assert [row.key for row in tags.differing] == ["team"]
    assert tags.equal == []


def test_runs_are_named_by_the_start_of_their_ids_once_each(record: Record) -> None:
    ids = add_runs(record)
    assert [run.id for run in pick_runs(record.db, [ids[0][:12], ids[1], ids[0]])] == ids[:2]


@pytest.mark.parametrize("number", [0, 1, 21])
def test_fewer_than_two_and_more_than_twenty_are_refused(record: Record, number: int) -> None:
    words = [f"{at:032x}" for at in range(number)]
    with pytest.raises(Invalid, match=r"no run was|1 run was|21 runs are too many"):
        pick_runs(record.db, words)


def test_one_run_named_twice_is_refused(record: Record) -> None:
    run = add_runs(record)[0]
    with pytest.raises(Invalid, match="named twice"):
        pick_runs(record.db, [run, run[:12]])


def test_every_run_that_is_not_there_is_named(record: Record) -> None:
    ids = add_runs(record)
    with pytest.raises(NotFound) as refused:
        pick_runs(record.db, [ids[0], "f" * 32, "e" * 32])
    assert "f" * 32 in refused.value.message
    assert "e" * 32 in refused.value.message
    assert ids[0] not in refused.value.message
