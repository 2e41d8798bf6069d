"""Under which circumstances a rule speaks, by the names that `rules.toml` uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pavedroad.desk.triage.places import Place

TABLES = frozenset({"pandas", "pyarrow", "polars", "dask", "datasets", "xarray", "geopandas"})
READERS = frozenset({"pandas", "dateutil", "pandera"})


def between_libraries(place: Place) -> bool:
    """What raised was called by another library, not by the job."""
    return place.last in ("library", "platform") and place.caller in ("library", "none")


def platform_database(place: Place) -> bool:
    return place.is_platform or (place.is_database and place.last != "job" and not place.has_job)


CONDITIONS: Mapping[str, Callable[[Place], bool]] = {
    "of-job": lambda place: place.last == "job",
    "not-of-job": lambda place: place.last != "job",
    "of-library": lambda place: place.last == "library",
    "of-job-or-called-by-it": lambda place: (
        place.last == "job" or (place.last == "library" and place.caller == "job")
    ),
    "of-job-or-unknown": lambda place: place.last == "job" or (not place.frames and not place.is_platform),
    "between-libraries": between_libraries,
    "own-module": lambda place: place.is_own_module,
    "not-own-module": lambda place: not place.is_own_module,
    "tables": lambda place: bool(place.packages & TABLES),
    "not-tables": lambda place: not place.packages & READERS,
    "server": lambda place: place.is_server,
    "not-server": lambda place: not place.is_server,
    "not-platform": lambda place: not place.is_platform,
    "not-platform-or-database": lambda place: not place.is_platform and not place.is_database,
    "platform-alone": lambda place: place.is_platform and not place.has_job,
    "platform-last": lambda place: place.last == "platform" and place.has_job and place.caller != "library",
    "platform-database": platform_database,
    "job-database": lambda place: place.has_job and not place.is_platform,
}
