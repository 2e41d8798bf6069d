from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import msgspec

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.tst.suite import decorators_of, test_files, tests_of
from pavedroad.checks.source import Module, Scope

# Calls that fail a test by themselves.
_CHECKS = re.compile(
    r"assert|^check|check$|^verify|verify$|verified|^expect|^ensure|^must|^should|^compare|validate|raises|^warns$|"
    r"^fail$|deprecated_call|^approx|snapshot|gradcheck|^match|^run_(and_)?(check|test|compare)|expectation|"
    r"^wait_(for|until)|^raise_for_",
    re.IGNORECASE,
)
# Names of tests that only promise to get to the end.
_RUNS_THROUGH = re.compile(
    r"smoke|runs?($|_)|does_?n[o']?t_(raise|fail|crash)|no_(error|exception|crash|raise)|not_raise|"
    r"without_(error|exception|raising|crash)|imports?($|_)|can_be|compiles|script($|_)|scriptable|benchmark|perf|"
    r"works|succeeds|loads$|(do|does|did)_not_|is_(fine|allowed|accepted|taken|done|ok)($|_)|accepts?($|_)",
    re.IGNORECASE,
)
ENDS = ("skip", "exit", "importorskip")
HELPERS_DEEP = 3  # a test calls a function that calls one that asserts
# `given`: any input that hypothesis finds may end the test, which is what it asks.
SKIPS = ("skip", "skipif", "xfail", "benchmark", "expectedFailure", "given")
FIXTURES_THAT_CHECK = (
    "benchmark", "snapshot", "snap_compare", "data_regression", "num_regression", "file_regression",
    "ndarrays_regression", "dataframe_regression", "image_regression", "testdir", "pytester",
)  # fmt: skip


@rule("TST303", "test-without-assertion", since="0.1", explore="note", team="warning", production="warning")
def test_without_assertion(project: Project) -> Iterator[Found]:
    """A test can fail.

    Why:
        A test that asserts nothing is green whatever the code returns: it counts as tested and is not. 8 of
        27 public projects with tests had some, 59 of 468 functions.
    Bad:
        ```text
        def test_prediction():
            print(predict(row))
        ```
    Good:
        ```text
        def test_prediction():
            assert predict(row) == pytest.approx(0.31, abs=0.01)
        ```
    Accepts:
        assert, pytest.raises and its like, asserts of unittest, NumPy, pandas and mocks, functions of the
        tests that assert or whose name says check or verify, a raise, a call of a fixture, tests of
        hypothesis, skipped ones, and those whose name says that they only run through: smoke, does_not_raise.
    References:
        https://docs.pytest.org/en/stable/how-to/assert.html
    """
    files = test_files(project)
    doings = {function: _doing(function) for module in files for function in module.functions}
    asserting: set[str] = set()
    for _ in range(HELPERS_DEEP):
        asserting |= {function.name for function, doing in doings.items() if doing.asserts(asserting)}
    for module in files:
        if not _is_collected(module.path):
            continue
        for function, _ in tests_of(module):
            if not _is_excused(module, function) and not doings[function].asserts(asserting):
                what = "is empty" if _is_empty(function) else "asserts nothing"
                yield Found(
                    at=project.line(module.path, function.lineno),
                    says=f"{function.name} {what}",
                    hint="assert what must come out, or say in its name that it only runs through",
                )


class _Doing(msgspec.Struct, frozen=True, kw_only=True):
    """What a function does that may fail a test."""

    checks: bool  # by itself
    calls: frozenset[str]

    def asserts(self, helpers: set[str]) -> bool:
        return self.checks or not self.calls.isdisjoint(helpers)


def _is_collected(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("test_") or name.endswith("_test.py") or name in ("tests.py", "test.py")


def _is_excused(module: Module, function: Scope) -> bool:
    if any(name.rpartition(".")[2] in SKIPS for name in decorators_of(module, function)):
        return True
    if any(isinstance(node, ast.Return) and node.value is not None for node in _own_nodes(function)):
        return True  # it answers somebody: a function of the tests, not a test
    arguments = [argument.arg for argument in function.args.args]
    if _RUNS_THROUGH.search(function.name) or any(name in FIXTURES_THAT_CHECK for name in arguments):
        return True
    # What a fixture or a parameter does when it is called lies elsewhere: it may well assert.
    called = {
        node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return bool(called & set(arguments))


def _doing(function: Scope) -> _Doing:
    checks, calls = False, set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assert | ast.Raise):
            checks = True
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            calls.add(name)
            checked = any(
                keyword.arg == "check" and getattr(keyword.value, "value", None) is True
                for keyword in node.keywords
            )
            checks = checks or checked or name in ENDS or _CHECKS.search(name) is not None
    return _Doing(checks=checks, calls=frozenset(calls))


def _own_nodes(function: Scope) -> Iterator[ast.AST]:
    """What stands in a function itself, not in functions within it."""
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            left += ast.iter_child_nodes(node)


def _is_empty(function: Scope) -> bool:
    return all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in function.body
    )
