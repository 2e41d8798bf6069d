"""What is known when the plane leaves the gate, and nothing that is known only later."""

from __future__ import annotations

import duckdb
import pavedroad as paved
import pyarrow as pa

LATE_AFTER_MINUTES = 15
RUSH_HOURS = (7, 8, 16, 17, 18)

CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = [
    "dep_delay", "distance", "weekday", "hour", "rush_hour", "planned_minutes",
    "temp", "humid", "wind_speed", "precip", "pressure", "visib", "plane_age", "seats",
]  # fmt: skip
FEATURES = CATEGORIES + NUMBERS
LABEL = "late"

# Measured after the plane has left; only the label may be made of them.
KNOWN_AFTER_DEPARTURE = ("arr_time", "arr_delay", "air_time")

# ASOF: for each flight the last weather report at or before the minute it left, never a later one.
DEPARTURES = """
WITH departures AS (
    SELECT *, time_hour + to_minutes(minute + dep_delay) AS left_at
    FROM flights WHERE dep_delay IS NOT NULL AND arr_delay IS NOT NULL
)
SELECT
    f.month, f.carrier, f.origin, f.dest,
    CAST(f.dep_delay AS DOUBLE) AS dep_delay,
    CAST(f.distance AS DOUBLE) AS distance,
    CAST(dayofweek(f.time_hour) AS DOUBLE) AS weekday,
    CAST(f.hour AS DOUBLE) AS hour,
    CAST(list_contains($rush_hours, f.hour) AS DOUBLE) AS rush_hour,
    CAST((f.sched_arr_time // 100 * 60 + f.sched_arr_time % 100
        - f.sched_dep_time // 100 * 60 - f.sched_dep_time % 100 + 1440) % 1440 AS DOUBLE) AS planned_minutes,
    w.temp, w.humid, w.wind_speed, w.precip, w.pressure, w.visib,
    CAST(f.year - TRY_CAST(p.year AS BIGINT) AS DOUBLE) AS plane_age,
    CAST(p.seats AS DOUBLE) AS seats,
    CAST(f.arr_delay > $late_after AS BIGINT) AS late
FROM departures f
ASOF LEFT JOIN weather w ON f.origin = w.origin AND f.left_at >= w.time_hour
LEFT JOIN planes p ON f.tailnum = p.tailnum
ORDER BY f.time_hour, f.carrier, f.flight
"""


@paved.step
def at_departure(flights: pa.Table, weather: pa.Table, planes: pa.Table) -> pa.Table:
    """One row per flight that flew: FEATURES as known at its departure, month and LABEL."""
    with duckdb.connect() as database:
        for name, table in (("flights", flights), ("weather", weather), ("planes", planes)):
            database.register(name, table)
        answers = {"rush_hours": list(RUSH_HOURS), "late_after": LATE_AFTER_MINUTES}
        return database.sql(DEPARTURES, params=answers).to_arrow_table()
