"""Choosing the columns of a list of runs: of thousands, those that a few letters find."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pavedroad.kit.sql import Reader, load_queries
from pavedroad.tracking.columns import (
    ATTRIBUTE,
    ATTRIBUTES,
    LAST,
    LEAST,
    METRIC_KINDS,
    MOST,
    PARAM,
    TAG,
    Column,
)

SQL = load_queries("pavedroad.tracking", "page_queries.sql")
SHOWN = 24  # of each kind
LEFT_OUT = ("run_name", "status")  # stand in every list
KIND_LABELS = {ATTRIBUTE: "Of the run", LAST: "Metrics", PARAM: "Params", TAG: "Tags"}
VALUES_OF_METRICS = {LAST: "last", LEAST: "min", MOST: "max"}
KEY_QUERIES = {
    **dict.fromkeys(METRIC_KINDS, SQL.metric_keys),
    PARAM: SQL.param_keys,
    TAG: SQL.tag_keys,
}
KEY_KNOWN = {
    **dict.fromkeys(METRIC_KINDS, SQL.has_metric_key),
    PARAM: SQL.has_param_key,
    TAG: SQL.has_tag_key,
}


class Box(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    field: str
    is_chosen: bool


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One key; a metric has three boxes."""

    key: str
    boxes: list[Box]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    lines: list[Line]
    more: int  # found as well, and not shown


class Chooser(msgspec.Struct, frozen=True, kw_only=True):
    find: str
    number: int  # of keys there are
    chosen: list[Box]
    groups: list[Group]


def make_chooser(reader: Reader, columns: Sequence[Column], find: str) -> Chooser:
    """The keys that hold these letters, in any case; those that are columns now stand first, always."""
    chosen = set(columns)
    groups, number = [], 0
    for kind, label in KIND_LABELS.items():
        keys = [key for key in ATTRIBUTES if key not in LEFT_OUT]
        if kind != ATTRIBUTE:
            keys = keys_on_record(reader, kind)
        number += len(keys)
        found = [key for key in keys if find.lower() in key.lower()]
        lines = [Line(key=key, boxes=_boxes(kind, key, chosen)) for key in found[:SHOWN]]
        groups.append(Group(label=label, lines=lines, more=len(found) - len(lines)))
    return Chooser(
        find=find,
        number=number,
        chosen=[Box(label=column.field, field=column.field, is_chosen=True) for column in columns],
        groups=[group for group in groups if group.lines],
    )


def keys_on_record(reader: Reader, kind: str) -> list[str]:
    """Every key of params, tags or metrics, in order: thousands are read in a few milliseconds."""
    return [row["key"] for row in reader.all(KEY_QUERIES[kind])]


def has_key(reader: Reader, column: Column) -> bool:
    """Whether any run has this param, tag or metric."""
    return bool(reader.value(KEY_KNOWN[column.kind], key=column.key))


def _boxes(kind: str, key: str, chosen: set[Column]) -> list[Box]:
    """Without those that stand among the chosen ones already."""
    kinds = VALUES_OF_METRICS if kind == LAST else {kind: ""}
    columns = [(Column(each, key), label) for each, label in kinds.items()]
    return [
        Box(label=label or key, field=column.field, is_chosen=column in chosen) for column, label in columns
    ]
