"""Tensors survive the way out and back, as JSON and as bytes."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pavedroad.errors import Invalid
from pavedroad.serving import tensors

NUMBERS = [name for name in tensors.DTYPES if name != "BYTES"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


def number_tensors() -> st.SearchStrategy[np.ndarray]:
    shapes = arrays.array_shapes(max_dims=4, min_side=0, max_side=4)
    return st.sampled_from(NUMBERS).flatmap(
        lambda name: arrays.arrays(
            tensors.DTYPES[name],
            shapes,
            elements=arrays.from_dtype(tensors.DTYPES[name], allow_nan=False, allow_infinity=False),
        )
    )


def text_tensors() -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.dtype("O"), arrays.array_shapes(max_dims=3, max_side=4), elements=TEXT)


@given(number_tensors() | text_tensors())
def test_binary_gives_back_what_went_in(array: np.ndarray) -> None:
    datatype = tensors.datatype_of(array.dtype)
    back = tensors.from_binary(memoryview(tensors.to_binary(array)), datatype, array.shape, "t")
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


@given(number_tensors() | text_tensors())
def test_json_gives_back_what_went_in(array: np.ndarray) -> None:
    datatype = tensors.datatype_of(array.dtype)
    if datatype == "FP16":
        return
    raw = msgspec.json.encode(tensors.to_json(array))
    back = tensors.from_json(raw, datatype, array.shape, "t")
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


@given(number_tensors())
def test_nested_json_is_flat_json_with_brackets(array: np.ndarray) -> None:
    datatype = tensors.datatype_of(array.dtype)
    if datatype == "FP16" or not array.size:
        return
    nested = msgspec.json.encode(array.tolist())
    assert np.array_equal(tensors.from_json(nested, datatype, array.shape, "t"), array)


@pytest.mark.parametrize(
    ("array", "datatype", "elements"),
    [
        (np.array([True, False]), "BOOL", [True, False]),
        (np.array([1.5], dtype="f4"), "FP32", [1.5]),
        (np.array([7], dtype=">i4"), "INT32", [7]),
        (np.array(["a", "b"]), "BYTES", ["a", "b"]),
        (np.array([b"a"]), "BYTES", ["a"]),
        (np.array(["x", None], dtype=object), "BYTES", ["x", ""]),
        (np.array(["2026-01-01T12:00"], dtype="M8[m]"), "BYTES", ["2026-01-01T12:00"]),
    ],
)
def test_every_kind_of_answer_has_a_datatype(array: np.ndarray, datatype: str, elements: list[Any]) -> None:
    assert tensors.datatype_of(array.dtype) == datatype
    assert tensors.to_json(array) == elements


def test_bool_bytes_other_than_one_are_true() -> None:
    assert tensors.from_binary(memoryview(b"\x00\x01\x02"), "BOOL", [3], "t").tolist() == [False, True, True]


def test_bytes_that_are_no_text_stay_bytes() -> None:
    raw = memoryview(b"\x02\x00\x00\x00\xff\xfe")
    assert tensors.from_binary(raw, "BYTES", [1], "t").tolist() == [b"\xff\xfe"]


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x05\x00\x00\x00ab", b"\xff\xff\xff\xff"])
def test_text_that_ends_too_early_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        tensors.from_binary(memoryview(data), "BYTES", [1], "t")
