"""Runs the tasks of one pipeline run: look in the cache, else run the step, put its result away, tell
everyone.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.clock import now_ms
from pavedroad.pipelines import store
from pavedroad.pipelines.attempt import Runner
from pavedroad.pipelines.cache import Cache, Call
from pavedroad.pipelines.ended import Ended
from pavedroad.pipelines.events import Event, MapSpread, Note, StepFinished, StepRetried, StepStarted
from pavedroad.pipelines.failures import user_traceback
from pavedroad.pipelines.recording import Recorder, StepDone
from pavedroad.pipelines.results import keep_result
from pavedroad.pipelines.scheduler import Scheduler
from pavedroad.pipelines.spread import (
    ROOM,
    claim_sources,
    connect,
    give_up_sources,
    spread,
    waits_for_result,
    waits_for_spread,
)
from pavedroad.pipelines.tasks import MapTask, Source, Task, fill
from pavedroad.pipelines.values.held import Held
from pavedroad.pipelines.values.model import LostValue, Value
from pavedroad.pipelines.values.shelf import Owner, Shelf, tree_value

MANY = 1_000_000  # claims on a result that was made again: nobody is its last taker
JITTER = 0.25


class Engine:
    """One run's tasks on their way. `tell` is called from worker threads and must be quick."""

    def __init__(
        self,
        tasks: list[Task],
        *,
        cache: Cache,
        shelf: Shelf,
        recorder: Recorder,
        runner: Runner,
        tell: Callable[[Event], None],
        workers: int,
        gpus: Iterable[str] = (),
        keep: frozenset[Task] = frozenset(),
        news: threading.Event | None = None,
    ) -> None:
        self.tasks = tasks
        self.scheduler = Scheduler(self._do, workers=workers, gpus=gpus, news=news)
        self.failures: list[Task] = []
        self._cache = cache
        self._shelf = shelf
        self._recorder = recorder
        self._runner = runner
        self._tell = tell
        self._keep = keep  # tasks whose results the caller wants: checked when they come from the cache
        self._told: set[str] = set()
        self._waiting_for_spread: dict[MapTask, list[MapTask]] = {}
        self.is_killed = False

    def start(self) -> None:
        for task in self.tasks:
            task.position = task.node.index * ROOM
            claim_sources(task)
            if not isinstance(task, MapTask):
                connect(task)
                continue
            for other in waits_for_result(task):
                task.waiting += 1
                other.dependents.append(task)
            for other in waits_for_spread(task):
                task.waiting += 1
                self._waiting_for_spread.setdefault(other, []).append(task)
        self.scheduler.start(self.tasks)

    def show_running(self, older_than_ms: int) -> None:
        """Make steps that have run for a while visible on the record."""
        for task in list(self.scheduler.running):
            if task.step_run_id and task.attempt and now_ms() - task.started_ms > older_than_ms:
                self._recorder.step_started(task.step_run_id, task.name, task.started_ms)

    def abandon_running(self) -> None:
        """Write down as killed what did not end in time."""
        for task in list(self.scheduler.running):
            if task.step_run_id and not task.is_done:
                row = self._row(task, None, "miss", status="KILLED", because="the run was stopped")
                self._recorder.step_done(self._done(task, None, row))
                self._tell_finished(row)

    # ------------------------------------------------------------------------------------ one task

    def _do(self, task: Task) -> None:
        try:
            if isinstance(task, MapTask):
                self._spread(task)
            else:
                self._run(task)
        except LostValue as error:
            self._run_again(task, error)
        except PavedError as error:  # the definition turned out to be wrong, or the disk is full
            self._failed(task, None, Ended.failure(error))
        except KeyboardInterrupt as error:  # meant for the step, which had ended by then
            if not task.is_done:
                self._failed(task, None, Ended.failure(error))

    def _spread(self, task: MapTask) -> None:
        children = spread(task, self._shelf)
        self._tell(MapSpread(step=task.name, items=len(children)))
        with self.scheduler.lock:
            task.children, task.left = children, len(children)
            for child in children:
                connect(child)
                claim_sources(child)
            give_up_sources(task)
            self.scheduler.release(self._waiting_for_spread.pop(task, []))
            self.scheduler.add(children)
            if not children:
                self._complete_map(task)

    def _run(self, task: Task) -> None:
        if not task.step_run_id:
            task.step_run_id = uuid.uuid4().hex
            task.started_ms = now_ms()
        call = self._cache.call_of(task, self._recorder.dataset_name)
        self._warn(call)
        entry = self._cache.find(task, call, check=task in self._keep) if task.attempt == 0 else None
        if entry is not None:
            self._hit(task, call, entry)
            return
        arguments = self._arguments(task)
        task.attempt += 1
        self._tell(StepStarted(step=task.name, step_run_id=task.step_run_id, attempt=task.attempt))
        gpus = self.scheduler.running[task]
        ended = self._runner.run(task, arguments, gpus=gpus, packages=call.code.packages)
        if ended.error is None:
            ended = self._put_away(task, ended)
        if ended.error is None:
            self._finished(task, call, ended)
        elif (
            task.attempt <= task.node.step.options.retries
            and not self.scheduler.is_stopping
            and ended.may_retry
        ):
            self._retry(task, ended.error)
        else:
            self._failed(task, call, ended)

    def _arguments(self, task: Task) -> dict[str, Any]:
        """What the function is called with; for a step in a process of its own, as values on the shelf."""
        if self._runner.needs_process(task):
            if task.attempt == 0:
                give_up_sources(task)
            return self._runner.values_for(task)
        if task.attempt == 0:
            return {name: fill(value, self._take) for name, value in task.arguments.items()}
        return {
            name: fill(value, lambda source: source.held.fresh(self._shelf))
            for name, value in task.arguments.items()
        }

    def _take(self, source: Source) -> Any:
        return source.held.take(self._shelf)

    def _put_away(self, task: Task, ended: Ended) -> Ended:
        if ended.value is not None:  # its process has done so
            return ended
        owner = Owner(run_id=task.step_run_id, step=task.node.name)
        try:
            value, reasons = keep_result(self._shelf, task.node.step, ended.result, owner)
        except PavedError as error:
            return Ended.failure(error)
        for reason in reasons:
            self._note(f"the result of {task.node.name} is not stored, so it runs every time: {reason}", task)
        return msgspec.structs.replace(ended, value=value)

    # ------------------------------------------------------------------------------------ how it ended

    def _hit(self, task: Task, call: Call, entry: store.CacheEntry) -> None:
        give_up_sources(task)
        self._shelf.restore_original(entry.output)
        row = self._row(task, call, "hit", output=entry.output, cached_from=entry.step_run_id)
        tags = {"paved.cached_from": entry.step_run_id}
        self._recorder.step_done(self._done(task, call, row, entry=entry, tags=tags))
        self._tell_finished(row)
        self._complete(task, Held.of(entry.output))

    def _finished(self, task: Task, call: Call, ended: Ended) -> None:
        assert ended.value is not None
        self._find_pickles(task, ended.value)
        verdict = "off" if call.key is None or not ended.value.is_stored else "miss"
        because = call.because or ("" if ended.value.is_stored else "its result is not stored")
        row = self._row(task, call, verdict, output=ended.value, because=because, peak=ended.peak_bytes)
        entry = None
        if verdict == "miss" and call.key is not None:
            entry = store.CacheEntry(
                cache_key=call.key.digest,
                function=row.function,
                step=task.name,
                run_id=row.run_id,
                step_run_id=row.step_run_id,
                created_ms=row.ended_ms,
                duration_ms=row.duration_ms,
                output=ended.value,
            )
        self._recorder.step_done(self._done(task, call, row, entry=entry, used_mlflow=ended.used_mlflow))
        self._tell_finished(row)
        self._complete(task, Held.of(ended.value, ended.result) if ended.has_result else Held.of(ended.value))

    def _failed(self, task: Task, call: Call | None, ended: Ended) -> None:
        assert ended.error is not None
        task.error = ended.error
        if not task.step_run_id:  # a map that could not be spread
            task.step_run_id, task.started_ms = uuid.uuid4().hex, now_ms()
        status = "KILLED" if self.is_killed else "FAILED"
        said = (
            f"{type(ended.error).__name__}: {ended.error}"
            if not isinstance(ended.error, PavedError)
            else str(ended.error)
        )
        row = self._row(task, call, "miss", because=said[:2000], status=status, peak=ended.peak_bytes)
        task.traceback = trace = ended.traceback or user_traceback(ended.error)
        done = self._done(task, call, row, traceback=trace, used_mlflow=ended.used_mlflow)
        self._recorder.step_done(done)
        self._tell_finished(row)
        with self.scheduler.lock:
            self.failures.append(task)
            self.scheduler.failed(task)

    def _retry(self, task: Task, error: BaseException) -> None:
        options = task.node.step.options
        wait_s = options.backoff_s * 2 ** (task.attempt - 1) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        said = f"{type(error).__name__}: {error}"
        self._tell(StepRetried(step=task.name, attempt=task.attempt, wait_s=round(wait_s, 3), error=said))
        self.scheduler.again_later(task, wait_s)

    def _run_again(self, task: Task, error: LostValue) -> None:
        """A result that this task needs is gone: its step runs again, then this one."""
        lost = error.held.owner
        assert isinstance(lost, Task), "every held value has an owner"
        self._note(f"the stored result of {lost.name} {error}; {lost.name} runs again", lost)
        with self.scheduler.lock:
            lost.attempt = 0
            self.scheduler.wait_for(task, lost)

    # ------------------------------------------------------------------------------------ results

    def _complete(self, task: Task, held: Held) -> None:
        _set_owner(held, task)
        with self.scheduler.lock:
            if task.is_forced:
                held.claim(MANY)
            is_first = task.held is None
            task.held = held
            for path in task.claims:
                held.at(path).claim()
            task.claims.clear()
            self.scheduler.finished(task)
            if task.part_of is not None:
                self._complete_item(task.part_of, task, held, is_first=is_first)

    def _complete_item(self, task: MapTask, child: Task, held: Held, *, is_first: bool) -> None:
        if is_first:
            task.left -= 1
            if task.left == 0:
                self._complete_map(task)
        elif task.held is not None and task.held.items is not None:  # made again
            task.held.items[task.children.index(child)] = held

    def _complete_map(self, task: MapTask) -> None:
        items = [child.held for child in task.children if child.held is not None]
        held = Held(tree_value("list", [], [item.value for item in items]), items=items)
        held.owner = task
        task.held = held
        for path in task.claims:
            held.at(path).claim()
        task.claims.clear()
        self.scheduler.finished(task)

    # ------------------------------------------------------------------------------------ telling

    def _row(
        self,
        task: Task,
        call: Call | None,
        verdict: str,
        *,
        status: str = "FINISHED",
        output: Value | None = None,
        cached_from: str = "",
        because: str = "",
        peak: int = 0,
    ) -> store.StepRow:
        key = call.key if call else None
        return store.StepRow(
            run_id=self._recorder.run_id,
            step=task.name,
            node=task.node.name,
            position=task.position,
            step_run_id=task.step_run_id,
            function=task.node.step.qualified_name,
            cache_key=key.digest if key else "",
            verdict=verdict,
            status=status,
            started_ms=task.started_ms,
            ended_ms=now_ms(),
            attempts=max(1, task.attempt),
            peak_memory_bytes=peak,
            code=call.code.digest if call else "",
            inputs=key.inputs if key else {},
            output=output,
            cached_from=cached_from,
            because=because,
        )

    def _done(self, task: Task, call: Call | None, row: store.StepRow, **more: Any) -> StepDone:
        tags = dict(more.pop("tags", {}))
        if row.attempts > 1:
            tags["paved.attempts"] = str(row.attempts)
        if row.peak_memory_bytes:
            tags["paved.peak_memory_bytes"] = str(row.peak_memory_bytes)
        if row.because:
            tags["paved.error" if row.status != "FINISHED" else "paved.not_cached"] = row.because
        return StepDone(
            row=row,
            code=call.code if call else None,
            params=call.params if call else {},
            inputs=call.data if call else (),
            tags=tags,
            is_item=task.part_of is not None,
            **more,
        )

    def _tell_finished(self, row: store.StepRow) -> None:
        self._tell(
            StepFinished(
                step=row.step,
                step_run_id=row.step_run_id,
                verdict=row.verdict,
                status=row.status,
                duration_ms=row.duration_ms,
                attempts=row.attempts,
                output=row.output.shown if row.output else "",
                because=row.because,
            )
        )

    def _warn(self, call: Call) -> None:
        for warning in call.code.warnings:
            self._note(warning)

    def _find_pickles(self, task: Task, value: Value) -> None:
        for item in value.items:
            self._find_pickles(task, item)
        if value.format == "pickle":
            why = f" ({value.detail['because']})" if value.detail.get("because") else ""
            self._note(
                f"{task.node.name} gives a {value.detail['type']}, kept as a pickle{why}:"
                " another version of its class may not read it, and its files are not mapped",
                task,
            )

    def _note(self, text: str, task: Task | None = None) -> None:
        """Once per run."""
        with self.scheduler.lock:
            if text in self._told:
                return
            self._told.add(text)
        self._tell(Note(text=text, step=task.name if task else ""))


def _set_owner(held: Held, task: Task) -> None:
    held.owner = task
    for item in held.items or ():
        _set_owner(item, task)
