"""Run a pipeline on the record, from its parameters to its results."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pavedroad.catalog import Project, find_project, read_project
from pavedroad.config import Settings, read_settings
from pavedroad.environments import environment_fingerprint
from pavedroad.errors import PavedError, Unavailable
from pavedroad.kit.clock import now_ms
from pavedroad.pipelines import events, store
from pavedroad.pipelines.attempt import Runner
from pavedroad.pipelines.cache import Cache, shown_parameter
from pavedroad.pipelines.children import Children, check_importable
from pavedroad.pipelines.engine import Engine
from pavedroad.pipelines.graph import Graph, build, find_lazy
from pavedroad.pipelines.heartbeat import Heart
from pavedroad.pipelines.interrupts import Interrupts
from pavedroad.pipelines.keys import KeyMaker
from pavedroad.pipelines.lazy import parts_of
from pavedroad.pipelines.lost import mark_lost_runs
from pavedroad.pipelines.machine import cpu_count, gpus_here
from pavedroad.pipelines.mlflow_door import MlflowDoor
from pavedroad.pipelines.parameters import convert_parameters
from pavedroad.pipelines.recording import About, Recorder
from pavedroad.pipelines.surroundings import read_source
from pavedroad.pipelines.tasks import Task, replace_lazy, tasks_of
from pavedroad.pipelines.values.model import LostValue
from pavedroad.pipelines.values.shelf import Shelf
from pavedroad.record import Record, record_of

if TYPE_CHECKING:
    from pavedroad.pipelines.composing import Pipeline

# A name is data, not an import: this room lies below the server and still opens it where MLflow is used.
EMBEDDED_SERVER = "pavedroad.server.embedded"
LOOK_EVERY_S = 5.0  # while nothing runs and nothing is told
# Writes that come within so short a time go into one transaction.
GATHER_S = 0.01
GRACE_S = 2.0  # for steps in threads to end after a Ctrl-C


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    verdict: str  # hit, miss or off
    status: str
    duration_ms: int
    attempts: int = 1
    because: str = ""
    run_id: str  # its own MLflow run


class StepFailed(PavedError):
    """A step raised; `__cause__` is what it raised, `run` the run with what did finish."""

    exit_code = 1
    status = 400

    def __init__(self, run: PipelineRun, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.run = run


class PipelineRun:
    """A run that has ended. `result` is what the pipeline's function returns, read when it is asked for."""

    def __init__(
        self, *, run_id: str, pipeline: str, status: str, started_ms: int, steps: list[StepResult]
    ) -> None:
        self.id = run_id
        self.pipeline = pipeline
        self.status = status  # FINISHED, FAILED or KILLED
        self.duration_ms = now_ms() - started_ms
        self.steps = steps
        self.metrics: dict[str, float] = {}
        self.models: tuple[str, ...] = ()  # ids of the logged models its steps gave
        self.error: BaseException | None = None
        self.failed_step = ""
        self.traceback = ""  # of the failed step, without our frames
        self._result: Callable[[], Any] = lambda: None
        self._outputs: Mapping[str, Task] = {}
        self._shelf: Shelf | None = None

    @property
    def result(self) -> Any:
        """Raises StepFailed when the run failed."""
        self.raise_if_failed()
        return self._result()

    def output(self, step: str) -> Any:
        """What one step gave, by its name in the run."""
        task = self._outputs.get(step)
        if task is None or task.held is None or self._shelf is None:
            raise KeyError(step)
        return task.held.fresh(self._shelf)

    def verdicts(self) -> dict[str, str]:
        """Step -> hit, miss or off."""
        return {step.name: step.verdict for step in self.steps}

    def raise_if_failed(self) -> None:
        if self.status == "FINISHED":
            return
        said = f"{type(self.error).__name__}: {self.error}" if self.error else self.status
        if isinstance(self.error, PavedError):
            said = self.error.message
        hint = getattr(self.error, "hint", "") or f"see `paved show {self.id[:8]}`"
        raise StepFailed(self, f"step {self.failed_step!r} failed: {said}", hint=hint) from self.error

    def __repr__(self) -> str:
        return f"<run {self.id[:8]} of {self.pipeline}: {self.status}>"


def run(
    pipeline: Pipeline[..., Any],
    /,
    *,
    params: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
    workers: int | None = None,
    use_cache: bool = True,
    **parameters: Any,
) -> PipelineRun:
    """Run a pipeline on the record of `home`, or on the one `paved run` would find.

    Raises: StepFailed when a step fails; Invalid for a parameter that is unknown, missing or of the wrong
    type.
    """
    settings = _settings(home)
    with record_of(settings) as record:
        done = run_pipeline(
            pipeline,
            params={**(params or {}), **parameters},
            record=record,
            project=project_of(pipeline),
            workers=workers,
            use_cache=use_cache,
        )
    if done.status == "KILLED":
        raise KeyboardInterrupt
    done.raise_if_failed()
    return done


def run_pipeline(
    pipeline: Pipeline[..., Any],
    *,
    params: Mapping[str, Any],
    record: Record,
    project: Project,
    open_door: Callable[[], Any] | None = None,
    progress: Callable[[events.Event], None] | None = None,
    workers: int | None = None,
    use_cache: bool = True,
    want_result: bool = True,
    to_stderr: bool = False,
) -> PipelineRun:
    """Run a pipeline; a step that fails makes a run with status FAILED, not an exception.

    `progress` is called with every event, in this thread. `open_door` starts a tracking server for steps that
    use MLflow, and gives its address or an object with `url` and `stop()`. `to_stderr` sends what isolated
    steps print there.
    """
    values = convert_parameters(pipeline, params)
    graph = build(pipeline, values)
    _check_machine(graph)
    mark_lost_runs(record)
    session = _Session(record, project, pipeline, graph, values, progress)
    if open_door is None:
        open_door = lambda: importlib.import_module(EMBEDDED_SERVER).start(record)  # noqa: E731
    try:
        session.prepare(
            open_door, workers=workers, use_cache=use_cache, want_result=want_result, to_stderr=to_stderr
        )
        return session.run()
    finally:
        session.close()


def project_of(pipeline: Pipeline[..., Any]) -> Project:
    """The project a pipeline's file lies in; without a pyproject.toml, one named after the folder."""
    file = getattr(sys.modules.get(pipeline.function.__module__), "__file__", None)
    folder = Path(file).absolute().parent if file else Path.cwd()
    found = find_project(folder)
    if found is not None:
        return found
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return read_project(folder)


class _Session:
    """One run while it goes on."""

    def __init__(
        self,
        record: Record,
        project: Project,
        pipeline: Pipeline[..., Any],
        graph: Graph,
        parameters: Mapping[str, Any],
        progress: Callable[[events.Event], None] | None,
    ) -> None:
        self.record = record
        self.project = project
        self.graph = graph
        self.news = threading.Event()
        self._progress = progress
        self._events: list[events.Event] = []
        self._noted: set[str] = set()
        self._shown = {name: shown_parameter(name, value) for name, value in parameters.items()}
        about = About(
            project=project,
            pipeline=pipeline.name,
            target=f"{pipeline.function.__module__}:{pipeline.function.__qualname__}",
            parameters=self._shown,
            graph=graph_nodes(graph),
            who=record.settings.who,
        )
        self.recorder = Recorder(record, about, note=self._note_once)
        self._heart = Heart(record.db, self.recorder.alive, about.ref)
        self.shelf = Shelf(record.files, record.settings.home / "work")
        self._tasks = tasks_of(graph)
        self._surroundings: threading.Thread | None = None
        self._surroundings_error: BaseException | None = None
        self._closing = contextlib.ExitStack()

    def prepare(
        self,
        open_door: Callable[[], Any],
        *,
        workers: int | None,
        use_cache: bool,
        want_result: bool,
        to_stderr: bool,
    ) -> None:
        keys = KeyMaker(self.project.root)
        # All before the first one runs: a step that fills a global of its module must not change the next
        # key.
        for task in self._tasks:
            keys.code_of(task.node.step)
        door = MlflowDoor(
            open_door,
            experiment_id=lambda: self.recorder.experiment_id,
            show_step=self._show_step,
            note=self._note_once,
        )
        self._closing.callback(door.close)
        children = Children(
            self.shelf, root=self.project.root, files=self.record.settings.files_url, to_stderr=to_stderr
        )
        runner = Runner(door, children)
        self._closing.callback(runner.close)
        wanted = self._wanted() if want_result else frozenset()
        self._children, self._runner = children, runner
        self.engine = Engine(
            self._tasks,
            cache=Cache(self.record, self.shelf, keys, root=self.project.root, use=use_cache),
            shelf=self.shelf,
            recorder=self.recorder,
            runner=runner,
            tell=self._tell,
            workers=workers or cpu_count(),
            gpus=gpus_here(),
            keep=wanted,
            news=self.news,
        )

    def run(self) -> PipelineRun:
        self.recorder.open()
        self._heart.start()
        self._tell(
            events.RunStarted(
                run_id=self.recorder.run_id,
                pipeline=self.graph.name,
                project=self.project.name,
                parameters=self._shown,
                steps=[task.name for task in self._tasks],
            )
        )
        self._show_events()  # before anything that a step prints
        self._surroundings = threading.Thread(target=self._read_surroundings, daemon=True)
        self._surroundings.start()
        try:
            with Interrupts() as interrupts:
                self.engine.start()
                self._follow(interrupts)
        except KeyboardInterrupt:
            return self._killed()
        if self.engine.scheduler.crash is not None:
            self._finish("FAILED", error=f"pavedroad itself failed: {self.engine.scheduler.crash!r}")
            raise self.engine.scheduler.crash
        return self._ended()

    def close(self) -> None:
        self._heart.stop()
        self._closing.close()

    # ------------------------------------------------------------------------------------ while it runs

    def _follow(self, interrupts: Interrupts) -> None:
        """Write and show what happens until everything has ended."""
        scheduler = self.engine.scheduler
        while not scheduler.has_ended and scheduler.crash is None:
            with interrupts.allowed():
                self.news.wait(0.2 if scheduler.running else LOOK_EVERY_S)
            if self.news.is_set() and not scheduler.has_ended:
                time.sleep(GATHER_S)
            self.news.clear()
            self.engine.show_running(older_than_ms=200)
            self._show_events()
            self.recorder.send()
        self._show_events()

    def _tell(self, event: events.Event) -> None:
        if self._progress is not None:
            self._events.append(event)
        self.news.set()

    def _note_once(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._tell(events.Note(text=text))

    def _show_events(self) -> None:
        if self._progress is None:
            return
        shown, self._events = self._events, []
        for event in shown:
            self._progress(event)

    def _show_step(self, step_run_id: str, step: str) -> None:
        """Called by a step's thread before MLflow logs to its run."""
        running = next(
            (task for task in list(self.engine.scheduler.running) if task.step_run_id == step_run_id), None
        )
        if running is not None:
            self.recorder.step_started(step_run_id, running.name, running.started_ms)
            self.recorder.wait()

    def _read_surroundings(self) -> None:
        try:
            self.recorder.surroundings(
                read_source(self.project.root), environment_fingerprint(self.project.root)
            )
        except BaseException as error:
            self._surroundings_error = error

    # ------------------------------------------------------------------------------------ at its end

    def _ended(self) -> PipelineRun:
        failures = sorted(self.engine.failures, key=lambda task: (not task.error, task.position))
        status = "FAILED" if failures else "FINISHED"
        error = failures[0].error if failures else None
        said = f"step {failures[0].name}: {type(error).__name__}: {error}" if failures else ""
        done = self._finish(status, error=said[:2000])
        if failures:
            done.error, done.failed_step = error, failures[0].name
            done.traceback = failures[0].traceback
        self._tell_end(done)
        return done

    def _killed(self) -> PipelineRun:
        """Ctrl-C: end what runs, write down how far it came."""
        engine = self.engine
        engine.is_killed = True
        engine.scheduler.stop()
        self._children.close()
        for thread in list(self._runner.threads.values()):
            interrupt(thread)
        deadline = time.monotonic() + GRACE_S
        while not engine.scheduler.has_ended and time.monotonic() < deadline:
            self.news.wait(0.05)
            self.news.clear()
        engine.abandon_running()
        done = self._finish("KILLED", error="stopped by the user")
        self._tell_end(done)
        return done

    def _finish(self, status: str, *, error: str) -> PipelineRun:
        if self._surroundings is not None:
            self._surroundings.join()
        if self._surroundings_error is not None:
            raise self._surroundings_error
        metrics = self.recorder.close(status, error=error)
        steps = [_step_result(each.row) for each in self.recorder.steps_done()]
        done = PipelineRun(
            run_id=self.recorder.run_id,
            pipeline=self.graph.name,
            status=status,
            started_ms=self.recorder.started_ms,
            steps=steps,
        )
        done.metrics = metrics
        done.models = self.recorder.models_of_run()
        done._shelf = self.shelf
        done._outputs = self._by_name()
        if status == "FINISHED":
            done._result = _once(self._take_result)
        return done

    def _tell_end(self, done: PipelineRun) -> None:
        verdicts = [step.verdict for step in done.steps if step.status == "FINISHED"]
        self._tell(
            events.RunFinished(
                run_id=done.id,
                status=done.status,
                duration_ms=done.duration_ms,
                hits=verdicts.count("hit"),
                misses=len(verdicts) - verdicts.count("hit"),
                failed=sum(step.status == "FAILED" for step in done.steps),
                metrics=done.metrics,
                error=f"{type(done.error).__name__}: {done.error}" if done.error else "",
                traceback=done.traceback,
            )
        )
        self._show_events()

    def _by_name(self) -> dict[str, Task]:
        found = {task.name: task for task in self._tasks}
        for task in self._tasks:
            found |= {child.name: child for child in getattr(task, "children", ())}
        return found

    def _wanted(self) -> frozenset[Task]:
        """The tasks whose results the pipeline's function returns, which thereby has a claim on them."""
        wanted = set()
        for lazy in find_lazy(self.graph.result):
            node, path, _ = parts_of(lazy)
            self._tasks[node.index].claims.append(path)
            wanted.add(self._tasks[node.index])
        return frozenset(wanted)

    def _take_result(self) -> Any:
        def take(lazy: Any) -> Any:
            node, path, _ = parts_of(lazy)
            held = self._tasks[node.index].held
            assert held is not None, "a finished run has every result"
            try:
                return held.at(path).take(self.shelf)
            except LostValue as error:
                raise Unavailable(
                    f"the result of {node.name} {error}", hint="run the pipeline again"
                ) from error

        return replace_lazy(self.graph.result, take)


def graph_nodes(graph: Graph) -> tuple[store.GraphNode, ...]:
    nodes = []
    for node in graph.nodes:
        needs = dict.fromkeys(parts_of(lazy)[0].name for _, lazy in node.sources())
        nodes.append(
            store.GraphNode(
                name=node.name,
                function=node.step.qualified_name,
                needs=tuple(needs),
                is_map=bool(node.mapped),
            )
        )
    return tuple(nodes)


def _settings(home: str | Path | None) -> Settings:
    if home is None:
        return read_settings()
    return read_settings(environ={**os.environ, "PAVED_HOME": str(home)})


def _check_machine(graph: Graph) -> None:
    """Refuse what cannot work before anything runs."""
    here = gpus_here()
    for node in graph.nodes:
        options = node.step.options
        if options.needs_process:
            check_importable(node.step)
        if options.resources.gpu > len(here):
            raise Unavailable(
                f"step {node.name!r} needs {options.resources.gpu} GPU, this machine has {len(here)}",
                hint="run it where there is one, or lower resources=",
            )


def _step_result(row: store.StepRow) -> StepResult:
    return StepResult(
        name=row.step,
        verdict=row.verdict,
        status=row.status,
        duration_ms=row.duration_ms,
        attempts=row.attempts,
        because=row.because,
        run_id=row.step_run_id,
    )


def interrupt(thread: threading.Thread) -> None:
    """Raise KeyboardInterrupt in a thread at its next step of Python; code in C goes on until it returns."""
    import ctypes

    if thread.ident is not None and thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
        )


def _once(make: Callable[[], Any]) -> Callable[[], Any]:
    made: list[Any] = []

    def get() -> Any:
        if not made:
            made.append(make())
        return made[0]

    return get
