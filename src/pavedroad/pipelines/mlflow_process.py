"""MLflow's global state and the environment: a process has them once, its runs may be several.

The newest run's server is the one pointed at. The servers of runs that have ended stay until the last run
has: another run's step may have a call on its way to one of them.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

import msgspec

URI, EXPERIMENT, RUN = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"
# Else MLflow prints an address after each step, which nobody answers any more when the run has ended.
QUIET = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"


class Opened(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One run's tracking server."""

    url: str
    experiment_id: str
    stop: Callable[[], None]


class MlflowProcess:
    """One for the process; its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._opened: list[Opened] = []
        self._ended: list[Opened] = []
        self._variables: dict[str, str | None] = {}  # the environment before the first run
        self._client: _Client | None = None  # once MLflow itself is pointed at us

    def is_chosen_by_user(self) -> bool:
        """A tracking URI in the environment, or `mlflow.set_tracking_uri` in the user's code."""
        with self._lock:
            if self._opened:
                return False
            chosen = getattr(sys.modules.get("mlflow"), "is_tracking_uri_set", None)
            return bool(os.environ.get(URI)) or (chosen is not None and bool(chosen()))

    def open(self, opened: Opened) -> None:
        """Show a run's server to child processes, and to MLflow if it is in use."""
        with self._lock:
            if not self._opened:
                self._variables = {name: os.environ.get(name) for name in (URI, EXPERIMENT, QUIET)}
            self._opened.append(opened)
            self._show_newest()

    def use_client(self, is_steps_own: Callable[[str], bool]) -> None:
        """Point MLflow in this process at the newest run's server, if it is not yet."""
        import mlflow  # noqa: F401 - before the lock: another thread may be importing it and then want the lock

        with self._lock:
            if self._client is None and self._opened:
                self._client = _Client(is_steps_own)
                self._show_newest()

    def leave(self, opened: Opened) -> None:
        """A run has ended; after the last one, everything is as it was before the first."""
        with self._lock:
            self._opened.remove(opened)
            self._ended.append(opened)
            if self._opened:
                self._show_newest()
                return
            if self._client is not None:
                self._client.put_back()
                self._client = None
            for name, value in self._variables.items():
                _set_variable(name, value)
            ended, self._ended = self._ended, []
        for each in ended:
            each.stop()

    def _show_newest(self) -> None:
        newest = self._opened[-1]
        _set_variable(URI, newest.url)
        _set_variable(EXPERIMENT, newest.experiment_id)
        _set_variable(QUIET, "true")
        if self._client is not None:
            self._client.point_at(newest)


class _Client:
    """MLflow in this process, and what the user's code had made of it before."""

    def __init__(self, is_steps_own: Callable[[str], bool]) -> None:
        self._experiment = vars(_fluent()).get("_active_experiment_id")
        self._start_run = let_start_run_resume(is_steps_own)

    def point_at(self, opened: Opened) -> None:
        import mlflow

        mlflow.set_tracking_uri(opened.url)
        mlflow.set_experiment(experiment_id=opened.experiment_id)

    def put_back(self) -> None:
        import mlflow

        mlflow.start_run = self._start_run
        mlflow.set_tracking_uri(None)
        vars(_fluent())["_active_experiment_id"] = self._experiment


def _fluent() -> ModuleType:
    return importlib.import_module("mlflow.tracking.fluent")


def let_start_run_resume(is_steps_own: Callable[[str], bool]) -> Any:
    """Let a bare `with mlflow.start_run():` in a step mean the step's run; the function as it was before.

    MLflow does the same where a run comes in by MLFLOW_RUN_ID, but that is one for the whole process, and
    steps run side by side. Code that was written for MLflow alone thereby runs as it is.
    """
    import mlflow

    start_run = mlflow.start_run

    class StepRun(mlflow.ActiveRun):  # type: ignore[misc]
        def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
            return kind is None  # the step ends it

    @wraps(start_run)
    def start_or_resume(run_id: str | None = None, *values: Any, **options: Any) -> Any:
        active = mlflow.active_run()
        if (
            run_id
            or values
            or options.get("nested")
            or active is None
            or not is_steps_own(active.info.run_id)
        ):
            return start_run(run_id, *values, **options)
        if tags := options.get("tags"):
            mlflow.set_tags(tags)
        return StepRun(active)

    mlflow.start_run = start_or_resume
    return start_run


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
