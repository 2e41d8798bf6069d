"""Values on their way into a model: checked against its signature, then in the form that it takes.

Values come as Python lists (JSON: judged one by one) or as arrays (judged by dtype; only casts that lose
nothing).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from pavedroad.errors import Invalid, Unavailable
from pavedroad.kit.text import count
from pavedroad.models.signature import Field, Signature, is_array, library_of

# numpy is imported where values are turned into arrays: defining a step that returns a model must not cost
# its start.


def columns_of(data: Any) -> dict[str, Any]:
    """The columns of a frame, of rows as dicts or of a dict of columns; arrays where the library gives them
    for free.

    Raises: Invalid for anything else.
    """
    match library_of(data):
        case "pandas":
            return {str(name): data[name].to_numpy() for name in data.columns}
        case "polars":
            return {column.name: column.to_numpy() for column in data}
        case "pyarrow":
            names = data.column_names
            return {name: data.column(name).to_numpy() for name in names}
    if isinstance(data, Mapping):
        return {str(name): values if _is_column(values) else [values] for name, values in data.items()}
    if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
        return columns_of_rows(data)
    raise Invalid(
        f"{type(data).__name__} has no named columns",
        hint="give a frame, rows as dicts, or a dict of columns",
    )


def columns_of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns from rows as dicts; what a row leaves out is null."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {str(name): [row.get(name) for row in rows] for name in names}


def has_names(data: Any) -> bool:
    """Whether `columns_of` can read it."""
    if isinstance(data, list | tuple):
        return bool(data) and all(isinstance(row, Mapping) for row in data)
    return isinstance(data, Mapping) or library_of(data) in ("pandas", "polars", "pyarrow")


def columns_by_place(data: Any, width: int) -> list[Any]:
    """The columns of an array or of rows as lists; a flat list is the one column of a model that takes one.

    Raises: Invalid when the rows do not have `width` values.
    """
    if not hasattr(data, "__len__") or not len(data):
        raise Invalid("the input has no rows", hint="send one or more")
    is_flat = getattr(data, "ndim", 1) == 1 and not isinstance(data[0], list | tuple)
    if is_flat and width == 1:
        return [data]
    if is_flat or getattr(data, "ndim", 2) != 2:
        raise Invalid(f"the input is not rows of {width} values", hint="give one list of values for each row")
    widths = {data.shape[1]} if is_array(data) else {_width(row) for row in data}
    if widths != {width}:
        seen = " or ".join(map(str, sorted(widths)))
        raise Invalid(
            f"the rows have {seen} values, the model takes {width}", hint="give one for each column"
        )
    if is_array(data):
        return [data[:, place] for place in range(width)]
    for at, row in enumerate(data):
        if isinstance(row, str | bytes | Mapping) or not hasattr(row, "__len__"):
            raise Invalid(f"row {at} is not a list of values", hint="give one list of values for each row")
    return list(zip(*data, strict=True))


def _width(row: Any) -> int:
    return len(row) if isinstance(row, list | tuple) else 1


def _is_column(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        or is_array(values)
        or library_of(values) in ("pandas", "polars", "pyarrow")
    )


def check_columns(signature: Signature, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The signature's columns as arrays, in its order. Columns it does not name are left out, as MLflow does.

    Raises: Invalid for missing columns, wrong types, nulls where none are allowed, and columns of unequal
    length.
    """
    missing = [field.name for field in signature.inputs if field.required and field.name not in columns]
    if missing:
        extra = [name for name in columns if name not in signature.names]
        raise Invalid(
            f"missing {count(len(missing), 'column')}: {_listed(missing)}",
            hint=f"the model takes {_listed(signature.names)}"
            + (f"; it does not know {_listed(extra)}" if extra else ""),
        )
    present = [field for field in signature.inputs if field.name in columns]
    arrays = {field.name: column_array(field, columns[field.name]) for field in present}
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) > 1:
        sizes = ", ".join(f"{name}: {len(array)}" for name, array in list(arrays.items())[:5])
        raise Invalid(
            f"the columns have unequal lengths ({sizes})", hint="give every column one value for each row"
        )
    rows = lengths.pop() if lengths else 0
    for field in signature.inputs:
        if field.name not in arrays:
            arrays[field.name] = _nulls(field, rows)
    return {field.name: arrays[field.name] for field in signature.inputs}


def column_array(field: Field, values: Any) -> Any:
    """The values of one column as an array of the field's dtype. Raises Invalid."""
    if library_of(values) in ("pandas", "polars", "pyarrow"):
        values = values.to_numpy()
    if is_array(values) and values.dtype.kind != "O":
        return _cast_array(field, values)
    values = values.tolist() if is_array(values) else list(values)
    return _array_of_values(field, values)


def tensor_array(field: Field, values: Any) -> Any:
    """A tensor of the field's dtype and shape from an array or nested lists. Raises Invalid."""
    import numpy as np

    if is_array(values) and values.dtype.kind != "O":
        array = values
    elif library_of(values) in ("pandas", "polars", "pyarrow"):
        array = np.asarray(values)
    else:
        array = _nested_array(field, values)
    wanted = np.dtype({"str": "U", "bytes": "S"}.get(field.type, field.type))
    is_text = array.dtype.kind == wanted.kind and wanted.kind in "US"  # of any length
    if array.dtype != wanted and not is_text:
        _require_lossless(field, array.dtype, wanted)
    array = array if wanted.kind in "USO" else array.astype(wanted, copy=False)
    check_shape(field, array.shape)
    return array


def check_shape(field: Field, shape: Sequence[int]) -> None:
    wanted = field.shape or ()
    fits = len(shape) == len(wanted) and all(a in (-1, b) for a, b in zip(wanted, shape, strict=True))
    if not fits:
        raise Invalid(
            f"{_called(field)} has shape {list(shape)}, the model takes {list(wanted)}",
            hint="-1 stands for any number of rows",
        )


def frame_of(columns: Mapping[Any, Any]) -> Any:
    """A pandas frame (Polars where pandas is not installed) with these columns."""
    try:
        import pandas as pd
    except ImportError:
        pass
    else:
        return pd.DataFrame(dict(columns), copy=False)
    try:
        import polars as pl
    except ImportError:
        raise Unavailable(
            "this model takes a frame with named columns, and neither pandas nor polars is installed",
            hint="run `pip install pandas`",
        ) from None
    return pl.DataFrame(dict(columns))


def matrix_of(columns: Mapping[str, Any]) -> Any:
    """The columns side by side, in the dtype that holds them all: what a model without column names sees."""
    import numpy as np

    arrays = list(columns.values())
    # Column by column in memory, as a frame has it: BLAS rounds differently on the other order.
    matrix = np.empty((len(arrays), len(arrays[0])), dtype=np.result_type(*arrays))
    for place, array in enumerate(arrays):
        matrix[place] = array
    return matrix.T


# ---------------------------------------------------------------------------------------------- one column


def _cast_array(field: Field, array: Any) -> Any:
    import numpy as np

    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 and field.type not in ("array", "any"):
        raise Invalid(
            f"{_called(field)} has shape {list(array.shape)}", hint="a column holds one value for each row"
        )
    if field.type in ("string", "binary", "array", "object", "map", "any"):
        kinds = {"string": "U", "binary": "S"}.get(field.type)
        if kinds and array.dtype.kind not in kinds:
            raise _wrong_type(field, f"{array.dtype} values")
        return array.astype(object)
    wanted = np.dtype(field.dtype)
    if array.dtype.kind == "f" and wanted.kind in "iu" and not field.required:
        return array  # nulls made it a float, as pandas does
    if array.dtype != wanted:
        _require_lossless(field, array.dtype, wanted)
        array = array.astype(wanted)
    _check_nulls(field, array)
    return array


def _require_lossless(field: Field, given: Any, wanted: Any) -> None:
    import numpy as np

    same_clock = given.kind == wanted.kind == "M"
    if not same_clock and (given.kind == "b" or not np.can_cast(given, wanted, "safe")):
        raise _wrong_type(field, f"{given} values")


def _check_nulls(field: Field, array: Any) -> None:
    import numpy as np

    if not field.required or array.dtype.kind not in "fM":
        return
    nulls = np.isnan(array) if array.dtype.kind == "f" else np.isnat(array)
    if nulls.any():
        raise _null(field, int(nulls.argmax()))


def _array_of_values(field: Field, values: list[Any]) -> Any:
    import numpy as np

    kinds = set(map(type, values))
    has_nulls = type(None) in kinds
    if has_nulls and field.required:
        raise _null(field, values.index(None))
    kinds.discard(type(None))
    try:
        match field.type:
            case "double" | "float":
                _allow(field, values, kinds, (int, float))
                array: Any = np.array(values, dtype=field.dtype)
                _check_nulls(field, array)
                return array
            case "integer" | "long":
                return _whole_numbers(field, values, kinds, has_nulls)
            case "boolean":
                _allow(field, values, kinds, (bool,))
                return np.array(values, dtype=object if has_nulls else bool)
            case "string":
                _allow(field, values, kinds, (str,))
                return _objects(values)
            case "binary":
                _allow(field, values, kinds, (str, bytes, bytearray))
                return _objects(
                    [base64.b64decode(v, validate=True) if isinstance(v, str) else v for v in values]
                )
            case "datetime":
                return np.array(
                    ["NaT" if v is None else _instant(field, v) for v in values], dtype="datetime64[ns]"
                )
    except (OverflowError, binascii.Error, ValueError) as error:
        raise Invalid(f"{_called(field)}: {error}", hint=f"it holds values of type {field.type}") from None
    return _objects(values)


def _whole_numbers(field: Field, values: list[Any], kinds: set[type], has_nulls: bool) -> Any:
    import numpy as np

    _allow(field, values, kinds, (int, float))
    if has_nulls:
        return np.array(values, dtype="float64")
    if float in kinds:
        for value in values:
            if isinstance(value, float) and not value.is_integer():
                raise _wrong_type(field, f"{value!r}")
        values = [int(value) for value in values]
    return np.array(values, dtype=field.dtype)


def _allow(field: Field, values: list[Any], kinds: set[type], allowed: tuple[type, ...]) -> None:
    for kind in kinds:
        if kind in allowed or (kind is not bool and issubclass(kind, allowed)):
            continue
        if hasattr(kind, "dtype"):  # a numpy scalar among Python values
            continue
        place = next(place for place, value in enumerate(values) if type(value) is kind)
        raise _wrong_type(field, f"{_shown(values[place])} in row {place}")


def _instant(field: Field, value: Any) -> Any:
    import datetime

    if isinstance(value, str):
        text = value.strip()
        try:
            value = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise _wrong_type(field, _shown(text)) from None
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    if isinstance(value, int | float | list | dict):
        raise _wrong_type(field, _shown(value))
    return value


def _objects(values: list[Any]) -> Any:
    import numpy as np

    array: Any = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _nested_array(field: Field, values: Any) -> Any:
    import numpy as np

    try:
        array = np.array(values.tolist() if is_array(values) else values)
    except ValueError:
        raise Invalid(
            f"{_called(field)} has rows of unequal length", hint="make every row as long as the first"
        ) from None
    wanted = np.dtype({"str": "U", "bytes": "S"}.get(field.type, field.type))
    if array.dtype.kind == "O" and wanted.kind == "f":
        raise Invalid(
            f"{_called(field)} holds null or something that is not a number", hint="give numbers only"
        )
    fits = {"f": "iuf", "i": "iu", "u": "iu", "b": "b", "U": "U", "O": "biufUO", "S": "US"}.get(
        wanted.kind, wanted.kind
    )
    if array.dtype.kind not in fits:
        raise _wrong_type(field, f"{array.dtype} values")
    if wanted.kind in "iu" and array.size:
        bounds = np.iinfo(wanted)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise Invalid(
                f"{_called(field)} has a value that does not fit in {wanted}", hint="send a smaller number"
            )
    if wanted.kind == "S" and array.dtype.kind == "U":
        return np.char.encode(array, "utf-8")
    return array if wanted.kind in "UOS" else array.astype(wanted)


def _nulls(field: Field, rows: int) -> Any:
    import numpy as np

    if field.type == "datetime":
        return np.full(rows, "NaT", dtype="datetime64[ns]")
    if field.dtype in ("float32", "float64", "int32", "int64"):
        return np.full(rows, np.nan, dtype="float32" if field.dtype == "float32" else "float64")
    return np.full(rows, None, dtype=object)


# ------------------------------------------------------------------------------------------------- words


def _called(field: Field) -> str:
    noun = "column" if field.shape is None else "tensor"
    return f"{noun} {field.name!r}" if field.name else f"the {noun}"


def _wrong_type(field: Field, got: str) -> Invalid:
    return Invalid(
        f"{_called(field)} takes {field.type} values, got {got}", hint="send the type the signature names"
    )


def _null(field: Field, row: int) -> Invalid:
    return Invalid(
        f"{_called(field)} has a null in row {row}, and the signature allows none",
        hint="fill it in, or log the model with an example that has a null there",
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _listed(names: Sequence[str], limit: int = 12) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
