from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import math
import random
import re
import threading
import types
import uuid
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavedroad.pipelines.code.values import Values

ROOT = Path("/somewhere/project")


def values(root: Path = ROOT, **options: Any) -> Values:
    nothing: dict[str, Any] = {"touch": lambda value: None, "take_file": lambda path: None}
    return Values(root, **(nothing | {"is_own": lambda kind: kind.__module__ == __name__} | options))


def digest(value: object, **options: Any) -> str:
    return values().describe(value, **options).digest


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.fractions(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4)
        | st.frozensets(st.integers() | st.text(max_size=3), max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
@settings(max_examples=300, deadline=None)
def test_a_copy_has_the_same_digest_and_plain_data_are_whole(value: object) -> None:
    described = values().describe(value)
    assert described.is_whole
    assert digest(copy.deepcopy(value)) == described.digest


def as_written(value: object) -> str:
    """Equal for values that no code can tell apart; order of dicts and sets does not count."""
    if isinstance(value, dict):
        return f"{{{sorted((as_written(key), as_written(each)) for key, each in value.items())}}}"
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(as_written, value))}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[as_written(each) for each in value]}"
    return f"{type(value).__name__}:{value!r}"


@given(PLAIN, PLAIN)
@settings(max_examples=300, deadline=None)
def test_two_values_share_a_digest_only_if_they_are_the_same(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (as_written(one) == as_written(other))


@given(st.dictionaries(st.text(), st.integers(), min_size=2), st.randoms())
def test_the_order_of_a_dict_does_not_count(value: dict[str, int], order: random.Random) -> None:
    items = list(value.items())
    order.shuffle(items)
    assert digest(dict(items)) == digest(value)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


Pair = collections.namedtuple("Pair", "a b")


@dataclasses.dataclass
class Row:
    a: int = 1
    b: Any = None


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int = 1


class Struct(msgspec.Struct):
    a: int = 1
    b: str = "x"


class Plain:
    def __init__(self, a: Any) -> None:
        self.a = a


class Words(str):
    pass


class Table(dict):
    pass


def function() -> int:
    return 1


PYTHON = [
    *((1, True), (1, 1.0), (0.0, -0.0), ("1", b"1"), ((1, 2), [1, 2]), ({1}, frozenset({1}))),
    *((["ab"], ["a", "b"]), ({"a": "b=c"}, {"a=b": "c"}), ((), ((),)), (None, "None"), (math.nan, math.inf)),
    *((Colour.RED, Colour.BLUE), (Level.LOW, Level.HIGH), (Level.LOW, 1)),
    *((Pair(1, 2), (1, 2)), (Pair(1, 2), Pair(1, 3)), (Row(1), Row(2)), (Row(1, [1]), Row(1, [2]))),
    *((Slotted(1), Slotted(2)), (Struct(a=1), Struct(a=2)), (Plain(1), Plain(2)), (Plain(1), Row(1))),
    *((Words("a"), "a"), (Words("a"), Words("b")), (Table(a=1), {"a": 1}), (Table(a=1), Table(a=2))),
    *((datetime.date(2013, 1, 1), datetime.date(2013, 1, 2)), (datetime.timedelta(1), datetime.timedelta(2))),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    *((fractions.Fraction(1, 2), fractions.Fraction(1, 3)), (uuid.UUID(int=1), uuid.UUID(int=2))),
    *((range(3), range(4)), (slice(1), slice(2)), (bytearray(b"a"), bytearray(b"b"))),
    *((re.compile("a"), re.compile("b")), (re.compile("a"), re.compile("a", re.I)), (Path("a"), Path("b"))),
    (collections.deque([1]), collections.deque([2])),
    (collections.Counter("a"), collections.Counter("b")),
    (collections.defaultdict(int, a=1), collections.defaultdict(list, a=1)),
    (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)),
    (types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 2})),
    *((function, digest), (Row, Plain), (int, float), (len, max), (list[int], list[str])),
    (functools.partial(function, 1), function),
]
ARRAYS = [
    *((np.float64(1), np.float64(2)), (np.float64(1), 1.0), (np.dtype("i4"), np.dtype("i8"))),
    *(
        (np.arange(3), np.arange(4)),
        (np.arange(4), np.arange(4).reshape(2, 2)),
        (np.arange(3), np.arange(3.0)),
    ),
    *((np.zeros((2, 3)), np.zeros((3, 2))), (np.array(["a"]), np.array(["b"]))),
    (np.ma.masked_array([1, 2], [0, 1]), np.ma.masked_array([1, 2], [1, 0])),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]})),
    (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}, index=[5, 6])),
    *((pd.Series([1, 2]), pd.Series([2, 1])), (pd.Series([1], name="a"), pd.Series([1], name="b"))),
    *((pd.Index([1, 2]), pd.Index([1, 3])), (pd.Timestamp("2013"), pd.Timestamp("2014"))),
    *((pa.table({"a": [1]}), pa.table({"a": [2]})), (pa.table({"a": [1]}), pa.table({"b": [1]}))),
    *((pa.array([1]), pa.array([2])), (pa.int32(), pa.int64())),
    *((pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})), (pl.Series([1]), pl.Series([2]))),
]


@pytest.mark.parametrize(
    ("one", "other"),
    [*PYTHON, *ARRAYS],
    ids=lambda value: re.sub(r" at 0x\w+|\s+", " ", repr(value))[:30],
)
def test_what_differs_has_different_digests(one: object, other: object) -> None:
    assert digest(one) != digest(other)
    assert digest(one) == digest(copy.deepcopy(one) if not isinstance(one, types.MappingProxyType) else one)


def test_a_slice_of_a_table_is_its_rows_alone() -> None:
    table = pa.table({"a": [1, 2, 3, 4]})
    assert digest(table.slice(1, 2)) == digest(pa.table({"a": [2, 3]}))
    assert digest(np.arange(10)[::2]) == digest(np.array([0, 2, 4, 6, 8]))


def test_objects_of_libraries_are_opaque_unless_they_may_be_opened() -> None:
    assert not values().describe(threading.Lock()).is_whole
    assert not values().describe(random.Random(1)).is_whole
    one, other = random.Random(1), random.Random(2)
    assert digest(one, by_reduction=True) != digest(other, by_reduction=True)
    assert digest(random.Random(1), by_reduction=True) == digest(one, by_reduction=True)
    assert not values().describe(threading.Lock(), by_reduction=True).is_whole


def test_an_estimator_is_known_by_its_parameters_and_what_it_learnt() -> None:
    from sklearn.linear_model import Ridge

    def opened(model: Ridge) -> str:
        described = values().describe(model, by_reduction=True)
        assert described.is_whole
        return described.digest

    assert opened(Ridge(alpha=1.0)) == opened(Ridge(alpha=1.0)) != opened(Ridge(alpha=2.0))
    fitted = Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
    assert opened(fitted) == opened(copy.deepcopy(fitted)) != opened(Ridge().fit([[1.0], [2.0]], [1.0, 3.0]))


def test_a_part_that_is_opaque_makes_the_whole_not_whole() -> None:
    described = values().describe({"a": [1, threading.Lock()]})
    assert not described.is_whole
    assert described.digest != digest({"a": [2, threading.Lock()]})


@pytest.mark.parametrize("value", [1, "a", (1, (2, "x")), frozenset({1}), None, Colour.RED])
def test_what_cannot_change_is_fixed(value: object) -> None:
    assert values().describe(value).is_fixed


@pytest.mark.parametrize("value", [[1], {}, {1}, ([],), Row(), Plain(1), np.arange(2), bytearray()])
def test_what_can_change_in_place_is_not_fixed(value: object) -> None:
    assert not values().describe(value).is_fixed


def test_code_among_values_is_handed_on() -> None:
    touched: list[object] = []
    values(touch=touched.append).describe({"a": [function, Row], "b": Plain(functools.partial(function))})
    assert function in touched
    assert Row in touched
    assert Plain in touched


def test_paths_and_texts_in_the_project_do_not_depend_on_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1")
    taken: list[Path] = []

    def take(path: Path) -> str:
        taken.append(path)
        return str(path.relative_to(tmp_path))

    value = [tmp_path / "x.csv", str(tmp_path / "x.csv"), f"sqlite:///{tmp_path}/x.db"]
    here = values(tmp_path, take_file=take).describe(value).digest
    elsewhere = [type(each)(str(each).replace(str(tmp_path), "/other")) for each in value]
    there = (
        values(Path("/other"), take_file=lambda path: str(path.relative_to("/other")))
        .describe(elsewhere)
        .digest
    )
    assert here == there
    assert taken == [tmp_path / "x.csv"] * 2


def test_a_value_inside_itself_ends() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    other: list[Any] = [1]
    other.append([1, other])
    assert digest(loop) == digest(loop)
    assert digest(loop) != digest([1, [1]])


def test_what_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pavedroad.pipelines.code.arrays.MOST_BYTES", 100)
    for value in (
        np.zeros(1000),
        pd.DataFrame({"a": range(1000)}),
        pa.table({"a": range(1000)}),
        pl.DataFrame({"a": range(1000)}),
    ):
        described = values().describe({"x": value})
        assert described.is_large
        assert not described.is_whole


def test_a_deep_value_is_too_large_rather_than_an_error() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert values().describe(deep).is_large
