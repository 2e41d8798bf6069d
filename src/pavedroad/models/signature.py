"""What a model takes and gives, as MLflow writes it, read and inferred without MLflow.

A signature has columns (a frame: name, type, may be absent) or tensors (an array: dtype and shape, -1 for any
length).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pavedroad.errors import Invalid, did_you_mean

# MLflow's column types and the numpy dtype that carries each.
COLUMN_DTYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "object",
    "binary": "object",
    "datetime": "datetime64[ns]",
}
NESTED_TYPES = (
    "array",
    "object",
    "map",
    "any",
    "sparkml_vector",
)  # kept as written, checked by the model alone


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One column, or one tensor when `shape` is given."""

    name: str = ""  # empty: unnamed, known by its place
    type: str  # a column type of MLflow, or the numpy dtype of a tensor
    shape: tuple[int, ...] | None = None
    required: bool = True  # a column that may be absent or hold nulls is not
    nested: dict[str, Any] = {}  # what MLflow wrote about an array, object or map column

    @property
    def dtype(self) -> str:
        """The numpy dtype that carries the values."""
        return self.type if self.shape is not None else COLUMN_DTYPES.get(self.type, "object")


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    inputs: tuple[Field, ...] = ()
    outputs: tuple[Field, ...] = ()
    params: tuple[dict[str, Any], ...] = ()  # MLflow's inference parameters, kept as written

    @property
    def is_tensor(self) -> bool:
        return bool(self.inputs) and self.inputs[0].shape is not None

    @property
    def is_named(self) -> bool:
        return bool(self.inputs) and all(field.name for field in self.inputs)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.inputs)


# -------------------------------------------------------------------------------------------- MLflow's text


def parse_signature(written: Mapping[str, Any]) -> Signature:
    """Read the `signature` of an MLmodel file: JSON text under inputs, outputs and params.

    Raises: Invalid when it is not what MLflow writes.
    """
    try:
        inputs, outputs, params = (_decode(written.get(key)) for key in ("inputs", "outputs", "params"))
        return Signature(
            inputs=tuple(map(_parse_field, inputs)),
            outputs=tuple(map(_parse_field, outputs)),
            params=tuple(params),
        )
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid(f"the model's signature cannot be read: {error}", hint="log the model again") from None


def format_signature(signature: Signature) -> dict[str, str | None]:
    """What `parse_signature` reads."""
    return {
        "inputs": _encode([_format_field(field) for field in signature.inputs]),
        "outputs": _encode([_format_field(field) for field in signature.outputs]),
        "params": _encode(list(signature.params)),
    }


def _decode(text: Any) -> list[dict[str, Any]]:
    if text is None:
        return []
    return msgspec.json.decode(text, type=list[dict[str, Any]])


def _encode(items: list[dict[str, Any]]) -> str | None:
    return msgspec.json.encode(items).decode() if items else None


def _parse_field(item: dict[str, Any]) -> Field:
    name = str(item.get("name", ""))
    if item["type"] == "tensor":
        spec = item["tensor-spec"]
        return Field(name=name, type=str(spec["dtype"]), shape=tuple(int(size) for size in spec["shape"]))
    if item["type"] not in COLUMN_DTYPES and item["type"] not in NESTED_TYPES:
        known = (*COLUMN_DTYPES, *NESTED_TYPES)
        raise ValueError(f"unknown type {item['type']!r}; {did_you_mean(str(item['type']), known)}")
    nested = {
        key: value for key, value in item.items() if key not in ("name", "type", "required", "optional")
    }
    required = bool(item.get("required", not item.get("optional", False)))
    return Field(name=name, type=item["type"], required=required, nested=nested)


def _format_field(field: Field) -> dict[str, Any]:
    named: dict[str, Any] = {"name": field.name} if field.name else {}
    if field.shape is not None:
        return {"type": "tensor", "tensor-spec": {"dtype": field.type, "shape": list(field.shape)}, **named}
    return {"type": field.type, **named, "required": field.required, **field.nested}


# ------------------------------------------------------------------------------------------------ inference


def infer_signature(inputs: Any, outputs: Any = None) -> Signature:
    """The signature of example data: pandas, Polars and Arrow frames, arrays, rows as dicts, dicts of arrays.

    Raises: Invalid for data that has no such form or a column without a known type.
    """
    return Signature(inputs=infer_fields(inputs), outputs=() if outputs is None else infer_fields(outputs))


def infer_fields(data: Any) -> tuple[Field, ...]:
    match library_of(data):
        case "pandas":
            return _pandas_fields(data)
        case "polars":
            return _named_fields((column.name, str(column.dtype), column.null_count() > 0) for column in data)
        case "pyarrow":
            columns = zip(data.column_names, data.schema.types, data.columns, strict=True)
            return _named_fields((name, str(kind), column.null_count > 0) for name, kind, column in columns)
        case "scipy":
            return (Field(type=str(data.dtype), shape=(-1, *data.shape[1:])),)
    if is_array(data):
        return (_tensor_field("", data),)
    if isinstance(data, Mapping) and data and all(is_array(values) for values in data.values()):
        return tuple(_tensor_field(str(name), values) for name, values in data.items())
    if isinstance(data, list | tuple) and data:
        if all(isinstance(row, Mapping) for row in data):
            return _row_fields(data)
        import numpy as np  # only for lists of numbers: this module must not cost a step its start

        return (_tensor_field("", np.asarray(data)),)
    raise Invalid(
        f"no signature can be read from {type(data).__name__}",
        hint="give a frame, an array, a list of rows as dicts, or a dict of arrays",
    )


def library_of(value: Any) -> str:
    """The package a value's type comes from; nothing is imported to find out."""
    return type(value).__module__.partition(".")[0]


def is_array(value: Any) -> bool:
    return library_of(value) == "numpy" and hasattr(value, "shape") and len(value.shape) > 0


def _tensor_field(name: str, array: Any) -> Field:
    dtype = {"U": "str", "S": "bytes"}.get(array.dtype.kind, str(array.dtype))
    return Field(name=name, type=dtype, shape=(-1, *array.shape[1:]))


def _pandas_fields(data: Any) -> tuple[Field, ...]:
    if not hasattr(data, "columns"):  # a Series
        data = data.to_frame(data.name if data.name is not None else "")
    is_named = all(isinstance(name, str) for name in data.columns)
    fields = []
    for place, name in enumerate(data.columns):
        series = data.iloc[:, place]
        kind = _numpy_type(series.dtype) or _value_type(series.dropna(), f"column {name!r}")
        fields.append(Field(name=name if is_named else "", type=kind, required=not series.isna().any()))
    return tuple(fields)


def _numpy_type(dtype: Any) -> str:
    """MLflow's type for a numpy or pandas dtype; empty when only the values can tell."""
    size = getattr(dtype, "itemsize", 8)
    match dtype.kind:
        case "b":
            return "boolean"
        case "i":
            return "integer" if size <= 4 else "long"
        case "u":
            return "integer" if size < 4 else "long"
        case "f":
            return "float" if size <= 4 else "double"
        case "U":
            return "string"
        case "S":
            return "binary"
        case "M":
            return "datetime"
    return ""


def _value_type(values: Iterable[Any], where: str) -> str:
    """MLflow's type for Python values, which must agree; text when there are none."""
    kinds = {_scalar_type(value) for value in values}
    if kinds <= {"long", "double"} and len(kinds) == 2:
        return "double"
    if len(kinds) > 1 or "" in kinds:
        raise Invalid(
            f"{where} mixes or holds values without a column type", hint="give every row the same plain type"
        )
    return kinds.pop() if kinds else "string"


def _scalar_type(value: Any) -> str:
    if hasattr(value, "dtype"):
        return _numpy_type(value.dtype)
    for python, name in (
        (bool, "boolean"),
        (int, "long"),
        (float, "double"),
        (str, "string"),
        (bytes, "binary"),
        (datetime.date, "datetime"),
    ):
        if isinstance(value, python):
            return name
    return ""


# Polars and Arrow name their types; the longest matching start decides.
_NAMED_TYPES = {
    "bool": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "int64": "long",
    "uint8": "integer",
    "uint16": "integer",
    "uint32": "long",
    "half": "float",
    "float": "float",
    "float32": "float",
    "float64": "double",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "categorical": "string",
    "enum": "string",
    "dictionary": "string",
    "binary": "binary",
    "date": "datetime",
    "timestamp": "datetime",
    "null": "string",
}


def _named_fields(columns: Iterable[tuple[str, str, bool]]) -> tuple[Field, ...]:
    fields = []
    for name, written, has_nulls in columns:
        starts = [start for start in _NAMED_TYPES if written.lower().startswith(start)]
        if not starts:
            raise Invalid(
                f"column {name!r} has the type {written}, which no signature can say", hint="cast it first"
            )
        fields.append(Field(name=name, type=_NAMED_TYPES[max(starts, key=len)], required=not has_nulls))
    return tuple(fields)


def _row_fields(rows: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    fields = []
    for name in names:
        values = [row.get(name) for row in rows]
        present = [value for value in values if value is not None]
        kind = _value_type(present, f"column {name!r}")
        fields.append(Field(name=str(name), type=kind, required=len(present) == len(values)))
    return tuple(fields)
