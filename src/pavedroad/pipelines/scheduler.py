"""The ready queue: which task may run now, on how many threads, with which share of the machine."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from pavedroad.pipelines.tasks import MapTask, Task


class Scheduler:
    """Runs tasks whose inputs are there, on threads, until none is left or one has failed.

    `do` runs one task in a worker thread; it ends with `finished`, `failed`, `again_later` or `wait_for`.
    """

    def __init__(
        self,
        do: Callable[[Task], None],
        *,
        workers: int,
        gpus: Iterable[str] = (),
        news: threading.Event | None = None,
    ) -> None:
        self.lock = threading.RLock()  # also of whatever the tasks share
        self.workers = workers
        self.running: dict[Task, tuple[str, ...]] = {}  # with the GPUs each has
        self.crash: BaseException | None = None  # of our own code
        self._do = do
        self._changed = threading.Condition(self.lock)
        self._ready: deque[Task] = deque()
        self._later: list[tuple[float, int, Task]] = []
        self._number = itertools.count()
        self._left = 0
        self._free_cpu = workers
        self._free_gpus = list(gpus)
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_stopping = False
        self._ended = threading.Event()
        self._news = news or threading.Event()  # set when everything has ended

    # ------------------------------------------------------------------------------- from outside

    def start(self, tasks: Iterable[Task]) -> None:
        with self.lock:
            self.add(tasks)
            self._call_workers(calls_for_itself=False)
            self._check_end()

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def stop(self) -> None:
        """Start nothing any more; what runs may finish."""
        with self.lock:
            self._is_stopping = True
            self._check_end()

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    # ------------------------------------------------------------------------------- from tasks; the lock
    # is ours

    def add(self, tasks: Iterable[Task]) -> None:
        """New tasks, with `waiting` set; those that wait for nothing are ready."""
        with self.lock:
            for task in tasks:
                self._left += 1
                if task.waiting == 0:
                    self._ready.append(task)
            self._call_workers()

    def release(self, tasks: Iterable[Task]) -> None:
        """One of the things each of these waited for is there."""
        for task in tasks:
            task.waiting -= 1
            if task.waiting == 0:
                self._ready.appendleft(task)

    def finished(self, task: Task) -> None:
        """The result is there: whoever waited for it may go on, before others so that memory is freed
        early.
        """
        with self.lock:
            task.is_done = True
            self._left -= 1
            self.release(reversed(task.dependents))
            task.dependents.clear()
            self._call_workers()
            self._check_end()

    def failed(self, task: Task) -> None:
        with self.lock:
            self._left -= 1
            self._is_stopping = True
            self._check_end()

    def again_later(self, task: Task, delay_s: float) -> None:
        with self.lock:
            heapq.heappush(self._later, (time.monotonic() + delay_s, next(self._number), task))
            self._changed.notify()

    def wait_for(self, task: Task, lost: Task) -> None:
        """Run `lost` again, because its result is gone, and then `task`."""
        with self.lock:
            task.waiting += 1
            lost.dependents.append(task)
            if lost.is_done:
                lost.is_done, lost.is_forced = False, True
                self._left += 1
                self._ready.appendleft(lost)
            self._call_workers()

    # ------------------------------------------------------------------------------- worker threads

    def _call_workers(self, *, calls_for_itself: bool = True) -> None:
        """Let threads take what is ready; the caller, if it is one of them, takes one task itself."""
        wanted = len(self._ready) - calls_for_itself
        if wanted > 0 and self._idle:
            self._changed.notify(min(wanted, self._idle))
        for _ in range(min(wanted - self._idle, self.workers - len(self._threads))):
            thread = threading.Thread(
                target=self._work, name=f"paved-worker-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._do(task)
            except BaseException as error:
                self._crashed(error)
            finally:
                self._give_back(task)

    def _next(self) -> Task | None:
        with self.lock:
            while True:
                self._wake_delayed()
                if self._ended.is_set() or (self._is_stopping and not self.running):
                    self._changed.notify_all()
                    return None
                task = None if self._is_stopping else self._pick()
                if task is not None:
                    return task
                self._idle += 1
                self._changed.wait(self._seconds_to_next())
                self._idle -= 1

    def _pick(self) -> Task | None:
        for place, task in enumerate(self._ready):
            needs = task.node.step.options.resources
            cpu = min(needs.cpu, self.workers)
            if isinstance(task, MapTask) or (cpu <= self._free_cpu and needs.gpu <= len(self._free_gpus)):
                del self._ready[place]
                if isinstance(task, MapTask):
                    self.running[task] = ()
                    return task
                self._free_cpu -= cpu
                gpus, self._free_gpus = self._free_gpus[: needs.gpu], self._free_gpus[needs.gpu :]
                self.running[task] = tuple(gpus)
                return task
        return None

    def _give_back(self, task: Task) -> None:
        with self.lock:
            gpus = self.running.pop(task)
            if not isinstance(task, MapTask):
                self._free_cpu += min(task.node.step.options.resources.cpu, self.workers)
                self._free_gpus.extend(gpus)
            if self._ready and not self._is_stopping:
                self._call_workers()
            self._check_end()

    def _wake_delayed(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            self._ready.append(heapq.heappop(self._later)[2])

    def _seconds_to_next(self) -> float | None:
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def _crashed(self, error: BaseException) -> None:
        with self.lock:
            self.crash = self.crash or error
            self._is_stopping = True
            self._news.set()

    def _check_end(self) -> None:
        if self._left == 0 or (self._is_stopping and not self.running):
            self._ended.set()
            self._news.set()
            self._changed.notify_all()
