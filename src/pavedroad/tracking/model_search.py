"""Searches over logged models. Every name in a statement is one of ours and every value a parameter."""
# ruff: noqa: S608

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec

from pavedroad.errors import Invalid, did_you_mean
from pavedroad.kit.sql import Reader
from pavedroad.tracking.filters import (
    ATTRIBUTE,
    METRIC,
    PARAM,
    TAG,
    Bound,
    Comparison,
    Vocabulary,
    column_sql,
    comparisons_of,
    parse_filter,
    to_sql,
)
from pavedroad.tracking.logged_models import to_logged_models
from pavedroad.tracking.model import LoggedModel
from pavedroad.tracking.search import check_max_results
from pavedroad.tracking.store import experiment_number

DEFAULT_RESULTS = 100
_COLUMNS = {
    "name": "m.name",
    "model_id": "m.id",
    "model_type": "m.model_type",
    "status": "m.status",
    "source_run_id": "m.source_run_id",
    "creation_timestamp": "m.created_ms",
    "last_updated_timestamp": "m.updated_ms",
}
MODELS = Vocabulary(
    kinds={
        **dict.fromkeys(("attribute", "attributes"), ATTRIBUTE),
        **dict.fromkeys(("metric", "metrics"), METRIC),
        **dict.fromkeys(("param", "params"), PARAM),
        **dict.fromkeys(("tag", "tags"), TAG),
    },
    texts=("name", "model_id", "model_type", "status", "source_run_id"),
    numbers=("creation_timestamp", "last_updated_timestamp"),
    aliases={
        **dict.fromkeys(("creation_time", "creation_timestamp_ms"), "creation_timestamp"),
        **dict.fromkeys(("last_updated_time", "last_updated_timestamp_ms"), "last_updated_timestamp"),
    },
    listed=(ATTRIBUTE, PARAM, TAG),
)


class ModelOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Order by an attribute, or by a metric on one dataset or any."""

    field: str
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page begins, and in which search: a token is no good in another one."""

    experiment_ids: list[str]
    filter_string: str | None
    order_by: list[ModelOrder]
    offset: int


def search_logged_models(
    reader: Reader,
    experiment_ids: Sequence[str],
    *,
    filter: str = "",  # noqa: A002
    datasets: Sequence[tuple[str, str]] = (),
    order_by: Sequence[ModelOrder] = (),
    max_results: int = DEFAULT_RESULTS,
    page_token: str = "",
) -> tuple[list[LoggedModel], str]:
    """One page of active models and the token of the next page. `datasets` are (name, digest or "").

    Metric comparisons count only metrics on these datasets; without one, models measured on
    any of them are found. Newest first unless asked otherwise.
    """
    check_max_results(max_results)
    place = _Place(
        experiment_ids=list(experiment_ids), filter_string=filter or None, order_by=list(order_by), offset=0
    )
    offset = _read_token(page_token, place)
    if any(not name for name, _ in datasets):
        raise Invalid("`dataset_name` in the `datasets` clause must be specified.")
    bound = Bound()
    where = _where(experiment_ids, filter, datasets, bound)
    order = _order(order_by, bound)
    if not experiment_ids:
        return [], ""
    query = (
        f"SELECT m.* FROM logged_models m WHERE {where} ORDER BY {order}"
        f" LIMIT {bound(max_results + 1)} OFFSET {bound(offset)}"
    )
    rows = reader.all(query, **bound.values)
    models = to_logged_models(reader, rows[:max_results])
    return models, _make_token(place, offset + max_results) if len(rows) > max_results else ""


def _where(
    experiment_ids: Sequence[str], text: str, datasets: Sequence[tuple[str, str]], bound: Bound
) -> str:
    numbers = sorted({experiment_number(experiment_id) for experiment_id in experiment_ids})
    condition = parse_filter(text, MODELS)
    where = f"m.experiment_id IN ({', '.join(map(bound, numbers))}) AND m.lifecycle_stage = 'active'"
    on_datasets = _on_datasets(datasets, bound)

    def comparison_sql(comparison: Comparison, bound: Bound) -> str:
        return _comparison(comparison, bound, on_datasets)

    if condition is not None:
        where += f" AND {to_sql(condition, comparison_sql, bound)}"
    if on_datasets and all(one.field.kind != METRIC for one in comparisons_of(condition)):
        where += f" AND EXISTS (SELECT 1 FROM logged_model_metrics v WHERE v.model_id = m.id{on_datasets})"
    return where


def _comparison(comparison: Comparison, bound: Bound, on_datasets: str) -> str:
    field, operator, value = comparison.field, comparison.operator, comparison.value
    if field.kind == ATTRIBUTE:
        return f"({column_sql(_COLUMNS[field.key], operator, value, bound)})"
    table = {METRIC: "logged_model_metrics", PARAM: "logged_model_params", TAG: "logged_model_tags"}[
        field.kind
    ]
    has_key = f"SELECT 1 FROM {table} v WHERE v.model_id = m.id AND v.key = {bound(field.key)}"
    if operator in ("IS NULL", "IS NOT NULL"):
        return f"({'NOT ' if operator == 'IS NULL' else ''}EXISTS ({has_key}))"
    condition = column_sql("v.value", operator, value, bound)
    if field.kind == METRIC:
        condition = f"(v.is_nan = 1 OR {condition})" if operator == "!=" else f"v.is_nan = 0 AND {condition}"
        condition += on_datasets
    return f"EXISTS ({has_key} AND {condition})"


def _on_datasets(datasets: Sequence[tuple[str, str]], bound: Bound) -> str:
    """A condition on the row `v` of a metric; "" when any dataset will do."""
    either = [
        f"(v.dataset_name = {bound(name)}" + (f" AND v.dataset_digest = {bound(digest)})" if digest else ")")
        for name, digest in datasets
    ]
    return f" AND ({' OR '.join(either)})" if either else ""


def _order(orders: Sequence[ModelOrder], bound: Bound) -> str:
    clauses, named = [], set()
    for order in orders:
        direction = "ASC" if order.ascending else "DESC"
        if order.dataset_digest and not order.dataset_name:
            raise Invalid("`dataset_digest` can only be specified if `dataset_name` is also specified.")
        if not order.field:
            raise Invalid("`field_name` in the `order_by` clause must be specified.")
        kind, dot, key = order.field.partition(".")
        if dot:
            if kind not in ("metrics", "metric"):
                raise Invalid(f"Invalid order by field name: {order.field}. Only metrics are supported.")
            on = _on_datasets(
                [(order.dataset_name, order.dataset_digest)] if order.dataset_name else [], bound
            )
            value = (
                "(SELECT CASE WHEN v.is_nan = 1 THEN NULL ELSE v.value END FROM logged_model_metrics v"
                f" WHERE v.model_id = m.id AND v.key = {bound(key.strip('`'))}{on}"
                " ORDER BY v.at_ms DESC, v.step DESC, v.run_id LIMIT 1)"
            )
            clauses += [f"CASE WHEN {value} IS NULL THEN 1 ELSE 0 END", f"{value} {direction}"]
            continue
        name = order.field.strip().strip("`")
        name = MODELS.aliases.get(name, name)
        if name not in _COLUMNS:
            raise Invalid(f"Invalid order by field name: {order.field}", hint=did_you_mean(name, _COLUMNS))
        named.add(name)
        clauses.append(f"{_COLUMNS[name]} {direction}")
    clauses += [] if "creation_timestamp" in named else ["m.created_ms DESC"]
    return ", ".join([*clauses, "m.id"])


def _make_token(place: _Place, offset: int) -> str:
    return base64.b64encode(msgspec.json.encode(msgspec.structs.replace(place, offset=offset))).decode()


def _read_token(token: str, asked: _Place) -> int:
    if not token:
        return 0
    try:
        place = msgspec.json.decode(base64.b64decode(token, validate=True), type=_Place)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Invalid(f"Invalid page token: {token[:200]}", hint="send the token as it came") from None
    for what, found, expected in (
        ("Experiment IDs", place.experiment_ids, asked.experiment_ids),
        ("Filter string", place.filter_string, asked.filter_string),
        ("Order by", place.order_by, asked.order_by),
    ):
        if found != expected:
            raise Invalid(f"{what} in the page token does not match the requested search.")
    if not 0 < place.offset < 2**62:
        raise Invalid(f"Invalid page token: offset {place.offset}")
    return place.offset
