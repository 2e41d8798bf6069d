"""Tensors of the Open Inference Protocol: JSON and binary on one side, numpy arrays on the other."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from pavedroad.errors import Invalid, did_you_mean

# Names of the protocol and the little-endian dtypes that carry them; text and bytes travel as objects.
DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    "BYTES": np.dtype("O"),
}
_NAMES = {dtype.str.lstrip("<|"): name for name, dtype in DTYPES.items()}
_ITEMS = {"b": bool, "u": int, "i": int, "f": float, "O": str}  # JSON element by kind of dtype
_FLAT: dict[str, Callable[[Any], list[Any]]] = {
    kind: msgspec.json.Decoder(list[item]).decode  # type: ignore[valid-type]
    for kind, item in _ITEMS.items()
}
_FLAT_OR_NULL = msgspec.json.Decoder(list[float | None]).decode
_ANY = msgspec.json.Decoder().decode
BIGGEST_DIMENSION = 2**40  # no body holds more; keeps products of wrong shapes small


def datatype_of(dtype: np.dtype[Any]) -> str:
    """The protocol's name for a dtype; text, bytes and times are BYTES."""
    return _NAMES.get(dtype.newbyteorder("<").str.lstrip("<|"), "BYTES")


def dtype_named(datatype: str, tensor: str) -> np.dtype[Any]:
    """Raises Invalid for a datatype that the protocol does not know."""
    dtype = DTYPES.get(datatype)
    if dtype is None:
        raise Invalid(f"input {tensor!r}: unknown datatype {datatype!r}", hint=did_you_mean(datatype, DTYPES))
    return dtype


def check_shape(shape: Sequence[int], tensor: str) -> int:
    """The number of elements. Raises Invalid for a shape that no tensor has."""
    for size in shape:
        if not 0 <= size <= BIGGEST_DIMENSION:
            raise Invalid(f"input {tensor!r}: {size} in shape {list(shape)}", hint="give sizes of 0 or more")
    return math.prod(shape)


def from_json(data: msgspec.Raw | bytes, datatype: str, shape: Sequence[int], tensor: str) -> np.ndarray:
    """Read the `data` of one input, flat or nested. Raises Invalid."""
    dtype = dtype_named(datatype, tensor)
    wanted = check_shape(shape, tensor)
    if datatype == "FP16":
        raise Invalid(f"input {tensor!r}: FP16 has no JSON form", hint="send it as binary, or as FP32")
    try:
        array: np.ndarray = np.array(_values(data, dtype.kind, shape, tensor), dtype=dtype)
    except OverflowError:
        raise Invalid(
            f"input {tensor!r}: a value does not fit in {datatype}", hint="use a wider datatype"
        ) from None
    _check_count(array.size, wanted, shape, tensor)
    shaped: np.ndarray = array.reshape(shape)
    return shaped


def _values(data: msgspec.Raw | bytes, kind: str, shape: Sequence[int], tensor: str) -> list[Any]:
    try:
        return _FLAT[kind](data)
    except msgspec.ValidationError as error:
        if kind == "f":
            try:
                return _FLAT_OR_NULL(data)
            except msgspec.ValidationError:
                pass
        values = _ANY(data)
        if not isinstance(values, list) or not any(isinstance(value, list) for value in values):
            raise Invalid(
                f"input {tensor!r}: {_element_error(error)}", hint="send what its datatype says"
            ) from None
    flat: list[Any] = []
    _flatten(values, flat, tuple(shape), tensor, depth=0)
    return _FLAT_OR_NULL(_encode(flat)) if kind == "f" else _recheck(flat, kind, tensor)


def _recheck(flat: list[Any], kind: str, tensor: str) -> list[Any]:
    try:
        return _FLAT[kind](_encode(flat))
    except msgspec.ValidationError as error:
        raise Invalid(
            f"input {tensor!r}: {_element_error(error)}", hint="send what its datatype says"
        ) from None


def _encode(flat: list[Any]) -> bytes:
    return msgspec.json.encode(flat)


def _element_error(error: msgspec.ValidationError) -> str:
    """`Expected `float`, got `str` - at `$[3]`` as `element 3: expected float, got str`."""
    what, _, where = str(error).partition(" - at ")
    place = where.strip("`").removeprefix("$").strip("[]")
    what = what.replace("`", "").replace("Expected", "expected")
    return f"element {place}: {what}" if place else what


def _flatten(values: list[Any], into: list[Any], shape: tuple[int, ...], tensor: str, depth: int) -> None:
    if depth >= len(shape) or len(values) != shape[depth]:
        raise Invalid(
            f"input {tensor!r}: nested data do not have shape {list(shape)}", hint="make data and shape agree"
        )
    for value in values:
        if isinstance(value, list):
            _flatten(value, into, shape, tensor, depth + 1)
        elif depth == len(shape) - 1:
            into.append(value)
        else:
            raise Invalid(
                f"input {tensor!r}: nested data do not have shape {list(shape)}",
                hint="make data and shape agree",
            )


def _check_count(got: int, wanted: int, shape: Sequence[int], tensor: str) -> None:
    if got != wanted:
        raise Invalid(
            f"input {tensor!r} has {got} elements, shape {list(shape)} needs {wanted}",
            hint="make data and shape agree",
        )


# ---------------------------------------------------------------------------------------------- binary


def from_binary(data: memoryview, datatype: str, shape: Sequence[int], tensor: str) -> np.ndarray:
    """Read packed little-endian elements; BYTES are a u32 length and that many bytes each. Raises Invalid."""
    dtype = dtype_named(datatype, tensor)
    wanted = check_shape(shape, tensor)
    if datatype == "BYTES":
        elements = _read_strings(data, tensor)
        _check_count(len(elements), wanted, shape, tensor)
        array: np.ndarray = np.empty(wanted, dtype=object)
        array[:] = elements
    elif len(data) != wanted * dtype.itemsize:
        raise Invalid(
            f"input {tensor!r} has {len(data)} bytes, shape {list(shape)} of {datatype} needs "
            f"{wanted * dtype.itemsize}",
            hint="make binary_data_size, shape and datatype agree",
        )
    elif datatype == "BOOL":
        array = np.frombuffer(data, dtype="u1").astype(bool)
    else:
        array = np.frombuffer(data, dtype=dtype)
    shaped: np.ndarray = array.reshape(shape)
    return shaped


def _read_strings(data: memoryview, tensor: str) -> list[str | bytes]:
    elements: list[str | bytes] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data) or at + 4 + (size := struct.unpack_from("<I", data, at)[0]) > len(data):
            raise Invalid(
                f"input {tensor!r}: element {len(elements)} is cut short",
                hint="write each element as a u32 length and its bytes",
            )
        raw = bytes(data[at + 4 : at + 4 + size])
        try:
            elements.append(raw.decode())
        except UnicodeDecodeError:
            elements.append(raw)
        at += 4 + size
    return elements


def to_binary(array: np.ndarray) -> bytes:
    datatype = datatype_of(array.dtype)
    if datatype != "BYTES":
        return bytes(np.ascontiguousarray(array, dtype=DTYPES[datatype]).tobytes())
    parts = []
    for text in texts(array):
        raw = text.encode()
        parts += [struct.pack("<I", len(raw)), raw]
    return b"".join(parts)


def to_json(array: np.ndarray) -> list[Any]:
    """Elements in row-major order, as JSON can say them."""
    return texts(array) if datatype_of(array.dtype) == "BYTES" else array.ravel().tolist()


def texts(array: np.ndarray) -> list[str]:
    """Every element of a BYTES tensor as text; null is empty."""
    if array.dtype.kind == "M":
        return [str(value) for value in np.datetime_as_string(array.ravel())]
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
        for value in array.ravel().tolist()
    ]
