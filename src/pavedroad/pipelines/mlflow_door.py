"""`import mlflow` inside a step logs to that step's run, whether or not a server is running.

Nothing is started until MLflow is loaded: then a tracking server in this process, and MLflow is pointed at
it for as long as the pipeline runs. A tracking URI that the user chose wins.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import wraps
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any

PACKAGES = frozenset({"mlflow", "mlflow-skinny"})
URI, EXPERIMENT, RUN = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"
# Else MLflow prints an address after each step, which nobody answers any more when the run has ended.
QUIET = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
THEIRS = (
    "a tracking URI is set already: what steps log with mlflow goes there, not to this run;"
    " unset MLFLOW_TRACKING_URI to have it here"
)


# MLflow and the environment are one for a process, its runs may be several. Each door found things as the one
# before it had left them, so they are a stack; one that closes amid it hands on what it found to the next.
_PROCESS = threading.Lock()
_OPENED: list[MlflowDoor] = []  # those that set the environment
_POINTED: list[MlflowDoor] = []  # those that set MLflow


def _leave(doors: list[MlflowDoor], door: MlflowDoor) -> MlflowDoor | None:
    """Take a door out; the one that came after it, if any."""
    place = doors.index(door)
    del doors[place]
    return doors[place] if place < len(doors) else None


class MlflowDoor:
    """Opens on the first use of MLflow in a run; `close` puts everything back as it was."""

    def __init__(
        self,
        open_tracking: Callable[[], Any] | None,
        *,
        experiment_id: Callable[[], str],
        show_step: Callable[[str, str], None],
        note: Callable[[str], None],
    ) -> None:
        self._open_tracking = open_tracking
        self._experiment_id = experiment_id
        self._show_step = show_step  # makes a step's run visible to a client, now
        self._note = note
        self._server: Any = None
        self._url = ""
        self._lock = threading.Lock()
        self._before: dict[str, str | None] = {}
        self._pointed_at_us = False
        self._experiment_before: Any = None
        self._start_run_before: Any = None
        self._is_theirs = bool(os.environ.get(URI)) or open_tracking is None
        self._hook = _ImportHook(self)
        self._current = threading.local()
        if not self._is_theirs:
            sys.meta_path.insert(0, self._hook)

    def activity(self, step_run_id: str, step: str, packages: Iterable[str]) -> Activity:
        """To be entered around a step in its own thread."""
        return Activity(self, step_run_id, step, is_expected=not PACKAGES.isdisjoint(packages))

    def environment(self, step_run_id: str, packages: Iterable[str]) -> dict[str, str]:
        """What a step's own process needs to find its run."""
        if PACKAGES.isdisjoint(packages):  # loading it would cost time and memory that the step counts
            return {}
        if self._is_theirs:
            self._tell_theirs()
            return {}
        self._show_step(step_run_id, "")
        return {URI: self._open(), EXPERIMENT: self._experiment_id(), RUN: step_run_id, QUIET: "true"}

    def close(self) -> None:
        with suppress(ValueError):
            sys.meta_path.remove(self._hook)
        with self._lock, _PROCESS:
            if self._pointed_at_us:
                self._pointed_at_us = False
                if (later := _leave(_POINTED, self)) is None:
                    self._point_back()
                else:
                    later._experiment_before = self._experiment_before
                    later._start_run_before = self._start_run_before
            if self._before:
                if (later := _leave(_OPENED, self)) is None:
                    for name, value in self._before.items():
                        _set_variable(name, value)
                else:
                    later._before = self._before
                self._before = {}
            stop = getattr(self._server, "stop", None)
            self._server = None
        if stop is not None:
            stop()

    # ------------------------------------------------------------------------------ from activities

    def begin(self, activity: Activity) -> None:
        self._current.activity = activity
        if "mlflow" in sys.modules or activity.is_expected:
            self._point_here(activity)

    def end(self, activity: Activity, *, failed: bool) -> None:
        self._current.activity = None
        if activity.is_active:
            _deactivate(activity.step_run_id, "FAILED" if failed else "FINISHED")

    def mlflow_was_imported(self) -> None:
        """By the import hook, in the thread that imported it."""
        activity = getattr(self._current, "activity", None)
        if activity is not None and not activity.is_active:
            self._point_here(activity)

    def _point_here(self, activity: Activity) -> None:
        if self._is_theirs or self._is_set_by_hand():
            if "mlflow" in sys.modules or activity.is_expected:
                self._tell_theirs()
            return
        url = self._open()
        self._show_step(activity.step_run_id, activity.step)
        is_loaded = "mlflow" in sys.modules
        if not is_loaded and (not activity.is_expected or importlib.util.find_spec("mlflow") is None):
            return
        activity.is_active = True
        with self._lock, _PROCESS:
            if not self._pointed_at_us:
                self._pointed_at_us = True
                _POINTED.append(self)
                self._experiment_before = _point_at(url, self._experiment_id())
                self._start_run_before = _let_start_run_resume(self._is_steps_own)
        _activate(activity.step_run_id)

    def _is_set_by_hand(self) -> bool:
        """`mlflow.set_tracking_uri` in the user's code."""
        if _OPENED or "mlflow" not in sys.modules:
            return False
        chosen = getattr(sys.modules["mlflow"], "is_tracking_uri_set", None)
        return chosen is not None and bool(chosen())

    def _open(self) -> str:
        with self._lock:
            if self._server is None:
                assert self._open_tracking is not None
                self._server = self._open_tracking()
                self._url = str(getattr(self._server, "url", self._server)).rstrip("/")
                with _PROCESS:
                    _OPENED.append(self)
                    for name, value in (
                        (URI, self._url),
                        (EXPERIMENT, self._experiment_id()),
                        (QUIET, "true"),
                    ):
                        self._before[name] = os.environ.get(name)
                        os.environ[name] = value
            return self._url

    def _point_back(self) -> None:
        import mlflow

        mlflow.start_run = self._start_run_before
        mlflow.set_tracking_uri(None)
        fluent = sys.modules.get("mlflow.tracking.fluent")
        if fluent is not None and hasattr(fluent, "_active_experiment_id"):
            vars(fluent)["_active_experiment_id"] = self._experiment_before

    def _is_steps_own(self, run_id: str) -> bool:
        activity = getattr(self._current, "activity", None)
        return activity is not None and activity.is_active and activity.step_run_id == run_id

    def _tell_theirs(self) -> None:
        if self._open_tracking is not None:
            self._note(THEIRS)


class Activity(AbstractContextManager[None]):
    """One step while it runs."""

    def __init__(self, door: MlflowDoor, step_run_id: str, step: str, *, is_expected: bool) -> None:
        self.step_run_id = step_run_id
        self.step = step
        self.is_expected = is_expected
        self.is_active = False
        self._door = door

    @property
    def is_used(self) -> bool:
        return self.is_active

    def __enter__(self) -> None:
        self._door.begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.end(self, failed=error is not None)


class _ImportHook:
    """Notices `import mlflow` deep inside a library, after it is done."""

    def __init__(self, door: MlflowDoor) -> None:
        self._door = door
        self._looking = threading.local()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "mlflow" or getattr(self._looking, "now", False):
            return None
        self._looking.now = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking.now = False
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Telling(spec.loader, self._door.mlflow_was_imported)  # type: ignore[assignment]
        return spec


class _Telling:
    """A loader that says when it is done."""

    def __init__(self, loader: Any, done: Callable[[], None]) -> None:
        self._loader = loader
        self._done = done

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__.loader = module.__loader__ = self._loader  # type: ignore[union-attr]
        self._loader.exec_module(module)
        self._done()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _point_at(url: str, experiment_id: str) -> Any:
    """Point MLflow at a server; the experiment that the user's code had chosen before, if any."""
    import mlflow

    mlflow.set_tracking_uri(url)
    fluent = sys.modules.get("mlflow.tracking.fluent")
    before = getattr(fluent, "_active_experiment_id", None)
    mlflow.set_experiment(experiment_id=experiment_id)
    return before


def _let_start_run_resume(is_steps_own: Callable[[str], bool]) -> Any:
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


def _activate(step_run_id: str) -> None:
    import mlflow

    mlflow.start_run(run_id=step_run_id)


def _deactivate(step_run_id: str, status: str) -> None:
    """End what the step left open, and its own run; MLflow keeps one stack of runs per thread."""
    import mlflow

    while (run := mlflow.active_run()) is not None:
        mlflow.end_run(status)
        if run.info.run_id == step_run_id:
            return


@contextmanager
def in_child(step_run_id: str) -> Iterator[None]:
    """Around a step in its own process: the run comes in by the environment, and MLflow resumes it."""
    if not os.environ.get(RUN) or importlib.util.find_spec("mlflow") is None:
        yield
        return
    import mlflow

    mlflow.start_run()
    start_run = _let_start_run_resume(lambda run_id: run_id == step_run_id)
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    finally:
        mlflow.start_run = start_run
        _deactivate(step_run_id, status)


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
