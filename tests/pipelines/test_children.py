"""Steps in processes of their own: real children, ended by real signals and limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pavedroad.errors import DefinitionError
from pavedroad.pipelines.children import StepDied, StepTimeout


def test_an_isolated_step_runs_elsewhere_and_gives_its_result(project):
    project.write(
        "flow.py",
        """
import os
import numpy as np, pandas as pd, pyarrow as pa

@paved.step
def make(n: int) -> tuple[np.ndarray, pd.DataFrame, pa.Table]:
    return np.arange(n), pd.DataFrame({"a": range(n)}), pa.table({"a": list(range(n))})

@paved.step(isolate=True)
def add(array: np.ndarray, frame: pd.DataFrame, table: pa.Table, *, extra: int) -> tuple[int, np.ndarray]:
    array[0] = extra
    return os.getpid(), array + frame["a"].to_numpy() + table["a"].to_numpy()

@paved.step
def total(x: np.ndarray) -> int:
    return int(x.sum())

@paved.pipeline
def main(n: int = 4, extra: int = 100):
    array, frame, table = make(n)
    pid, summed = add(array, frame, table, extra=extra)
    return pid, total(summed), array
""",
    )
    pid, total, array = project.run().result
    assert pid != os.getpid()
    assert total == 100 + 3 * 6
    assert array.tolist() == [0, 1, 2, 3]
    again = project.run()
    assert again.result[0] == pid
    assert set(again.verdicts().values()) == {"hit"}


def test_isolated_steps_of_one_run_share_a_warm_process(project):
    project.write(
        "flow.py",
        """
import os

@paved.step(isolate=True, cache=False)
def where(x: int) -> int:
    return os.getpid()

@paved.pipeline
def main():
    return where.map([1, 2, 3])
""",
    )
    assert len(set(project.run(workers=1).result)) == 1


def test_its_exception_arrives_with_the_users_traceback(project):
    project.write(
        "flow.py",
        "@paved.step(isolate=True)\ndef boom(x: int):\n    raise KeyError(x)\n\n"
        "@paved.pipeline\ndef main():\n    return boom(3)\n",
    )
    run = project.run()
    assert isinstance(run.error, KeyError)
    assert "raise KeyError(x)" in run.traceback
    assert "worker.py" not in run.traceback


def test_an_exception_that_cannot_travel_is_still_told(project):
    project.write(
        "flow.py",
        """
class Odd(Exception):
    def __init__(self, one, two):
        super().__init__("only one")

@paved.step(isolate=True)
def boom():
    raise Odd(1, 2)

@paved.pipeline
def main():
    return boom()
""",
    )
    assert "Odd: only one" in str(project.run().error)


def test_a_timeout_ends_the_step_and_what_it_started(project):
    marker = project.root / "pid"
    project.write(
        "flow.py",
        """
import subprocess, sys, time

@paved.step(timeout_s=0.5)
def slow(marker: str):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(marker).write_text(str(child.pid))
    while True:
        pass

@paved.pipeline
def main(marker: str):
    return slow(marker)
""",
    )
    started = time.monotonic()
    run = project.run(marker=str(marker))
    assert isinstance(run.error, StepTimeout)
    assert "it took longer than its timeout of 0.5 s" in str(run.error)
    assert time.monotonic() - started < 20
    assert has_ended(int(marker.read_text()))


def test_a_timeout_can_be_retried(project):
    project.write(
        "flow.py",
        """
import time

@paved.step(timeout_s=1, retries=1, backoff_s=0)
def slow(marker: str) -> int:
    if not Path(marker).exists():
        Path(marker).touch()
        time.sleep(60)
    return 1

@paved.pipeline
def main(marker: str):
    return slow(marker)
""",
    )
    run = project.run(marker=str(project.root / "tried"))
    assert (run.result, run.steps[0].attempts) == (1, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_step_gets_no_more_memory_than_it_asked_for(project):
    project.write(
        "flow.py",
        """
import numpy as np

@paved.step(resources={"memory": "100MB"})
def take(megabytes: int) -> int:
    return int(np.ones(megabytes * 1_000_000, dtype="u1").sum())

@paved.pipeline
def main(megabytes: int):
    return take(megabytes)
""",
    )
    assert project.run(megabytes=50).result == 50_000_000
    run = project.run(megabytes=300)
    assert isinstance(run.error, MemoryError)
    assert "it asked for more than its 100 MB of memory" in str(run.error)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (
            "os.kill(os.getpid(), 9)",
            "its process was ended by SIGKILL; the machine may have run out of memory",
        ),
        ("os.abort()", "its process was ended by SIGABRT"),
        ("os._exit(3)", "its process ended with exit code 3"),
    ],
)
def test_a_step_that_dies_takes_only_itself(project, end, said):
    project.write(
        "flow.py",
        f"import os\n\n@paved.step(isolate=True)\ndef die():\n    {end}\n\n"
        "@paved.pipeline\ndef main():\n    return die()\n",
    )
    run = project.run()
    assert isinstance(run.error, StepDied)
    assert said in str(run.error)


def test_a_step_that_leaves_the_program_has_failed(project):
    project.write(
        "flow.py",
        "import sys\n\n@paved.step(isolate=True)\ndef leave():\n    sys.exit('bye')\n\n"
        "@paved.pipeline\ndef main():\n    return leave()\n",
    )
    assert isinstance(project.run().error, SystemExit)


def test_what_lives_in_memory_only_cannot_be_given_to_another_process(project):
    project.write(
        "flow.py",
        """
@paved.step
def make():
    return lambda: 1

@paved.step(isolate=True)
def use(function):
    return function()

@paved.pipeline
def main():
    return use(make())
""",
    )
    run = project.run()
    assert isinstance(run.error, DefinitionError)
    assert "cannot be given the result of make, which is in memory only" in str(run.error)


def test_what_cannot_be_pickled_cannot_leave_the_process(project):
    project.write(
        "flow.py",
        "@paved.step(isolate=True)\ndef make():\n    return lambda: 1\n\n"
        "@paved.pipeline\ndef main():\n    return make()\n",
    )
    assert "its result cannot leave its process" in str(project.run().error)


def test_a_step_inside_a_function_cannot_be_isolated(record, project):
    import pavedroad as paved
    from pavedroad.pipelines.running import project_of, run_pipeline

    @paved.step(isolate=True)
    def inner() -> int:
        return 1

    @paved.pipeline
    def main():
        return inner()

    with pytest.raises(DefinitionError, match="defined inside a function"):
        run_pipeline(main, params={}, record=record, project=project_of(main))


def test_steps_of_a_script_can_be_isolated(project, home):
    project.write(
        "script.py",
        """
import os
import pavedroad as paved

class Thing:
    def __init__(self, x):
        self.x = x

@paved.step
def make(x: int) -> Thing:
    return Thing(x)

@paved.step(isolate=True)
def use(thing: Thing) -> tuple[int, int]:
    return thing.x + 1, os.getpid()

@paved.pipeline
def main(x: int):
    return use(make(x))

if __name__ == "__main__":
    number, pid = main.run(x=4).result
    print(number, pid != os.getpid())
""",
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=project.root, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "5 True\n", done.stderr


def test_a_file_called_like_a_module_of_python_does_no_harm(project, monkeypatch):
    monkeypatch.chdir(project.root)
    project.write("queue.py", "raise RuntimeError('not me')\n")
    project.write(
        "flow.py",
        "@paved.step(isolate=True)\ndef one() -> int:\n    return 1\n\n"
        "@paved.pipeline\ndef main():\n    return one()\n",
    )
    assert project.run().result == 1


def test_a_step_that_reads_from_the_keyboard_reads_nothing(project):
    project.write(
        "flow.py",
        "@paved.step(isolate=True)\ndef ask():\n    return input()\n\n"
        "@paved.pipeline\ndef main():\n    return ask()\n",
    )
    assert isinstance(project.run().error, EOFError)


def test_each_gpu_is_given_to_one_step_at_a_time(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    project.write(
        "flow.py",
        """
import os, time

@paved.step(resources={"gpu": 1}, isolate=True, cache=False)
def train(x: int) -> str:
    time.sleep(0.2)
    return os.environ["CUDA_VISIBLE_DEVICES"]

@paved.step(isolate=True, cache=False)
def other() -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]

@paved.pipeline
def main():
    return train.map([1, 2, 3]), other()
""",
    )
    used, other = project.run(workers=4).result
    assert set(used) == {"3", "5"}
    assert other == "3,5"


def test_the_peak_memory_of_a_step_is_recorded(project):
    from pavedroad.pipelines.store import steps_of_run

    project.write(
        "flow.py",
        """
import numpy as np

@paved.step
def here() -> int:
    return int(np.ones(60_000_000, dtype="u1").sum())

@paved.step(isolate=True)
def there() -> int:
    return int(np.ones(60_000_000, dtype="u1").sum())

@paved.pipeline
def main():
    return here(), there()
""",
    )
    rows = steps_of_run(project.record.db, project.run(workers=1).id)
    assert all(row.peak_memory_bytes > 60_000_000 for row in rows)


def test_children_end_with_their_parent(project, tmp_path, home):
    marker = tmp_path / "pid"
    project.write(
        "flow.py",
        """
import os, time

@paved.step(isolate=True)
def slow(marker: str):
    Path(marker).write_text(str(os.getpid()))
    time.sleep(60)

@paved.pipeline
def main(marker: str):
    return slow(marker)
""",
    )
    command = [sys.executable, "-m", "pavedroad.cli", "run", "flow:main", "--marker", str(marker)]
    with subprocess.Popen(
        command, cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as parent:
        wait_for(lambda: marker.exists() and marker.read_text())
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: has_ended(int(marker.read_text())))


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def wait_for(happened, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
