"""The whole way from files to a measured model: `paved run`."""

from __future__ import annotations

from pathlib import Path

import pavedroad as paved

from late_flights.contract import keep_contract
from late_flights.data import DATA, load_flights, load_table
from late_flights.features import at_departure
from late_flights.training import evaluate, split_by_month, train


@paved.pipeline
def late_flights(
    *, data: Path = DATA, iterations: int = 60, learning_rate: float = 0.15
) -> tuple[paved.Model, paved.Evaluation]:
    flights = keep_contract(load_flights(data / "flights.csv.zip"))
    weather = load_table(data / "weather.csv")
    planes = load_table(data / "planes.csv")
    past, future = split_by_month(at_departure(flights, weather, planes))
    model = train(past, iterations=iterations, learning_rate=learning_rate)
    return model, evaluate(model, future)
