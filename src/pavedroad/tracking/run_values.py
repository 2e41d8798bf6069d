"""What the runs of a page logged, read for many runs at once and, if asked so, of some keys only."""
# ruff: noqa: S608

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from pavedroad.kit.sql import Reader, Row
from pavedroad.tracking.matching import in_parts
from pavedroad.tracking.model import Metric, Run
from pavedroad.tracking.store import to_run


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys to read of each; None is all of them."""

    params: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    metrics: Sequence[str] | None = None


ALL_FIELDS = Fields()


def with_values(reader: Reader, rows: Sequence[Row], fields: Fields = ALL_FIELDS) -> list[Run]:
    """The runs of these rows with their params, tags and last metrics, three statements for 200 of them."""
    numbers = [row["no"] for row in rows]
    params = texts_of(reader, "params", numbers, keys=fields.params)
    tags = texts_of(reader, "tags", numbers, keys=fields.tags)
    metrics: dict[int, list[Metric]] = {}
    for number, key, value, is_nan, at_ms, step in metrics_of(reader, numbers, keys=fields.metrics):
        metric = Metric(key=key, value=math.nan if is_nan else value, at_ms=at_ms, step=step)
        metrics.setdefault(number, []).append(metric)
    return [
        to_run(
            row,
            params=params.get(row["no"], {}),
            tags=tags.get(row["no"], {}),
            metrics=metrics.get(row["no"], []),
        )
        for row in rows
    ]


def texts_of(
    reader: Reader,
    table: str,
    numbers: Sequence[int],
    *,
    owner: str = "run_no",
    keys: Sequence[str] | None = None,
) -> dict[int, dict[str, str]]:
    """The pairs of each owner, in order of key. The names of table and owner are ours."""
    found: dict[int, dict[str, str]] = {}
    for number, key, value in text_rows(reader, table, numbers, owner=owner, keys=keys):
        found.setdefault(number, {})[key] = value
    return found


def text_rows(
    reader: Reader,
    table: str,
    numbers: Sequence[int],
    *,
    owner: str = "run_no",
    keys: Sequence[str] | None = None,
) -> list[tuple[Any, ...]]:
    """(owner, key, value), in order of owner and key."""
    found: list[tuple[Any, ...]] = []
    if keys is not None and not keys:
        return found
    named, key_values = _named(keys)
    for places, values in in_parts(numbers):
        where = f"{owner} IN ({places}){named}"
        query = f"SELECT {owner}, key, value FROM {table} WHERE {where} ORDER BY {owner}, key"
        found += reader.tuples(query, **values, **key_values)
    return found


def metrics_of(
    reader: Reader, numbers: Sequence[int], *, keys: Sequence[str] | None = None
) -> list[tuple[Any, ...]]:
    """(run number, key, value, is_nan, at_ms, step), in order of run and key."""
    found: list[tuple[Any, ...]] = []
    if keys is not None and not keys:
        return found
    named, key_values = _named(keys)
    for places, values in in_parts(numbers):
        query = (
            "SELECT run_no, key, value, is_nan, at_ms, step FROM latest_metrics"
            f" WHERE run_no IN ({places}){named} ORDER BY run_no, key"
        )
        found += reader.tuples(query, **values, **key_values)
    return found


def _named(keys: Sequence[str] | None) -> tuple[str, dict[str, str]]:
    if keys is None:
        return "", {}
    named = {f"k{at}": key for at, key in enumerate(dict.fromkeys(keys))}
    return f" AND key IN ({', '.join(f':{name}' for name in named)})", named
