"""Bad definitions of steps and pipelines: refused before anything runs, with the value and the next step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Case(NamedTuple):
    name: str
    source: str
    says: str
    next: str
    options: str = ""


STEPS = """
@paved.step
def one(n: int) -> int:
    return n

@paved.step
def text(n: int) -> str:
    return str(n)
"""


def flow(body: str, *, takes: str = "", gives: str = "int") -> str:
    return f"{STEPS}\n@paved.pipeline\ndef flow({takes}) -> {gives}:\n    {body}\n"


def step(options: str, function: str = "def one(n: int) -> int:\n    return n") -> str:
    return f"@paved.step{options}\n{function}\n\n@paved.pipeline\ndef flow() -> int:\n    return one(1)\n"


CASES = (
    # Files that cannot be loaded.
    Case("a file that does not parse", "def flow(:\n", "bad.py:3: invalid syntax", "correct that line"),
    Case("a null byte", "x = '\0'\n", "null bytes", "correct that line"),
    Case("an unknown module", "import nosuchmodule\n", "'nosuchmodule'", "install nosuchmodule"),
    Case("an error while loading", "1 / 0\n", "ZeroDivisionError: division by zero", "bad.py:3"),
    Case("a program that exits", "raise SystemExit(7)\n", "ends the program", "__main__"),
    Case("no pipeline", STEPS, "no pipeline in bad.py", "@paved.pipeline"),
    Case(
        "two pipelines",
        flow("return one(1)") + flow("return one(1)").replace("flow", "other"),
        "has 2 pipelines",
        "bad.py:flow",
    ),
    # Steps that are none.
    Case("a step of a number", "one = paved.step(5)\n", "5 is not a plain function", "write `def`"),
    Case("a step of a class", step("", "class one:\n    pass"), "one is not a plain function", "write `def`"),
    Case(
        "an async step",
        step("", "async def one(n: int) -> int:\n    return n"),
        "one() is async",
        "plain function",
    ),
    Case("a step that yields", step("", "def one(n: int):\n    yield n"), "one() yields", "return a list"),
    Case("an unknown option", step("(retry=1)"), "'retry'", "did you mean 'retries'"),
    Case("too few retries", step("(retries=-1)"), "retries=-1", "larger number"),
    Case("retries in words", step("(retries='twice')"), "retries", "docs/pipelines.md"),
    Case("no time at all", step("(timeout_s=0)"), "timeout_s=0", "larger number"),
    Case("an unknown resource", step("(resources={'cpus': 1})"), "'cpus'", "did you mean 'cpu'"),
    Case("memory in words", step("(resources={'memory': 'lots'})"), "'lots'", "2GB"),
    Case("a version that is no text", step("(version=3.5)"), "version", "docs/pipelines.md"),
    # Calls that do not fit.
    Case(
        "a value of another type",
        flow("return one('x')"),
        "n: int, but is given str 'x'",
        "correct the value",
    ),
    Case("a result of another type", flow("return one(text(1))"), "step 'text' gives str", "annotations"),
    Case("a missing argument", flow("return one()"), "'n'", "one(n: int) -> int"),
    Case("one argument too many", flow("return one(1, 2)"), "too many", "one(n: int) -> int"),
    Case("an unknown argument", flow("return one(m=1)"), "one()", "one(n: int) -> int"),
    # Using a value that is not there yet.
    Case(
        "a condition",
        flow("return one(2) if one(1) else one(3)"),
        "step 'one' is not computed yet",
        "@paved.step",
    ),
    Case(
        "a comparison", flow("return one(2) if one(1) > 0 else one(3)"), "cannot be compared", "@paved.step"
    ),
    Case("a calculation", flow("return one(1) + 1"), "cannot be calculated with", "@paved.step"),
    Case("an attribute", flow("return one(1).real"), ".real", "@paved.step"),
    Case("a loop", flow("return sum(one(i) for i in one(3))"), "cannot be gone through", "step.map"),
    Case("a map over a number", flow("return one.map(5)", gives="list[int]"), "int 5", "by name"),
    Case(
        "a map over no list", flow("return one.map(one(1))", gives="list[int]"), "not a list", "return a list"
    ),
    # Pipelines that cannot be built.
    Case("no steps", flow("return 3"), "'flow' calls no steps", "@paved.step"),
    Case("a circle", flow("return flow()"), "flow → flow", "take the call out"),
    Case("an error while building", flow("raise ValueError('boom')"), "ValueError: boom", "in flow"),
    # Parameters.
    Case("no value", flow("return one(n)", takes="n: int"), "'n'", "--n VALUE"),
    Case("words for a number", flow("return one(n)", takes="n: int = 1"), "'many'", "int", "--n many"),
    Case("an unknown parameter", flow("return one(n)", takes="n: int = 1"), "'m'", "n", "--m 3"),
    Case("a parameter without value", flow("return one(n)", takes="n: int = 1"), "n", "", "--n"),
    Case("an unknown pipeline", flow("return one(1)"), "'nosuch'", "flow", ":nosuch"),
    Case("no such file of parameters", flow("return one(1)"), "none.toml", "", "--params none.toml"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_definition_says_what_and_what_next(
    paved: Callable[..., Any], tmp_path: Path, case: Case
) -> None:
    (tmp_path / "bad.py").write_text(f"import pavedroad as paved\n\n{case.source}", "utf-8")
    target = "bad.py" + case.options if case.options.startswith(":") else f"bad.py {case.options}"
    ran = paved("run", *target.split(), code=2)
    assert "Traceback" not in ran.err
    what, _, hint = ran.err.partition("\n next: ")
    assert what.startswith("error: "), ran.err
    assert case.says in what, ran.err
    assert hint.strip(), ran.err
    assert case.next in hint, ran.err


def test_a_step_that_fails_is_told_in_one_line_with_its_own_traceback_and_exit_code_1(
    paved: Callable[..., Any], tmp_path: Path
) -> None:
    source = step("", "def one(n: int) -> int:\n    raise ValueError('boom')")
    (tmp_path / "bad.py").write_text(f"import pavedroad as paved\n\n{source}", "utf-8")
    ran = paved("run", "bad.py", code=1)
    assert "step one failed: ValueError: boom" in ran.err
    assert "paved show" in ran.out + ran.err
    assert "/pavedroad/" not in ran.err, "frames of ours are of no use to the reader"
