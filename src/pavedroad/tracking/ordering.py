"""The order of the runs that a search found, and no more of it than the page needs.

The runs of one key lie in the order of its values in an index that covers them. Of an order by a metric the
index is walked from its end until the page is full; runs with equal values keep the order of what comes next.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pavedroad.errors import Invalid
from pavedroad.kit.sql import Reader
from pavedroad.tracking.filters import ATTRIBUTE, DATASET, Bound, Field, Order
from pavedroad.tracking.matching import (
    ABSENT_WHILE_RUNNING,
    FEW_RUNS,
    IS_NAN,
    IS_NUMBER,
    LONG,
    METRIC_COLUMNS,
    SHORT,
    VALUE_TABLES,
    Scope,
    in_parts,
    numbers_of,
)

SMALLEST_WALK = 2000
_TO_GROUPS: msgspec.json.Decoder[list[list[int]]] = msgspec.json.Decoder(list[list[int]])


def check_orders(orders: Sequence[Order]) -> None:
    """Raises Invalid for a field that is named twice, or is not of the run itself."""
    seen = set()
    for order in orders:
        if order.field in seen:
            raise Invalid(
                f"`order_by` contains duplicate fields: {order.field.kind}.{order.field.key}",
                hint="name each field once",
            )
        seen.add(order.field)
        if order.field.kind == DATASET:
            raise Invalid(
                f"Invalid identifier type '{order.field.kind}'", hint="order by something of the run itself"
            )


def is_of_rows(orders: Iterable[Order]) -> bool:
    return all(order.field.kind == ATTRIBUTE for order in orders)


def row_order_sql(orders: Sequence[Order], scope: Scope) -> str:
    """ORDER BY of attributes of the row `r`; then the newest first, then by id."""
    clauses = []
    for order in orders:
        column = scope.column(order.field.key)
        if order.field.key in ABSENT_WHILE_RUNNING:
            clauses.append(f"CASE WHEN {column} IS NULL THEN 1 ELSE 0 END")
        clauses.append(f"{column} {'ASC' if order.ascending else 'DESC'}")
    if not any(order.field.key == "start_time" for order in orders):
        clauses.append("r.start_ms DESC")
    return ", ".join([*clauses, "r.id"])


def split_orders(orders: Sequence[Order]) -> tuple[list[Order], list[Order]]:
    """The orders that must be made here, and those at the end that the rows can be read in."""
    cut = len(orders)
    while cut and orders[cut - 1].field.kind == ATTRIBUTE:
        cut -= 1
    return list(orders[:cut]), list(orders[cut:])


def put_in_order(
    reader: Reader, scope: Scope, numbers: list[int], orders: Sequence[Order], *, first: int
) -> list[int]:
    """At least the `first` of these runs by these orders. Equals keep the order they came in.

    NaN comes after every number, and runs without the value last, ascending or descending.
    """
    if not orders:
        return numbers
    for order in reversed(orders[1:]):
        numbers = _by_order(reader, scope, numbers, order, first=len(numbers))
    return _by_order(reader, scope, numbers, orders[0], first=first)


def _by_order(reader: Reader, scope: Scope, numbers: list[int], order: Order, *, first: int) -> list[int]:
    place = dict(zip(numbers, range(len(numbers)), strict=True))
    if order.field.kind == ATTRIBUTE:
        return _walk(_groups_of_rows(reader, scope, order), place, first)
    if len(numbers) <= FEW_RUNS:
        return _walk(_groups_of_few(reader, numbers, order), place, first)
    length = max(SMALLEST_WALK, first * 2)
    while length < len(numbers) // 2:
        groups = _groups(reader, order, limit=length)
        if sum(map(len, groups)) < length:  # the key has no more values than these
            return _walk([*groups, _not_numbers(reader, order.field)], place, first)
        found = _walk(groups[:-1], place, first, is_all=False)  # the walk may have ended amid the last
        if len(found) >= first:
            return found
        length *= 8
    return _walk([*_groups(reader, order), _not_numbers(reader, order.field)], place, first)


def _walk(
    groups: Iterable[list[int]], place: dict[int, int], first: int, *, is_all: bool = True
) -> list[int]:
    """The runs of the groups in turn, until there are enough; after all groups come the other runs."""
    found: list[int] = []
    for group in groups:
        if len(group) == 1:
            if group[0] in place:
                found.append(group[0])
        else:
            found += sorted((number for number in group if number in place), key=place.__getitem__)
        if len(found) >= first:
            return found
    if is_all:
        seen = set(found)
        found += [number for number in place if number not in seen]
    return found


def _groups(reader: Reader, order: Order, *, limit: int = 0) -> list[list[int]]:
    """The runs of every value of a key, in the order of the values; of the first `limit` rows, if said."""
    field, bound = order.field, Bound()
    direction = "ASC" if order.ascending else "DESC"
    if field.kind in METRIC_COLUMNS:
        rows = (
            f"SELECT v.run_no AS no, {METRIC_COLUMNS[field.kind]} AS value FROM latest_metrics v"
            f" WHERE v.key = {bound(field.key)} AND {IS_NUMBER[field.kind]}"
        )
    else:
        table = VALUE_TABLES[field.kind]
        start = f"SELECT v.run_no AS no, v.value AS value FROM {table} v WHERE v.key = {bound(field.key)}"
        rows = f"{start} AND {SHORT}"
        has_long = f"SELECT 1 AS one FROM {table} v WHERE v.key = :key AND {LONG} LIMIT 1"
        if reader.value(has_long, key=field.key):
            rows = f"{rows} UNION ALL {start} AND {LONG}"
    if limit:
        rows = f"SELECT no, value FROM ({rows}) AS every ORDER BY value {direction} LIMIT {bound(limit)}"
    return _grouped(reader, rows, direction, bound)


def _groups_of_rows(reader: Reader, scope: Scope, order: Order) -> list[list[int]]:
    bound, column = Bound(), scope.column(order.field.key)
    rows = (
        f"SELECT r.no AS no, {column} AS value FROM runs r WHERE {scope.sql(bound)} AND {column} IS NOT NULL"
    )
    return _grouped(reader, rows, "ASC" if order.ascending else "DESC", bound)


def _grouped(reader: Reader, rows: str, direction: str, bound: Bound) -> list[list[int]]:
    query = (
        f"SELECT group_concat(CAST(no AS TEXT), ',') AS numbers FROM ({rows}) AS found"
        f" GROUP BY value ORDER BY value {direction} LIMIT {bound(2**62)}"
    )
    joined = reader.value(
        f"SELECT group_concat(numbers, '],[') AS joined FROM ({query}) AS grouped", **bound.values
    )
    return _TO_GROUPS.decode(f"[[{joined}]]") if joined else []


def _groups_of_few(reader: Reader, numbers: list[int], order: Order) -> list[list[int]]:
    """As `_groups`, and those that are NaN at the end, of these runs alone."""
    field = order.field
    by_value: dict[str | float, list[int]] = {}
    nan: list[int] = []
    is_metric = field.kind in METRIC_COLUMNS
    column = METRIC_COLUMNS.get(field.kind, "v.value")
    marked = f"CASE WHEN {IS_NUMBER[field.kind]} THEN 0 ELSE 1 END" if is_metric else "0"
    table = "latest_metrics" if is_metric else VALUE_TABLES[field.kind]
    for places, values in in_parts(numbers):
        bound = Bound()
        query = (
            f"SELECT v.run_no, {column}, {marked} FROM {table} v"
            f" WHERE v.key = {bound(field.key)} AND v.run_no IN ({places})"
        )
        for number, value, is_nan in reader.tuples(query, **bound.values, **values):
            (nan if is_nan else by_value.setdefault(value, [])).append(number)
    keys = sorted(by_value, key=_as_stored, reverse=not order.ascending)
    return [*(by_value[key] for key in keys), nan]


def _as_stored(value: str | float) -> bytes | float:
    """Both databases compare texts byte by byte."""
    return value.encode() if isinstance(value, str) else value


def _not_numbers(reader: Reader, field: Field) -> list[int]:
    """The runs where the metric is NaN."""
    if field.kind not in METRIC_COLUMNS:
        return []
    query = f"SELECT v.run_no AS no FROM latest_metrics v WHERE v.key = :key AND {IS_NAN[field.kind]}"
    return numbers_of(reader, query, {"key": field.key})
