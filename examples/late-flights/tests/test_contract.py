from __future__ import annotations

import pyarrow as pa
import pytest
from late_flights.contract import ContractBroken, keep_contract
from late_flights.data import DATA, load_flights


@pytest.fixture(scope="module")
def flights() -> pa.Table:
    return load_flights(DATA / "flights.csv.zip")


def test_the_flights_of_2013_keep_the_contract(flights: pa.Table) -> None:
    assert keep_contract(flights) is flights


def test_a_renamed_column_is_named(flights: pa.Table) -> None:
    with pytest.raises(ContractBroken, match="distance is missing"):
        keep_contract(flights.rename_columns({"distance": "miles"}))


def test_an_impossible_delay_is_named(flights: pa.Table) -> None:
    at = flights.column_names.index("dep_delay")
    wrong = flights.set_column(at, "dep_delay", pa.array([9999] * flights.num_rows, pa.int64()))
    with pytest.raises(ContractBroken, match="dep_delay goes from 9999"):
        keep_contract(wrong)
