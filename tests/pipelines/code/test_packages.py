"""Which distributions count, and with which version: tried on folders like those that pip leaves behind."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import pytest

from pavedroad.pipelines.code.packages import installed

Install = Any


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution into a site-packages of this test's own: files, name and version."""
    folder = tmp_path / "venv" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(folder))

    def put(name: str, version: str, *files: str, text: str = "") -> None:
        for old in folder.glob(f"{name.replace('-', '_')}-*.dist-info"):
            (old / "RECORD").unlink()
            (old / "METADATA").unlink()
            old.rmdir()
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n"
        )
        (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)

    return put


def test_a_package_is_named_as_its_distribution_names_itself(install: Install) -> None:
    install("Odd-Name", "1.2", "odd/__init__.py")
    install("odd", "9.9", "other/__init__.py")
    assert installed(["odd.sub.thing"]) == {"Odd-Name": "1.2"}


def test_a_single_module_belongs_to_its_distribution(install: Install) -> None:
    install("tiny-tool", "0.1", "tinytool.py")
    assert installed(["tinytool"]) == {"tiny-tool": "0.1"}


def test_an_extension_module_belongs_to_its_distribution(install: Install) -> None:
    install("fast-tool", "0.3", "_fasttool.cpython-311-x86_64-linux-gnu.so")
    assert installed(["_fasttool"]) == {"fast-tool": "0.3"}


def test_parts_of_a_namespace_package_belong_to_their_own_distributions(install: Install) -> None:
    install("cloud-store", "1", "cloud/store/__init__.py")
    install("cloud-queue", "2", "cloud/queue/__init__.py")
    assert installed(["cloud.store.client"]) == {"cloud-store": "1"}
    assert installed(["cloud.queue"]) == {"cloud-queue": "2"}
    assert installed(["cloud"]) == {"cloud-store": "1", "cloud-queue": "2"}


def test_a_name_that_only_begins_alike_is_another(install: Install) -> None:
    install("cloudy", "1", "cloudy/__init__.py")
    assert installed(["cloud"]) == {}


def test_an_old_style_distribution_is_known_by_its_top_level_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site-packages" / "old_tool.egg-info"
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text("Name: old-tool\nVersion: 3\n")
    (info / "top_level.txt").write_text("oldtool\n")
    monkeypatch.syspath_prepend(str(info.parent))
    assert installed(["oldtool"]) == {"old-tool": "3"}


def test_python_and_what_is_not_installed_have_no_distribution() -> None:
    assert installed(["nothing_like_this"]) == {}


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("sklearn.linear_model", "scikit-learn"),
        ("PIL.Image", "pillow"),
        ("yaml", "PyYAML"),
        ("numpy", "numpy"),
    ],
)
def test_the_answer_is_that_of_the_standard_library(module: str, distribution: str) -> None:
    assert installed([module]) == {distribution: importlib.metadata.version(distribution)}
    assert distribution in importlib.metadata.packages_distributions()[module.partition(".")[0]]


LATE = {"late/__init__.py": "", "late/a.py": "import toolbox\ndef helper(): return toolbox.go()\n"}


@pytest.mark.parametrize(
    "train",
    {
        "import": "import toolbox\ndef train(): return toolbox.go()\n",
        "from": "from toolbox import go\ndef train(): return go()\n",
        "sub": "import toolbox.sub as s\ndef train(): return s.go()\n",
        "star": "from toolbox.sub import *\ndef train(): return go()\n",
        "inside": "def train():\n    import toolbox\n    return toolbox.go()\n",
        "helper": "from late.a import helper\ndef train(): return helper()\n",
        "helper inside": "def train():\n    from late.a import helper\n    return helper()\n",
        "base": "import toolbox\nclass Model(toolbox.Base): pass\ndef train(): return Model()\n",
        "constant": "import toolbox\nVALUE = toolbox.go()\ndef train(): return VALUE\n",
        "object": "import toolbox\nMODEL = toolbox.Base()\ndef train(): return MODEL\n",
        "decorator": "import toolbox\n@toolbox.deco\ndef helper(): return 1\ndef train(): return helper()\n",
        "annotation": "import toolbox\ndef train(x: toolbox.Base): return x.go()\n",
        "text annotation": (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import toolbox\n"
            "def train(x: 'list[toolbox.Base]'): return x[0].go()\n"
        ),
        "alias": "import toolbox\nFrame = toolbox.Base | None\ndef train(x: Frame): return x.go()\n",
        "cell": (
            "import toolbox\ndef make(x):\n    def train(): return x\n    return train\n"
            "train = make(toolbox.Base())\n"
        ),
        "import_module": "import importlib\ndef train(): return importlib.import_module('toolbox').go()\n",
        "resource": "from importlib.resources import files\ndef train(): return files('toolbox')\n",
        "settings": "import toolbox\ntoolbox.set_seed(3)\ndef train(): return 1\n",
    }.items(),
    ids=lambda item: item[0],
)
def test_a_step_depends_on_the_version_of_what_it_touches(
    project: Any, install: Install, train: tuple[str, str]
) -> None:
    text = "class Base:\n    go = 1\ndef go(): return 1\ndef deco(f): return f\ndef set_seed(x): pass\n"
    install("tool-box", "1.0", "toolbox/__init__.py", "toolbox/sub.py", text=text)
    project.write(LATE | {"late/train.py": train[1]})
    loaded = project.load()
    before = project.fingerprint()
    assert before.packages == {"tool-box": "1.0"}
    assert not any("toolbox" in label.split(".")[0] for label in before.parts)
    install("tool-box", "1.1", "toolbox/__init__.py", "toolbox/sub.py", text=text)
    after = project.fingerprint()
    assert after.packages == {"tool-box": "1.1"}
    assert after.parts == before.parts
    del loaded
    for name in [name for name in sys.modules if name.partition(".")[0] == "toolbox"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "train",
    [
        "import toolbox\ndef train(): return 1\ndef other(): return toolbox.go()\n",
        "def train(): return 1\nif False:\n    import toolbox\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import toolbox\ndef train(): return 1\n",
        "from late import a\ndef train(): return a.LIMIT\n",
    ],
)
def test_a_package_that_a_step_does_not_touch_does_not_count(
    project: Any, install: Install, train: str
) -> None:
    install("tool-box", "1.0", "toolbox/__init__.py", text="def go(): return 1\n")
    project.write(LATE | {"late/train.py": train, "late/a.py": LATE["late/a.py"] + "LIMIT = 3\n"})
    assert project.fingerprint().packages == {}
    sys.modules.pop("toolbox", None)


def test_an_upgrade_is_seen_in_a_running_process(project: Any, install: Install) -> None:
    from pavedroad.pipelines.code import fingerprint

    install("tool-box", "1.0", "toolbox/__init__.py", text="def go(): return 1\n")
    project.write(LATE | {"late/train.py": "import toolbox\ndef train(): return toolbox.go()\n"})
    train = project.load().train
    assert fingerprint(train).packages == {"tool-box": "1.0"}
    install("tool-box", "2.0", "toolbox/__init__.py", text="def go(): return 1\n")
    assert fingerprint(train).packages == {"tool-box": "2.0"}
    sys.modules.pop("toolbox")


def test_pavedroad_itself_does_not_count(project: Any) -> None:
    project.write(
        {
            "late/__init__.py": "",
            "late/train.py": "import pavedroad as paved\n@paved.step\ndef train(): return paved.step\n",
        }
    )
    assert project.fingerprint().packages == {}
