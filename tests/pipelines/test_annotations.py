"""What fits what."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, Protocol, TypedDict, TypeVar, Union

import numpy as np
import pytest

from pavedroad.pipelines.annotations import (
    describe,
    fits,
    fixed_items,
    hints_of,
    is_iterable,
    item_of,
    value_fits,
)

T = TypeVar("T")
Metres = NewType("Metres", float)


class Animal: ...


class Dog(Animal): ...


class Colour(enum.IntEnum):
    RED = 1


class Pair(NamedTuple):
    left: int
    right: str


class Row(TypedDict):
    name: str


class Named(Protocol):
    name: str


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, int),
        (int, float),
        (bool, int),
        (int, Any),
        (Any, int),
        (Dog, Animal),
        (list[int], list),
        (list, list[int]),
        (list[int], list[float]),
        (list[int], Sequence[int]),
        (list[int], Iterable[float]),
        (dict[str, int], Mapping[str, float]),
        (dict[str, int], Iterable[str]),
        (tuple[int, str], tuple[float, str]),
        (tuple[int, int], tuple[int, ...]),
        (tuple[int, ...], Sequence[int]),
        (Pair, tuple[int, str]),
        (int, int | None),
        (int, Optional[int]),  # noqa: UP045
        (int, Union[int, str]),  # noqa: UP007
        (int | None, int | str | None),
        (Literal["a"], str),
        (Literal["a"], Literal["a", "b"]),
        (Annotated[int, "years"], int),
        (Metres, float),
        (int, T),
        (Dog, Named),
        (Row, dict),
        (dict[str, str], Row),
        (Path, Path),
        (np.ndarray, np.ndarray),
        (type(None), None),
        (Callable[[int], int], Callable),
        ("Unresolved", int),
    ],
)
def test_fits(given, wanted):
    assert fits(given, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, str),
        (float, int),
        (str, Path),
        (Animal, Dog),
        (list[int], int),
        (list[str], list[int]),
        (list[str], Iterable[int]),
        (dict[str, int], dict[int, int]),
        (tuple[int, str], tuple[int, int]),
        (tuple[int, int, int], tuple[int, int]),
        (Pair, tuple[str, int]),
        (int | None, int),
        (int | str, int | float),
        (Literal["c"], Literal["a", "b"]),
        (str, Literal["a"]),
        (None, int),
        (Row, list),
        (np.ndarray, list),
    ],
)
def test_does_not_fit(given, wanted):
    assert not fits(given, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (3, float),
        (True, int),
        (None, int | None),
        ("a", Literal["a", "b"]),
        (np.float64(3), float),
        (np.int64(3), int),
        (Dog(), Animal),
        (Dog, type[Animal]),
        ([1], list[int]),
        ((1,), Sequence[int]),
        (len, Callable),
        (Path("x"), Path),
        (Colour.RED, int),
        (3, Any),
    ],
)
def test_a_value_fits(value, wanted):
    assert value_fits(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a", int),
        (3, str),
        (None, int),
        (1.5, int),
        ("x.csv", Path),
        ("c", Literal["a"]),
        (True, Literal[1]),
        ([1], int),
    ],
)
def test_a_value_does_not_fit(value, wanted):
    assert not value_fits(value, wanted)


def test_names_that_only_type_checkers_know_are_any_and_the_others_stay():
    def function(frame: Missing, n: int) -> list[int]:  # noqa: F821
        return []

    assert hints_of(function) == {"frame": Any, "n": int, "return": list[int]}


def test_fixed_items():
    assert fixed_items(tuple[int, str]) == (int, str)
    assert fixed_items(Pair) == (int, str)
    assert fixed_items(tuple[int, ...]) is None
    assert fixed_items(tuple) is None
    assert fixed_items(list[int]) is None


def test_items_of_containers():
    assert item_of(list[int]) is int
    assert item_of(dict[str, int]) is str
    assert item_of(tuple[int, str]) == int | str
    assert item_of(list) is Any


def test_only_what_has_items_can_be_mapped_over():
    assert is_iterable(list[int])
    assert is_iterable(Any)
    assert not is_iterable(int)
    assert not is_iterable(str)
    assert not is_iterable(dict[str, int])
    assert not is_iterable(list[int] | None)


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "int"),
        (list[int], "list[int]"),
        (int | None, "int | None"),
        (dict[str, list[float]], "dict[str, list[float]]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Any, "anything"),
        (None, "None"),
        (np.ndarray, "ndarray"),
    ],
)
def test_types_are_told_as_people_write_them(hint, text):
    assert describe(hint) == text
