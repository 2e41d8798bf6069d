"""Runs: what they give, what they share, how they fail and go on again."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from pavedroad.errors import Invalid, Unavailable
from pavedroad.pipelines import StepFailed, steps_of_run
from pavedroad.pipelines import events as ev

MAP = """
@paved.step
def numbers(n: int) -> list[int]:
    return list(range(n))

@paved.step
def square(x: int, *, plus: int = 0) -> int:
    return x * x + plus

@paved.step
def total(values: list[int]) -> int:
    return sum(values)

@paved.pipeline
def main(n: int = 4, plus: int = 0) -> int:
    return total(square.map(square.map(numbers(n)), plus=plus))
"""


def test_map_and_reduce(project):
    project.write("flow.py", MAP)
    run = project.run()
    assert run.result == 0 + 1 + 16 + 81
    assert [step.name for step in run.steps if step.name.startswith("square[")] == [
        f"square[{i}]" for i in range(4)
    ]
    assert run.output("square_2[3]") == 81


def test_a_longer_list_runs_only_the_new_items(project):
    project.write("flow.py", MAP)
    project.run()
    run = project.run(n=5)
    assert {name for name, verdict in run.verdicts().items() if verdict == "miss"} == {
        "numbers",
        "square[4]",
        "square_2[4]",
        "total",
    }


def test_a_map_over_nothing_gives_an_empty_list(project):
    project.write("flow.py", MAP)
    assert project.run(n=0).result == 0


def test_a_map_over_a_static_list_of_results(project):
    project.write(
        "flow.py",
        MAP
        + """
@paved.pipeline
def several(n: int = 2) -> list[int]:
    return square.map([total(numbers(n)), 5, total(numbers(3))])
""",
    )
    assert project.run("flow:several").result == [1, 25, 9]


def test_a_map_waits_for_no_barrier(project):
    """The second map's first item runs although the first map's last item has not ended."""
    project.write(
        "flow.py",
        """
import time

@paved.step(cache=False)
def slow(x: float) -> float:
    time.sleep(x)
    return time.monotonic()

@paved.step(cache=False)
def stamp(x: float) -> tuple[float, float]:
    return x, time.monotonic()

@paved.pipeline
def main() -> list[tuple[float, float]]:
    return stamp.map(slow.map([0.0, 0.6]))
""",
    )
    (_, first_stamped), (last_slow, _) = project.run(workers=2).result
    assert first_stamped < last_slow


def test_map_over_two_lists_goes_through_both(project):
    project.write(
        "flow.py",
        """
@paved.step
def ones() -> list[int]:
    return [1, 2]

@paved.step
def add(x: int, y: int, z: int = 0) -> int:
    return x + y + z

@paved.pipeline
def main(other: list[int] = [10, 20]) -> list[int]:
    return add.map(ones(), other, z=100)
""",
    )
    assert project.run().result == [111, 122]
    failed = project.run(other=[1, 2, 3])
    assert failed.status == "FAILED"
    assert "different lengths: x with 2 and y with 3" in str(failed.error)


def test_map_over_what_turns_out_to_be_no_list_fails_the_run(project):
    project.write(
        "flow.py",
        """
@paved.step
def wrong():
    return 5

@paved.step
def use(x):
    return x

@paved.pipeline
def main():
    return use.map(wrong())
""",
    )
    failed = project.run()
    assert "goes over the result of wrong, which is a int" in str(failed.error)
    assert failed.failed_step == "use"


def test_steps_that_do_not_need_each_other_run_side_by_side(project):
    project.write(
        "flow.py",
        """
import threading
meeting = threading.Barrier(2, timeout=20)

@paved.step(cache=False)
def one() -> int:
    meeting.wait()
    return 1

@paved.step(cache=False)
def other() -> int:
    meeting.wait()
    return 2

@paved.pipeline
def main():
    return one(), other()
""",
    )
    assert project.run(workers=2).result == (1, 2)


def test_cpu_of_resources_limits_what_runs_side_by_side(project):
    project.write(
        "flow.py",
        """
import threading, time
inside, most, lock = 0, 0, threading.Lock()

@paved.step(resources={"cpu": 2}, cache=False)
def heavy(x: int) -> int:
    global inside, most
    with lock:
        inside += 1
        most = max(most, inside)
    time.sleep(0.05)
    with lock:
        inside -= 1
    return most

@paved.pipeline
def main():
    return heavy.map([1, 2, 3, 4])
""",
    )
    assert max(project.run(workers=4).result) == 2
    assert max(project.run(workers=1).result) == 1


def test_more_gpus_than_there_are_is_told_before_anything_runs(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    project.write(
        "flow.py",
        "@paved.step(resources={'gpu': 2})\ndef train(): ...\n\n"
        "@paved.pipeline\ndef main():\n    return train()\n",
    )
    with pytest.raises(Unavailable, match="step 'train' needs 2 GPU, this machine has 1"):
        project.run()


# --------------------------------------------------------------------------------------------- values


def test_a_step_cannot_see_what_another_does_to_the_same_value(project):
    project.write(
        "flow.py",
        """
import numpy as np, pandas as pd

@paved.step
def make() -> tuple[list[int], np.ndarray, pd.DataFrame, dict[str, list[int]]]:
    return [1], np.zeros(3), pd.DataFrame({"a": [1.0, 2.0]}), {"k": [1]}

@paved.step
def spoil(numbers: list[int], array: np.ndarray, frame: pd.DataFrame, deep: dict[str, list[int]]) -> int:
    numbers.append(2)
    array[:] = 7
    frame.loc[0, "a"] = 99.0
    frame["b"] = 5
    deep["k"].append(3)
    return 1

@paved.step
def look(numbers: list, array: np.ndarray, frame: pd.DataFrame, deep: dict, after: int) -> str:
    return f"{numbers} {array.sum()} {list(frame.columns)} {frame['a'].sum()} {deep}"

@paved.pipeline
def main():
    made = make()
    return look(*made, after=spoil(*made)), made
""",
    )
    for _ in range(2):
        run = project.run(use_cache=False)
        said, (numbers, array, frame, deep) = run.result
        assert said == "[1] 0.0 ['a'] 3.0 {'k': [1]}"
        assert (numbers, array.sum(), list(frame.columns), deep) == ([1], 0.0, ["a"], {"k": [1]})


def test_what_a_step_does_to_its_input_is_undone_for_its_retry(project):
    project.write(
        "flow.py",
        """
@paved.step
def make() -> list[int]:
    return [1]

@paved.step(retries=1, backoff_s=0)
def use(numbers: list[int]) -> list[int]:
    numbers.append(2)
    if not Path("tried").exists():
        Path("tried").touch()
        raise OSError("not yet")
    return numbers

@paved.pipeline
def main():
    return use(make())
""",
    )
    run_in(project)
    assert project.run().result == [1, 2]


def run_in(project) -> None:
    import os

    os.chdir(project.root)


@pytest.fixture(autouse=True)
def _stay_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # and back, whatever a test does


def test_a_result_that_cannot_be_stored_goes_on_by_reference_and_is_not_cached(project):
    project.write(
        "flow.py",
        """
@paved.step
def opener():
    return lambda x: x + 1

@paved.step
def use(function, n: int) -> int:
    return function(n)

@paved.step
def after(n: int) -> int:
    return n + 1

@paved.pipeline
def main():
    return after(use(opener(), 1))
""",
    )
    notes: list[str] = []
    first = project.run(
        progress=lambda event: notes.append(event.text) if isinstance(event, ev.Note) else None
    )
    assert first.result == 3
    assert first.verdicts() == {"opener": "off", "use": "off", "after": "miss"}
    assert any("the result of opener is not stored" in note for note in notes)
    again = project.run()
    assert again.result == 3
    assert again.verdicts() == {"opener": "off", "use": "off", "after": "hit"}


def test_a_pickle_is_noted_once_per_run(project):
    project.write(
        "flow.py",
        """
import dataclasses

@dataclasses.dataclass
class Point:
    x: int

@paved.step
def make(x: int) -> Point:
    return Point(x)

@paved.pipeline
def main():
    return make.map([1, 2, 3])
""",
    )
    notes: list[str] = []
    project.run(progress=lambda event: notes.append(event.text) if isinstance(event, ev.Note) else None)
    assert [note for note in notes if "kept as a pickle" in note] == [
        "make gives a flow.Point, kept as a pickle: another version of its class may not read it,"
        " and its files are not mapped"
    ]


def test_the_method_of_a_class_that_came_with_a_value_is_part_of_the_key(project):
    project.write("shapes.py", "class Scaler:\n    def scale(self, x):\n        return x * 2\n")
    project.write(
        "flow.py",
        """
from shapes import Scaler

@paved.step
def make() -> Scaler:
    return Scaler()

@paved.step
def use(scaler, x: int) -> int:
    return scaler.scale(x)

@paved.pipeline
def main():
    return use(make(), 5)
""",
    )
    assert project.run().result == 10
    project.replace("shapes.py", "x * 2", "x * 3")
    assert project.run().result == 15


def test_a_function_given_as_a_constant_is_part_of_the_key(project):
    project.write("tools.py", "def better(x):\n    return x + 1\n")
    project.write(
        "flow.py",
        """
from tools import better

@paved.step
def apply(function, x: int) -> int:
    return function(x)

@paved.pipeline
def main():
    return apply(better, 5)
""",
    )
    assert project.run().result == 6
    assert project.run().verdicts() == {"apply": "hit"}
    project.replace("tools.py", "x + 1", "x + 2")
    assert project.run().result == 7


def test_a_tuple_of_the_wrong_length_fails_the_step(project):
    project.write(
        "flow.py",
        """
@paved.step
def pair(n: int) -> tuple[int, int]:
    return tuple(range(n)) if n else [1, 2]

@paved.pipeline
def main(n: int):
    one, two = pair(n)
    return one
""",
    )
    assert "promises tuple[int, int] but returned a tuple of 3" in str(project.run(n=3).error)
    assert "promises tuple[int, int] but returned a list" in str(project.run(n=0).error)
    assert project.run(n=2).result == 0


def test_both_a_literal_tuple_and_the_result_of_a_function_unpack(project):
    project.write(
        "flow.py",
        """
from typing import NamedTuple

class Split(NamedTuple):
    train: int
    test: int

def load():
    return 1, 2

@paved.step
def called() -> tuple[int, int]:
    return load()

@paved.step
def literal() -> tuple[int, int]:
    return 3, 4

@paved.step
def named() -> Split:
    return Split(5, 6)

@paved.step
def whole(split: Split) -> int:
    return split.train * 10 + split.test

@paved.pipeline
def main():
    a, b = called()
    c, d = literal()
    e, f = named()
    return [a, b, c, d, e, f, whole(named())]
""",
    )
    assert project.run().result == [1, 2, 3, 4, 5, 6, 56]
    assert project.run().result == [1, 2, 3, 4, 5, 6, 56]


def test_a_file_that_a_step_wrote_is_handed_on_by_content_and_put_back(project):
    project.write(
        "flow.py",
        """
@paved.step
def report(text: str, out: str) -> Path:
    Path(out).write_text(text)
    return Path(out)

@paved.step
def read(file: Path) -> str:
    return file.name + " " + file.read_text()

@paved.pipeline
def main(out: str, text: str = "one"):
    return read(report(text, out))
""",
    )
    out = project.root / "report.txt"
    assert project.run(out=str(out)).result == "report.txt one"
    out.unlink()
    again = project.run(out=str(out))
    assert again.verdicts() == {"report": "hit", "read": "hit"}
    assert out.read_text() == "one"


# --------------------------------------------------------------------------------------------- the cache


CHAIN = """
import numpy as np

@paved.step
def make(n: int) -> np.ndarray:
    return np.arange(n)

@paved.step
def double(x: np.ndarray) -> np.ndarray:
    return x * 2

@paved.step
def total(x: np.ndarray, extra: int) -> int:
    return int(x.sum()) + extra

@paved.pipeline
def main(n: int = 10, extra: int = 0) -> int:
    return total(double(make(n)), extra)
"""


def files_of(project, run, step):
    from pavedroad.pipelines.store import get_step

    row = get_step(project.record.db, run.id, step)
    return [project.record.files.path(file.digest) for file in row.output.all_files()]


def remove(file: Path) -> None:
    file.unlink()


def damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [remove, damage, shorten])
@pytest.mark.parametrize("steps", [["double"], ["make", "double"]])
def test_a_stored_value_that_is_gone_or_damaged_is_made_again(project, harm, steps):
    project.write("flow.py", CHAIN)
    first = project.run()
    for step in steps:
        for file in files_of(project, first, step):
            harm(file)
    assert project.run(extra=5).result == 95
    assert project.run(extra=6).verdicts() == {"make": "hit", "double": "hit", "total": "miss"}


def test_a_damaged_item_of_a_list_is_made_again(project):
    project.write(
        "flow.py",
        """
import numpy as np

@paved.step
def parts() -> list[np.ndarray]:
    return [np.arange(3), np.arange(4)]

@paved.step
def size(x: np.ndarray, extra: int) -> int:
    return len(x) + extra

@paved.pipeline
def main(extra: int = 0):
    return size.map(parts(), extra=extra)
""",
    )
    first = project.run()
    damage(files_of(project, first, "parts")[1])
    assert project.run(extra=1).result == [4, 5]


def test_a_damaged_result_of_the_pipeline_is_made_again(project):
    project.write("flow.py", CHAIN.replace("return total(double(make(n)), extra)", "return double(make(n))"))
    first = project.run()
    damage(files_of(project, first, "double")[0])
    again = project.run()
    assert again.result.sum() == 90
    assert again.verdicts() == {"make": "hit", "double": "miss"}


def test_cache_false_runs_a_step_every_time_and_its_equal_result_spares_the_next(project):
    project.write("flow.py", CHAIN.replace("@paved.step\ndef make", "@paved.step(cache=False)\ndef make"))
    project.run()
    assert project.run().verdicts() == {"make": "off", "double": "hit", "total": "hit"}


def test_no_cache_runs_everything_and_renews_it(project):
    project.write("flow.py", CHAIN)
    project.run()
    assert set(project.run(use_cache=False).verdicts().values()) == {"miss"}
    assert set(project.run().verdicts().values()) == {"hit"}


def test_version_stands_for_the_code(project):
    project.write("flow.py", CHAIN.replace("@paved.step\ndef double", '@paved.step(version="1")\ndef double'))
    project.run()
    project.replace("flow.py", "x * 2", "x * 3")
    assert project.run().result == 90
    project.replace("flow.py", 'version="1"', 'version="2"')
    assert project.run().result == 135


def test_depends_on_adds_what_the_cache_cannot_see(project):
    project.write("rules.json", "1")
    project.write(
        "flow.py",
        CHAIN.replace(
            "@paved.step\ndef double",
            '@paved.step(depends_on=[Path(__file__).parent / "rules.json"])\ndef double',
        ),
    )
    project.run()
    assert set(project.run().verdicts().values()) == {"hit"}
    project.write("rules.json", "2")
    assert project.run().verdicts() == {"make": "hit", "double": "miss", "total": "hit"}


def test_an_exception_is_not_cached(project):
    project.write(
        "flow.py",
        """
@paved.step
def fragile() -> int:
    if not Path("ready").exists():
        raise OSError("not ready")
    return 1

@paved.pipeline
def main():
    return fragile()
""",
    )
    run_in(project)
    assert project.run().status == "FAILED"
    Path("ready").touch()
    assert project.run().result == 1


def test_equal_calls_in_one_run_are_told_apart_and_both_right(project):
    project.write(
        "flow.py",
        "@paved.step\ndef one(x: int) -> int:\n    return x\n\n"
        "@paved.pipeline\ndef main():\n    return one.map([1] * 20)\n",
    )
    assert project.run(workers=4).result == [1] * 20


def test_two_runs_at_once_on_one_record_are_both_right(any_project):
    project = any_project
    project.write("flow.py", MAP)
    from pavedroad.pipelines.loading import load_pipeline
    from pavedroad.pipelines.running import run_pipeline

    pipeline, found = load_pipeline("flow:main", project.root)
    results: list[int] = []

    def run() -> None:
        results.append(run_pipeline(pipeline, params={"n": 30}, record=project.record, project=found).result)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [sum(x**4 for x in range(30))] * 3


# ------------------------------------------------------------------------------------------ going wrong


FAILING = """
import threading, time
slow_runs = threading.Event()

@paved.step
def fine(x: int) -> int:
    return x

@paved.step(version="1")
def slow(x: int) -> int:
    slow_runs.set()
    time.sleep(0.3)
    return x

@paved.step(version="1")
def boom(x: int) -> int:
    slow_runs.wait(20)
    raise ValueError(f"bad {x}")

@paved.step
def last(a: int, b: int) -> int:
    return a + b

@paved.pipeline
def main():
    return last(slow(fine(1)), boom(fine(2)))
"""


def test_a_failed_step_lets_running_ones_finish_and_starts_no_more(project):
    project.write("flow.py", FAILING)
    run = project.run(workers=2)
    assert run.status == "FAILED"
    assert {step.name: step.status for step in run.steps} == {
        "fine": "FINISHED",
        "fine_2": "FINISHED",
        "slow": "FINISHED",
        "boom": "FAILED",
    }
    assert run.failed_step == "boom"
    assert str(run.error) == "bad 2"


def test_the_traceback_shows_the_users_frames_only(project):
    project.write("flow.py", FAILING)
    run = project.run(workers=2)
    assert "flow.py" in run.traceback
    assert 'raise ValueError(f"bad {x}")' in run.traceback
    assert "pavedroad" not in run.traceback
    assert run.traceback.endswith("ValueError: bad 2")


def test_after_a_failure_the_next_run_goes_on_where_it_stopped(project):
    project.write("flow.py", FAILING)
    project.run(workers=2)
    project.replace("flow.py", "slow_runs.wait(20)", "return x * 10")
    again = project.run()
    assert again.result == 21
    assert again.verdicts() == {"fine": "hit", "fine_2": "hit", "slow": "hit", "boom": "miss", "last": "miss"}


def test_the_python_api_raises_what_failed(project, home):
    project.write("flow.py", FAILING)
    from pavedroad.pipelines.loading import load_pipeline

    pipeline, _ = load_pipeline("flow:main", project.root)
    with pytest.raises(StepFailed, match="step 'boom' failed: ValueError: bad 2") as caught:
        pipeline.run(home=home, workers=2)
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.exit_code == 1
    assert caught.value.run.verdicts()["fine"] == "miss"


def test_the_python_api_gives_results(project, tmp_path):
    project.write("flow.py", MAP)
    import pavedroad as paved
    from pavedroad.pipelines.loading import load_pipeline

    pipeline, _ = load_pipeline("flow:main", project.root)
    assert pipeline.run(home=tmp_path / "one", n=3).result == 17
    assert paved.run(pipeline, n=3, home=tmp_path / "one").verdicts()["total"] == "hit"
    assert paved.run(pipeline, params={"n": 2}, home=tmp_path / "two", workers=1, use_cache=False).result == 1


def test_a_wrong_parameter_is_told_before_anything_runs(project):
    project.write("flow.py", MAP)
    with pytest.raises(Invalid, match="has no parameter 'm'"):
        project.run(m=3)


def test_a_step_that_ends_the_program_has_failed(project):
    project.write(
        "flow.py",
        "import sys\n\n@paved.step\ndef leave():\n    sys.exit(3)\n\n"
        "@paved.pipeline\ndef main():\n    return leave()\n",
    )
    run = project.run()
    assert run.status == "FAILED"
    assert isinstance(run.error, SystemExit)


def test_retries_wait_longer_each_time_and_then_succeed(project):
    project.write(
        "flow.py",
        """
@paved.step(retries=3, backoff_s=0.05)
def flaky(counter: str) -> int:
    file = Path(counter)
    tries = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(tries))
    if tries < 3:
        raise ConnectionError(f"try {tries}")
    return tries

@paved.pipeline
def main(counter: str):
    return flaky(counter)
""",
    )
    told: list[ev.Event] = []
    run = project.run(counter=str(project.root / "counter"), progress=told.append)
    waits = [event.wait_s for event in told if isinstance(event, ev.StepRetried)]
    assert run.result == 3
    assert run.steps[0].attempts == 3
    assert len(waits) == 2
    assert 0.03 < waits[0] < 0.07 < waits[1] < 0.14


def test_retries_that_do_not_help_fail_with_the_last_error(project):
    project.write(
        "flow.py",
        "@paved.step(retries=2, backoff_s=0)\ndef never():\n    raise OSError('no')\n\n"
        "@paved.pipeline\ndef main():\n    return never()\n",
    )
    run = project.run()
    assert (run.status, run.steps[0].attempts, str(run.error)) == ("FAILED", 3, "no")


def test_a_step_that_waits_for_its_retry_does_not_hold_the_others_up(project):
    project.write(
        "flow.py",
        """
import time

@paved.step(retries=1, backoff_s=0.5, cache=False)
def flaky(marker: str) -> float:
    if not Path(marker).exists():
        Path(marker).touch()
        raise OSError
    return time.monotonic()

@paved.step(cache=False)
def other() -> float:
    return time.monotonic()

@paved.pipeline
def main(marker: str):
    return flaky(marker), other()
""",
    )
    flaky, other = project.run(workers=1, marker=str(project.root / "marker")).result
    assert other < flaky


def test_warnings_of_the_code_analysis_are_noted_once(project):
    project.write(
        "flow.py",
        """
import helpers

@paved.step
def dynamic(name: str) -> int:
    return getattr(helpers, name)()

@paved.pipeline
def main():
    return dynamic.map(["a", "a", "a"])
""",
    )
    project.write("helpers.py", "def a():\n    return 1\n")
    notes: list[str] = []
    project.run(progress=lambda event: notes.append(event.text) if isinstance(event, ev.Note) else None)
    assert len(notes) == len(set(notes)) >= 1


def test_events_tell_a_run_from_start_to_end(project):
    project.write("flow.py", MAP)
    told: list[ev.Event] = []
    run = project.run(n=2, progress=told.append)
    kinds = [type(event).__name__ for event in told]
    assert kinds[0] == "RunStarted"
    assert kinds[-1] == "RunFinished"
    assert kinds.count("StepFinished") == len(run.steps) == 6
    assert [event.items for event in told if isinstance(event, ev.MapSpread)] == [2, 2]


def test_a_fan_out_of_two_hundred_is_recorded_completely(any_project):
    any_project.write("flow.py", MAP)
    run = any_project.run(n=200)
    rows = steps_of_run(any_project.record.db, run.id)
    assert len(rows) == 402
    assert {row.status for row in rows} == {"FINISHED"}
    assert any_project.run(n=200).verdicts() == dict.fromkeys(run.verdicts(), "hit")


def test_a_run_can_be_asked_for_what_each_step_gave(project):
    project.write("flow.py", MAP)
    run = project.run(n=3)
    assert run.output("numbers") == [0, 1, 2]
    with pytest.raises(KeyError):
        run.output("none")


CONSTANTS = """
import dataclasses
import numpy as np
import pandas as pd

@dataclasses.dataclass
class Settings:
    names: list

@paved.step
def change(x):
    if isinstance(x, Settings):
        x.names.append("new")
    elif isinstance(x, set):
        x.add("new")
    elif isinstance(x, np.ndarray):
        x[0] = 77
    else:
        x.loc[0, "a"] = 77
    return repr(x)

@paved.step
def look(x, after) -> str:
    return repr(x)

VALUE = {value}

@paved.pipeline
def main():
    changed = change(VALUE)
    return changed, look(VALUE, changed), change(VALUE)
"""


@pytest.mark.parametrize(
    "value", ["Settings(['a'])", "{'a'}", "np.arange(3)", "pd.DataFrame({'a': [1, 2]})"], ids=lambda v: v[:8]
)
def test_a_step_cannot_change_a_constant_for_another(project, value):
    project.write("flow.py", CONSTANTS.replace("{value}", value))
    first, again = project.run(), project.run()
    changed, seen, changed_again = first.result
    assert changed == changed_again != seen
    assert again.result == first.result
    assert set(again.verdicts().values()) == {"hit"}


def test_an_array_that_maps_a_file_or_cannot_be_written_is_handed_on_as_an_array_of_its_own(project):
    project.write(
        "flow.py",
        """
        import numpy as np

        @paved.step
        def mapped(file: str):
            np.save(file, np.arange(4))
            return np.load(file, mmap_mode="r+")

        @paved.step
        def frozen():
            return np.broadcast_to(np.arange(3), (2, 3))

        @paved.step
        def zero(x) -> int:
            x[0] = 0
            x[-1] = 0
            return int(x.sum())

        @paved.pipeline
        def main(file: str):
            return zero(mapped(file)), zero(frozen())
        """,
    )
    file = project.root / "numbers.npy"
    assert project.run(file=str(file)).result == (3, 0)
    assert np.load(file).tolist() == [0, 1, 2, 3]
