"""Columns of a list of runs: attributes, params, tags, and the last, smallest or largest value of a metric.

    columns = column { "," column }
    column  = attribute | kind "." key        kind = params | tags | metrics (the last value) | min | max
    key     = any without "," and "`" | "`" any "`"

The page, the exports and `paved runs` show the same columns with the same values.
"""
# ruff: noqa: S608

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from pavedroad.errors import Invalid, nearest
from pavedroad.kit.sql import Reader, Row
from pavedroad.tracking.store import RUNS_PER_QUERY, in_list

Cell: TypeAlias = str | int | float | None
ATTRIBUTE, PARAM, TAG, LAST, LEAST, MOST = "attributes", "params", "tags", "metrics", "min", "max"
METRIC_KINDS = (LAST, LEAST, MOST)
ATTRIBUTES = (
    "run_id", "run_name", "status", "experiment", "user_id",
    "start_time", "end_time", "duration", "artifact_uri",
)  # fmt: skip
MILLISECONDS = ("start_time", "end_time", "duration")
# More keys than this are not named in a statement: all are read, and the others dropped.
NAMED_KEYS = 50
_KINDS = {
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), ATTRIBUTE),
    **dict.fromkeys(("parameter", "parameters", "param", "params"), PARAM),
    **dict.fromkeys(("tag", "tags"), TAG),
    **dict.fromkeys(("metric", "metrics", "last"), LAST),
    LEAST: LEAST,
    MOST: MOST,
}
# NULL for NaN, and for the bounds of a curve that has no other value.
_VALUE_OF = {
    LAST: "CASE WHEN is_nan = 1 THEN NULL ELSE value END",
    LEAST: "min_value",
    MOST: "max_value",
}
_PLAIN_KEY = re.compile(r"[\w.]+")
_ONE = re.compile(r"(?:[^,`]|`[^`]*`|`)+")
_COLUMN = re.compile(r"(?:(?P<kind>\w+)\.)?(?P<key>`[^`]+`|[^`]+)", re.DOTALL)


class Column(msgspec.Struct, frozen=True):
    kind: str  # attributes, params, tags, metrics, min or max
    key: str

    @property
    def field(self) -> str:
        """As a list of columns, a filter or an order names it."""
        if self.kind == ATTRIBUTE:
            return self.key
        return f"{self.kind}.{self.key if _PLAIN_KEY.fullmatch(self.key) else f'`{self.key}`'}"

    @property
    def name(self) -> str:
        """As the head of an exported column."""
        return self.key if self.kind == ATTRIBUTE else f"{self.kind}.{self.key}"

    @property
    def is_number(self) -> bool:
        return self.kind in METRIC_KINDS or (self.kind == ATTRIBUTE and self.key in MILLISECONDS)


def parse_columns(text: str) -> list[Column]:
    """The columns of a list such as `metrics.auc, params.depth`, each once. Raises Invalid."""
    return list(dict.fromkeys(parse_column(part) for part in split_list(text)))


def split_list(text: str) -> list[str]:
    """The parts between commas that stand outside of backticks."""
    return [part.strip() for part in _ONE.findall(text) if part.strip()]


def parse_column(text: str) -> Column:
    found = _COLUMN.fullmatch(text.strip())
    if found is not None and found["kind"] is not None and found["kind"].lower() in _KINDS:
        kind, key = _KINDS[found["kind"].lower()], found["key"].strip("`")
        if kind != ATTRIBUTE or key in ATTRIBUTES:
            return Column(kind, key)
    elif text.strip() in ATTRIBUTES:
        return Column(ATTRIBUTE, text.strip())
    raise _no_column(text.strip())


def _no_column(text: str) -> Invalid:
    word = text.rpartition(".")[2] if text.partition(".")[0].lower() in _KINDS else text
    close = nearest(word, ATTRIBUTES)
    return Invalid(
        f"{text!r} is not a column",
        hint=f"did you mean {close!r}?" if close else "write metrics.auc, max.auc, params.depth or tags.team",
    )


# ---------------------------------------------------------------------------------------------------- values


def cells_of(
    reader: Reader, rows: Sequence[Row], columns: Sequence[Column], experiments: Mapping[int, str]
) -> list[list[Cell]]:
    """The values of these columns for these rows of runs; None where a run has none, NaN as NaN.

    Reads only what the columns need: one statement for each of params, tags and metrics and
    `RUNS_PER_QUERY` runs. `experiments` names the experiments by their number.
    """
    cells: list[list[Cell]] = []
    for start in range(0, len(rows), RUNS_PER_QUERY):
        part = rows[start : start + RUNS_PER_QUERY]
        values = _values_of(reader, [row["no"] for row in part], columns)
        for row in part:
            number = row["no"]
            cells.append(
                [
                    _attribute(row, column.key, experiments)
                    if column.kind == ATTRIBUTE
                    else values[column.kind].get((number, column.key))
                    for column in columns
                ]
            )
    return cells


def duration_ms(row: Row) -> int | None:
    return None if row["end_ms"] is None else max(0, row["end_ms"] - row["start_ms"])


def _attribute(row: Row, key: str, experiments: Mapping[int, str]) -> Cell:
    match key:
        case "run_id":
            return str(row["id"])
        case "run_name":
            return str(row["name"])
        case "experiment":
            return experiments.get(row["experiment_id"], str(row["experiment_id"]))
        case "start_time":
            return int(row["start_ms"])
        case "end_time":
            return None if row["end_ms"] is None else int(row["end_ms"])
        case "duration":
            return duration_ms(row)
        case _:
            return str(row[key])


_Values: TypeAlias = dict[tuple[int, str], Cell]


def _values_of(reader: Reader, numbers: Sequence[int], columns: Iterable[Column]) -> dict[str, _Values]:
    keys: dict[str, list[str]] = {}
    for column in columns:
        keys.setdefault(column.kind, []).append(column.key)
    values: dict[str, _Values] = {
        kind: _texts(reader, kind, numbers, keys[kind]) for kind in (PARAM, TAG) if kind in keys
    }
    values |= {kind: _numbers(reader, kind, numbers, keys[kind]) for kind in METRIC_KINDS if kind in keys}
    return values


def _texts(reader: Reader, table: str, numbers: Sequence[int], keys: Sequence[str]) -> _Values:
    places, values = in_list(numbers)
    named, key_values = _named(keys)
    query = f"SELECT run_no, key, value FROM {table} WHERE run_no IN ({places}){named}"
    return {(row["run_no"], row["key"]): row["value"] for row in reader.all(query, **values, **key_values)}


def _numbers(reader: Reader, kind: str, numbers: Sequence[int], keys: Sequence[str]) -> _Values:
    places, values = in_list(numbers)
    named, key_values = _named(keys)
    query = (
        f"SELECT run_no, key, {_VALUE_OF[kind]} AS value FROM latest_metrics"
        f" WHERE run_no IN ({places}){named}"
    )
    return {
        (row["run_no"], row["key"]): math.nan if row["value"] is None else row["value"]
        for row in reader.all(query, **values, **key_values)
    }


def _named(keys: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A condition on keys, padded to few lengths: each length is a statement to prepare."""
    if len(keys) > NAMED_KEYS:
        return "", {}
    length = next(size for size in (1, 4, 12, NAMED_KEYS) if size >= len(keys))
    padded = [*keys, *[keys[-1]] * (length - len(keys))]
    places = ", ".join(f":k{at}" for at in range(length))
    return f" AND key IN ({places})", {f"k{at}": key for at, key in enumerate(padded)}


# ---------------------------------------------------------------------------------------- which tell apart


def telling_columns(reader: Reader, numbers: Sequence[int], *, metrics: int, params: int) -> list[Column]:
    """The metrics and params that tell these runs apart: what differs first, then what most runs have."""
    if not numbers:
        return []
    found = []
    for kind, most in ((LAST, metrics), (PARAM, params)):
        keys = _differing_keys(reader, "latest_metrics" if kind == LAST else kind, numbers)
        if kind == PARAM:  # what is equal everywhere needs no column
            keys = [row for row in keys if row["differs"]]
        found += [Column(kind, row["key"]) for row in keys[:most]]
    return found


def _differing_keys(reader: Reader, table: str, numbers: Sequence[int]) -> list[Row]:
    places, values = in_list(numbers)
    query = (
        "SELECT key, COUNT(*) AS number,"
        " CASE WHEN MIN(value) <> MAX(value) OR COUNT(*) < :runs THEN 1 ELSE 0 END AS differs"
        f" FROM {table} WHERE run_no IN ({places}) AND key NOT LIKE 'system/%'"
        " GROUP BY key ORDER BY differs DESC, number DESC, key LIMIT 50"
    )
    return reader.all(query, runs=len(numbers), **values)


def keys_of_runs(reader: Reader, kind: str, numbers: Sequence[int]) -> list[str]:
    """Every key of params, tags or metrics that one of these runs has, in order."""
    table = "latest_metrics" if kind == LAST else kind
    found: set[str] = set()
    for start in range(0, len(numbers), RUNS_PER_QUERY):
        places, values = in_list(numbers[start : start + RUNS_PER_QUERY])
        rows = reader.all(f"SELECT DISTINCT key FROM {table} WHERE run_no IN ({places})", **values)
        found.update(row["key"] for row in rows)
    return sorted(found)
