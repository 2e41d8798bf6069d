"""Searches over runs and experiments: the filter language compiled to SQL, ordered, in pages.

Every name in a statement is one of ours and every value a parameter.
"""
# ruff: noqa: S608

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from pavedroad.errors import Invalid, NotFound, did_you_mean
from pavedroad.kit.sql import Reader, Row
from pavedroad.tracking.filters import (
    ATTRIBUTE,
    DATASET,
    EXPERIMENTS,
    METRIC,
    PARAM,
    TAG,
    Bound,
    Comparison,
    Order,
    column_sql,
    parse_filter,
    parse_order,
    to_sql,
)
from pavedroad.tracking.metrics import to_metric
from pavedroad.tracking.model import CONTEXT_TAG, PARENT_TAG, VIEWS, Experiment, Metric, Run
from pavedroad.tracking.store import (
    RUNS_PER_QUERY,
    experiment_number,
    find_experiment,
    find_run,
    in_list,
    to_experiment,
    to_run,
)

MOST_RESULTS = 50_000
LAST = ("last", "latest")

_RUN_COLUMNS = {
    "artifact_uri": "r.artifact_uri",
    "run_id": "r.id",
    "run_name": "r.name",
    "status": "r.status",
    "user_id": "r.user_id",
    "start_time": "r.start_ms",
    "end_time": "r.end_ms",
}
_EXPERIMENT_COLUMNS = {
    "experiment_id": "CAST(e.id AS TEXT)",
    "name": "e.name",
    "creation_time": "e.created_ms",
    "last_update_time": "e.updated_ms",
}
_DATASET_COLUMNS = {"name": "d.name", "digest": "d.digest", "context": "t.value"}
_VALUE_TABLES = {METRIC: "latest_metrics", PARAM: "params", TAG: "tags"}


def search_runs(
    reader: Reader,
    experiment_ids: Sequence[str],
    filter: str = "",  # noqa: A002  the language calls it so
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
    max_results: int = 1000,
    page_token: str = "",
) -> tuple[list[Run], str]:
    """One page of the runs that match, with their values, and the token of the next page ("" on the last).

    Order: as asked, then newest first, then by id. In an order by a metric, NaN comes after every number and
    runs without the metric come last, ascending or descending.
    Raises: Invalid for a filter, order, view or token it cannot read.
    """
    rows, token = find_runs(reader, experiment_ids, filter, order_by, view, max_results, page_token)
    return with_values(reader, rows), token


def find_runs(
    reader: Reader,
    experiment_ids: Sequence[str],
    filter: str = "",  # noqa: A002
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
    max_results: int = 1000,
    page_token: str = "",
) -> tuple[list[Row], str]:
    """As `search_runs`, but only the rows of the runs."""
    check_max_results(max_results)
    offset = read_page_token(page_token)
    bound = Bound()
    where = _runs_where(experiment_ids, filter, view, bound)
    joins, order = _runs_order([parse_order(clause) for clause in order_by], bound)
    if where is None:
        return [], ""
    query = (
        f"SELECT r.* FROM runs r{joins} WHERE {where} ORDER BY {order}"
        f" LIMIT {bound(max_results + 1)} OFFSET {bound(offset)}"
    )
    return _page(reader.all(query, **bound.values), offset, max_results)


def pick_run(reader: Reader, word: str, *, project: str = "") -> Run:
    """By the start of its id; `last` is the newest run, of `project` where it has any.

    Raises: NotFound, and Invalid when several ids start so.
    """
    if word.strip().lower() not in LAST:
        return find_run(reader, word)
    experiment = find_experiment(reader, project) if project else None
    everywhere = [each.id for each in search_experiments(reader)[0]]
    for ids in ([experiment.id] if experiment else [], everywhere):
        found = search_runs(reader, ids, f"tags.`{PARENT_TAG}` IS NULL", max_results=1)[0] if ids else []
        if found:
            return found[0]
    raise NotFound("there is no run yet", hint="make one with `paved run`, or log one with mlflow")


def count_matching_runs(
    reader: Reader,
    experiment_ids: Sequence[str],
    filter: str = "",  # noqa: A002
    view: str = "ACTIVE_ONLY",
) -> int:
    bound = Bound()
    where = _runs_where(experiment_ids, filter, view, bound)
    if where is None:
        return 0
    number = reader.value(f"SELECT COUNT(*) AS number FROM runs r WHERE {where}", **bound.values)
    return int(number)


def with_values(reader: Reader, rows: Sequence[Row]) -> list[Run]:
    """The runs of these rows with their params, tags and last metrics, three statements for 200 of them."""
    runs: list[Run] = []
    for start in range(0, len(rows), RUNS_PER_QUERY):
        part = rows[start : start + RUNS_PER_QUERY]
        numbers = [row["no"] for row in part]
        params, tags = _texts_of(reader, "params", numbers), _texts_of(reader, "tags", numbers)
        metrics = _metrics_of(reader, numbers)
        runs += [
            to_run(
                row,
                params=params.get(row["no"], {}),
                tags=tags.get(row["no"], {}),
                metrics=metrics.get(row["no"], []),
            )
            for row in part
        ]
    return runs


def search_experiments(
    reader: Reader,
    filter: str = "",  # noqa: A002
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
    max_results: int = 1000,
    page_token: str = "",
) -> tuple[list[Experiment], str]:
    """One page of experiments, newest first unless asked otherwise, and the token of the next page."""
    check_max_results(max_results)
    offset = read_page_token(page_token)
    bound = Bound()
    where = f"e.lifecycle_stage IN ({', '.join(map(bound, _stages(view)))})"
    condition = parse_filter(filter, EXPERIMENTS)
    if condition is not None:
        where += f" AND {to_sql(condition, _experiment_comparison, bound)}"
    query = (
        f"SELECT e.* FROM experiments e WHERE {where} ORDER BY {_experiments_order(order_by)}"
        f" LIMIT {bound(max_results + 1)} OFFSET {bound(offset)}"
    )
    rows, token = _page(reader.all(query, **bound.values), offset, max_results)
    tags = _texts_of(reader, "experiment_tags", [row["id"] for row in rows], owner="experiment_id")
    return [to_experiment(row, tags.get(row["id"], {})) for row in rows], token


# ---------------------------------------------------------------------------------------------------- pages


class _Place(msgspec.Struct):
    offset: int


def make_page_token(offset: int) -> str:
    return base64.b64encode(f'{{"offset": {offset}}}'.encode()).decode()  # byte for byte as MLflow's


def read_page_token(token: str) -> int:
    """The offset of a page. Raises Invalid for anything we did not make."""
    if not token:
        return 0
    try:
        decoded = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(
            "Invalid page token, could not base64-decode", hint="send the token as it came"
        ) from None
    try:
        offset = msgspec.json.decode(decoded, type=_Place).offset
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid(f"Invalid page token, decoded value={decoded[:100]!r}") from None
    if not 0 < offset < 2**62:
        raise Invalid(f"Invalid page token, parsed value={offset}")
    return offset


def check_max_results(max_results: int, most: int = MOST_RESULTS) -> None:
    wrong = f"Invalid value {max_results} for parameter 'max_results' supplied."
    if max_results < 1:
        raise Invalid(f"{wrong} It must be a positive integer")
    if max_results > most:
        raise Invalid(f"{wrong} It must be at most {most}")


def _page(rows: list[Row], offset: int, max_results: int) -> tuple[list[Row], str]:
    if len(rows) <= max_results:
        return rows, ""
    return rows[:max_results], make_page_token(offset + max_results)


# ----------------------------------------------------------------------------------------------- conditions


def _runs_where(experiment_ids: Sequence[str], text: str, view: str, bound: Bound) -> str | None:
    """The condition on runs; None when no experiment is asked for."""
    numbers = sorted({experiment_number(experiment_id) for experiment_id in experiment_ids})
    condition = parse_filter(text)
    stages = _stages(view)
    if not numbers:
        return None
    where = f"r.experiment_id IN ({', '.join(map(bound, numbers))})"
    where += f" AND r.lifecycle_stage IN ({', '.join(map(bound, stages))})"
    return where if condition is None else f"{where} AND {to_sql(condition, run_comparison, bound)}"


def _stages(view: str) -> tuple[str, ...]:
    if view not in VIEWS:
        raise Invalid(f"Invalid view type '{view}'", hint=did_you_mean(view, VIEWS))
    return VIEWS[view]


def run_comparison(comparison: Comparison, bound: Bound) -> str:
    """A comparison as a condition on the row `r` of a run."""
    field, operator, value = comparison.field, comparison.operator, comparison.value
    if field.kind == ATTRIBUTE:
        column = _RUN_COLUMNS[field.key]
        condition = column_sql(column, operator, value, bound)
        return f"({column} IS NOT NULL AND {condition})" if field.key == "end_time" else f"({condition})"
    if field.kind == DATASET:
        tag = f" JOIN run_input_tags t ON t.input_no = i.no AND t.key = '{CONTEXT_TAG}'"
        return (
            "EXISTS (SELECT 1 FROM run_inputs i JOIN datasets d ON d.no = i.dataset_no"
            f"{tag if field.key == 'context' else ''} WHERE i.run_no = r.no"
            f" AND {column_sql(_DATASET_COLUMNS[field.key], operator, value, bound)})"
        )
    table = _VALUE_TABLES[field.kind]
    has_key = f"SELECT 1 FROM {table} v WHERE v.run_no = r.no AND v.key = {bound(field.key)}"
    if operator == "IS NULL":
        return f"(NOT EXISTS ({has_key}))"
    if operator == "IS NOT NULL":
        return f"EXISTS ({has_key})"
    condition = column_sql("v.value", operator, value, bound)
    if field.kind == METRIC:  # every comparison with NaN is false but !=
        condition = f"(v.is_nan = 1 OR {condition})" if operator == "!=" else f"v.is_nan = 0 AND {condition}"
    return f"EXISTS ({has_key} AND {condition})"


def _experiment_comparison(comparison: Comparison, bound: Bound) -> str:
    field, operator, value = comparison.field, comparison.operator, comparison.value
    if field.kind == ATTRIBUTE:
        if field.key == "experiment_id":
            _check_ids(operator, value)
        return f"({column_sql(_EXPERIMENT_COLUMNS[field.key], operator, value, bound)})"
    has_key = f"SELECT 1 FROM experiment_tags v WHERE v.experiment_id = e.id AND v.key = {bound(field.key)}"
    if operator == "IS NULL":
        return f"(NOT EXISTS ({has_key}))"
    if operator == "IS NOT NULL":
        return f"EXISTS ({has_key})"
    return f"EXISTS ({has_key} AND {column_sql('v.value', operator, value, bound)})"


def _check_ids(operator: str, value: Any) -> None:
    if operator in ("LIKE", "ILIKE"):
        raise Invalid(f"Invalid comparator for experiment_id: {operator}", hint="use =, !=, IN or NOT IN")
    for one in value if isinstance(value, tuple) else (value,):
        experiment_number(one)


# --------------------------------------------------------------------------------------------------- orders


def _runs_order(orders: Sequence[Order], bound: Bound) -> tuple[str, str]:
    """The joins and the ORDER BY of a search over runs."""
    joins, clauses = "", []
    seen = set()
    for index, order in enumerate(orders):
        if order.field in seen:
            raise Invalid(
                f"`order_by` contains duplicate fields: {order.field.kind}.{order.field.key}",
                hint="name each field once",
            )
        seen.add(order.field)
        direction = "ASC" if order.ascending else "DESC"
        if order.field.kind == ATTRIBUTE:
            column = _RUN_COLUMNS[order.field.key]
            if order.field.key == "end_time":
                clauses.append(f"CASE WHEN {column} IS NULL THEN 1 ELSE 0 END")
            clauses.append(f"{column} {direction}")
            continue
        if order.field.kind not in _VALUE_TABLES:
            raise Invalid(
                f"Invalid identifier type '{order.field.kind}'", hint="order by something of the run itself"
            )
        name = f"o{index}"
        joins += (
            f" LEFT JOIN {_VALUE_TABLES[order.field.kind]} {name}"
            f" ON {name}.run_no = r.no AND {name}.key = {bound(order.field.key)}"
        )
        is_nan = f" WHEN {name}.is_nan = 1 THEN 1" if order.field.kind == METRIC else ""
        clauses.append(f"CASE WHEN {name}.run_no IS NULL THEN 2{is_nan} ELSE 0 END")
        clauses.append(f"{name}.value {direction}")
    if not any(order.field.kind == ATTRIBUTE and order.field.key == "start_time" for order in orders):
        clauses.append("r.start_ms DESC")
    return joins, ", ".join([*clauses, "r.id"])


def _experiments_order(order_by: Sequence[str]) -> str:
    clauses = []
    for text in order_by or ("creation_time DESC",):
        order = parse_order(text, EXPERIMENTS)
        if order.field.kind != ATTRIBUTE:
            raise Invalid(f"Invalid order_by entity: {order.field.kind}", hint="order by an attribute")
        clauses.append(f"{_EXPERIMENT_COLUMNS[order.field.key]} {'ASC' if order.ascending else 'DESC'}")
    return ", ".join([*clauses, "e.id DESC" if order_by else "e.id ASC"])


# --------------------------------------------------------------------------------------------------- values


def _texts_of(
    reader: Reader, table: str, numbers: Sequence[int], *, owner: str = "run_no"
) -> dict[int, dict[str, str]]:
    places, values = in_list(numbers)
    query = f"SELECT {owner} AS no, key, value FROM {table} WHERE {owner} IN ({places}) ORDER BY {owner}, key"
    found: dict[int, dict[str, str]] = {}
    for row in reader.all(query, **values):
        found.setdefault(row["no"], {})[row["key"]] = row["value"]
    return found


def _metrics_of(reader: Reader, numbers: Sequence[int]) -> dict[int, list[Metric]]:
    places, values = in_list(numbers)
    query = (
        "SELECT run_no, key, value, is_nan, at_ms, step FROM latest_metrics"
        f" WHERE run_no IN ({places}) ORDER BY run_no, key"
    )
    found: dict[int, list[Metric]] = {}
    for row in reader.all(query, **values):
        found.setdefault(row["run_no"], []).append(to_metric(row))
    return found
