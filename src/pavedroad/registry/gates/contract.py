"""Does the model take the columns that its callers send, and was it fed such values?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from pavedroad.errors import did_you_mean
from pavedroad.kit.text import count
from pavedroad.models.signature import COLUMN_DTYPES, Signature
from pavedroad.registry.gate import (
    ColumnSeen,
    Context,
    DataSeen,
    Gate,
    Outcome,
    closed,
    listed,
    number,
    opened,
    unknown,
)

# What people write for a type, as MLflow names it. A signature keeps MLflow's name, or numpy's for a tensor.
TYPES = {
    **{name: name for name in COLUMN_DTYPES},
    "bool": "boolean",
    "int": "long",
    "int32": "integer",
    "int64": "long",
    "float32": "float",
    "float64": "double",
    "number": "number",
    "str": "string",
    "object": "string",
    "bytes": "binary",
    "timestamp": "datetime",
}
NUMBERS = ("integer", "long", "float", "double")


class ColumnPolicy(msgspec.Struct, frozen=True, kw_only=True):
    type: str | None = None  # one of TYPES; `number` for any of integer, long, float, double
    nulls: bool = True  # false: none allowed
    min: float | None = None
    max: float | None = None
    one_of: list[str | int | float | bool] | None = None
    optional: bool = False  # the model may lack the column

    def __post_init__(self) -> None:
        if self.type is not None and self.type not in TYPES:
            raise ValueError(f"unknown type {self.type!r}; {did_you_mean(self.type, TYPES)}")
        if self.min is not None and self.max is not None and not self.min <= self.max:
            raise ValueError(f"min {self.min} is not below max {self.max}")
        if self.one_of is not None and not self.one_of:
            raise ValueError("one_of is empty: no value could pass")

    @property
    def asks_about_values(self) -> bool:
        return not self.nulls or self.min is not None or self.max is not None or self.one_of is not None


class ContractPolicy(msgspec.Struct, frozen=True, kw_only=True):
    columns: dict[str, ColumnPolicy]

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("the contract names no column")


def evaluate(policy: ContractPolicy, context: Context) -> Outcome:
    signature = context.read_signature()
    if signature is None or not signature.is_named:
        return unknown(
            "the model's signature does not name its columns",
            next_step="return paved.Model(..., example=X) with a frame X, or log the model with signature=",
        )
    data = context.read_data()
    problems = [
        *columns_missing(policy, signature),
        *(problem for seen in data for problem in values_outside(policy, signature, seen)),
    ]
    found: dict[str, Any] = {
        "contract": msgspec.to_builtins(policy.columns),
        "signature": {field.name: field.type for field in signature.inputs},
        "data": [msgspec.to_builtins(seen) for seen in data],
    }
    if problems:
        return closed(
            f"{count(len(problems), 'breach', 'breaches')} of the contract: {listed(problems)}",
            next_step="train on the agreed columns, or agree on others with those who call the model",
            **found,
            problems=problems,
        )
    unseen = columns_unseen(policy, signature, data)
    if unseen:
        return unknown(
            f"no recorded data shows the values of {listed(unseen)}",
            next_step="log the model with an input example, or the run's data with a profile of its columns",
            **found,
        )
    sources = f", values seen in {listed(seen.source for seen in data)}" if data else ""
    return opened(f"{count(len(policy.columns), 'column')} as agreed{sources}", **found)


def columns_missing(policy: ContractPolicy, signature: Signature) -> Iterator[str]:
    """Columns that the model does not take, or takes as another type, or needs but nobody promised."""
    fields = {field.name: field for field in signature.inputs}
    for name, column in policy.columns.items():
        if name not in fields:
            if not column.optional:
                yield f"the model does not take {name}"
        elif column.type is not None and not same_type(column.type, fields[name].type):
            yield f"{name} is {fields[name].type}, not {column.type}"
    for name, field in fields.items():
        if name not in policy.columns and field.required:
            yield f"the model needs {name}, which the contract does not promise"


def same_type(promised: str, taken: str) -> bool:
    promised, taken = TYPES[promised], TYPES.get(taken, taken)
    return taken in NUMBERS if promised == "number" else promised == taken


def values_outside(policy: ContractPolicy, signature: Signature, data: DataSeen) -> Iterator[str]:
    for name, column in policy.columns.items():
        if name in data.columns and name in signature.names:
            for problem in column_outside(column, data.columns[name]):
                yield f"{name} {problem} ({data.source})"


def column_outside(column: ColumnPolicy, seen: ColumnSeen) -> Iterator[str]:
    if not column.nulls and seen.nulls:
        yield f"has {count(seen.nulls, 'null')}"
    if column.min is not None and seen.minimum is not None and not seen.minimum >= column.min:
        yield f"goes down to {number(seen.minimum)}, below {number(column.min)}"
    if column.max is not None and seen.maximum is not None and not seen.maximum <= column.max:
        yield f"goes up to {number(seen.maximum)}, above {number(column.max)}"
    if column.one_of is not None and seen.values is not None:
        others = [repr(value) for value in seen.values if not _is_one_of(value, column.one_of)]
        if others:
            yield f"has {listed(others)}, not one of those agreed"


def columns_unseen(policy: ContractPolicy, signature: Signature, data: list[DataSeen]) -> list[str]:
    """Columns with a promise about values, none of which any recorded data can show."""
    return [
        name
        for name, column in policy.columns.items()
        if column.asks_about_values
        and name in signature.names
        and not any(_shows(column, seen.columns[name]) for seen in data if name in seen.columns)
    ]


def _shows(column: ColumnPolicy, seen: ColumnSeen) -> bool:
    return (
        (column.nulls or seen.nulls is not None)
        and (column.min is None or seen.minimum is not None)
        and (column.max is None or seen.maximum is not None)
        and (column.one_of is None or seen.values is not None)
    )


def _is_one_of(value: Any, agreed: list[str | int | float | bool]) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return True  # a null, which `nulls` speaks about
    return any(type(value) is type(one) and value == one for one in agreed) or (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and value in [one for one in agreed if not isinstance(one, bool)]
    )


CONTRACT = Gate(
    name="contract",
    asks="Does the model take the agreed columns, and was it fed agreed values?",
    policy=ContractPolicy,
    evaluate=evaluate,
)
