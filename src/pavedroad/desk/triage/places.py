"""Where an exception was raised: whose code was last, who had called it, and what else is on the stack."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from pavedroad.desk.triage.model import Frame, Raised

# Names that people give to folders of their own code; no installed package is called so.
OWN_NAMES = frozenset(
    [
        "app",
        "common",
        "conf",
        "config",
        "configs",
        "core",
        "data",
        "dataset",
        "datasets_local",
        "features",
        "helpers",
        "lib",
        "libs",
        "model",
        "models",
        "modules",
        "networks",
        "nets",
        "options",
        "pipeline",
        "pipelines",
        "preprocessing",
        "scripts",
        "src",
        "trainer",
        "training",
        "utils",
        "util",
    ]
)
DATABASES = frozenset({"sqlalchemy", "psycopg", "psycopg2", "MySQLdb", "pymysql", "sqlite3", "asyncpg"})
_SERVER = re.compile(
    r"mlflow/server|mlflow/store/tracking/sqlalchemy|airflow/(?:www|jobs|api|scheduler|executors)"
    r"|airflow (?:scheduler|webserver)"
    r"|dagster_webserver|dagster/_?daemon|dagster/_?grpc|prefect/server|prefect/orion|feast/feature_server"
    r"|kfserving|kserve/model_server"
    r"|superset/|(?:scheduler|webserver|server|daemon)$"
)
_MODULE = re.compile(r"[Nn]o module named ['\"]?([\w.]+)")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the frames of one exception tell. `last` and `caller` are owners, or `none`."""

    last: str = "none"  # of the frame that raised, Python's own left out
    caller: str = "none"  # of the nearest frame of other code above it
    frames: int = 0
    has_job: bool = False
    is_platform: bool = False  # the platform's frames are there and none of a library the job called
    is_server: bool = False
    is_database: bool = False
    is_own_module: bool = False  # a module that was not found is the job's own
    packages: frozenset[str] = frozenset()


def place_of(raised: Raised, *, below: Sequence[Raised] = ()) -> Place:
    """`below` are the exceptions that came of it. Where a library raises its own error anew, the frames that
    had called it are those of the second one.
    """
    callers: list[Frame] = []
    if below and raised.frames and below[0].frames:
        is_same = below[0].frames[-1].package == raised.frames[-1].package != ""
        if is_same and not any(frame.owner == "job" for frame in raised.frames):
            callers = [frame for frame in below[0].frames if frame.owner == "job"]
    frames = [*callers, *(frame for frame in raised.frames if frame.owner != "python")]
    packages = frozenset(frame.package for frame in raised.frames if frame.package)
    is_database = bool(packages & DATABASES) or any(name in raised.type for name in DATABASES)
    last = frames[-1] if frames else None
    platform = [frame for frame in frames if frame.owner == "platform"]
    return Place(
        last=last.owner if last else "none",
        caller=_caller(frames),
        frames=len(raised.frames),
        has_job=any(frame.owner == "job" for frame in frames),
        is_platform=bool(platform)
        and not any(frame.owner == "job" for frame in frames[frames.index(platform[-1]) :]),
        is_server=any(_SERVER.search(frame.path) for frame in raised.frames)
        or "mlflow.server:" in raised.message,
        is_database=is_database,
        is_own_module=_is_own_module(raised),
        packages=packages,
    )


def _caller(frames: list[Frame]) -> str:
    """Who called into the package that raised."""
    if not frames:
        return "none"
    last = frames[-1]
    for frame in reversed(frames):
        if (frame.owner, frame.package) != (last.owner, last.package):
            return frame.owner
    return "none"


def _is_own_module(raised: Raised) -> bool:
    found = _MODULE.search(raised.message)
    if found is None:
        return False
    top = found.group(1).partition(".")[0]
    folders = {part for frame in raised.frames if frame.owner == "job" for part in _parts(frame.path)}
    return top in OWN_NAMES or top in folders


def _parts(path: str) -> list[str]:
    return [part.removesuffix(".py") for part in re.split(r"[/\\]", path) if part]
