"""The input example that travels with a model: its first rows, as MLflow stores them and as a request."""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from pavedroad.errors import Invalid
from pavedroad.models.inputs import columns_of_rows, frame_of
from pavedroad.models.signature import is_array, library_of

EXAMPLE_ROWS = 5  # enough to show and to measure with; the signature is read from all rows


class Example(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    data: Any  # everything that was given, in the form that the model takes
    head: Any  # its first rows
    stored: Any  # `input_example.json`
    request: dict[str, Any]  # a body that /invocations takes
    info: dict[str, str]  # MLflow's saved_input_example_info


def take_example(given: Any) -> Example:
    """Raises: Invalid for an example that is empty or has a form that a signature cannot say."""
    data = _in_model_form(given)
    head = first_rows(data, EXAMPLE_ROWS)
    if not _length(head):
        raise Invalid("the example has no rows", hint="give a few real rows, for example X.head()")
    info = {"artifact_path": "input_example.json", "serving_input_path": "serving_input_example.json"}
    if is_frame(head):
        split = _split(head)
        orient = {"pandas_orient": "split" if "columns" in split else "values"}
        return Example(
            data=data,
            head=head,
            stored=split,
            request={"dataframe_split": split},
            info={**info, "type": "dataframe", **orient},
        )
    if library_of(head) == "scipy":
        head, data = head.toarray(), data.toarray()
    stored = (
        {name: plain(values) for name, values in head.items()} if isinstance(head, Mapping) else plain(head)
    )
    return Example(
        data=data, head=head, stored=stored, request={"inputs": stored}, info={**info, "type": "ndarray"}
    )


def is_frame(value: Any) -> bool:
    return library_of(value) in ("pandas", "polars", "pyarrow")


def first_rows(data: Any, rows: int) -> Any:
    if library_of(data) == "pyarrow":
        return data.slice(0, rows)
    if isinstance(data, Mapping):
        return {name: values[:rows] for name, values in data.items()}
    return data[:rows]


def plain(value: Any) -> Any:
    """`value` as JSON can say it: arrays as lists, NaN as null, bytes in base64, times in ISO 8601."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.date | datetime.time):
        text = value.isoformat()
        return None if text == "NaT" else text
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if library_of(value) == "numpy":
        return _plain_numpy(value)
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [plain(row) for row in value.to_dict(orient="records")]
    if hasattr(value, "to_dict"):  # a pandas Series, as MLflow answers it
        return [plain(row) for row in value.to_frame().to_dict(orient="records")]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if str(value) in ("<NA>", "NaT") else str(value)


def _plain_numpy(value: Any) -> Any:
    if value.dtype.kind == "M":
        import numpy as np

        text = np.datetime_as_string(value)
        return plain(np.where(np.isnat(value), None, text).tolist() if value.ndim else str(text))
    if value.dtype.kind in "biuSUO" or not value.ndim:
        return plain(value.tolist())
    listed = value.tolist()
    if value.dtype.kind == "f":
        import numpy as np

        if np.isfinite(value).all():  # the usual case, without a Python call for each number
            return listed
    return plain(listed)


def _in_model_form(given: Any) -> Any:
    if isinstance(given, Mapping) and not all(is_array(values) for values in given.values()):
        given = [given]
    if isinstance(given, list | tuple) and given and all(isinstance(row, Mapping) for row in given):
        return frame_of(columns_of_rows(given))
    if isinstance(given, list | tuple):
        import numpy as np

        try:
            return np.asarray(given)
        except ValueError:
            raise Invalid(
                "the example has rows of unequal length", hint="make every row as long as the first"
            ) from None
    if library_of(given) == "pandas" and not hasattr(given, "columns"):
        return given.to_frame()
    if is_frame(given) or is_array(given) or library_of(given) == "scipy" or isinstance(given, Mapping):
        return given
    raise Invalid(
        f"an example cannot be a {type(given).__name__}",
        hint="give a frame, an array, a list of rows as dicts, or a dict of arrays",
    )


def _length(data: Any) -> int:
    if isinstance(data, Mapping):
        return min((len(values) for values in data.values()), default=0)
    if library_of(data) == "scipy":
        return int(data.shape[0])
    return int(data.num_rows) if library_of(data) == "pyarrow" else len(data)


def _split(frame: Any) -> dict[str, Any]:
    """MLflow's `split` form: column names (left out when they are only numbers) and rows."""
    match library_of(frame):
        case "pandas":
            names = list(frame.columns)
            rows = [list(row) for row in frame.itertuples(index=False, name=None)]
        case "polars":
            names, rows = list(frame.columns), [list(row) for row in frame.rows()]
        case _:
            names = list(frame.column_names)
            rows = [list(row.values()) for row in frame.to_pylist()]
    is_named = all(isinstance(name, str) for name in names)
    return {**({"columns": names} if is_named else {}), "data": plain(rows)}
