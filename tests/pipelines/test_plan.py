"""`--dry-run` tells what would run and why, and runs nothing."""

from __future__ import annotations

import pytest

from pavedroad.pipelines import newest_runs
from pavedroad.pipelines.plan import make_plan

FLOW = """
@paved.step
def numbers(n: int) -> list[int]:
    Path("ran").touch()
    return list(range(n))

@paved.step
def square(x: int, plus: int = 0) -> int:
    return x * x + plus

@paved.step
def total(values: list[int]) -> int:
    return sum(values)

@paved.step(cache=False)
def stamp(x: int) -> int:
    return x

@paved.pipeline
def main(n: int = 2, plus: int = 0):
    return stamp(total(square.map(numbers(n), plus=plus)))
"""


@pytest.fixture
def flow(project, monkeypatch):
    monkeypatch.chdir(project.root)
    project.write("flow.py", FLOW)
    return project


def plan(project, **parameters) -> dict[str, tuple[str, str]]:
    use_cache = parameters.pop("use_cache", True)
    pipeline, found = project.load()
    made = make_plan(pipeline, params=parameters, record=project.record, project=found, use_cache=use_cache)
    return {step.step: (step.verdict, step.because) for step in made.steps}


def test_before_the_first_run_everything_would_run(flow):
    assert plan(flow) == {
        "numbers": ("run", "never ran before"),
        "square": ("run", "input from numbers will change"),
        "total": ("run", "input from square will change"),
        "stamp": ("run", "input from total will change"),
    }


def test_a_plan_runs_and_records_nothing(flow):
    plan(flow)
    assert not (flow.root / "ran").exists()
    assert newest_runs(flow.record.db) == []


def test_after_a_run_everything_would_come_from_the_cache_but_what_never_does(flow):
    run = flow.run()
    same = ("cached", f"same key as run {run.id[:8]}")
    assert plan(flow) == {
        "numbers": same,
        "square[0]": same,
        "square[1]": same,
        "total": same,
        "stamp": ("run", "not cached: cache=False"),
    }


def test_a_changed_parameter_is_told_where_it_goes_in(flow):
    flow.run()
    assert plan(flow, plus=5) == {
        "numbers": plan(flow)["numbers"],
        "square[0]": ("run", "parameter plus: 0 → 5"),
        "square[1]": ("run", "parameter plus: 0 → 5"),
        "total": ("run", "input from square will change"),
        "stamp": ("run", "input from total will change"),
    }


def test_changed_code_is_told_by_its_name(flow):
    flow.run()
    flow.replace("flow.py", "return sum(values)", "return sum(values) + 1")
    assert plan(flow)["total"] == ("run", "function flow.total changed")


def test_without_cache_everything_would_run(flow):
    flow.run()
    assert plan(flow, use_cache=False)["numbers"] == ("run", "--no-cache")


def test_a_result_whose_files_are_gone_would_be_made_again(flow):
    import shutil

    flow.replace("flow.py", "return list(range(n))", "return list(range(n)) * 5000")
    flow.replace("flow.py", "square.map(numbers(n), plus=plus)", "numbers(n)")
    run = flow.run()
    shutil.rmtree(flow.record.settings.home / "files")
    assert plan(flow)["numbers"] == ("run", f"the result of run {run.id[:8]} is gone")


def test_the_plan_is_what_then_happens(flow):
    flow.run()
    planned = plan(flow, plus=1)
    verdicts = flow.run(plus=1).verdicts()
    assert {name for name, (verdict, _) in planned.items() if verdict == "cached"} == {
        name for name, verdict in verdicts.items() if verdict == "hit"
    }
