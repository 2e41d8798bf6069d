"""The columns of a list of runs: how they are written, and what they hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tracking.runs import FORMULA, add_runs

from pavedroad.errors import Invalid
from pavedroad.record import Record
from pavedroad.tracking.columns import (
    ATTRIBUTES,
    Column,
    cells_of,
    keys_of_runs,
    parse_column,
    parse_columns,
    telling_columns,
)
from pavedroad.tracking.runs_query import RunsQuery, page_of, scope_of

KEYS = st.text("abc_.-/ :9", min_size=1).filter(lambda key: key == key.strip())
COLUMNS = st.builds(Column, st.sampled_from(["params", "tags", "metrics", "min", "max"]), KEYS) | st.builds(
    Column, st.just("attributes"), st.sampled_from(ATTRIBUTES)
)


@given(st.lists(COLUMNS, unique=True))
def test_columns_survive_writing_and_reading(columns: list[Column]) -> None:
    assert parse_columns(", ".join(column.field for column in columns)) == columns


@given(COLUMNS)
def test_the_name_of_an_exported_column_is_read_back(column: Column) -> None:
    assert parse_column(column.name) == column


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("metrics.auc", Column("metrics", "auc")),
        ("metric.auc", Column("metrics", "auc")),
        ("last.auc", Column("metrics", "auc")),
        ("min.train/loss", Column("min", "train/loss")),
        ("max.`a,b`", Column("max", "a,b")),
        ("parameters.depth", Column("params", "depth")),
        ("tag.mlflow.user", Column("tags", "mlflow.user")),
        ("start_time", Column("attributes", "start_time")),
        ("attributes.user_id", Column("attributes", "user_id")),
    ],
)
def test_every_spelling_of_a_column_is_known(text: str, column: Column) -> None:
    assert parse_columns(text) == [column]


def test_a_column_that_is_named_twice_stands_once() -> None:
    assert parse_columns("metrics.auc,metric.auc, ,metrics.`auc`") == [Column("metrics", "auc")]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("auc", "write metrics.auc"),
        ("satus", "did you mean 'status'?"),
        ("run.durations", "'duration'"),
        ("`", ""),
    ],
)
def test_what_is_no_column_is_refused_with_the_next_step(text: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_columns(text)
    assert hint in refused.value.hint
    assert text in refused.value.message


def test_cells_hold_the_last_least_and_most_of_a_metric_and_everything_of_a_run(any_record: Record) -> None:
    add_runs(any_record)
    reader, query = any_record.db, RunsQuery(experiment="flights", order="start_time ASC")
    scope = scope_of(reader, query)
    rows = page_of(reader, query, scope, offset=0, limit=10).rows
    columns = parse_columns(
        "metrics.auc, min.auc, max.auc, params.depth, params.`odd key`,"
        "tags.team, experiment, duration, user_id"
    )
    first, second, third = cells_of(reader, rows, columns, scope.names)
    assert first == pytest.approx([0.5, 0.25, 0.55, "4", FORMULA, None, "flights", 250, "ada"])
    assert second[:3] == pytest.approx([0.9, 0.45, 0.99])
    assert second[5] == '-red, "or" blue'
    assert [math.isnan(value) for value in third[:3] if isinstance(value, float)] == [True] * 3


def test_more_columns_than_a_statement_names_are_read_too(record: Record) -> None:
    add_runs(record)
    query = RunsQuery(order="start_time ASC")
    scope = scope_of(record.db, query)
    rows = page_of(record.db, query, scope, offset=0, limit=10).rows
    columns = [*(Column("params", f"none-{at}") for at in range(80)), Column("params", "depth")]
    assert [cells[-1] for cells in cells_of(record.db, rows, columns, scope.names)] == ["4", "8", "8", "2"]


def test_what_tells_runs_apart_comes_first(any_record: Record) -> None:
    add_runs(any_record)
    numbers = [row["no"] for row in any_record.db.all("SELECT no FROM runs")]
    columns = telling_columns(any_record.db, numbers, metrics=2, params=2)
    assert [column.field for column in columns] == [
        "metrics.auc",
        "metrics.`train/loss`",
        "params.depth",
        "params.`odd key`",
    ]


def test_the_keys_of_runs_are_every_key_that_one_of_them_has(record: Record) -> None:
    add_runs(record)
    numbers = [row["no"] for row in record.db.all("SELECT no FROM runs")]
    assert keys_of_runs(record.db, "params", numbers) == ["depth", "odd key"]
    assert keys_of_runs(record.db, "metrics", numbers) == ["auc", "train/loss"]
