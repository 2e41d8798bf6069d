"""Steps in processes of their own: they can be ended, kept from taking memory, and crash alone.

A child is `python -m pavedroad.pipelines.worker`. It gets one JSON line per step, with values by their
digest, and answers with one: a frame never crosses a pipe. A child that ended a step well takes the next
one with the same needs.
"""

from __future__ import annotations

import base64
import contextlib
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.errors import DefinitionError, PavedError
from pavedroad.kit.text import size
from pavedroad.pipelines.ended import Ended
from pavedroad.pipelines.steps import Step
from pavedroad.pipelines.tasks import From, Item, Task, has_sources
from pavedroad.pipelines.values.model import NotStorable, Value
from pavedroad.pipelines.values.plain import PROTOCOL
from pavedroad.pipelines.values.shelf import Shelf, tree_value

# Starting Python and importing the project may take long on a cold disk; a step's own time counts from there.
LONGEST_START_S = 300.0
INLINE_CONSTANT_BYTES = 256 << 10


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a child is asked to do."""

    module: str
    file: str  # of a module that is a script
    qualified_name: str
    arguments: dict[str, Value]
    files: str  # the file store
    work: str
    step: str
    step_run_id: str
    memory_bytes: int
    path: list[str]
    root: str  # of the project
    environment: dict[str, str]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a child says: that it has begun, and how it ended."""

    has_begun: bool = False
    value: Value | None = None
    reasons: list[str] = []  # why a result could not be stored
    error_type: str = ""
    error: str = ""
    error_pickle: str = ""  # base64
    is_ours: bool = False  # a mistake of the definition, told as such
    hint: str = ""
    traceback: str = ""
    peak_bytes: int = 0


class StepTimeout(Exception):
    """A step took longer than its `timeout_s`."""


class StepDied(Exception):
    """A step's process ended without an answer."""


class StepError(Exception):
    """An exception of another process that could not be brought here."""


def check_importable(step: Step[..., Any]) -> None:
    """Raises DefinitionError for a step that no other process can find."""
    if "<locals>" in step.function.__qualname__:
        raise DefinitionError(
            f"step {step.name!r} needs a process of its own, but is defined inside a function",
            hint="move it to the top of a module",
        )
    if step.function.__module__ == "__main__" and not _main_file():
        raise DefinitionError(
            f"step {step.name!r} needs a process of its own, but is defined in a session",
            hint="move it to a module",
        )


class Children:
    """The child processes of one run."""

    def __init__(self, shelf: Shelf, *, root: Path, files: str, to_stderr: bool) -> None:
        self._shelf = shelf
        self._files = files
        self._root = root
        self._to_stderr = to_stderr
        self._all: set[_Child] = set()
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def values_for(self, task: Task) -> dict[str, Any]:
        """The arguments as values. Raises NotStorable as DefinitionError: what lives in memory cannot leave
        it.
        """
        try:
            return {name: self._value_for(value) for name, value in task.arguments.items()}
        except NotStorable as error:
            raise DefinitionError(
                f"step {task.name!r} runs in a process of its own, and cannot be given {error}",
                hint="return something that can be pickled, or leave out isolate, timeout_s and memory",
            ) from None

    def run(
        self, task: Task, arguments: dict[str, Value], *, gpus: Iterable[str], environment: dict[str, str]
    ) -> Ended:
        options = task.node.step.options
        order = self._order(task, arguments, list(gpus), environment)
        child = self._take()
        try:
            answer = child.ask(order, timeout_s=options.timeout_s)
        except (StepTimeout, StepDied) as error:
            self._end(child)
            said = (
                error
                if not options.resources.memory_bytes
                else _with_limit(error, options.resources.memory_bytes)
            )
            return Ended(
                error=said, traceback=f"{type(said).__name__}: {said}", used_mlflow=bool(environment)
            )
        if options.resources.memory_bytes or options.resources.gpu:
            self._end(child)  # what it took of them must not count for the next step
        else:
            self._put_back(child)
        if answer.value is not None:
            return Ended(value=answer.value, peak_bytes=answer.peak_bytes, used_mlflow=bool(environment))
        failure = _to_error(answer, task, options.resources.memory_bytes)
        return Ended(
            error=failure,
            traceback=answer.traceback,
            peak_bytes=answer.peak_bytes,
            used_mlflow=bool(environment),
            may_retry=not isinstance(failure, PavedError),
        )

    def close(self) -> None:
        """End them all, at once."""
        with self._lock:
            self._is_closed = True
            children, self._all, self._idle = list(self._all), set(), []
        for child in children:
            child.kill()

    def _order(
        self, task: Task, arguments: dict[str, Value], gpus: list[str], environment: dict[str, str]
    ) -> Order:
        function = task.node.step.function
        is_script = function.__module__ == "__main__"
        variables = dict(environment)
        if gpus:
            variables["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        return Order(
            module=function.__module__,
            file=_main_file() if is_script else _file_of(function.__module__),
            qualified_name=function.__qualname__,
            arguments=arguments,
            files=self._files,
            work=str(self._shelf.work),
            step=task.node.name,
            step_run_id=task.step_run_id,
            memory_bytes=task.node.step.options.resources.memory_bytes,
            path=[entry or str(Path.cwd()) for entry in sys.path],
            root=str(self._root),
            environment=variables,
        )

    def _value_for(self, value: Any) -> Value:
        if isinstance(value, From | Item):
            if not value.held.value.is_stored:
                raise NotStorable(f"the result of {value.shown}, which is in memory only")
            return value.held.value
        if has_sources(value):
            keys = list(value) if isinstance(value, dict) else []
            items = value.values() if isinstance(value, dict) else value
            return tree_value(type(value).__name__, keys, [self._value_for(item) for item in items])
        try:
            data = pickle.dumps(value, protocol=PROTOCOL)  # a path stays a path, a function its name
        except Exception as error:
            raise NotStorable(f"a {type(value).__name__}: {error}") from None
        if len(data) > INLINE_CONSTANT_BYTES:
            return self._shelf.store(value)
        return Value(format="plain", digest="constant", inline=data)

    def _take(self) -> _Child:
        with self._lock:
            if self._is_closed:
                raise StepDied("the run was stopped")
            if self._idle:
                return self._idle.pop()
        child = _Child(to_stderr=self._to_stderr)
        with self._lock:
            self._all.add(child)
            is_closed = self._is_closed
        if is_closed:
            child.kill()
            raise StepDied("the run was stopped")
        return child

    def _put_back(self, child: _Child) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(child)

    def _end(self, child: _Child) -> None:
        with self._lock:
            self._all.discard(child)
        child.kill()


class _Child:
    """One process, in a session of its own, so that a Ctrl-C at the terminal reaches only us."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._closing = threading.Lock()
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                # -P: a file of the user called like one of Python's own modules must not take its place.
                [sys.executable, "-P", "-m", "pavedroad.pipelines.worker", str(write)],
                stdin=subprocess.PIPE,
                stdout=2 if to_stderr else None,
                pass_fds=(write,),
                start_new_session=True,
            )
        finally:
            os.close(write)
        self._answers = read
        self._buffer = b""

    def ask(self, order: Order, *, timeout_s: float | None) -> Answer:
        """Raises StepTimeout, StepDied. The time counts from when the step's code is loaded."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._death() from None
        answer = self._read(LONGEST_START_S)
        if answer is None:
            raise StepTimeout(f"its process was not ready after {LONGEST_START_S:.0f} s")
        if not answer.has_begun:
            return answer
        answer = self._read(timeout_s)
        if answer is None:
            raise StepTimeout(f"it took longer than its timeout of {timeout_s:g} s")
        return answer

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with self._closing:  # who stops the run and who waits for the answer may both come here
            answers, self._answers = self._answers, -1
        if answers >= 0:
            os.close(answers)

    def _read(self, timeout_s: float | None) -> Answer | None:
        """The next line, or None when the time is up."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while b"\n" not in self._buffer:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                ready, _, _ = select.select([self._answers], [], [], left)
            except (OSError, ValueError):  # closed by `kill` in another thread
                raise StepDied("the run was stopped") from None
            if not ready:
                return None
            try:
                piece = os.read(self._answers, 1 << 16)
            except OSError:  # closed by `kill` between the two calls
                raise StepDied("the run was stopped") from None
            if not piece:
                raise self._death()
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return msgspec.json.decode(line, type=Answer)

    def _death(self) -> StepDied:
        code = self._process.wait()
        if code < 0:
            name = signal.Signals(-code).name
            why = "; the machine may have run out of memory" if name == "SIGKILL" else ""
            return StepDied(f"its process was ended by {name}{why}")
        return StepDied(f"its process ended with exit code {code}")


def _to_error(answer: Answer, task: Task, memory_bytes: int) -> BaseException:
    if answer.is_ours:
        return DefinitionError(answer.error, hint=answer.hint)
    if answer.error_type == "MemoryError" and memory_bytes:
        return MemoryError(f"it asked for more than its {size(memory_bytes)} of memory")
    if answer.error_pickle:
        try:
            error = pickle.loads(base64.b64decode(answer.error_pickle))  # noqa: S301 (from our own child)
        except Exception:
            error = None
        if isinstance(error, BaseException):
            return error
    return StepError(f"{answer.error_type}: {answer.error}")


def _with_limit(error: Exception, memory_bytes: int) -> Exception:
    return type(error)(f"{error} (its memory is limited to {size(memory_bytes)})")


def _main_file() -> str:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return str(Path(file).absolute()) if file and Path(file).is_file() else ""


def _file_of(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    return str(Path(file).absolute()) if file else ""
