"""`paved run`, `paved why` and `paved runs` as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pavedroad.tracking import end_run, ensure_experiment, start_run

FLOW = """
import sys

@paved.step
def load(n: int) -> list[int]:
    print("loading")
    return list(range(n))

@paved.step
def square(x: int) -> int:
    return x * x

@paved.step
def total(values: list[int], plus: float) -> paved.Evaluation:
    return paved.Evaluation(metrics={"total": sum(values) + plus}, data=None)

@paved.step
def boom(values: list[int]) -> int:
    raise ValueError("no good")

@paved.pipeline
def main(n: int = 3, plus: float = 0.5, fail: bool = False):
    squares = square.map(load(n))
    return boom(squares) if fail else total(squares, plus)
"""


@pytest.fixture
def flow(project):
    project.write("flow.py", FLOW)
    project.write(
        "pyproject.toml", '[project]\nname = "small"\nversion = "1"\n[tool.paved]\nentry = "flow:main"\n'
    )
    return project


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_a_run_says_what_ran_and_what_to_do_next(flow, paved):
    first = paved("run", "flow:main", cwd=flow.root)
    lines = words(first.out)
    assert lines[0].startswith("main · run ")
    assert "loading" in lines
    assert any(line.startswith("square ran") and line.endswith("3 items") for line in lines)
    assert any(
        line.endswith("4 steps ran, 1 cached") or line.endswith("5 steps ran, 0 cached") for line in lines
    )
    assert "total 5.5" in lines
    assert lines[-1].startswith("next: paved show ")
    again = paved("run", cwd=flow.root)
    assert any("0 steps ran, 5 cached" in line for line in words(again.out))
    assert "loading" not in again.out


def test_parameters_come_from_words_and_files(flow, paved):
    flow.write("params.toml", "n = 4\nplus = 1\n")
    ran = paved("run", "--params", "params.toml", "--plus", "2.5", "--json", cwd=flow.root)
    started = json.loads(ran.out.splitlines()[0])
    assert started["parameters"] == {"n": "4", "plus": "2.5", "fail": "False"}
    assert json.loads(ran.out.splitlines()[-1])["metrics"] == {"total": 16.5}


def test_json_is_only_json_whatever_the_steps_print(flow, paved):
    ran = paved("run", "flow:main", "--json", "--no-cache", "--workers", "1", cwd=flow.root)
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert events[0]["event"] == "run_started"
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["status"] == "FINISHED"
    assert "loading" in ran.err


def test_a_failed_run_shows_the_users_own_lines_and_where_to_look(flow, project, home):
    done = subprocess.run(
        [sys.executable, "-m", "pavedroad.cli", "run", "--fail"],
        cwd=flow.root,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert 'flow.py", line' in done.stderr
    assert "pavedroad" not in done.stderr
    assert words(done.stderr)[-1] == "error: step boom failed: ValueError: no good"
    assert words(done.stdout)[-1].startswith("next: paved show ")


def test_a_dry_run_shows_the_plan(flow, paved):
    ran = paved("run", "--dry-run", "--n", "2", cwd=flow.root)
    assert words(ran.out) == [
        "main n=2 plus=0.5 fail=False",
        "STEP WOULD BE BECAUSE",
        "load run never ran before",
        "square run input from load will change",
        "total run input from square will change",
        "3 of 3 would run; nothing was run",
    ]
    assert paved("run", "--dry-run", "--json", cwd=flow.root).json["steps"][0]["verdict"] == "run"
    assert paved("runs", "--json", cwd=flow.root).json == []


def test_why_names_the_step_of_the_last_run_or_of_a_named_one(flow, paved):
    paved("run", cwd=flow.root)
    paved("run", "--plus", "3", cwd=flow.root)
    told = paved("why", "total", cwd=flow.root)
    assert words(told.out)[0].startswith("total: ran: parameter plus: 0.5 → 3.0, since run ")
    assert words(told.out)[-1] == "parameter plus changed 0.5 → 3.0"
    run_id = paved("runs", "--json", cwd=flow.root).json[0]["run_id"]
    as_json = paved("why", run_id[:8], "total", "--json", cwd=flow.root).json
    assert as_json["differences"] == [
        {"part": "parameter plus", "change": "changed", "before": "0.5", "after": "3.0"}
    ]
    assert "cached: same key" in paved("why", "last", "square[1]", cwd=flow.root).out


def test_runs_lists_pipelines_and_runs_of_clients_without_steps(flow, paved):
    paved("run", cwd=flow.root)

    def client_run(tx):
        experiment = ensure_experiment(tx, "by-hand", who="ada")
        end_run(tx, start_run(tx, experiment_id=experiment.id, name="notebook"))

    flow.record.db.write(client_run)
    listed = paved("runs", "--json", cwd=flow.root).json
    assert [(each["name"], each["kind"]) for each in listed] == [("notebook", ""), ("main", "pipeline")]
    assert listed[1]["metrics"] == {"total": 5.5}
    assert "notebook" not in paved("runs", "--pipeline", "main", cwd=flow.root).out
    assert paved("runs", "--status", "failed", "--json", cwd=flow.root).json == []
    assert words(paved("runs", "--limit", "1", cwd=flow.root).out)[1].startswith(listed[0]["run_id"][:8])


def test_without_runs_the_first_one_is_suggested(paved):
    assert "no runs yet: start one with `paved run module:pipeline`" in paved("runs").out


BAD = [
    (("run", "flow:main", "--depth", "8"), "pipeline 'main' has no parameter 'depth'"),
    (("run", "flow:main", "--m", "8"), "has no parameter 'm'"),
    (("run", "flow:main", "--n", "eight"), "parameter 'n' of pipeline 'main': 'eight' is not a whole number"),
    (("run", "flow:main", "--n"), "--n has no value"),
    (("run", "flow:main", "8"), "'8' belongs to no parameter"),
    (("run", "flow:main", "--fail=perhaps"), "'perhaps' is neither true nor false"),
    (("run", "flow:mainn"), "no pipeline 'mainn' in flow"),
    (("run", "floww"), "no module 'floww'"),
    (("run", "flow.pie"), "no module 'flow.pie'"),
    (("run", "nothing.py"), "no file nothing.py"),
    (("run", "flow:main", "--params", "none.toml"), "cannot read none.toml"),
    (("run", "flow:main", "--params", "flow.py"), "not valid TOML"),
    (("run", "flow:main", "--workers", "0"), "0 is not in the range"),
    (("run", "flow:main", "--workers", "many"), "'many' is not a valid integer"),
    (("why", "ffffffff", "load"), "no run"),
    (("why", "load"), ""),
    (("why",), "Missing argument 'RUN'"),
    (("runs", "--status", "done"), "unknown status 'done'"),
    (("runs", "--limit", "-1"), "-1 is not in the range"),
    (("runs", "--limit", "x"), "'x' is not a valid integer"),
    (("runs", "extra"), "unexpected extra argument"),
]


@pytest.mark.parametrize(
    ("command", "said"), BAD, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_bad_input_gets_one_clear_error_and_code_2(flow, paved, command, said):
    plain = paved(*command, cwd=flow.root, code=2)
    assert said in plain.err
    assert "next:" in plain.err
    as_json = paved(*command, "--json", cwd=flow.root, code=2)
    assert said in as_json.json["error"]["message"]


def test_behind_two_dashes_everything_is_the_pipelines(flow, paved):
    """A parameter with the name of one of our own options still reaches the pipeline, behind two dashes."""
    flow.write(
        "named.py",
        "import pavedroad as paved\n\n@paved.step\ndef one(workers: int) -> int:\n    return workers\n\n"
        "@paved.pipeline\ndef main(workers: int = 1):\n    return one(workers)\n",
    )
    ran = paved("run", "named.py", "--json", "--", "--workers", "7", cwd=flow.root)
    assert json.loads(ran.out.splitlines()[0])["parameters"] == {"workers": "7"}
