from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pavedroad.registry import ColumnSeen
from pavedroad.registry.recorded_data import column_seen, data_in_example, data_in_profiles
from pavedroad.tracking import DatasetInput


@pytest.mark.parametrize(
    "example",
    [
        {"columns": ["delay", "carrier"], "data": [[3, "UA"], [None, "DL"]]},
        [{"delay": 3, "carrier": "UA"}, {"carrier": "DL"}],
        {"delay": [3, None], "carrier": ["UA", "DL"]},
    ],
)
def test_every_form_of_an_example_is_read(example: Any) -> None:
    seen = data_in_example(msgspec.json.encode(example))
    assert seen is not None
    assert seen.rows == 2
    assert seen.columns == {
        "delay": ColumnSeen(nulls=1, minimum=3.0, maximum=3.0, values=(3,)),
        "carrier": ColumnSeen(nulls=0, values=("UA", "DL")),
    }


@pytest.mark.parametrize("example", [[], [[1, 2]], 3, None, {}])
def test_an_example_without_column_names_shows_nothing(example: Any) -> None:
    assert data_in_example(msgspec.json.encode(example)) is None


def test_booleans_are_no_numbers_and_many_values_are_not_kept() -> None:
    assert column_seen([True, False]).minimum is None
    assert column_seen(list(range(101))).values is None
    assert column_seen([]) == ColumnSeen(nulls=0, values=())
    assert column_seen([float("nan"), 2.0]).nulls == 1


def test_profiles_that_speak_of_columns_are_read_and_others_left() -> None:
    def dataset(profile: str) -> DatasetInput:
        return DatasetInput(name="flights", digest="d", source_type="local", source="", profile=profile)

    written = {"rows": 9, "columns": {"delay": {"nulls": 0, "min": -3, "max": 9.5, "values": None}, "odd": 3}}
    inputs = [
        dataset(msgspec.json.encode(written).decode()),
        dataset('{"num_rows": 3}'),
        dataset(""),
        dataset("{"),
    ]
    (seen,) = data_in_profiles(inputs)
    assert (seen.source, seen.rows) == ("profile of flights", 9)
    assert seen.columns == {"delay": ColumnSeen(nulls=0, minimum=-3.0, maximum=9.5)}
