import ast

import pytest

from pavedroad.checks.notebook import read_notebook
from pavedroad.checks.source import Module, awaits, decode_text, notebook_module
from pavedroad.errors import Invalid


def names(code: str, tail: str) -> list[str]:
    return [call.name for call in Module("a.py", code).calls(tail)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a.b.c\na.b.c.f()", ["a.b.c.f"]),
        ("import a.b.c as x\nx.f()", ["a.b.c.f"]),
        ("from a.b import f\nf()", ["a.b.f"]),
        ("from a import b as x\nx.c.f()", ["a.b.c.f"]),
        ("from . import b\nb.f()", [".b.f"]),
        ("from ..a import f\nf()", ["..a.f"]),
        ("def g():\n    from a import f\n    return f()", ["a.f"]),
        ("from a import *\nf()", ["f", "a.f"]),
        ("from a import *\ndef f(): ...\nf()", ["f"]),
        ("from a import f\ndef f(): ...\nf()", ["f"]),
        ("x.f()", ["?.f"]),
        ("x().f()", ["?.f"]),
        ("x[0].f()", ["?.f"]),
        ("f()", ["f"]),
        ("(lambda: 1)()", []),
    ],
)
def test_a_call_is_resolved_to_the_name_it_means(code: str, expected: list[str]) -> None:
    assert names(code, "f") == expected


def test_calls_come_in_the_order_of_the_text_and_can_be_of_one_package() -> None:
    module = Module("a.py", "from a import f\nfrom b import g\ng(f())\nf()\n")

    assert [call.node.lineno for call in module.calls("f", "g")] == [3, 3, 4]
    assert [call.name for call in module.calls("f", "g", package="b")] == ["b.g"]


def test_places_count_characters_not_bytes() -> None:
    module = Module("a.py", "x = 'é中'; f(1)\n")
    (call,) = module.calls("f")
    place = module.place(call.node)

    assert (place.line, place.column, place.end_column) == (1, 11, 15)
    assert module.text[module.offset(1, call.node.col_offset) :].startswith("f(1)")


@pytest.mark.parametrize(
    ("code", "seeded"),
    [
        ("import numpy as np\nnp.random.seed(1)", True),
        ("from utils import set_seeds\nset_seeds(1)", True),
        ("import lightning as L\nL.seed_everything(1)", True),
        ("import keras\nkeras.utils.set_random_seed(1)", True),
        ("import torch\ntorch.manual_seed(1)", False),
        ("import random\nrandom.seed(1)", False),
        ("import numpy as np\nrng = np.random.default_rng(1)", False),
        ("env.seed(1)", False),
    ],
)
def test_only_what_seeds_numpy_counts_as_seeding(code: str, seeded: bool) -> None:
    assert Module("a.py", code).sets_seed is seeded


def test_what_does_not_parse_has_no_tree_but_a_place() -> None:
    module = Module("a.py", "x = 1\ndef f(:\n")

    assert (module.error_at.line, module.tree.body) == (2, [])


NOTEBOOK = """{"cells": [
 {"cell_type": "markdown", "source": ["text"]},
 {"cell_type": "code", "source": ["%load x\\n", "!ls\\n", "y = !ls\\n", "z = %who\\n", "help?\\n", "f(1)"]},
 {"cell_type": "code", "source": "%%bash\\nrm -rf /\\n"},
 {"cell_type": "code", "source": ["%%time\\n", "f(2)"]},
 {"cell_type": "code", "source": "while broken"},
 {"cell_type": "code", "source": "f(3)"}
]}"""


def test_cells_are_python_once_magics_are_taken_out() -> None:
    notebook = read_notebook(NOTEBOOK)

    assert [cell.number for cell in notebook.cells] == [2, 3, 4, 5, 6]
    assert ast.parse(notebook.cells[0].source)
    assert notebook.cells[1].source.strip() == ""


def test_a_broken_cell_hides_only_itself() -> None:
    module = notebook_module("a.ipynb", NOTEBOOK)
    places = [module.place(call.node) for call in module.calls("f")]

    assert [(place.cell, place.line) for place in places] == [(2, 6), (4, 2), (6, 1)]
    assert str(places[0]) == "a.ipynb:cell 2:6:1"


def test_another_language_is_left_alone() -> None:
    metadata = '{"kernelspec": {"language": "R"}}'
    text = f'{{"cells": [{{"cell_type": "code", "source": "x <- 1"}}], "metadata": {metadata}}}'

    assert read_notebook(text).cells == ()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3}', "[" * 100_000])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_notebook(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [3, null, {"cell_type": "code"}, {"cell_type": "code", "source": [1]}]}',
        '{"cells": [], "metadata": 3}',
    ],
)
def test_odd_cells_are_passed_over(text: str) -> None:
    assert notebook_module("a.ipynb", text).error == ""


def test_the_coding_line_and_the_byte_order_mark_decide_the_encoding() -> None:
    assert decode_text(b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\n# \xe9")[1] == "latin-1"
    assert decode_text(b"\xef\xbb\xbfx = 1") == ("x = 1", "utf-8-sig")
    with pytest.raises(Invalid, match="line 2 is not UTF-8"):
        decode_text(b"x = 1\n\xe9")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a.b as c\nc.f()", ["a.b.f"]),
        ("import a.b\na.b.f()", ["a.b.f"]),
        ("from a import b\nb.c.f()", ["a.b.c.f"]),
        ("from .a import b\nb.f()", [".a.b.f"]),
        ("from . import b\nb.f()", [".b.f"]),
        ("try:\n    import a as x\nexcept ImportError:\n    import b as x\nx.f()", ["a.f"]),
        ("def g():\n    from a import f\n    f()\ndef h():\n    from b import f\n    f()", ["a.f", "b.f"]),
        ("from a import f\ndef g():\n    from b import f\n    f()\nf()", ["b.f", "a.f"]),
        ("def g():\n    from a import f\n    def h():\n        f()", ["a.f"]),
        ("import a\ndef g(a):\n    a.f()\na.f()", ["?.f", "a.f"]),
        ("import a\ndef g():\n    a = 3\n    a.f()\na.f()", ["?.f", "a.f"]),
        ("if TYPE_CHECKING:\n    from a import f\nf()", ["a.f"]),
        ("class A:\n    import a\n    a.f()", ["a.f"]),
    ],
)
def test_a_name_means_what_holds_where_it_stands(code: str, expected: list[str]) -> None:
    assert names(code, "f") == expected


def test_imports_tell_under_which_condition_they_are_made() -> None:
    module = Module(
        "a.py",
        "import a.b\nfrom c import *\nif typing.TYPE_CHECKING:\n    import d\n"
        "try:\n    import e\nexcept ImportError:\n    e = None\n",
    )

    assert module.imports == {"a.b": 1, "c": 2, "d": 4, "e": 6}
    assert module.stars == ["c"]
    assert module.typing_imports == {"d"}
    assert module.optional_imports == {"e"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from a import B\nB().f()", ["a.B"]),
        ("from a import B\nx = B()\nx.f()", ["a.B"]),
        ("from a import B\nx = B()\ndef g():\n    x.f()", ["a.B"]),
        ("from a import B, C\nx = B()\ndef g():\n    x = C()\n    x.f()", ["a.C"]),
        ("from a import B\nwith B() as x:\n    x.f()", ["a.B"]),
        ("from a import B\nif (x := B()):\n    x.f()", ["a.B"]),
        (
            "from a import B\nclass D:\n    def __init__(self):\n        self.x = B()\n"
            "    def g(self):\n        self.x.f()",
            ["a.B"],
        ),
        ("def g(x):\n    x.f()", []),
    ],
)
def test_the_maker_of_a_receiver_is_known_where_the_text_says_it(code: str, expected: list[str]) -> None:
    module = Module("a.py", code)
    (call,) = module.calls("f")
    assert isinstance(call.node.func, ast.Attribute)

    assert module.made_by(call.node.func.value) == expected


def test_decorators_and_bases_are_resolved() -> None:
    module = Module(
        "a.py", "import a as b\n@b.c(1)\n@app.get('/')\ndef f(): ...\nclass D(b.Base, list): ...\n"
    )

    assert module.decorators(module.functions[0]) == ["a.c", "?.get"]
    assert module.bases(module.classes[0]) == ["a.Base", "list"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("await g()", True),
        ("async with g(): ...", True),
        ("async for x in g(): ...", True),
        ("return [x async for x in g()]", True),
        ("yield 1", True),
        ("return g()", False),
        ("async def h(): await g()", False),
        ("return lambda: g()", False),
    ],
)
def test_a_function_awaits_only_what_it_awaits_itself(body: str, expected: bool) -> None:
    module = Module("a.py", f"async def f():\n    {body}\n")
    function = next(each for each in module.functions if each.name == "f")

    assert awaits(function) is expected


def test_what_was_released_is_read_again() -> None:
    module = Module("a.py", "import a\ndef f():\n    from b import g\n    g('x')\n")
    before = [call.name for call in module.calls("g")], len(module.functions), len(module.strings)
    module.release()

    assert ([call.name for call in module.calls("g")], len(module.functions), len(module.strings)) == before
    assert module.calls("nothing") == []
