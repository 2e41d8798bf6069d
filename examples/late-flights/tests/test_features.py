"""No column that is known only after departure may reach the model."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from late_flights.data import DATA, load_flights, load_table
from late_flights.features import FEATURES, KNOWN_AFTER_DEPARTURE, at_departure

Tables = tuple[pa.Table, pa.Table, pa.Table]


@pytest.fixture(scope="module")
def tables() -> Tables:
    folder = DATA
    flights = load_flights(folder / "flights.csv.zip").slice(0, 5000)
    return flights, load_table(folder / "weather.csv"), load_table(folder / "planes.csv")


def test_no_feature_has_the_name_of_a_later_column() -> None:
    assert not set(FEATURES) & {*KNOWN_AFTER_DEPARTURE, "late"}


def test_changing_what_happened_after_departure_changes_no_feature(tables: Tables) -> None:
    flights, weather, planes = tables
    later = flights
    for name in KNOWN_AFTER_DEPARTURE:
        at = later.column_names.index(name)
        later = later.set_column(at, name, pc.multiply(later[name], -3))
    before, after = at_departure(flights, weather, planes), at_departure(later, weather, planes)
    assert before.select(FEATURES).equals(after.select(FEATURES))
    assert not before["late"].equals(after["late"])


def test_weather_reported_after_the_last_departure_changes_no_feature(tables: Tables) -> None:
    flights, weather, planes = tables
    leaving = pc.add(
        flights["time_hour"].cast(pa.int64()),
        pc.multiply(60, pc.add(flights["minute"], flights["dep_delay"])),
    )
    known = weather.filter(pc.less_equal(weather["time_hour"].cast(pa.int64()), pc.max(leaving)))
    assert known.num_rows < weather.num_rows
    assert at_departure(flights, known, planes).equals(at_departure(flights, weather, planes))


def test_every_flight_that_flew_is_one_row(tables: Tables) -> None:
    flights, weather, planes = tables
    flew = pc.sum(pc.and_(pc.is_valid(flights["dep_delay"]), pc.is_valid(flights["arr_delay"]))).as_py()
    assert at_departure(flights, weather, planes).num_rows == flew
