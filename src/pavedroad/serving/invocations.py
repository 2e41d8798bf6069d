"""MLflow's scoring protocol, `/invocations`: its five ways to send rows, and its way to answer."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import numpy as np

from pavedroad.errors import Invalid, PavedError
from pavedroad.kit.text import count
from pavedroad.models import Field
from pavedroad.models.example import plain
from pavedroad.models.inputs import column_array, columns_of_rows
from pavedroad.serving.served_model import ServedModel

FORMS = ("inputs", "instances", "dataframe_split", "dataframe_records")


class UnsupportedMedia(PavedError):
    """The body has a content type or an encoding that nobody here reads."""

    code = "INVALID_PARAMETER_VALUE"
    status = 415
    exit_code = 2


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Everything else in the body is ignored, as MLflow does."""

    inputs: msgspec.Raw = msgspec.Raw()
    instances: msgspec.Raw = msgspec.Raw()
    dataframe_split: msgspec.Raw = msgspec.Raw()
    dataframe_records: msgspec.Raw = msgspec.Raw()
    params: dict[str, Any] | None = None


class Split(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    data: msgspec.Raw
    columns: list[str | int] | None = None
    index: list[Any] | None = None


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    inputs: Any  # in the form that the model takes
    params: dict[str, Any] | None = None


_body = msgspec.json.Decoder(Body).decode
_split = msgspec.json.Decoder(Split).decode
_numbers = msgspec.json.Decoder(list[list[float]]).decode
_rows = msgspec.json.Decoder(list[list[Any]]).decode
_records = msgspec.json.Decoder(list[dict[str, Any]]).decode
_anything = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def read_invocation(body: bytes, content_type: str, model: ServedModel) -> Invocation:
    """Raises Invalid for a body that is no invocation or does not fit the model, UnsupportedMedia for
    another type.
    """
    media, _, parameters = content_type.partition(";")
    media = media.strip().lower() or "application/json"
    charset = parameters.partition("charset=")[2].strip(' "').lower()
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMedia(f"charset {charset!r} is not read here", hint="send UTF-8")
    if media == "text/csv":
        return Invocation(inputs=_of_csv(body, model))
    if media not in ("application/json", "application/x-www-form-urlencoded"):  # curl -d says the latter
        raise UnsupportedMedia(
            f"content type {media!r} is not read here", hint="send application/json or text/csv"
        )
    try:
        return _of_json(body, model)
    except msgspec.ValidationError as error:
        raise Invalid(f"not an invocation: {_plain(error)}", hint="see GET / for an example") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}", hint="send application/json or text/csv") from None


def write_predictions(predictions: Any) -> bytes:
    return _encode({"predictions": plain(predictions)})


def _of_json(body: bytes, model: ServedModel) -> Invocation:
    request = _body(body)
    given = [form for form in FORMS if bytes(getattr(request, form))]
    if len(given) != 1:
        raise Invalid(
            f"the body has {count(len(given), 'input field')}" + (f" ({', '.join(given)})" if given else ""),
            hint=f"send exactly one of {', '.join(FORMS)}",
        )
    raw = getattr(request, given[0])
    match given[0]:
        case "dataframe_split":
            inputs = _of_split(_split(raw), model)
        case "dataframe_records":
            inputs = _of_records(_records(raw), model)
        case _:
            inputs = _of_values(_anything(raw), model)
    return Invocation(inputs=inputs, params=request.params)


# ----------------------------------------------------------------------------------------------- forms


def _of_split(split: Split, model: ServedModel) -> Any:
    signature = model.signature
    names = None if split.columns is None else [str(name) for name in split.columns]
    if names is not None and len(set(names)) != len(names):
        raise Invalid("dataframe_split names a column twice", hint="give every column once")
    if model.is_all_floats and (names is None or tuple(names) == signature.names):
        try:
            return model.of_matrix(_matrix(_numbers(split.data), len(signature.inputs), model.matrix_dtype))
        except msgspec.ValidationError:
            pass  # nulls or wrong types: the way below says which
    rows = _rows(split.data)
    if not rows:
        raise Invalid("the input has no rows", hint="send one or more")
    _check_widths(rows, len(rows[0]) if names is None else len(names))
    if names is None or (signature.inputs and (signature.is_tensor or not signature.is_named)):
        return model.of_rows(rows) if signature.inputs else _undeclared(rows)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return model.of_columns(columns) if signature.inputs else model.of_undeclared_columns(columns)


def _matrix(rows: list[list[float]], width: int, dtype: np.dtype[Any] | None) -> np.ndarray:
    if not rows:
        raise Invalid("the input has no rows", hint="send one or more")
    _check_widths(rows, width)
    matrix: np.ndarray = np.array(rows, dtype=dtype)
    return matrix


def _check_widths(rows: list[list[Any]], width: int) -> None:
    for place, row in enumerate(rows):
        if len(row) != width:
            raise Invalid(
                f"row {place} has {len(row)} values, {width} are expected", hint="give one for each column"
            )


def _of_records(records: list[dict[str, Any]], model: ServedModel) -> Any:
    if not records:
        raise Invalid("the input has no rows", hint="send one or more")
    columns = columns_of_rows(records)
    if not model.signature.inputs:
        return model.of_undeclared_columns(columns)
    if model.signature.is_named and not model.signature.is_tensor:
        return model.of_columns(columns)
    return model.of_rows(columns if model.signature.is_named else list(zip(*columns.values(), strict=True)))


def _of_values(values: Any, model: ServedModel) -> Any:
    """`inputs` and `instances`: rows as dicts, a dict of columns or tensors, nested lists, one value."""
    signature = model.signature
    if isinstance(values, list) and values and all(isinstance(row, dict) for row in values):
        return _of_records(values, model)
    if isinstance(values, dict):
        if signature.is_named and not signature.is_tensor:
            return model.of_columns({name: _as_column(value) for name, value in values.items()})
        if not signature.inputs:
            return model.of_undeclared_columns({name: _as_column(value) for name, value in values.items()})
        return model.of_rows(values)
    if not isinstance(values, list):
        values = [values]
    if not signature.inputs:
        return _undeclared(values)
    if signature.is_tensor and signature.is_named and len(signature.inputs) == 1:
        return model.of_rows({signature.names[0]: values})
    return model.of_rows(values)


def _as_column(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _undeclared(values: list[Any]) -> np.ndarray:
    if not values:
        raise Invalid("the input has no rows", hint="send one or more")
    try:
        array: np.ndarray = np.array(values)
    except ValueError:
        raise Invalid(
            "the input has rows of unequal length", hint="make every row as long as the first"
        ) from None
    return array


def _of_csv(body: bytes, model: ServedModel) -> Any:
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"the body is not CSV: {error}", hint="send UTF-8 text with a header line") from None
    lines = [line for line in lines if line]
    if len(lines) < 2:
        raise Invalid("the CSV has no rows", hint="send a header line and one line for each row")
    names, rows = lines[0], lines[1:]
    if len(set(names)) != len(names):
        raise Invalid("the CSV names a column twice", hint="give every column once")
    _check_widths(rows, len(names))
    fields = {field.name: field for field in model.signature.inputs}
    columns = {
        name: _parse_column(fields.get(name), list(values))
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    if model.signature.is_named and not model.signature.is_tensor:
        return model.of_columns(columns)
    if model.signature.inputs:
        return model.of_rows([list(row) for row in zip(*columns.values(), strict=True)])
    return model.of_undeclared_columns(columns)


_NULLS = ("", "NaN", "nan", "null", "NULL", "NA", "None")


def _parse_column(field: Field | None, values: list[str]) -> list[Any]:
    """CSV has only text: read it as the signature says, or as numbers where all are."""
    kind = field.type if field else ""
    present = [None if value in _NULLS else value for value in values]
    if kind in ("string", "binary", "datetime"):
        return present
    if kind == "boolean":
        return [{"true": True, "false": False}.get(str(value).lower(), value) for value in present]
    try:
        if kind in ("integer", "long"):
            return [None if value is None else int(value) for value in present]
        return [None if value is None else float(value) for value in present]
    except ValueError:
        if field is None:
            return present
        column_array(field, present)  # says which value it is
        return present


def _plain(error: msgspec.ValidationError) -> str:
    text = str(error).replace("`", "").replace("$.", "").replace("$", "it")
    return text[:1].lower() + text[1:]
