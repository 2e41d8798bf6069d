"""The pipeline a person names is found, or the message says what to write."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pavedroad.errors import Invalid, NotFound, PavedError
from pavedroad.pipelines.loading import load_pipeline

ONE = "@paved.step\ndef one() -> int:\n    return 1\n\n@paved.pipeline\ndef main():\n    return one()\n"


@pytest.mark.parametrize("target", ["flow:main", "flow", "flow.py:main", "flow.py", "./flow.py:main"])
def test_a_pipeline_is_found_by_module_file_or_name(project, target):
    project.write("flow.py", ONE)
    pipeline, found = load_pipeline(target, project.root)
    assert (pipeline.name, pipeline.function.__module__) == ("main", "flow")
    assert (found.name, found.root) == ("small", project.root)


def test_the_entry_of_the_project_is_taken_when_none_is_named(project):
    project.write("src/pack/__init__.py", "")
    project.write("src/pack/flow.py", "import pavedroad as paved\n\n" + ONE)
    project.write("pyproject.toml", '[project]\nname = "small"\n[tool.paved]\nentry = "pack.flow:main"\n')
    (project.root / "notebooks").mkdir()
    for start in (project.root, project.root / "notebooks"):
        pipeline, _ = load_pipeline("", start)
        assert pipeline.function.__module__ == "pack.flow"


def test_a_file_inside_a_package_has_the_packages_name(project):
    project.write("src/pack/__init__.py", "")
    project.write("src/pack/helper.py", "VALUE = 1\n")
    project.write("src/pack/flow.py", "import pavedroad as paved\nfrom pack.helper import VALUE\n\n" + ONE)
    pipeline, _ = load_pipeline("src/pack/flow.py", project.root)
    assert pipeline.function.__module__ == "pack.flow"


def test_a_file_called_like_a_module_of_python_is_still_loaded(project):
    project.write("random.py", "import pavedroad as paved\n\n" + ONE)
    pipeline, _ = load_pipeline("random.py:main", project.root)
    assert pipeline.function.__module__ == "paved_file_random"
    assert sys.modules["random"].__file__ != str(project.root / "random.py")


def test_only_pipelines_of_the_file_itself_count_when_none_is_named(project):
    project.write("other.py", "import pavedroad as paved\n\n" + ONE.replace("main", "imported"))
    project.write("flow.py", "from other import imported\n\n" + ONE)
    assert load_pipeline("flow", project.root)[0].name == "main"


def test_an_edit_in_the_same_second_with_the_same_size_is_seen(project):
    """Python would take its kept bytecode for current."""
    project.write("rates.py", "TAX = 2\n")
    project.write("flow.py", ONE.replace("return 1", "return __import__('rates').TAX"))
    file = project.root / "rates.py"
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert project.run().result == 2
    file.write_text("TAX = 3\n")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert project.run(use_cache=False).result == 3
    assert not (project.root / "__pycache__").exists()


WRONG = {
    "nothing": ("", "which pipeline? project 'small' names none", "entry ="),
    "a missing module": ("floe:main", "no module 'floe'", "did you mean 'flow'?"),
    "a missing file": ("floe.py:main", "no file floe.py", "paved run module:pipeline"),
    "a missing pipeline": ("flow:mian", "no pipeline 'mian' in flow", "did you mean 'main'?"),
    "a step": ("flow:one", "'one' in flow is not a pipeline", "put @paved.pipeline on top"),
    "two pipelines": ("two", "two has 2 pipelines", "name one: two:a, two:b"),
    "no pipeline": ("none", "no pipeline in none", "put @paved.pipeline on top"),
    "no pipeline of a name": ("none:main", "no pipeline 'main' in none", "put @paved.pipeline on top"),
    "a folder": ("some/folder", "'some/folder' is neither a module nor a .py file", "paved run"),
    "no module name": ("a b", "'a b' is not the name of a module", "paved run"),
    "a syntax error": ("broken.py", "broken.py:1: ", "correct that line"),
    "an exception": ("raises", "cannot load raises: ZeroDivisionError: division by zero", "raises.py:1"),
    "a missing import": ("imports", "No module named 'notthere'", "install notthere, or correct"),
    "a missing name": ("names", "cannot import name 'nope' from 'flow'", "names.py:1"),
    "an exit": ("exits", "exits ends the program when it is loaded", 'if __name__ == "__main__"'),
    "a wrong step": ("wrong", "@paved.step has no option 'retry'", "did you mean 'retries'?"),
    "a name of nothing": (":main", "which pipeline? project 'small' names none", "entry ="),
    "a file that is not text": ("binary.py", "binary: ", "correct that line"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_found_or_loaded_is_told(project, case):
    project.write("flow.py", ONE)
    project.write(
        "two.py", "import pavedroad as paved\n\n" + ONE.replace("main", "a") + ONE.replace("main", "b")
    )
    project.write("none.py", "x = 1\n")
    project.write("broken.py", "def (:\n")
    project.write("raises.py", "1 / 0\n")
    project.write("imports.py", "import notthere\n")
    project.write("names.py", "from flow import nope\n")
    project.write("exits.py", "raise SystemExit(1)\n")
    project.write("wrong.py", "import pavedroad as paved\n\n@paved.step(retry=1)\ndef f(): ...\n")
    (project.root / "binary.py").write_bytes(b"\xff\xfe\x00")
    target, said, hint = WRONG[case]
    with pytest.raises(PavedError) as caught:
        load_pipeline(target, project.root)
    assert isinstance(caught.value, Invalid | NotFound)
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_outside_of_a_project_that_is_told(tmp_path):
    with pytest.raises(Invalid, match="there is no project around"):
        load_pipeline("", tmp_path)


def test_a_file_outside_of_a_project_is_a_project_of_its_folder(tmp_path):
    (tmp_path / "flow.py").write_text("import pavedroad as paved\n\n" + ONE)
    pipeline, project = load_pipeline("flow.py", tmp_path)
    assert (pipeline.name, project.root) == ("main", tmp_path)
    sys.modules.pop("flow", None)
    sys.path[:] = [entry for entry in sys.path if not Path(entry or ".").is_relative_to(tmp_path)]
