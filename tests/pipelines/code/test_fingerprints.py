from __future__ import annotations

import functools
import importlib.machinery
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pavedroad.errors import DefinitionError
from pavedroad.pipelines.code import CodeFingerprint, fingerprint, forget
from pavedroad.pipelines.code import fingerprints as module_under_test

SRC = Path(__file__).parents[3] / "src"


# --- the same everywhere ------------------------------------------------------------------------------------

MANY = {
    "late/__init__.py": "from .features import add\n",
    "late/settings.py": """\
        import datetime, enum, pathlib
        WORDS = {"b", "a", "c", "d"}
        TABLE = {"x": 1, "y": {2.5, 3.5}, "when": datetime.date(2013, 1, 1)}
        HERE = pathlib.Path(__file__).parent
        DATA = HERE.parent / "data" / "x.csv"
        TEXT = str(DATA)
        class Size(enum.Enum):
            S = 1
    """,
    "late/features.py": """\
        import functools
        from . import settings
        def deco(f):
            @functools.wraps(f)
            def wrapper(*args): return f(*args)
            return wrapper
        @deco
        def add(x, size=settings.Size.S): return settings.TABLE, settings.WORDS, settings.TEXT
    """,
    "late/train.py": """\
        import functools
        import numpy as np
        from late import add
        from late.settings import DATA
        ARRAY = np.arange(5)
        TWO = functools.partial(add, 2)
        class Model:
            depth = 3
            def fit(self): return TWO(), ARRAY
        def train():
            from late import other
            return Model().fit(), DATA.read_text(), other.f
    """,
    "late/other.py": "def f(): return {1: 2}\n",
    "data/x.csv": "1,2,3\n",
}
ASK = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import late.train
from pavedroad.pipelines.code import fingerprint
found = fingerprint(late.train.train)
print(json.dumps([found.parts, found.packages, found.warnings]))
"""


def ask(root: Path, seed: str, *, cwd: Path) -> list[Any]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(root), str(SRC)],
        env=environment, cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_another_folder_process_and_hash_seed_give_the_same_fingerprint(project: Any, tmp_path: Path) -> None:
    project.write(MANY)
    moved = tmp_path / "elsewhere" / "moved here"
    shutil.copytree(project.root, moved)
    here, there = ask(project.root, "1", cwd=tmp_path), ask(moved, "2", cwd=moved)
    assert here == there
    assert {"file data/x.csv", "value late.settings.TEXT", "function late.other.f"} <= set(here[0])
    assert here[1].keys() == {"numpy"}
    assert str(tmp_path) not in json.dumps(here)


def test_a_script_has_the_fingerprint_of_its_module(project: Any, tmp_path: Path) -> None:
    text = "def helper(): return 1\ndef train(): return helper()\n"
    tell = (
        "if __name__ == '__main__':\n"
        "    from pavedroad.pipelines.code import fingerprint\n"
        "    print(*fingerprint(train).parts)\n"
    )
    project.write({"flights.py": text + tell, "late/__init__.py": "", "late/train.py": text + tell})
    for script, module in ("flights.py", "flights"), ("late/train.py", "late.train"):
        done = subprocess.run(
            [sys.executable, script], cwd=project.root, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        )  # fmt: skip
        assert done.stdout.split() == " ".join(project.fingerprint(module=module).parts).split()


# --- what is remembered -------------------------------------------------------------------------------------


def computed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    compute = module_under_test._compute

    def counted(function: Any, *rest: Any) -> Any:
        calls.append(function)
        return compute(function, *rest)

    monkeypatch.setattr(module_under_test, "_compute", counted)
    return calls


def test_a_fingerprint_is_computed_once_while_nothing_changes(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(MANY)
    train = project.load().train
    calls = computed(monkeypatch)
    first = fingerprint(train)
    assert all(fingerprint(train) is first for _ in range(200))
    assert len(calls) == 1


CHANGES_IN_MEMORY = {
    "a constant": lambda late: setattr(sys.modules["late.settings"], "TEXT", "x"),
    "an entry of a dict": lambda late: sys.modules["late.settings"].TABLE.update(x=5),
    "a set": lambda late: sys.modules["late.settings"].WORDS.add("e"),
    "an array": lambda late: late.ARRAY.__setitem__(0, 7),
    "a function": lambda late: setattr(late, "add", len),
    "a default": lambda late: setattr(sys.modules["late.features"].add.__wrapped__, "__defaults__", (3,)),
    "a method": lambda late: setattr(late.Model, "fit", lambda self: 3),
    "a class attribute": lambda late: setattr(late.Model, "depth", 4),
    "a new name": lambda late: setattr(late, "max", 4),
}


@pytest.mark.parametrize("change", CHANGES_IN_MEMORY)
def test_what_changes_in_memory_is_seen(project: Any, change: str) -> None:
    project.write(
        MANY | {"late/train.py": MANY["late/train.py"].replace("return Model()", "return max, Model()")}
    )
    module = project.load()
    before = fingerprint(module.train)
    CHANGES_IN_MEMORY[change](module)
    assert fingerprint(module.train).parts != before.parts


def test_a_data_file_that_appears_and_changes_is_seen(project: Any) -> None:
    project.write(MANY)
    data = project.root / "data/x.csv"
    data.unlink()
    train = project.load().train
    missing = fingerprint(train).parts
    data.write_text("1")
    there = fingerprint(train).parts
    data.write_text("2")
    changed = fingerprint(train).parts
    assert "file data/x.csv" not in missing
    assert missing != there != changed


def test_many_threads_get_the_same_answer(project: Any) -> None:
    project.write(MANY)
    train = project.load().train
    found: list[CodeFingerprint] = []
    threads = [threading.Thread(target=lambda: found.append(fingerprint(train))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(each == found[0] for each in found)


def test_looking_at_code_runs_none_of_it(project: Any) -> None:
    project.write(
        {
            "late/__init__.py": "",
            "late/train.py": """\
                RAN = []
                class Proxy:
                    def __getattr__(self, name): RAN.append(name); raise AttributeError(name)
                    def __eq__(self, other): RAN.append("eq"); return True
                    def __hash__(self): RAN.append("hash"); return 1
                    def __repr__(self): RAN.append("repr"); return "x"
                    def __reduce__(self): RAN.append("reduce"); return "x"
                    def __iter__(self): RAN.append("iter"); return iter(())
                    @property
                    def __dict__(self): RAN.append("dict"); return {}
                class Words(dict):
                    def items(self): RAN.append("items"); return []
                PROXY, WORDS = Proxy(), Words(a=1)
                def made():
                    proxy = Proxy()
                    def inner(x=PROXY): return proxy, PROXY, WORDS
                    return inner
                train = made()
                def ran(): return RAN
                """,
            "late/never.py": "raise AssertionError('imported')\n",
        }
    )
    module = project.load()
    fingerprint(module.train)
    fingerprint(module.train)
    assert module.ran() == []


# --- options ------------------------------------------------------------------------------------------------

PLAIN = {
    "late/__init__.py": "",
    "late/train.py": "def train(): return 1\ndef other(): return 2\nclass Other:\n    x = 3\n",
    "late/rules.py": "def rule(): return 4\n",
    "late/plugins/__init__.py": "",
    "late/plugins/one.py": "def one(): return 5\n",
    "rules.json": "6",
    "data/a.csv": "7",
    "data/deep/b.csv": "8",
}


@pytest.mark.parametrize(
    ("chosen", "edit", "part"),
    [
        (lambda root, late: late.other, ("late/train.py", "2", "9"), "function late.train.other"),
        (lambda root, late: late.Other, ("late/train.py", "3", "9"), "class late.train.Other"),
        (
            lambda root, late: functools.partial(late.other, 3),
            ("late/train.py", "2", "9"),
            "function late.train.other",
        ),
        (lambda root, late: module("late.rules"), ("late/rules.py", "4", "9"), "function late.rules.rule"),
        (
            lambda root, late: module("late.plugins"),
            ("late/plugins/one.py", "5", "9"),
            "function late.plugins.one.one",
        ),
        (lambda root, late: root / "rules.json", ("rules.json", "6", "9"), "file rules.json"),
        (lambda root, late: Path("rules.json"), ("rules.json", "6", "9"), "file rules.json"),
        (lambda root, late: root / "data", ("data/deep/b.csv", "8", "9"), "folder data"),
        (lambda root, late: root / "late", ("late/rules.py", "4", "9"), "folder late"),
    ],
)
def test_depends_on_adds_what_it_lists(
    project: Any, chosen: Any, edit: tuple[str, str, str], part: str
) -> None:
    project.write(PLAIN)
    late = project.load()
    before = fingerprint(late.train, depends_on=[chosen(project.root, late)])
    assert part not in fingerprint(late.train).parts
    project.replace(*edit)
    late = project.load()
    after = fingerprint(late.train, depends_on=[chosen(project.root, late)])
    assert after.parts[part] != before.parts[part]


def module(name: str) -> Any:
    import importlib

    return importlib.import_module(name)


def test_depends_on_a_library_adds_its_version(project: Any) -> None:
    project.write(PLAIN)
    assert "msgspec" in fingerprint(project.load().train, depends_on=[module("msgspec")]).packages


@pytest.mark.parametrize("wrong", ["rules.json", 3, None, ["x"]])
def test_depends_on_something_else_is_an_error_that_says_so(project: Any, wrong: Any) -> None:
    project.write(PLAIN)
    with pytest.raises(DefinitionError, match=r"depends_on= of step train") as caught:
        fingerprint(project.load().train, depends_on=[wrong])
    assert caught.value.hint


def test_depends_on_a_path_to_nothing_is_an_error(project: Any) -> None:
    project.write(PLAIN)
    with pytest.raises(DefinitionError, match=r"no file nothing\.json"):
        fingerprint(project.load().train, depends_on=[Path("nothing.json")])


def test_a_version_counts_instead_of_the_code(project: Any) -> None:
    project.write(PLAIN)
    before = project.fingerprint(version="1")
    project.replace("late/train.py", "return 1", "return 99")
    assert project.fingerprint(version="1") == before
    assert project.fingerprint(version="2").parts != before.parts
    assert list(before.parts) == ["version late.train.train"]


def test_with_a_version_packages_and_data_and_captured_values_still_count(project: Any) -> None:
    project.write(
        {
            "late/__init__.py": "",
            "late/train.py": """\
                import msgspec, functools
                from pathlib import Path
                DATA = Path(__file__).parent / "x.csv"
                def make(n):
                    def inner(): return n, msgspec, DATA
                    return inner
                one, two = make(1), make(2)
                three = functools.partial(make, 3)
                """,
            "late/x.csv": "1",
        }
    )
    late = project.load()
    one, two = (fingerprint(each, version="1") for each in (late.one, late.two))
    assert one.packages.keys() == {"msgspec"}
    assert "file late/x.csv" in one.parts
    assert one.parts != two.parts
    assert fingerprint(late.three, version="1").parts != fingerprint(late.make, version="1").parts


def test_two_functions_with_the_same_version_are_not_the_same_step(project: Any) -> None:
    project.write(PLAIN)
    late = project.load()
    assert fingerprint(late.train, version="1").parts != fingerprint(late.other, version="1").parts


# --- what can be asked for ----------------------------------------------------------------------------------


def test_steps_methods_partials_and_classes_have_fingerprints(project: Any) -> None:
    project.write(
        {
            "late/__init__.py": "",
            "late/train.py": """\
                import functools
                import pavedroad as paved
                @paved.step
                def train(): return 1
                class Model:
                    def fit(self): return 2
                    @classmethod
                    def make(cls): return 3
                    def __call__(self): return 4
                bound, made, instance = Model().fit, Model.make, Model()
                part = functools.partial(Model().fit)
                """,
        }
    )
    late = project.load()
    assert "function late.train.train" in fingerprint(late.train).parts
    for name in ("bound", "made", "instance", "part", "Model"):
        assert "class late.train.Model" in fingerprint(getattr(late, name)).parts, name


def test_a_function_of_python_itself_has_an_empty_fingerprint() -> None:
    assert fingerprint(len) == fingerprint(json.dumps) == CodeFingerprint(parts={})


def test_a_function_of_a_library_is_known_by_its_version() -> None:
    found = fingerprint(pytest.raises)
    assert found.parts == {}
    assert found.packages == {"pytest": pytest.__version__}


def test_cycles_end(project: Any) -> None:
    project.write(
        {
            "late/__init__.py": "",
            "late/train.py": """\
                from late import a
                LOOP = []
                LOOP.append(LOOP)
                class Node:
                    def __init__(self): self.me = self
                    def make(self): return Node()
                NODE = Node()
                def train(): return train, a.a, LOOP, NODE
                """,
            "late/a.py": "from late import train as t\nfrom late.b import *\ndef a(): return t, b()\n",
            "late/b.py": "from late.a import *\ndef b(): return a()\n",
        }
    )
    assert {"function late.a.a", "function late.b.b", "value late.train.LOOP"} <= set(
        project.fingerprint().parts
    )


def test_a_chain_of_a_thousand_functions_is_followed(project: Any) -> None:
    links = "".join(f"def f{n}(): return f{n + 1}()\n" for n in range(1000))
    project.write(
        {"late/__init__.py": "", "late/train.py": f"def train(): return f0()\n{links}def f1000(): return 1\n"}
    )
    assert "function late.train.f1000" in project.fingerprint().parts


@pytest.mark.parametrize("layout", ["src/late/", "late/"])
def test_a_folder_without_init_is_a_package_too(
    project: Any, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(project.root / "src"))
    project.write(
        {
            f"{layout}train.py": "from late.deep import a\ndef train(): return a.f()\n",
            f"{layout}deep/a.py": "def f(): return 1\n",
        }
    )
    assert "function late.deep.a.f" in project.fingerprint().parts


def test_code_of_a_neighbouring_project_counts_by_its_source(
    project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = tmp_path / "lib"
    (lib / "shared").mkdir(parents=True)
    (lib / "pyproject.toml").write_text("")
    (lib / "shared/__init__.py").write_text(
        "from pathlib import Path\nDATA = Path(__file__).parent / 'x.csv'\ndef f(): return DATA.read_text()\n"
    )
    (lib / "shared/x.csv").write_text("1")
    monkeypatch.syspath_prepend(str(lib))
    project.write(
        {"late/__init__.py": "", "late/train.py": "import shared\ndef train(): return shared.f()\n"}
    )
    found = project.fingerprint()
    sys.modules.pop("shared")
    assert {"function shared.f", "file lib/shared/x.csv"} <= set(found.parts)


def test_generated_code_of_any_name_never_stops_a_fingerprint(project: Any) -> None:
    project.write(
        {
            "late/__init__.py": "",
            "late/train.py": """\
                import collections, dataclasses, functools, typing, weakref, threading, re, logging
                T = typing.TypeVar("T")
                Pair = collections.namedtuple("Pair", "a b")
                Made = type("Made", (), {"x": 1})
                LOG, LOCK = logging.getLogger("x"), threading.Lock()
                PATTERN = re.compile("a+", re.I)
                @functools.total_ordering
                @dataclasses.dataclass(frozen=True, slots=True)
                class Row(typing.Generic[T]):
                    a: int = 1
                    def __lt__(self, other): return self.a < other.a
                @functools.lru_cache
                def cached(): return 1
                @typing.overload
                def over(x: int) -> int: ...
                @typing.overload
                def over(x: str) -> str: ...
                def over(x): return x
                async def agen():
                    async for x in agen(): yield x
                def train(x: "list[Row[int]]" = None) -> "T | None":
                    return Pair(1, 2), Made, LOG, LOCK, PATTERN, Row(), cached(), over(1), agen, ROWS
                ROWS = [Row(a=2)]
                REF = weakref.ref(Row)
                """,
        }
    )
    parts = project.fingerprint().parts
    assert {
        "class late.train.Row",
        "function late.train.cached",
        "function late.train.over",
        "value late.train.ROWS",
    } <= set(parts)
    forget()
    assert project.fingerprint().parts == parts


def test_an_extension_module_of_the_project_counts_by_its_file(project: Any) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    text = "def train():\n    from late import fast\n    return fast.go()\n"
    project.write({"late/__init__.py": "", "late/train.py": text, f"late/fast{suffix}": "1"})
    before = project.fingerprint()
    project.write({f"late/fast{suffix}": "2"})
    label = f"file late/fast{suffix}"
    assert project.fingerprint().parts[label] != before.parts[label]
