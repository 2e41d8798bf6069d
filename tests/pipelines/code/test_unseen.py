"""Code that chooses code at run time is told once, with its place and the next step."""

from __future__ import annotations

from typing import Any

import pytest

from pavedroad.pipelines.code import fingerprint

FILES = {
    "late/__init__.py": "",
    "late/features.py": "def add(): return 1\nclass Kinds:\n    def a(self): return 1\n",
    "late/tool.py": "print(1)\n",
}
TOLD = {
    "getattr(features, name)": "chooses code at run time",
    "getattr(Kinds, name)": "chooses code at run time",
    "vars(features)[name]": "chooses code at run time",
    "globals()[name]": "chooses code at run time",
    "globals().get(name)": "chooses code at run time",
    "sys.modules[name]": "chooses code at run time",
    "operator.methodcaller(name)": "chooses code at run time",
    "eval(name)": "runs text as code",
    "exec(name)": "runs text as code",
    "importlib.import_module(name)": "imports a module chosen at run time",
    "load_module(name)": "imports a module chosen at run time",
    "__import__(name)": "imports a module chosen at run time",
    "importlib.metadata.entry_points(group=name)": "loads plug-ins chosen by what is installed",
    "runpy.run_path(name)": "runs a file as code",
    "pickle.load(name)": "loads objects whose code is not visible here",
    "pickle.loads(name)": "loads objects whose code is not visible here",
    "subprocess.run([sys.executable, 'late/tool.py'])": "starts a script of this project",
    "subprocess.check_output(['python', '-m', 'late.tool'])": "starts a script of this project",
    "os.system('python late/tool.py')": "starts a script of this project",
}
NOT_TOLD = [
    "getattr(features, 'add')",
    "getattr(name, 'x')",
    "getattr(json, name)",
    "getattr(name, other)",
    "globals()['train']",
    "importlib.import_module('late.features')",
    "json.load(name)",
    "subprocess.run(['git', 'status'])",
    "name.eval('x')",
    "frame.eval('a + b')",
    "model.load(name)",
    "vars(name)",
]
HEAD = (
    "import importlib, importlib.metadata, json, operator, os, pickle, runpy, subprocess, sys\n"
    "from importlib import import_module as load_module\n"
    "from late import features\n"
    "from late.features import Kinds\n"
    "def train(name, other=None, frame=None, model=None):\n"
)


@pytest.mark.parametrize("text", TOLD)
def test_it_is_told_with_its_place_and_what_to_do(project: Any, text: str) -> None:
    project.write(FILES | {"late/train.py": HEAD + f"    return {text}\n"})
    assert project.fingerprint().warnings == [
        f"step train: {text} in late/train.py:6 {TOLD[text]}; list what it may call in depends_on="
    ]


@pytest.mark.parametrize("text", NOT_TOLD)
def test_what_can_be_followed_or_is_not_code_is_not_told(project: Any, text: str) -> None:
    project.write(FILES | {"late/train.py": HEAD + f"    return {text}\n"})
    assert project.fingerprint().warnings == []


def test_a_name_that_means_something_else_here_is_not_told(project: Any) -> None:
    project.write(FILES | {"late/train.py": "def eval(x): return x\ndef train(name): return eval(name)\n"})
    assert project.fingerprint().warnings == []


def test_it_is_told_of_a_helper_in_another_module_too(project: Any) -> None:
    project.write(
        FILES
        | {
            "late/train.py": "from late.pick import pick\ndef train(name): return pick(name)\n",
            "late/pick.py": "from late import features\n\ndef pick(x):\n    return getattr(features, x)()\n",
        }
    )
    assert project.fingerprint().warnings == [
        "step train: getattr(features, x) in late/pick.py:4 chooses code at run time; "
        "list what it may call in depends_on="
    ]


def test_imports_inside_the_function_are_understood(project: Any) -> None:
    text = (
        "def train(name):\n    import importlib as i\n    from late import features as f\n"
        "    return i.import_module(name), getattr(f, name)\n"
    )
    project.write(FILES | {"late/train.py": text})
    assert len(project.fingerprint().warnings) == 2


def test_depends_on_and_version_answer_it(project: Any) -> None:
    project.write(FILES | {"late/train.py": HEAD + "    return getattr(features, name)\n"})
    late = project.load()
    assert fingerprint(late.train).warnings
    assert not fingerprint(late.train, depends_on=[late.features.add]).warnings
    assert not fingerprint(late.train, version="1").warnings


def test_a_file_chosen_at_run_time_beside_the_code_is_told(project: Any) -> None:
    text = (
        "from pathlib import Path\nHERE = Path(__file__).parent\n"
        "def train(name):\n    return (HERE / name).read_text()\n"
    )
    project.write(FILES | {"late/train.py": text})
    assert project.fingerprint().warnings == [
        "step train: HERE / name in late/train.py:4 names a file at run time; "
        "list what it may read in depends_on="
    ]


def test_a_captured_value_that_cannot_be_compared_is_told(project: Any) -> None:
    text = (
        "import threading\ndef make(x):\n    def train(): return x\n    return train\n"
        "train = make(threading.Lock())\n"
    )
    project.write(FILES | {"late/train.py": text})
    assert project.fingerprint().warnings == [
        "step train: closure late.train.make.<locals>.train(x) cannot be compared (a lock); "
        "pass it as an input"
    ]


def test_a_global_too_large_to_compare_is_told(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pavedroad.pipelines.code.values.MOST_VALUES", 100)
    project.write(FILES | {"late/train.py": "BIG = list(range(1000))\ndef train(): return BIG\n"})
    assert project.fingerprint().warnings == [
        "step train: global BIG in late.train is too large to compare; only the code that makes it counts, "
        "pass it as an input"
    ]


def test_a_large_folder_is_told_and_known_by_names_and_sizes(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pavedroad.pipelines.code.files.MOST_FILES", 2)
    text = "from pathlib import Path\nDATA = Path(__file__).parent / 'data'\ndef train(x): return DATA / x\n"
    project.write(FILES | {"late/train.py": text} | {f"late/data/{n}.csv": "abc" for n in range(3)})
    before = project.fingerprint()
    assert before.warnings == [
        "step train: folder late/data holds 3 files, 9 B; only names and sizes count, "
        "pass the files that matter as Path parameters"
    ]
    project.write({"late/data/3.csv": ""})
    assert project.fingerprint().parts != before.parts
