from __future__ import annotations

import math

import pytest

from pavedroad.errors import Invalid
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.record import Record
from pavedroad.tracking import Metric, create_logged_model, delete_logged_model, log_batch, start_run
from pavedroad.tracking.model_search import ModelOrder, search_logged_models


@pytest.fixture(scope="module")
def models(shared_record: Record) -> Reader:
    """Models a, b, c, d; metric auc of a on two datasets, of b on one, of c NaN, of d none; e is deleted."""

    def fill(tx: Transaction) -> None:
        run_id = start_run(tx, experiment_id="0")
        ids = {}
        for name in "abcde":
            made = create_logged_model(
                tx, experiment_id="0", name=name, params={"depth": name}, tags={"team": name * 2}
            )
            ids[name] = made.id
        for name, value, dataset, step in (
            ("a", 0.5, "train", 1),
            ("a", 0.7, "test", 2),
            ("b", 0.6, "test", 1),
            ("c", math.nan, "test", 1),
        ):
            point = Metric(
                key="auc",
                value=value,
                at_ms=step,
                step=step,
                model_id=ids[name],
                dataset_name=dataset,
                dataset_digest="1",
            )
            log_batch(tx, run_id, [point])
        delete_logged_model(tx, ids["e"])

    shared_record.db.write(fill)
    return shared_record.db


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "abcd"),
        ("name = 'a'", "a"),
        ("name IN ('a', 'd')", "ad"),
        ("params.depth LIKE 'b'", "b"),
        ("params.depth IN ('b', 'c')", "bc"),
        ("tags.team != 'aa'", "bcd"),
        ("metrics.auc > 0.55", "ab"),
        ("metrics.auc != 0.5", "abc"),
        ("status = 'PENDING' AND creation_timestamp > 5 AND last_updated_time > 5", "abcd"),
        ("name = 'a' OR NOT metrics.auc >= 0", "acd"),
    ],
)
def test_models_are_found_by_filter(models: Reader, text: str, expected: str) -> None:
    found, _ = search_logged_models(models, ["0"], filter=text)
    assert sorted(model.name for model in found) == list(expected)


@pytest.mark.parametrize(
    ("text", "datasets", "expected"),
    [
        ("", [("train", "")], "a"),
        ("", [("test", "1")], "abc"),
        ("", [("test", "2")], ""),
        ("metrics.auc > 0.55", [("train", "")], ""),
        ("metrics.auc > 0.4", [("train", ""), ("test", "1")], "ab"),
    ],
)
def test_metrics_may_count_on_some_datasets_only(
    models: Reader, text: str, datasets: list[tuple[str, str]], expected: str
) -> None:
    found, _ = search_logged_models(models, ["0"], filter=text, datasets=datasets)
    assert sorted(model.name for model in found) == list(expected)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ModelOrder(field="name"), "abcd"),
        (ModelOrder(field="name", ascending=False), "dcba"),
        (ModelOrder(field="metrics.auc"), "ba"),
        (ModelOrder(field="metrics.auc", ascending=False), "ab"),
        (ModelOrder(field="metrics.auc", dataset_name="train"), "a"),
    ],
)
def test_models_come_in_the_order_asked_for_those_without_the_metric_last(
    models: Reader, order: ModelOrder, expected: str
) -> None:
    found, _ = search_logged_models(models, ["0"], order_by=[order])
    assert "".join(model.name for model in found).startswith(expected)
    assert len(found) == 4


def test_models_come_in_pages(models: Reader) -> None:
    names, token = [], ""
    order = [ModelOrder(field="name")]
    while True:
        found, token = search_logged_models(models, ["0"], order_by=order, max_results=3, page_token=token)
        names += [model.name for model in found]
        if not token:
            break
    assert names == ["a", "b", "c", "d"]


def test_a_token_is_no_good_in_another_search(models: Reader) -> None:
    _, token = search_logged_models(models, ["0"], max_results=1)
    with pytest.raises(Invalid, match="Filter string in the page token does not match"):
        search_logged_models(models, ["0"], filter="name = 'a'", max_results=1, page_token=token)
    with pytest.raises(Invalid, match="Experiment IDs in the page token does not match"):
        search_logged_models(models, ["1"], max_results=1, page_token=token)
    for wrong in ("garbage", "YWJj", "é"):
        with pytest.raises(Invalid, match="Invalid page token"):
            search_logged_models(models, ["0"], page_token=wrong)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (ModelOrder(field=""), "`field_name` in the `order_by` clause must be specified"),
        (ModelOrder(field="params.depth"), "Only metrics are supported"),
        (ModelOrder(field="size"), "Invalid order by field name: size"),
        (ModelOrder(field="name", dataset_digest="1"), "`dataset_digest` can only be specified if"),
    ],
)
def test_an_order_that_cannot_be_is_refused(record: Record, order: ModelOrder, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        search_logged_models(record.db, ["0"], order_by=[order])


def test_a_dataset_needs_a_name(record: Record) -> None:
    with pytest.raises(Invalid, match="`dataset_name` in the `datasets` clause must be specified"):
        search_logged_models(record.db, ["0"], datasets=[("", "1")])
