"""Searches over runs and experiments: the filter language compiled to SQL, ordered, in pages.

Every name in a statement is one of ours and every value a parameter.
"""
# ruff: noqa: S608

from __future__ import annotations

import base64
import binascii
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec

from pavedroad.errors import Invalid, NotFound, did_you_mean
from pavedroad.kit.sql import Reader, Row
from pavedroad.tracking.filters import (
    ATTRIBUTE,
    EXPERIMENTS,
    Bound,
    Comparison,
    Filter,
    Order,
    column_sql,
    parse_filter,
    parse_order,
    to_sql,
)
from pavedroad.tracking.matching import Scope, in_parts, narrow, numbers_of, row_sql, split_condition
from pavedroad.tracking.model import PARENT_TAG, VIEWS, Experiment, Run
from pavedroad.tracking.ordering import check_orders, put_in_order, row_order_sql, split_orders
from pavedroad.tracking.run_values import ALL_FIELDS, Fields, texts_of, with_values
from pavedroad.tracking.store import experiment_number, find_experiment, find_run, to_experiment

MOST_RESULTS = 50_000
MOST_RUNS = 2**62
LAST = ("last", "latest")

_EXPERIMENT_COLUMNS = {
    "experiment_id": "CAST(e.id AS TEXT)",
    "name": "e.name",
    "creation_time": "e.created_ms",
    "last_update_time": "e.updated_ms",
}


def search_runs(
    reader: Reader,
    experiment_ids: Sequence[str],
    filter: str = "",  # noqa: A002  the language calls it so
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
    max_results: int = 1000,
    page_token: str = "",
    *,
    fields: Fields = ALL_FIELDS,
) -> tuple[list[Run], str]:
    """One page of the runs that match, with their values, and the token of the next page ("" on the last).

    Order: as asked, then newest first, then by id. In an order by a metric, NaN comes after every number and
    runs without the metric come last, ascending or descending.
    Raises: Invalid for a filter, order, view or token it cannot read.
    """
    page = find_page(reader, experiment_ids, filter, order_by, view, max_results, page_token)
    return with_values(reader, page.rows, fields), page.token


class Page(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Row]
    token: str = ""  # of the next page
    number: int | None = None  # of all runs that match, if it was asked for


def find_page(
    reader: Reader,
    experiment_ids: Sequence[str],
    filter: str = "",  # noqa: A002
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
    max_results: int = 1000,
    page_token: str = "",
    *,
    counted: bool = False,
    lost_is_failed: bool = False,
) -> Page:
    """As `search_runs`, but only the rows of the runs; `lost_is_failed` makes LOST read FAILED."""
    check_max_results(max_results)
    offset = read_page_token(page_token)
    asked = _read(experiment_ids, filter, order_by, view, lost_is_failed=lost_is_failed)
    if not asked.scope.experiments:
        return Page(rows=[], number=0)
    end = offset + max_results
    numbers, number = _first_numbers(reader, asked, first=end + 1, skipped=offset, counted=counted)
    rows = rows_of(reader, numbers[:max_results])
    return Page(rows=rows, token=make_page_token(end) if len(numbers) > max_results else "", number=number)


def matching_numbers(
    reader: Reader,
    experiment_ids: Sequence[str],
    filter: str = "",  # noqa: A002
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
) -> list[int]:
    """The row numbers of all runs that match, in order; `rows_of` reads the rows of some of them."""
    asked = _read(experiment_ids, filter, order_by, view)
    if not asked.scope.experiments:
        return []
    return _first_numbers(reader, asked, first=MOST_RUNS)[0]


def rows_of(reader: Reader, numbers: Sequence[int]) -> list[Row]:
    """The rows of these runs, in this order; a run that is gone is left out."""
    found: dict[int, Row] = {}
    for places, values in in_parts(numbers):
        found.update(
            (row["no"], row) for row in reader.all(f"SELECT * FROM runs WHERE no IN ({places})", **values)
        )
    return [found[number] for number in numbers if number in found]


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
    asked = _read(experiment_ids, filter, (), view)
    if not asked.scope.experiments:
        return 0
    return _count(reader, asked)


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
    tags = texts_of(reader, "experiment_tags", [row["id"] for row in rows], owner="experiment_id")
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


# ------------------------------------------------------------------------------------------------------ runs


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    scope: Scope
    of_row: Filter | None  # what the filter says of attributes
    besides: list[Filter]  # and what else must hold
    orders: list[Order]


def _read(
    experiment_ids: Sequence[str],
    text: str,
    order_by: Sequence[str],
    view: str,
    *,
    lost_is_failed: bool = False,
) -> _Asked:
    """Raises Invalid for what cannot be read."""
    numbers = sorted({experiment_number(experiment_id) for experiment_id in experiment_ids})
    of_row, besides = split_condition(parse_filter(text))
    orders = [parse_order(clause) for clause in order_by]
    check_orders(orders)
    scope = Scope(experiments=tuple(numbers), stages=_stages(view), lost_is_failed=lost_is_failed)
    return _Asked(scope=scope, of_row=of_row, besides=besides, orders=orders)


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """The first runs that match, in order, or all of them."""

    numbers: array[int]
    number: int  # of all that match

    def reaches(self, first: int) -> bool:
        return len(self.numbers) >= min(first, self.number)


# The last searches, by the version of the database and the question: pages of one are cut from one list.
MOST_SEARCHES = 8
_lately: OrderedDict[tuple[str, str], _Found] = OrderedDict()


def _first_numbers(
    reader: Reader, asked: _Asked, *, first: int, skipped: int = 0, counted: bool = False
) -> tuple[list[int], int | None]:
    """Of the runs that match, in order, those from `skipped` up to the first so many; and how many match."""
    here, by_rows = split_orders(asked.orders)
    if not here and not asked.besides:  # the database can do it alone
        numbers = _base_numbers(reader, asked, by_rows, limit=first - skipped, offset=skipped)
        return numbers, _count(reader, asked) if counted else None
    version, question = reader.version(), repr(asked)
    held = _lately.get((version, question))
    if held is None or not held.reaches(first):
        # Who asks for a later page may ask for the others too: one search then does for all of them.
        held = _find(reader, asked, here, by_rows, first=MOST_RUNS if skipped else first)
        if version:
            _lately[version, question] = held
            if len(_lately) > MOST_SEARCHES:
                _lately.popitem(last=False)
    return list(held.numbers[skipped:first]), held.number


def _find(
    reader: Reader, asked: _Asked, here: Sequence[Order], by_rows: Sequence[Order], *, first: int
) -> _Found:
    numbers = _base_numbers(reader, asked, by_rows)
    matching = _matching(reader, asked, set(numbers))
    if len(matching) < len(numbers):
        numbers = [number for number in numbers if number in matching]
    ordered = put_in_order(reader, asked.scope, numbers, here, first=first)
    return _Found(numbers=array("q", ordered), number=len(numbers))


def _base_numbers(
    reader: Reader, asked: _Asked, orders: Sequence[Order] | None, *, limit: int = MOST_RUNS, offset: int = 0
) -> list[int]:
    """The runs that the scope and the attributes allow; unordered for None."""
    bound = Bound()
    query = f"SELECT r.no AS no FROM runs r WHERE {_base_sql(asked, bound)}"
    if orders is not None:
        query += f" ORDER BY {row_order_sql(orders, asked.scope)} LIMIT {bound(limit)} OFFSET {bound(offset)}"
    return numbers_of(reader, query, bound.values)


def _base_sql(asked: _Asked, bound: Bound) -> str:
    where = asked.scope.sql(bound)
    return where if asked.of_row is None else f"{where} AND {row_sql(asked.of_row, asked.scope, bound)}"


def _matching(reader: Reader, asked: _Asked, among: set[int]) -> set[int]:
    for part in asked.besides:
        among = narrow(reader, asked.scope, part, among)
    return among


def _count(reader: Reader, asked: _Asked) -> int:
    if asked.besides:
        return len(_matching(reader, asked, set(_base_numbers(reader, asked, None))))
    bound = Bound()
    where = _base_sql(asked, bound)
    return int(reader.value(f"SELECT COUNT(*) AS number FROM runs r WHERE {where}", **bound.values))


# -------------------------------------------------------------------------------------------- experiments


def _stages(view: str) -> tuple[str, ...]:
    if view not in VIEWS:
        raise Invalid(f"Invalid view type '{view}'", hint=did_you_mean(view, VIEWS))
    return VIEWS[view]


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


def _experiments_order(order_by: Sequence[str]) -> str:
    clauses = []
    for text in order_by or ("creation_time DESC",):
        order = parse_order(text, EXPERIMENTS)
        if order.field.kind != ATTRIBUTE:
            raise Invalid(f"Invalid order_by entity: {order.field.kind}", hint="order by an attribute")
        clauses.append(f"{_EXPERIMENT_COLUMNS[order.field.key]} {'ASC' if order.ascending else 'DESC'}")
    return ", ".join([*clauses, "e.id DESC" if order_by else "e.id ASC"])
