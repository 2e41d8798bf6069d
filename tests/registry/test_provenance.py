"""Which metric counts for a version, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest

from pavedroad.record import Record
from pavedroad.registry.provenance import Provenance, provenance_of, subject_of
from pavedroad.tracking import Metric, log_batch, log_metric, set_tag


def values(
    record: Record, provenance: Provenance, key: str = "auc"
) -> list[tuple[float, str, tuple[str, ...]]]:
    subject = subject_of(record.db, "flights@1", provenance)
    return [(each.value, each.where, each.datasets) for each in subject.metrics.get(key, [])]


@pytest.fixture
def pipeline(any_make: Any) -> dict[str, str]:
    """A pipeline run with two steps: train made the model, evaluate measured it."""
    top = any_make.run(data="", tags={"paved.pipeline": "late", "paved.project": "late-flights"}, user="ada")
    inside = {"mlflow.parentRunId": top}
    train = any_make.run(data="d0", context="training", tags={**inside, "paved.step": "train"}, user="bob")
    evaluate = any_make.run(metrics={"auc": 0.8}, tags={**inside, "paved.step": "evaluate"})
    return {"top": top, "train": train, "evaluate": evaluate, "model": any_make.logged_model(train)}


def test_a_metric_of_another_step_counts(any_make: Any, pipeline: dict[str, str]) -> None:
    for run in ("top", "train"):
        found = provenance_of(any_make.record.db, pipeline[run], pipeline["model"])
        assert values(any_make.record, found) == [(0.8, "step evaluate", ("d1",))]
        assert found.tag("paved.project") == "late-flights"
        assert found.users == ["ada", "bob"]


def test_a_metric_of_the_pipeline_run_comes_before_those_of_steps(
    any_make: Any, pipeline: dict[str, str]
) -> None:
    any_make.record.db.write(
        lambda tx: log_batch(tx, pipeline["top"], metrics=[Metric(key="auc", value=0.7, at_ms=1)])
    )
    found = provenance_of(any_make.record.db, pipeline["train"], "")
    assert values(any_make.record, found) == [(0.7, "run", ("d1",))]


def test_steps_that_disagree_are_both_told(any_make: Any, pipeline: dict[str, str]) -> None:
    inside = {"mlflow.parentRunId": pipeline["top"], "paved.step": "again"}
    any_make.run(metrics={"auc": 0.5}, tags=inside)
    found = provenance_of(any_make.record.db, pipeline["top"], "")
    assert sorted(value for value, _, _ in values(any_make.record, found)) == [0.5, 0.8]


def test_of_a_pipeline_with_two_models_each_has_its_own_metric(
    any_make: Any, pipeline: dict[str, str]
) -> None:
    record = any_make.record
    other = any_make.logged_model(pipeline["train"])
    for model, value in ((pipeline["model"], 0.91), (other, 0.62)):
        point = Metric(key="auc", value=value, at_ms=1, model_id=model)
        record.db.write(lambda tx, point=point: log_metric(tx, pipeline["evaluate"], point))
    record.db.write(lambda tx: set_tag(tx, pipeline["top"], "paved.models", f"{pipeline['model']},{other}"))
    for model, value in ((pipeline["model"], 0.91), (other, 0.62)):
        found = provenance_of(record.db, pipeline["top"], model)
        assert values(record, found) == [(value, "logged model", ("d1",))]


def test_what_a_run_measured_on_evaluation_data_comes_before_what_its_model_says_of_itself(make: Any) -> None:
    """A model carries its training metrics, too."""
    run = make.run(metrics={"auc": 0.8})
    model = make.logged_model(run)
    point = Metric(key="loss", value=0.1, at_ms=1, model_id=model)
    make.record.db.write(lambda tx: log_metric(tx, run, point))
    found = provenance_of(make.record.db, run, model)
    assert values(make.record, found) == [(0.8, "run", ("d1",))]
    assert values(make.record, found, "loss")[0][0] == 0.1


def test_the_data_a_metric_says_it_was_measured_on_counts(make: Any) -> None:
    run = make.run(data="test-1")
    model = make.logged_model(run)
    for value, digest in ((0.99, "train-1"), (0.7, "test-1")):
        point = Metric(
            key="auc", value=value, at_ms=1, model_id=model, dataset_name="x", dataset_digest=digest
        )
        make.record.db.write(lambda tx, point=point: log_metric(tx, run, point))
    found = provenance_of(make.record.db, run, model)
    assert values(make.record, found) == [(0.7, "logged model", ("test-1",))]


@pytest.mark.parametrize(
    ("context", "counts"),
    [("eval", True), ("Test", True), ("validation", True), ("training", False), ("", False)],
)
def test_only_evaluation_data_counts(make: Any, context: str, counts: bool) -> None:
    run = make.run(metrics={"auc": 0.8}, context=context)
    ((_, _, datasets),) = values(make.record, provenance_of(make.record.db, run, ""))
    assert datasets == (("d1",) if counts else ())


def test_what_is_no_longer_on_the_record_is_nothing(make: Any) -> None:
    assert provenance_of(make.record.db, "gone", "m-gone") == Provenance()
    assert provenance_of(make.record.db, "", "").users == []


def test_a_logged_model_of_an_earlier_run_brings_that_run(make: Any) -> None:
    """A cached step returns the model of the run that made it."""
    earlier = make.run(metrics={"auc": 0.6}, user="eve")
    model = make.logged_model(earlier)
    later = make.run(metrics={"auc": 0.8})
    found = provenance_of(make.record.db, later, model)
    assert [run.id for run in found.runs] == [later, earlier]
    assert values(make.record, found) == [(0.8, "run", ("d1",))]
