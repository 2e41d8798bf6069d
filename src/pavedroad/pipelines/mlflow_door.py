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
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any

from pavedroad.pipelines.mlflow_process import (
    EXPERIMENT,
    QUIET,
    RUN,
    URI,
    MlflowProcess,
    Opened,
    let_start_run_resume,
)

PACKAGES = frozenset({"mlflow", "mlflow-skinny"})
THEIRS = (
    "a tracking URI is set already: what steps log with mlflow goes there, not to this run;"
    " unset MLFLOW_TRACKING_URI to have it here"
)

_PROCESS = MlflowProcess()
_CURRENT = threading.local()  # `activity`: the one of this thread


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
        self._opened: Opened | None = None
        self._lock = threading.Lock()
        self._hook = _ImportHook(self)
        sys.meta_path.insert(0, self._hook)

    def activity(self, step_run_id: str, step: str, packages: Iterable[str]) -> Activity:
        """To be entered around a step in its own thread."""
        return Activity(self, step_run_id, step, is_expected=not PACKAGES.isdisjoint(packages))

    def environment(self, step_run_id: str, packages: Iterable[str]) -> dict[str, str]:
        """What a step's own process needs to find its run."""
        if PACKAGES.isdisjoint(packages):  # loading it would cost time and memory that the step counts
            return {}
        opened = self._open()
        if opened is None:
            return {}
        self._show_step(step_run_id, "")
        return {URI: opened.url, EXPERIMENT: opened.experiment_id, RUN: step_run_id, QUIET: "true"}

    def close(self) -> None:
        with suppress(ValueError):
            sys.meta_path.remove(self._hook)
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            _PROCESS.leave(opened)

    # ------------------------------------------------------------------------------ from activities

    def begin(self, activity: Activity) -> None:
        _CURRENT.activity = activity
        if "mlflow" in sys.modules or activity.is_expected:
            self._point_here(activity)

    def end(self, activity: Activity, *, failed: bool) -> None:
        _CURRENT.activity = None
        if activity.is_active:
            _deactivate(activity.step_run_id, "FAILED" if failed else "FINISHED")

    def mlflow_was_imported(self) -> None:
        """By the import hook, in the thread that imported it."""
        activity = getattr(_CURRENT, "activity", None)
        if activity is not None and activity.door is self and not activity.is_active:
            self._point_here(activity)

    def _point_here(self, activity: Activity) -> None:
        if self._open() is None:
            return
        self._show_step(activity.step_run_id, activity.step)
        if "mlflow" not in sys.modules and importlib.util.find_spec("mlflow") is None:
            return
        activity.is_active = True
        _PROCESS.use_client(_is_steps_own)
        _activate(activity.step_run_id)

    def _open(self) -> Opened | None:
        """This run's server; none where the user's own choice stands."""
        with self._lock:
            if self._opened is not None:
                return self._opened
            if self._open_tracking is None:
                return None
            if _PROCESS.is_chosen_by_user():
                self._note(THEIRS)
                return None
            server = self._open_tracking()
            self._opened = Opened(
                url=str(getattr(server, "url", server)).rstrip("/"),
                experiment_id=self._experiment_id(),
                stop=getattr(server, "stop", lambda: None),
            )
            _PROCESS.open(self._opened)
            return self._opened


def _is_steps_own(run_id: str) -> bool:
    activity = getattr(_CURRENT, "activity", None)
    return activity is not None and activity.is_active and activity.step_run_id == run_id


class Activity(AbstractContextManager[None]):
    """One step while it runs."""

    def __init__(self, door: MlflowDoor, step_run_id: str, step: str, *, is_expected: bool) -> None:
        self.step_run_id = step_run_id
        self.step = step
        self.is_expected = is_expected
        self.is_active = False
        self.door = door

    @property
    def is_used(self) -> bool:
        return self.is_active

    def __enter__(self) -> None:
        self.door.begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.door.end(self, failed=error is not None)


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
    start_run = let_start_run_resume(lambda run_id: run_id == step_run_id)
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    finally:
        mlflow.start_run = start_run
        _deactivate(step_run_id, status)
