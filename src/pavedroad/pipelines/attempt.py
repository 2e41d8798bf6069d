"""One attempt at a step: here in a worker thread, or in a process of its own."""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pavedroad.errors import PavedError
from pavedroad.pipelines.children import Children
from pavedroad.pipelines.ended import Ended
from pavedroad.pipelines.mlflow_door import MlflowDoor
from pavedroad.pipelines.tasks import Task

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Runner:
    """Runs attempts. One per run of a pipeline."""

    def __init__(self, door: MlflowDoor, children: Children) -> None:
        self._door = door
        self._children = children
        self._memory = _PeakMemory()
        self.threads: dict[int, threading.Thread] = {}  # those in a step's own code right now

    def close(self) -> None:
        self._children.close()
        self._memory.close()

    def needs_process(self, task: Task) -> bool:
        return task.node.step.options.needs_process

    def values_for(self, task: Task) -> dict[str, Any]:
        return self._children.values_for(task)

    def run(
        self, task: Task, arguments: dict[str, Any], *, gpus: Iterable[str], packages: Iterable[str]
    ) -> Ended:
        if self.needs_process(task):
            environment = self._door.environment(task.step_run_id, packages)
            return self._children.run(task, arguments, gpus=gpus, environment=environment)
        return self._run_here(task, arguments, packages)

    def _run_here(self, task: Task, arguments: dict[str, Any], packages: Iterable[str]) -> Ended:
        self._memory.begin()
        activity = self._door.activity(task.step_run_id, task.name, packages)
        try:
            with activity:
                self.threads[threading.get_ident()] = threading.current_thread()
                try:
                    result = task.node.step.call_with(arguments)
                finally:
                    self.threads.pop(threading.get_ident(), None)
        except KeyboardInterrupt as error:
            return Ended(
                error=error, used_mlflow=activity.is_used, peak_bytes=self._memory.end(), may_retry=False
            )
        except BaseException as error:  # SystemExit too: a step that calls sys.exit() has failed
            may_retry = not isinstance(error, PavedError)
            peak = self._memory.end()
            return Ended(error=error, used_mlflow=activity.is_used, peak_bytes=peak, may_retry=may_retry)
        return Ended(
            result=result, has_result=True, used_mlflow=activity.is_used, peak_bytes=self._memory.end()
        )


class _PeakMemory:
    """The most memory this process had while a step ran; steps side by side are counted together."""

    def __init__(self) -> None:
        self._running = 0
        self._lock = threading.Lock()
        self._reset = -1
        with suppress(OSError):  # not Linux: then it is the peak since the process began
            self._reset = os.open("/proc/self/clear_refs", os.O_WRONLY)

    def close(self) -> None:
        if self._reset >= 0:
            os.close(self._reset)
            self._reset = -1

    def begin(self) -> None:
        with self._lock:
            self._running += 1
            if self._running == 1 and self._reset >= 0:
                with suppress(OSError):
                    os.write(self._reset, b"5")

    def end(self) -> int:
        with self._lock:
            self._running -= 1
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT
