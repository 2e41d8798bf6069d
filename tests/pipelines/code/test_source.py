"""What counts is the code that runs, whatever has become of its file."""

from __future__ import annotations

import importlib
import linecache
import os
import sys
import types
from typing import Any

import pytest

from pavedroad.pipelines.code import fingerprint, forget

LATE = {
    "late/__init__.py": "",
    "late/a.py": "LIMIT = 3\nITER = iter([LIMIT])\ndef helper():\n    return 1\n",
    "late/train.py": "from late import a\ndef train(): return a.helper(), a.LIMIT, a.ITER\n",
}


def test_an_edit_that_is_not_loaded_does_not_count_but_is_told(project: Any) -> None:
    project.write(LATE)
    train = project.load().train
    project.replace("late/a.py", "return 1", "return 22")
    found = fingerprint(train)
    assert found.warnings == [
        "step train: late/a.py changed after it was loaded or compiled, and the older code runs; "
        "restart Python (`touch` the file if that does not help)"
    ]
    project.replace("late/a.py", "return 22", "return 333")
    assert fingerprint(train).parts["function late.a.helper"] == found.parts["function late.a.helper"]
    assert project.fingerprint().parts["function late.a.helper"] != found.parts["function late.a.helper"]


def test_once_looked_at_a_loaded_module_is_known_whatever_its_file_says_later(project: Any) -> None:
    project.write(LATE)
    train = project.load().train
    before = fingerprint(train)
    project.replace("late/a.py", "return 1", "return 22")
    project.replace("late/a.py", "LIMIT = 3", "LIMIT = 44")
    assert fingerprint(train) == before
    forget_only_answers()
    assert fingerprint(train) == before


def forget_only_answers() -> None:
    from pavedroad.pipelines.code import fingerprints

    fingerprints._remembered.clear()


def test_a_comment_that_is_not_loaded_changes_no_function(project: Any) -> None:
    project.write(LATE)
    before = project.fingerprint()
    train = project.load().train
    forget()
    project.replace("late/a.py", "def helper", "# moved\n\ndef helper")
    after = fingerprint(train)
    assert after.parts["function late.a.helper"] == before.parts["function late.a.helper"]


def test_what_an_edited_module_has_made_is_never_mistaken_for_a_clean_start(project: Any) -> None:
    project.write(LATE)
    train = project.load().train
    project.replace("late/a.py", "LIMIT = 3", "LIMIT = 3 + 1")
    edited = fingerprint(train)
    clean = project.fingerprint()
    assert edited.parts != clean.parts
    assert edited.parts["value late.a.LIMIT"] != clean.parts["value late.a.LIMIT"]


def test_a_module_loaded_again_is_looked_at_again(project: Any) -> None:
    project.write(LATE)
    module = project.load()
    before = fingerprint(module.train)
    project.replace("late/a.py", "return 1", "return 2")
    importlib.reload(sys.modules["late.a"])
    after = fingerprint(module.train)
    assert after.parts["function late.a.helper"] != before.parts["function late.a.helper"]
    assert not after.warnings


def test_code_put_into_a_function_by_hand_is_described_by_its_bytecode(project: Any) -> None:
    project.write(LATE)
    module = project.load()
    before = fingerprint(module.train)
    namespace: dict[str, Any] = {}
    exec("def helper():\n    return 99\n", namespace)
    sys.modules["late.a"].helper.__code__ = namespace["helper"].__code__
    after = fingerprint(module.train)
    assert after.parts["function late.a.helper"] != before.parts["function late.a.helper"]


def test_a_compiled_file_that_hides_an_edit_of_the_same_second_is_found(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    project.write(LATE)
    path = project.root / "late/a.py"
    os.utime(path, (1_700_000_000, 1_700_000_000.1))
    before = project.fingerprint()
    project.replace("late/a.py", "return 1", "return 2")  # same size; then the same second
    os.utime(path, (1_700_000_000, 1_700_000_000.9))
    module = project.load()
    assert module.a.helper() == 1, "Python itself runs the older code here"
    hidden = fingerprint(module.train)
    assert any("late/a.py changed after it was loaded or compiled" in each for each in hidden.warnings)
    os.utime(path)
    assert project.load().a.helper() == 2
    clean = project.fingerprint()
    assert before.parts != hidden.parts != clean.parts != before.parts


def test_an_edit_after_loading_is_found_by_the_compiled_file_when_no_function_shows_it(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    project.write(LATE)
    train = project.load().train
    project.replace("late/a.py", "iter([LIMIT])", "iter([LIMIT, 2])")
    edited = fingerprint(train)
    assert any("late/a.py changed after it was loaded" in each for each in edited.warnings)
    assert edited.parts != project.fingerprint().parts


def test_a_module_that_is_not_loaded_is_read_again_when_it_changes(project: Any) -> None:
    project.write(LATE | {"late/train.py": "def train():\n    from late import a\n    return a.helper()\n"})
    train = project.load().train
    before = fingerprint(train)
    assert "late.a" not in sys.modules
    project.replace("late/a.py", "return 1", "return 2")
    assert fingerprint(train).parts["function late.a.helper"] != before.parts["function late.a.helper"]
    assert "late.a" not in sys.modules, "it must not be imported to be read"


def test_running_a_step_that_imports_does_not_change_its_fingerprint(project: Any) -> None:
    project.write(
        LATE | {"late/train.py": "def train():\n    from late import a\n    return a.helper(), a.LIMIT\n"}
    )
    train = project.load().train
    before = fingerprint(train)
    train()
    forget()
    assert fingerprint(train) == before


def notebook(*cells: str) -> dict[str, Any]:
    """Run cells as a notebook does: in one namespace without a file, their text kept for tracebacks."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, text in enumerate(cells):
        name = f"<cell {number} {hash(text)}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), namespace)
    return namespace


def test_functions_of_notebook_cells_are_described_by_their_text() -> None:
    before = fingerprint(
        notebook("LIMIT = 3\n", "def helper(): return LIMIT\n", "def train(): return helper()\n")["train"]
    )
    spaced = fingerprint(
        notebook("LIMIT = 3\n", "def helper():\n  # two\n  return LIMIT\n", "def train(): return helper()\n")[
            "train"
        ]
    )
    assert before == spaced
    assert "function __main__.helper" in before.parts
    other = fingerprint(
        notebook("LIMIT = 4\n", "def helper(): return LIMIT\n", "def train(): return helper()\n")["train"]
    )
    assert other.parts["value __main__.LIMIT"] != before.parts["value __main__.LIMIT"]


def test_a_cell_run_again_gives_a_new_fingerprint() -> None:
    before = fingerprint(notebook("def helper(): return 1\n", "def train(): return helper()\n")["train"])
    after = fingerprint(notebook("def helper(): return 2\n", "def train(): return helper()\n")["train"])
    assert {label for label in before.parts if before.parts[label] != after.parts[label]} == {
        "function __main__.helper"
    }


def test_options_of_a_step_in_a_notebook_do_not_count() -> None:
    cells = ["import pavedroad as paved\n", "@paved.step(retries=1)\ndef train(): return 1\n"]
    before = fingerprint(notebook(*cells)["train"])
    assert fingerprint(notebook(cells[0], cells[1].replace("1)", "2)"))["train"]) == before


def made_by_exec(text: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "made"}
    exec(text, namespace)
    return namespace["train"]


def test_a_function_without_source_is_described_by_its_bytecode() -> None:
    text = "import math\nLIMIT = 3\ndef helper(): return LIMIT\ndef train(): return helper() + math.pi\n"
    before = fingerprint(made_by_exec(text))
    assert {"function made.train", "function made.helper", "value made.LIMIT"} <= set(before.parts)
    assert fingerprint(made_by_exec("# moved\n\n" + text)) == before
    assert fingerprint(made_by_exec(text.replace("3", "4"))).parts != before.parts
    assert fingerprint(made_by_exec(text.replace("+", "-"))).parts != before.parts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1", "2"),
        ("'a'", "'b'"),
        ("x=", "y="),
        ("* 3", "* 4"),
        ("except KeyError", "except ValueError"),
        ("(5, 6)", "(5, 7)"),
    ],
)
def test_bytecode_shows_every_change(old: str, new: str) -> None:
    text = (
        "def train(x=1):\n"
        "    try:\n"
        "        return [y * 3 for y in (5, 6)], (lambda: 'a'), {8, 9}\n"
        "    except KeyError:\n"
        "        return None\n"
    )
    assert fingerprint(made_by_exec(text)).parts != fingerprint(made_by_exec(text.replace(old, new, 1))).parts


def test_docstrings_do_not_count_in_bytecode_either() -> None:
    text = "def train():\n    'One.'\n    return 1\n"
    before = fingerprint(made_by_exec(text))
    assert fingerprint(made_by_exec(text.replace("One.", "Two."))) == before


def test_a_docstring_that_is_also_a_value_counts_in_bytecode() -> None:
    text = "def train():\n    'One.'\n    return 'One.'\n"
    assert (
        fingerprint(made_by_exec(text.replace("One", "Two"))).parts != fingerprint(made_by_exec(text)).parts
    )


def test_a_file_that_is_not_python_any_more_does_not_stop_a_fingerprint(project: Any) -> None:
    project.write(LATE)
    train = project.load().train
    project.write({"late/a.py": "def helper(:\n", "late/train.py": "\x00"})
    assert "function late.train.train" in fingerprint(train).parts


def test_a_file_that_is_gone_does_not_stop_a_fingerprint(project: Any) -> None:
    project.write(LATE)
    train = project.load().train
    for name in LATE:
        (project.root / name).unlink()
    assert {"function late.train.train", "function late.a.helper"} <= set(fingerprint(train).parts)


def test_a_module_made_in_memory_is_followed_by_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    made = types.ModuleType("made_here")
    exec("LIMIT = 5\ndef helper(): return LIMIT\n", vars(made))
    monkeypatch.setitem(sys.modules, "made_here", made)
    namespace: dict[str, Any] = {"__name__": "user", "made_here": made}
    exec("def train(): return made_here.helper()\n", namespace)
    before = fingerprint(namespace["train"])
    made.LIMIT = 6  # type: ignore[attr-defined]
    assert fingerprint(namespace["train"]).parts != before.parts
