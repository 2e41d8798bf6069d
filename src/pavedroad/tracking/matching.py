"""Which runs a filter means: each comparison is one range of an index, and the sets are combined here.

No plan of a database is as quick on a filter it has no statistics for, so none is asked for one: a comparison
reads one column of one key from an index that covers it (a few milliseconds for 100,000 runs), as one text of
numbers. Once few runs are left, only theirs are looked at.

Every name in a statement is one of ours and every value a parameter.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pavedroad.kit.sql import Reader
from pavedroad.tracking.filters import (
    ATTRIBUTE,
    DATASET,
    LEAST,
    METRIC,
    MOST,
    PARAM,
    TAG,
    And,
    Bound,
    Comparison,
    Filter,
    Not,
    Or,
    column_sql,
    comparisons_of,
    to_sql,
)
from pavedroad.tracking.model import CONTEXT_TAG, LOST
from pavedroad.tracking.store import RUNS_PER_QUERY, in_list

FEW_RUNS = 1000  # so many are looked up one by one
INDEXED_LENGTH = 200  # of a text, as in the indexes by value; longer ones have an index of their own
EVERYTHING = 2**62
SHORT, LONG = f"length(v.value) <= {INDEXED_LENGTH}", f"length(v.value) > {INDEXED_LENGTH}"

VALUE_TABLES: Mapping[str, str] = {PARAM: "params", TAG: "tags"}
METRIC_COLUMNS: Mapping[str, str] = {METRIC: "v.value", LEAST: "v.min_value", MOST: "v.max_value"}
# By its last value a curve may be NaN; its extremes are of its numbers, and it may have none.
IS_NUMBER: Mapping[str, str] = {
    METRIC: "v.is_nan = 0", LEAST: "v.min_value IS NOT NULL", MOST: "v.max_value IS NOT NULL",
}  # fmt: skip
IS_NAN: Mapping[str, str] = {
    METRIC: "v.is_nan = 1", LEAST: "v.min_value IS NULL", MOST: "v.max_value IS NULL",
}  # fmt: skip
_DATASET_COLUMNS = {"name": "d.name", "digest": "d.digest", "context": "t.value"}
_TO_NUMBERS: msgspec.json.Decoder[list[int]] = msgspec.json.Decoder(list[int])


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that a search looks at."""

    experiments: tuple[int, ...]
    stages: tuple[str, ...]
    lost_is_failed: bool = False  # a lost run says FAILED, as MLflow's clients read it

    def sql(self, bound: Bound) -> str:
        """A condition on the row `r`. One experiment is a range of `runs_by_start`, several are a sieve."""
        if len(self.experiments) == 1:
            where = f"r.experiment_id = {bound(self.experiments[0])}"
        else:
            # The sum keeps a database from visiting experiment by experiment, and then sorting.
            where = f"r.experiment_id + 0 IN ({', '.join(map(bound, self.experiments))})"
        if len(self.stages) == 1:
            return f"r.lifecycle_stage = {bound(self.stages[0])} AND {where}"
        return f"r.lifecycle_stage IN ({', '.join(map(bound, self.stages))}) AND {where}"

    def column(self, key: str) -> str:
        """The SQL of an attribute of the row `r`."""
        if key == "status" and self.lost_is_failed:
            return f"CASE r.status WHEN '{LOST}' THEN 'FAILED' ELSE r.status END"
        return _RUN_COLUMNS[key]


_RUN_COLUMNS = {
    "artifact_uri": "r.artifact_uri",
    "run_id": "r.id",
    "run_name": "r.name",
    "status": "r.status",
    "user_id": "r.user_id",
    "start_time": "r.start_ms",
    "end_time": "r.end_ms",
    "duration": "(r.end_ms - r.start_ms)",
}
ABSENT_WHILE_RUNNING = ("end_time", "duration")


def numbers_of(reader: Reader, query: str, values: Mapping[str, Any]) -> list[int]:
    """The column `no` of a query, in its order, carried as one text: a row for each costs five times that.

    A subquery without a limit may lose its order, so the query needs one.
    """
    joined = reader.value(f"SELECT group_concat(CAST(no AS TEXT), ',') FROM ({query}) AS found", **values)
    return _TO_NUMBERS.decode(f"[{joined or ''}]")


def split_condition(condition: Filter | None) -> tuple[Filter | None, list[Filter]]:
    """What speaks of the row of a run alone, and the parts that must hold besides."""
    parts = condition.parts if isinstance(condition, And) else (condition,) if condition is not None else ()
    own = [part for part in parts if _is_of_row(part)]
    return _all_of(own), [part for part in parts if not _is_of_row(part)]


def row_sql(condition: Filter, scope: Scope, bound: Bound) -> str:
    """A condition on the row `r`, of comparisons with attributes alone."""

    def compare(comparison: Comparison, bound: Bound) -> str:
        column = scope.column(comparison.field.key)
        condition = column_sql(column, comparison.operator, comparison.value, bound)
        if comparison.field.key in ABSENT_WHILE_RUNNING:
            return f"({column} IS NOT NULL AND {condition})"
        return f"({condition})"

    return to_sql(condition, compare, bound)


def narrow(reader: Reader, scope: Scope, condition: Filter, among: set[int]) -> set[int]:
    """Those of these runs for which the condition is true."""
    match condition:
        case _ if not among:
            return among
        case Comparison() if condition.field.kind not in (ATTRIBUTE, DATASET):
            return _by_value(reader, condition, among)
        case Comparison() if condition.field.kind == DATASET:
            return among.intersection(_by_dataset(reader, condition))
        case _ if _is_of_row(condition):
            return _by_row(reader, scope, condition, among)
        case Not():
            return among - narrow(reader, scope, condition.part, among)
        case And():
            for part in condition.parts:
                among = narrow(reader, scope, part, among)
            return among
        case Or():
            found: set[int] = set()
            for part in condition.parts:
                found |= narrow(reader, scope, part, among - found)
            return found
    raise AssertionError(condition)


def in_parts(numbers: Iterable[int]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Placeholders and values for so many runs as one statement names."""
    listed = list(numbers)
    for start in range(0, len(listed), RUNS_PER_QUERY):
        yield in_list(listed[start : start + RUNS_PER_QUERY])


def _is_of_row(condition: Filter) -> bool:
    return all(comparison.field.kind == ATTRIBUTE for comparison in comparisons_of(condition))


def _all_of(parts: Sequence[Filter]) -> Filter | None:
    return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def _by_value(reader: Reader, comparison: Comparison, among: set[int]) -> set[int]:
    """By a param, a tag or a metric."""
    field, operator = comparison.field, comparison.operator
    if operator == "IS NULL":
        return among - _by_value(reader, Comparison(field, "IS NOT NULL"), among)
    if field.kind in METRIC_COLUMNS:
        table, ranges = "latest_metrics", [""]
        condition = _metric_sql(comparison)
    else:
        table, ranges = VALUE_TABLES[field.kind], [f" AND {SHORT}", f" AND {LONG}"]
        condition = _text_sql(comparison)
        if operator == "=" and len(str(comparison.value)) <= INDEXED_LENGTH:
            ranges = ranges[:1]
    start = f"SELECT v.run_no AS no FROM {table} v WHERE v.key = "
    if len(among) <= FEW_RUNS:
        found: set[int] = set()
        for places, values in in_parts(among):
            bound = Bound()
            query = f"{start}{bound(field.key)} AND v.run_no IN ({places}){condition(bound)}"
            found.update(numbers_of(reader, query, {**bound.values, **values}))
        return found
    found = set()
    for part in ranges:
        bound = Bound()
        query = f"{start}{bound(field.key)}{part}{condition(bound)}"
        found.update(numbers_of(reader, query, bound.values))
    return among & found


def _metric_sql(comparison: Comparison) -> Callable[[Bound], str]:
    kind = comparison.field.kind

    def condition(bound: Bound) -> str:
        if comparison.operator == "IS NOT NULL":
            return ""
        compared = column_sql(METRIC_COLUMNS[kind], comparison.operator, comparison.value, bound)
        if comparison.operator == "!=":  # every comparison with NaN is false but !=
            return f" AND ({IS_NAN[kind]} OR {compared})"
        return f" AND {IS_NUMBER[kind]} AND {compared}"

    return condition


def _text_sql(comparison: Comparison) -> Callable[[Bound], str]:
    def condition(bound: Bound) -> str:
        if comparison.operator == "IS NOT NULL":
            return ""
        return f" AND {column_sql('v.value', comparison.operator, comparison.value, bound)}"

    return condition


def _by_dataset(reader: Reader, comparison: Comparison) -> list[int]:
    bound, key = Bound(), comparison.field.key
    tag = f" JOIN run_input_tags t ON t.input_no = i.no AND t.key = '{CONTEXT_TAG}'"
    query = (
        "SELECT i.run_no AS no FROM run_inputs i JOIN datasets d ON d.no = i.dataset_no"
        f"{tag if key == 'context' else ''}"
        f" WHERE {column_sql(_DATASET_COLUMNS[key], comparison.operator, comparison.value, bound)}"
    )
    return numbers_of(reader, query, bound.values)


def _by_row(reader: Reader, scope: Scope, condition: Filter, among: set[int]) -> set[int]:
    if len(among) > FEW_RUNS:
        bound = Bound()
        where = f"{scope.sql(bound)} AND {row_sql(condition, scope, bound)}"
        return among.intersection(
            numbers_of(reader, f"SELECT r.no AS no FROM runs r WHERE {where}", bound.values)
        )
    found: set[int] = set()
    for places, values in in_parts(among):
        bound = Bound()
        query = (
            f"SELECT r.no AS no FROM runs r WHERE r.no IN ({places}) AND {row_sql(condition, scope, bound)}"
        )
        found.update(numbers_of(reader, query, {**bound.values, **values}))
    return found
