import ast

import pytest

from pavedroad.checks.notebook import read_notebook
from pavedroad.checks.source import Module, decode_text, notebook_module
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
