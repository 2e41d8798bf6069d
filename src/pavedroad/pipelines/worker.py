"""`python -m pavedroad.pipelines.worker FD`: the other end of `children`. Reads orders from stdin, answers
on FD.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import operator
import os
import pickle
import resource
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.stores import open_files
from pavedroad.pipelines.children import Answer, Order
from pavedroad.pipelines.failures import user_traceback
from pavedroad.pipelines.fresh_imports import import_from_source
from pavedroad.pipelines.mlflow_door import in_child
from pavedroad.pipelines.results import keep_result
from pavedroad.pipelines.steps import Step
from pavedroad.pipelines.values.shelf import Owner, Shelf

_UNIT = 1 if sys.platform == "darwin" else 1024
LARGEST_ERROR_BYTES = 1 << 20


class ResultNotStored(Exception):
    """A result that cannot leave the process."""


def main() -> None:
    answers = int(sys.argv[1])
    os.set_inheritable(answers, False)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    environment = dict(os.environ)
    with os.fdopen(_private_stdin(), "rb") as orders:
        while line := orders.readline():
            order = msgspec.json.decode(line, type=Order)
            sys.path[:] = order.path
            import_from_source(Path(order.root))
            os.environ.clear()
            os.environ.update({**environment, **order.environment})
            _say(answers, _obey(order, answers))


def _private_stdin() -> int:
    """Where the orders come from, out of reach of a step that calls `input()`."""
    private = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return private


def _obey(order: Order, answers: int) -> Answer:
    try:
        step, shelf, arguments = _prepare(order)
    except BaseException as error:
        return _to_answer(error)
    try:
        with in_child(order.step_run_id):  # before time and memory count
            _say(answers, Answer(has_begun=True))
            _limit_memory(order.memory_bytes)
            try:
                result = step.call_with(arguments)
                value, reasons = keep_result(
                    shelf, step, result, Owner(run_id=order.step_run_id, step=order.step)
                )
            finally:
                _limit_memory(0)
        if not value.is_stored:
            raise ResultNotStored(f"its result cannot leave its process: {reasons[0]}")
        return Answer(value=value, peak_bytes=_peak_bytes())
    except BaseException as error:
        return _to_answer(error)


def _prepare(order: Order) -> tuple[Step[..., Any], Shelf, dict[str, Any]]:
    step = operator.attrgetter(order.qualified_name)(_load(order))
    work = Path(order.work)
    shelf = Shelf(open_files(order.files, cache=work.parent / "cache"), work)
    return step, shelf, {name: shelf.load(value) for name, value in order.arguments.items()}


def _load(order: Order) -> Any:
    """The module of the step; a script under another name than `__main__`, so that it does not run itself."""
    if order.module != "__main__":
        if order.module not in sys.modules and importlib.util.find_spec(order.module) is None:
            return _load_file(order.module, order.file)
        return importlib.import_module(order.module)
    if "__mp_main__" not in sys.modules:
        module = _load_file("__mp_main__", order.file)
        sys.modules["__main__"] = module  # where pickles look for the script's own classes
    return sys.modules["__mp_main__"]


def _load_file(name: str, file: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _limit_memory(memory_bytes: int) -> None:
    """Let the process have so much more than it has now; 0 lifts the limit.

    RLIMIT_DATA counts what is written to memory and not the files that are mapped, as the address space
    would.
    """
    if sys.platform != "linux":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = hard if not memory_bytes else _data_bytes() + memory_bytes
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard) if soft != resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def _to_answer(error: BaseException) -> Answer:
    pickled = b""
    try:
        pickled = pickle.dumps(error)
    except Exception:
        pickled = b""
    return Answer(
        error_type="MemoryError" if isinstance(error, MemoryError) else type(error).__name__,
        error=error.message if isinstance(error, PavedError) else str(error),
        error_pickle=base64.b64encode(pickled).decode() if len(pickled) <= LARGEST_ERROR_BYTES else "",
        is_ours=isinstance(error, PavedError),
        hint=error.hint if isinstance(error, PavedError) else "",
        traceback=user_traceback(error),
        peak_bytes=_peak_bytes(),
    )


def _say(descriptor: int, answer: Answer) -> None:
    data = msgspec.json.encode(answer) + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]


def _end_with_parent(parent: int) -> None:
    """Nobody would read the answer: when the parent is killed, so are we."""
    waiting = threading.Event()
    while os.getppid() == parent:
        waiting.wait(0.5)
    os._exit(1)


if __name__ == "__main__":
    main()
