"""The stale-cache matrix: what a step's result can depend on, changed one thing at a time.

Each case is a small project, one edit, and the part that must show it. `test_without_that_part_...` takes the family of
the part out of the collector and sees the case go stale: no other part hides a hole.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from pavedroad.pipelines.code.parts import Parts

TRAIN = "late/train.py"


class Case(NamedTuple):
    name: str
    files: dict[str, str]
    edit: tuple[str, str, str]  # file, old text, new text
    part: str  # the label that must change, appear or vanish
    families: str = ""  # everything that sees the edit, if it is more than the part's own family


def one(text: str, old: str, new: str, name: str, part: str, families: str = "", **others: str) -> Case:
    """A case whose edit is in the step's own module."""
    return Case(name, files(text, **others), (TRAIN, old, new), part, families)


def other(
    text: str, module: str, old: str, new: str, name: str, part: str, families: str = "", **others: str
) -> Case:
    """A case whose edit is in another module of the project."""
    return Case(name, files(text, **others), (f"late/{module}.py", old, new), part, families)


def files(train: str, **others: str) -> dict[str, str]:
    """The step's module and others by name; `sub__deep` is late/sub/deep.py, `init` is an `__init__.py`."""
    texts = {"late/init.py": "", TRAIN: train}
    for name, text in others.items():
        folder, _, module = name.rpartition("__")
        if folder:
            texts.setdefault(f"late/{folder}/init.py", "")
        texts[f"late/{folder}/{module}.py" if folder else f"late/{name}.py"] = text
    return {name.replace("/init.py", "/__init__.py"): text for name, text in texts.items()}


CHANGED = (
    one("def train(): return 1\n", "1", "2", "the step itself", "function late.train.train"),
    one("def helper(): return 1\ndef train(): return helper()\n", "1", "2", "a helper", "function late.train.helper"),
    other(
        "from late.a import a\ndef train(): return a()\n", "b", "1", "2", "a helper two imports away", "function late.b.b",
        a="from late.b import b\ndef a(): return b()\n", b="def b(): return 1\n",
    ),
    other(
        "from late.a import a\ndef train(): return a()\n", "c", "1", "2", "a helper three imports away", "function late.c.c",
        a="from late.b import b\ndef a(): return b()\n", b="from late.c import c\ndef b(): return c()\n",
        c="def c(): return 1\n",
    ),
    one("LIMIT = 3\ndef train(): return LIMIT\n", "3", "4", "a constant", "global late.train.LIMIT", "global value"),
    one("LIMIT = 3\ndef train(): return LIMIT\n", "3", "4", "a constant's value", "value late.train.LIMIT", "global value"),
    one(
        "CONFIG = {'a': 1, 'b': 2}\ndef train(): return CONFIG['a']\n", "2", "3", "an entry of a dict",
        "value late.train.CONFIG", "global value",
    ),
    other(
        "from late.a import LIMIT\ndef train(): return LIMIT\n", "b", "1", "2", "a constant computed from another module's",
        "global late.b.BASE", "global value", a="from late.b import BASE\nLIMIT = BASE * 2\n", b="BASE = 1\n",
    ),
    other(
        "from late.a import LIMIT\ndef train(): return LIMIT\n", "b", "1", "2", "a function that made a constant",
        "function late.b.base", "function value", a="from late.b import base\nLIMIT = base() * 2\n",
        b="def base(): return 1\n",
    ),
    other(
        "from late.a import MODEL\ndef train(): return MODEL\n", "b", "1", "2", "a function that made an opaque global",
        "function late.b.build", a="from late.b import build\nMODEL = build()\n",
        b="def build():\n    x = 1\n    return iter([x])\n",
    ),
    one("def train(): return sorted([2, 1], key=lambda x: x * 1)\n", "* 1", "* 2", "a lambda inside", "function late.train.train"),
    one("KEY = lambda x: x * 1\ndef train(): return KEY(3)\n", "* 1", "* 2", "a lambda's constant", "function late.train.<lambda>", "function global"),
    one("def train():\n    def inner(): return 1\n    return inner()\n", "1", "2", "a nested function", "function late.train.train"),
    one("def train(): return [x * 2 for x in range(3)]\n", "* 2", "* 3", "a comprehension", "function late.train.train"),
    one("LIMIT = 2\ndef train(): return [x * LIMIT for x in range(3)]\n", "2", "3", "a name in a comprehension", "global late.train.LIMIT", "global value"),
    one("LIMIT = 2\ndef train():\n    def inner():\n        return lambda: LIMIT\n    return inner()()\n", "2", "3", "a name two functions down", "global late.train.LIMIT", "global value"),
    other(
        "from late.a import Base\nclass Model(Base): pass\ndef train(): return Model().fit()\n", "a", "1", "2",
        "a base class in another module", "class late.a.Base", a="class Base:\n    def fit(self): return 1\n",
    ),
    other(
        "from late.a import Model\ndef train(): return Model().fit()\n", "b", "1", "2", "the base class of a base class",
        "class late.b.Root", a="from late.b import Root\nclass Base(Root): pass\nclass Model(Base): pass\n",
        b="class Root:\n    def fit(self): return 1\n",
    ),
    other(
        "from late.a import Meta\nclass Model(metaclass=Meta): pass\ndef train(): return Model()\n", "a", "1", "2", "a metaclass",
        "class late.a.Meta", a="class Meta(type):\n    def __call__(cls): return 1\n",
    ),
    one(
        "class Model:\n    depth = 1\n    def fit(self): return self.depth\ndef train(): return Model().fit()\n", "1", "2",
        "a class attribute", "class late.train.Model", "class value",
    ),
    one(
        "class Model:\n    def fit(self): return self.inner()\n    def inner(self): return 1\ndef train(): return Model().fit()\n",
        "1", "2", "a method called by a method", "class late.train.Model",
    ),
    one(
        "class Model:\n    @property\n    def depth(self): return 1\ndef train(): return Model().depth\n", "1", "2", "a property",
        "class late.train.Model",
    ),
    one(
        "import functools\nclass Model:\n    @functools.cached_property\n    def depth(self): return 1\ndef train(): return Model().depth\n",
        "1", "2", "a cached property", "class late.train.Model",
    ),
    one(
        "class Model:\n    @staticmethod\n    def fit(): return 1\ndef train(): return Model.fit()\n", "1", "2", "a static method",
        "class late.train.Model",
    ),
    other(
        "from late.a import helper\nclass Model:\n    def fit(self): return helper()\ndef train(): return Model().fit()\n", "a", "1", "2",
        "a function that a method calls", "function late.a.helper", a="def helper(): return 1\n",
    ),
    one(
        "import dataclasses\n@dataclasses.dataclass\nclass Params:\n    depth: int = 1\ndef train(): return Params().depth\n", "1", "2",
        "the default of a dataclass field", "class late.train.Params", "class value",
    ),
    one(
        "import dataclasses\n@dataclasses.dataclass\nclass Params:\n    depth: int\n    width: int\ndef train(): return Params(1, 2)\n",
        "    depth: int\n    width: int\n", "    width: int\n    depth: int\n", "the order of dataclass fields", "class late.train.Params",
    ),
    one(
        "import enum\nclass Size(enum.Enum):\n    S = 1\n    L = 5\ndef train(): return Size.S.value\n", "1", "2", "an enum's value",
        "class late.train.Size", "class value",
    ),
    other(
        "from late.a import mixed\nclass Model(mixed()): pass\ndef train(): return Model().fit()\n", "a", "1", "2",
        "a base class made by a function", "function late.a.mixed", "function class", a="def mixed():\n    class Base:\n        def fit(self): return 1\n    return Base\n",
    ),
    one("def helper(x=1): return x\ndef train(): return helper()\n", "1", "2", "a helper's default", "function late.train.helper"),
    one("def helper(*, x=1): return x\ndef train(): return helper()\n", "1", "2", "a keyword-only default", "function late.train.helper"),
    other(
        "from late.a import LIMIT\ndef helper(x=LIMIT): return x\ndef train(): return helper()\n", "a", "1", "2",
        "a default that is a constant elsewhere", "default late.train.helper(x)", "global value default", a="LIMIT = 1\n",
    ),
    other(
        "from late.a import deco\n@deco\ndef helper(): return 1\ndef train(): return helper()\n", "a", "+ 1", "+ 2", "a decorator",
        "function late.a.deco", "function", a="def deco(f):\n    def wrapper(): return f() + 1\n    return wrapper\n",
    ),
    one(
        "def deco(n):\n    def wrap(f): return lambda: f() + n\n    return wrap\n@deco(1)\ndef helper(): return 7\ndef train(): return helper()\n",
        "@deco(1)", "@deco(2)", "a decorator's argument", "function late.train.helper", "function closure",
    ),
    other(
        "import functools\nfrom late.a import deco\n@deco\ndef helper(): return 1\ndef train(): return helper()\n", "a", "+ 1", "+ 2",
        "a decorator that wraps", "function late.a.deco", "function",
        a="import functools\ndef deco(f):\n    @functools.wraps(f)\n    def wrapper(): return f() + 1\n    return wrapper\n",
    ),
    one(
        "import functools\n@functools.lru_cache\ndef helper(): return 1\ndef train(): return helper()\n", "return 1", "return 2",
        "a function behind a cache", "function late.train.helper",
    ),
    one(
        "import contextlib\n@contextlib.contextmanager\ndef opened():\n    yield 1\ndef train():\n    with opened() as x:\n        return x\n",
        "yield 1", "yield 2", "a context manager", "function late.train.opened",
    ),
    one(
        "def make(n):\n    def inner(): return n\n    return inner\ntrain = make(1)\n", "make(1)", "make(2)", "a closure's cell",
        "closure late.train.make.<locals>.inner(n)",
    ),
    one(
        "import functools\ndef power(x, n): return x ** n\nsquare = functools.partial(power, n=2)\ndef train(): return square(3)\n",
        "n=2", "n=3", "a partial's argument", "argument late.train.power(n)", "argument global",
    ),
    one(
        "import functools\ndef power(x, n): return x ** n\nTABLE = {'square': functools.partial(power, n=2)}\ndef train(): return TABLE['square'](3)\n",
        "n=2", "n=3", "a partial in a table", "argument late.train.power(n)", "argument global",
    ),
    one(
        "def ridge(): return 1\ndef lasso(): return 5\nMODELS = {'ridge': ridge, 'lasso': lasso}\ndef train(name): return MODELS[name]()\n",
        "5", "6", "a function in a table", "function late.train.lasso",
    ),
    one(
        "MODELS = {}\ndef register(f):\n    MODELS[f.__name__] = f\n    return f\n@register\ndef lasso(): return 5\ndef train(name): return MODELS[name]()\n",
        "5", "6", "a function registered in a table", "function late.train.lasso",
    ),
    other(
        "from late import registry\nfrom late import plugins\ndef train(name): return registry.MODELS[name]()\n", "plugins", "5", "6",
        "a function registered from another module", "function late.plugins.lasso",
        registry="MODELS = {}\ndef register(f):\n    MODELS[f.__name__] = f\n    return f\n",
        plugins="from late.registry import register\n@register\ndef lasso(): return 5\n",
    ),
    other(
        "from late import helper\ndef train(): return helper()\n", "a", "1", "2", "a re-export", "function late.a.helper",
        init="from late.a import helper\n", a="def helper(): return 1\n",
    ),
    other(
        "from late import helper\ndef train(): return helper()\n", "__init__", "late.a", "late.b", "where a re-export comes from",
        "function late.b.helper", init="from late.a import helper\n", a="def helper(): return 1\n", b="def helper(): return 2\n",
    ),
    other(
        "from late import sub\ndef train(): return sub.deep.helper()\n", "sub/deep", "1", "2", "a chain of attributes through packages",
        "function late.sub.deep.helper", sub__init="from . import deep\n", sub__deep="def helper(): return 1\n",
    ),
    other(
        "import late.sub.deep as d\ndef train(): return d.helper()\n", "sub/deep", "1", "2", "an import under another name",
        "function late.sub.deep.helper", sub__deep="def helper(): return 1\n",
    ),
    other(
        "import late.sub.deep\ndef train(): return late.sub.deep.helper()\n", "sub/deep", "1", "2", "a dotted import",
        "function late.sub.deep.helper", sub__deep="def helper(): return 1\n",
    ),
    other("from late.a import *\ndef train(): return helper()\n", "a", "1", "2", "a star import", "function late.a.helper", a="def helper(): return 1\n"),
    other(
        "from late.a import *\ndef train(): return LIMIT\n", "b", "1", "2", "a constant through two star imports", "global late.b.LIMIT",
        "global value", a="from late.b import *\n", b="LIMIT = 1\n",
    ),
    other("from .a import helper\ndef train(): return helper()\n", "a", "1", "2", "a relative import", "function late.a.helper", a="def helper(): return 1\n"),
    other(
        "from .sub.x import up\ndef train(): return up()\n", "a", "1", "2", "a relative import from a parent", "function late.a.helper",
        a="def helper(): return 1\n", sub__x="from ..a import helper\ndef up(): return helper()\n",
    ),
    other(
        "def train():\n    from late.a import helper\n    return helper()\n", "a", "1", "2", "an import inside a function",
        "function late.a.helper", a="def helper(): return 1\n",
    ),
    other(
        "def train():\n    import late.a\n    return late.a.helper()\n", "b", "1", "2", "an import inside a function, one further",
        "function late.b.deep", a="from late.b import deep\ndef helper(): return deep()\n", b="def deep(): return 1\n",
    ),
    other(
        "def train():\n    from late import a\n    return a.LIMIT\n", "b", "1", "2", "a constant of a module imported inside a function",
        "global late.b.BASE", a="from late.b import BASE\nLIMIT = BASE\n", b="BASE = 1\n",
    ),
    other(
        "def train():\n    from late.a import Model\n    return Model().fit()\n", "b", "1", "2", "a base class imported inside a function",
        "class late.b.Base", a="from late.b import Base\nclass Model(Base): pass\n", b="class Base:\n    def fit(self): return 1\n",
    ),
    other(
        "def train():\n    from late.a import MODELS\n    return MODELS['lasso']()\n", "a", "5", "6",
        "a table filled in a module imported inside a function", "function late.a.lasso",
        a="MODELS = {}\ndef register(f):\n    MODELS[f.__name__] = f\n    return f\n@register\ndef lasso(): return 5\n",
    ),
    other(
        "import importlib\ndef train(): return importlib.import_module('late.a').helper()\n", "a", "1", "2", "import_module of a literal",
        "function late.a.helper", a="def helper(): return 1\n",
    ),
    one(
        "import sys\nif sys.platform == 'none':\n    def helper(): return 1\nelse:\n    def helper(): return 5\ndef train(): return helper()\n",
        "5", "6", "a definition under a condition", "function late.train.helper",
    ),
    one(
        "import sys\nif sys.platform == 'none':\n    LIMIT = 1\nelse:\n    LIMIT = 5\ndef train(): return LIMIT\n", "== 'none'", "!= 'none'",
        "the condition around a constant", "global late.train.LIMIT", "global value",
    ),
    one(
        "try:\n    from late.a import helper\nexcept ImportError:\n    def helper(): return 1\ndef train(): return helper()\n", "1", "2",
        "what stands in for an import that fails", "function late.train.helper",
    ),
    one(
        "CONFIG = {'x': 1}\nCONFIG['x'] = 5\ndef train(): return CONFIG['x']\n", "= 5", "= 6", "a dict changed at module level",
        "global late.train.CONFIG", "global value",
    ),
    one(
        "MODELS = []\nMODELS.append(5)\ndef train(): return MODELS\n", "(5)", "(6)", "a list appended to at module level",
        "global late.train.MODELS", "global value",
    ),
    one(
        "COUNT = 1\nCOUNT += 5\ndef train(): return COUNT\n", "+= 5", "+= 6", "an augmented assignment", "global late.train.COUNT", "global value",
    ),
    one(
        "TABLE = {}\nfor n in [1, 5]:\n    TABLE[n] = iter([n])\ndef train(): return TABLE[1]\n", "[1, 5]", "[1, 6]",
        "the loop around a change", "global late.train.TABLE", "global value",
    ),
    one(
        "STATE = iter([1])\ndef setup(x):\n    return None\nsetup(STATE)\ndef train(): return STATE\n", "return None", "next(x)",
        "a function that was given an opaque global", "function late.train.setup",
    ),
    one(
        "STATE = None\ndef start():\n    global STATE\n    STATE = 5\ndef train(): return STATE\n", "= 5", "= 6", "a function that assigns a global",
        "function late.train.start",
    ),
    one(
        "def helper(x): return x\nhelper.limit = 5\ndef train(): return helper.limit\n", "= 5", "= 6", "an attribute of a function",
        "attribute late.train.helper.limit", "attribute global",
    ),
    one(
        "class Model:\n    pass\ndef fit(self): return 5\nModel.fit = fit\ndef train(): return Model().fit()\n", "5", "6", "a method added later",
        "function late.train.fit",
    ),
    one(
        "class Scale:\n    def __init__(self, n): self.n = n\nSCALE = Scale(1)\ndef train(): return SCALE.n\n", "Scale(1)", "Scale(2)",
        "the state of an instance", "value late.train.SCALE", "global value",
    ),
    one(
        "class Scale:\n    def __call__(self): return 1\nSCALE = Scale()\ndef train(): return SCALE()\n", "1", "2",
        "the class of a global instance", "class late.train.Scale",
    ),
    one("from math import sin as f\ndef train(): return f(1)\n", "sin", "cos", "what a name is imported from", "import late.train.f"),
    one(
        "class Params:\n    def depth(self): return 1\ndef train(params: Params): return params.depth()\n", "return 1", "return 2",
        "the class of a parameter", "class late.train.Params",
    ),
    other(
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from late.a import Params\n"
        "def train(params: Params): return params.depth()\n", "a", "1", "2", "the class of a parameter, imported for types only",
        "class late.a.Params", a="class Params:\n    def depth(self): return 1\n",
    ),
    one(
        "import functools\n@functools.singledispatch\ndef show(x): return 0\n@show.register\ndef _(x: int): return 5\ndef train(): return show(1)\n",
        "5", "6", "an implementation chosen by type", "function late.train._", "function",
    ),
    other(
        "from late import a\ndef train(): return a.helper()\n", "a", "1", "2", "a module's own __getattr__", "function late.a.__getattr__",
        a="def __getattr__(name):\n    return lambda: 1\n",
    ),
    one(
        "async def helper(): return 1\nasync def train(): return await helper()\n", "1", "2", "an async helper", "function late.train.helper",
    ),
    one("def rows():\n    yield 1\ndef train(): return list(rows())\n", "yield 1", "yield 2", "a generator", "function late.train.rows"),
    one(
        "LIMIT = 1\ndef train(x):\n    match x:\n        case {'a': y} if y > LIMIT: return y\n", "= 1", "= 2", "a guard of a match",
        "global late.train.LIMIT", "global value",
    ),
    one(
        "def outer():\n    n = 1\n    def inner():\n        nonlocal n\n        n += 5\n        return n\n    return inner()\ndef train(): return outer()\n",
        "+= 5", "+= 6", "a nonlocal name", "function late.train.outer",
    ),
    one(
        "class Base: pass\nclass One(Base):\n    def go(self): return 5\ndef train(): return [kind().go() for kind in Base.__subclasses__()]\n",
        "5", "6", "subclasses looked up", "class late.train.One",
    ),
    other(
        "from late import a\ndef train(name): return getattr(a, name)()\n", "a", "1", "2", "getattr on a module", "function late.a.helper",
        a="def helper(): return 1\n",
    ),
    one(
        "def helper():\n    '''Uses 1.'''\ndef train(): return helper.__doc__\n", "Uses 1", "Uses 2", "a docstring that is read",
        "docstring late.train.helper",
    ),
    Case(
        "a data file",
        files("from pathlib import Path\nDATA = Path(__file__).parent / 'x.csv'\ndef train(): return DATA.read_text()\n") | {"late/x.csv": "1"},
        ("late/x.csv", "1", "2"), "file late/x.csv",
    ),
    Case(
        "a data file in another module's constant",
        files("from late.a import DATA\ndef train(): return DATA.read_text()\n", a="from pathlib import Path\nDATA = Path(__file__).parent / 'x.csv'\n")
        | {"late/x.csv": "1"},
        ("late/x.csv", "1", "2"), "file late/x.csv",
    ),
    Case(
        "a data file named inside the function",
        files("from pathlib import Path\nHERE = Path(__file__).parent\ndef train(): return (HERE / 'data' / 'x.csv').read_text()\n") | {"late/data/x.csv": "1"},
        ("late/data/x.csv", "1", "2"), "file late/data/x.csv",
    ),
    Case(
        "a data file named with os.path",
        files("import os\nDATA = os.path.join(os.path.dirname(__file__), 'x.csv')\ndef train(): return open(DATA).read()\n") | {"late/x.csv": "1"},
        ("late/x.csv", "1", "2"), "file late/x.csv",
    ),
    Case(
        "a data file named with os.path inside the function",
        files("import os\ndef train(): return open(os.path.join(os.path.dirname(__file__), 'x.csv')).read()\n") | {"late/x.csv": "1"},
        ("late/x.csv", "1", "2"), "file late/x.csv",
    ),
    Case(
        "a data file in a module imported inside the function",
        files("def train():\n    from late.a import DATA\n    return DATA.read_text()\n", a="from pathlib import Path\nHERE = Path(__file__).parent\nDATA = HERE / 'x.csv'\n")
        | {"late/x.csv": "1"},
        ("late/x.csv", "1", "2"), "file late/x.csv",
    ),
    Case(
        "a data file as a default",
        files("from pathlib import Path\ndef train(path=Path(__file__).parent / 'x.csv'): return path.read_text()\n") | {"late/x.csv": "1"},
        ("late/x.csv", "1", "2"), "file late/x.csv",
    ),
    Case(
        "a data file of a package",
        files("import importlib.resources\ndef train(): return (importlib.resources.files('late') / 'x.csv').read_text()\n") | {"late/x.csv": "1"},
        ("late/x.csv", "1", "2"), "file late/x.csv",
    ),
    Case(
        "a folder of data",
        files("from pathlib import Path\nDATA = Path(__file__).parent / 'data'\ndef train(): return [p.read_text() for p in DATA.glob('*')]\n")
        | {"late/data/x.csv": "1"},
        ("late/data/x.csv", "1", "2"), "folder late/data",
    ),
    Case(
        "a script that is started",
        files("import subprocess, sys\ndef train(): return subprocess.run([sys.executable, 'late/tool.py'])\n", tool="print(1)\n"),
        ("late/tool.py", "1", "2"), "file late/tool.py",
    ),
)  # fmt: skip

UNCHANGED = (
    one("def train():\n    # one\n    return 1\n", "# one", "# two", "a comment", ""),
    one("def train():\n    '''One.'''\n    return 1\n", "One", "Two", "a docstring", ""),
    one("'''One.'''\ndef train(): return 1\n", "One", "Two", "the docstring of the module", ""),
    one("class A:\n    '''One.'''\n    def f(self): '''Two.'''\ndef train(): return A()\n", "Two", "Three", "the docstring of a method", ""),
    one("def train(): return 1\n", "def", "\n\n\ndef", "blank lines", ""),
    one("def train(): return [1, 2]\n", "[1, 2]", "[\n        1,\n        2,\n    ]", "formatting", ""),
    one("def train(): return 'a'\n", "'a'", '"a"', "quotes", ""),
    one("def train(): return 1000\n", "1000", "1_000", "how a number is written", ""),
    one("def train(x: int): return x\n", "x: int", "x: 'int'", "the spelling of an annotation", ""),
    one("def train(x):\n    y: int = x\n    return y\n", "y: int", "y: float", "the annotation of a local variable", ""),
    one("def other(): return 1\ndef train(): return 2\n", "1", "3", "an unrelated function", ""),
    one("OTHER = 1\ndef train(): return 2\n", "1", "3", "an unrelated constant", ""),
    one("class Other:\n    x = 1\ndef train(): return 2\n", "1", "3", "an unrelated class", ""),
    one("import math\nimport json\ndef train(): return math.pi, json\n", "import math\nimport json\n", "import json\nimport math\n", "the order of imports", ""),
    one("import math, json\ndef train(): return math.pi, json\n", "import math, json\n", "import json\nimport math\n", "the grouping of imports", ""),
    one("import json\ndef train(): return 2\n", "import json", "import math", "an import that is not used", ""),
    other("from late.a import used\ndef train(): return used()\n", "a", "1", "3", "an unused function of a used module", "", a="def unused(): return 1\ndef used(): return 2\n"),
    other("from late import a\ndef train(): return a.used()\n", "a", "1", "3", "an unused function beside an attribute", "", a="def unused(): return 1\ndef used(): return 2\n"),
    other("from late import a\ndef train(): return getattr(a, 'used')()\n", "a", "1", "3", "an unused function beside getattr of a literal", "", a="def unused(): return 1\ndef used(): return 2\n"),
    other("from late.a import *\ndef train(): return used()\n", "a", "1", "3", "an unused function of a star import", "", a="def unused(): return 1\ndef used(): return 2\n"),
    one("x = 1\ndef train(x): return x\n", "= 1", "= 3", "a global hidden by a parameter", ""),
    one("x = 1\ndef train():\n    x = 2\n    return x\n", "= 1", "= 3", "a global hidden by a local variable", ""),
    one("x = 1\ndef train(): return [x for x in range(3)]\n", "= 1", "= 3", "a global hidden in a comprehension", ""),
    one("x = 1\ndef train():\n    for x in range(3): pass\n    return (lambda x: x)(x)\n", "= 1", "= 3", "a global hidden by a loop", ""),
    one("x = 1\nclass A:\n    x = 2\n    y = x\ndef train(): return A\n", "x = 1", "x = 3", "a global hidden in a class body", ""),
    one("e = 1\ndef train():\n    try: return 1\n    except ValueError as e: return e\n", "e = 1", "e = 3", "a global hidden by except", ""),
    one("y = 1\ndef train(x):\n    match x:\n        case [y, *rest]: return y, rest\n", "y = 1", "y = 3", "a global hidden by a match", ""),
    one("w = 1\ndef train(): return (w := 2) + w\n", "w = 1", "w = 3", "a global hidden by a walrus", ""),
    one("def train():\n    pass\n    return 1\n", "    pass\n", "", "a pass", ""),
    one("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json\ndef train(): return 1\n", "import json", "import math", "an import for types only", ""),
    one("import numpy as np\nA = np.arange(3)\nB = np.arange(4)\ndef train(): return np.sum(B)\n", "arange(3)", "arange(5)", "another constant made by the same library", ""),
    one("import functools\n@functools.lru_cache\ndef other(): return 1\n@functools.lru_cache\ndef helper(): return 2\ndef train(): return helper()\n", "return 1", "return 3", "another function with the same decorator", ""),
    one("def train(): return 1\nif __name__ == '__main__':\n    print(train())\n", "print(train())", "print(train(), 2)", "what the module does as a script", ""),
    one("from pavedroad.pipelines.step import step\n@step(retries=1)\ndef train(): return 1\n", "retries=1", "retries=2", "an option of the step", ""),
    Case(
        "a file beside the data",
        files("from pathlib import Path\nHERE = Path(__file__).parent\ndef train(): return (HERE / 'x.csv').read_text()\n") | {"late/x.csv": "1", "late/y.csv": "1"},
        ("late/y.csv", "1", "2"), "",
    ),
    Case(
        "a file that is written",
        files("from pathlib import Path\nOUT = Path(__file__).parent / 'out.csv'\ndef train(frame):\n    frame.to_csv(OUT)\n    OUT.write_text('3')\n    open(OUT, 'w')\n")
        | {"late/out.csv": "1"},
        ("late/out.csv", "1", "2"), "",
    ),
)  # fmt: skip


def name_of(case: Case) -> str:
    return case.name.replace(" ", "-")


def changed_labels(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {label for label in before | after if before.get(label) != after.get(label)}


@pytest.mark.parametrize("case", CHANGED, ids=name_of)
def test_a_change_is_seen(project, case: Case) -> None:
    project.write(case.files)
    before = project.fingerprint()
    project.replace(*case.edit)
    after = project.fingerprint()
    assert case.part in changed_labels(before.parts, after.parts)


@pytest.mark.parametrize("case", CHANGED, ids=name_of)
def test_without_that_part_the_change_would_be_missed(
    project, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = set(case.families.split()) or {case.part.split()[0]}
    assert case.part.split()[0] in families
    add = Parts.add
    monkeypatch.setattr(
        Parts,
        "add",
        lambda parts, label, digest: None if label.split()[0] in families else add(parts, label, digest),
    )
    project.write(case.files)
    before = project.fingerprint()
    project.replace(*case.edit)
    assert project.fingerprint().parts == before.parts


@pytest.mark.parametrize("case", UNCHANGED, ids=name_of)
def test_a_change_that_cannot_matter_is_not_seen(project, case: Case) -> None:
    project.write(case.files)
    before = project.fingerprint()
    assert any(label.startswith("function ") for label in before.parts)
    project.replace(*case.edit)
    assert project.fingerprint() == before
