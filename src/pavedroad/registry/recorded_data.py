"""What is recorded of the values that a model is fed: its input example, and profiles of data sets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from pavedroad.registry.gate import ColumnSeen, DataSeen
from pavedroad.tracking import DatasetInput

MOST_VALUES = 100  # distinct ones of a column that are kept


def data_in_example(text: bytes, source: str = "input example") -> DataSeen | None:
    """MLflow's `input_example.json`: split, records, or a dict of columns. None when it names no columns."""
    example = msgspec.json.decode(text)
    columns = _columns_of(example)
    if not columns:
        return None
    return DataSeen(
        source=source,
        rows=max(map(len, columns.values())),
        columns={name: column_seen(values) for name, values in columns.items()},
    )


def data_in_profiles(inputs: Iterable[DatasetInput]) -> Iterator[DataSeen]:
    """Those that speak about columns: `{"columns": {"x": {"nulls": 0, "min": 1, "values": [1, 9]}}}`."""
    for dataset in inputs:
        try:
            profile = msgspec.json.decode(dataset.profile or "{}")
        except msgspec.MsgspecError:
            continue
        columns = profile.get("columns") if isinstance(profile, dict) else None
        if isinstance(columns, dict):
            seen = {str(name): _profiled(one) for name, one in columns.items() if isinstance(one, dict)}
            rows = profile.get("rows", profile.get("num_rows", 0))
            yield DataSeen(
                source=f"profile of {dataset.name}", rows=rows if isinstance(rows, int) else 0, columns=seen
            )


def column_seen(values: list[Any]) -> ColumnSeen:
    present = [value for value in values if not _is_null(value)]
    numbers = [value for value in present if isinstance(value, int | float) and not isinstance(value, bool)]
    distinct = list({repr(value): value for value in present}.values())
    return ColumnSeen(
        nulls=len(values) - len(present),
        minimum=float(min(numbers)) if numbers else None,
        maximum=float(max(numbers)) if numbers else None,
        values=tuple(distinct) if len(distinct) <= MOST_VALUES else None,
    )


def _columns_of(example: Any) -> dict[str, list[Any]]:
    if isinstance(example, list) and example and all(isinstance(row, dict) for row in example):
        keys = dict.fromkeys(key for row in example for key in row)
        return {str(key): [row.get(key) for row in example] for key in keys}
    if not isinstance(example, Mapping):
        return {}
    if isinstance(example.get("columns"), list) and isinstance(example.get("data"), list):
        rows = [row for row in example["data"] if isinstance(row, list)]
        names = [str(name) for name in example["columns"]]
        return {name: [row[at] for row in rows if at < len(row)] for at, name in enumerate(names)}
    return {str(name): values if isinstance(values, list) else [values] for name, values in example.items()}


def _profiled(column: dict[str, Any]) -> ColumnSeen:
    values = column.get("values")
    nulls = column.get("nulls")
    return ColumnSeen(
        nulls=nulls if isinstance(nulls, int) else None,
        minimum=_number(column.get("min")),
        maximum=_number(column.get("max")),
        values=tuple(values) if isinstance(values, list) else None,
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
