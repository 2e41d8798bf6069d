from __future__ import annotations

import ast
import json.decoder
import random
import symtable
import sys
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavedroad.pipelines.code.facts import facts_of
from pavedroad.pipelines.code.names import KnownNames
from pavedroad.pipelines.code.scopes import Imported

STDLIB = Path(sysconfig.get_path("stdlib"))
# Modules of Python itself with all kinds of scopes in them.
FILES = [
    *("argparse.py", "asyncio/tasks.py", "calendar.py", "collections/__init__.py", "contextlib.py", "csv.py"),
    *(
        "dataclasses.py",
        "email/message.py",
        "enum.py",
        "functools.py",
        "importlib/_bootstrap.py",
        "inspect.py",
    ),
    *("json/decoder.py", "logging/__init__.py", "multiprocessing/managers.py", "pickle.py", "random.py"),
    *("selectors.py", "statistics.py", "string.py", "symtable.py", "tempfile.py", "types.py", "typing.py"),
    *("unittest/mock.py", "weakref.py", "zipfile.py"),
]


class _WithoutAnnotations(ast.NodeTransformer):
    """Annotations are treated apart, so Python's own analysis is asked without them."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.returns = None
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if node.value is None:
            return ast.copy_location(ast.Assign([node.target], ast.Constant(None)), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def functions_of(file: str) -> list[ast.FunctionDef]:
    path = STDLIB / file
    if not path.is_file():
        return []  # gone in a later Python
    found = []
    todo: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while todo:
        node = todo.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += ast.iter_child_nodes(node)
        else:
            node = _WithoutAnnotations().visit(node)
            node.decorator_list, node.args.defaults = [], []
            node.args.kw_defaults = [None] * len(node.args.kwonlyargs)
            found.append(ast.fix_missing_locations(node))
    return found


def globals_by_python(table: symtable.SymbolTable) -> set[str]:
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    names.discard("__class__")  # of super(), outside of its class
    return names.union(*(globals_by_python(child) for child in table.get_children()))


def class_names_by_python(table: symtable.SymbolTable) -> set[str]:
    own = {symbol.get_name() for symbol in table.get_symbols()} if table.get_type() == "class" else set()
    return own.union(*(class_names_by_python(child) for child in table.get_children()))


@pytest.mark.parametrize("file", FILES)
def test_the_names_taken_from_the_module_are_those_that_python_takes(file: str) -> None:
    for node in functions_of(file):
        (table,) = symtable.symtable(ast.unparse(node), file, "exec").get_children()
        ours = {chain[0] for chain in facts_of([node]).reads if not isinstance(chain[0], Imported)}
        expected = globals_by_python(table)
        assert expected - ours == set(), f"missed in {node.name}"
        # A name that a class body reads before it binds it may be the module's: Python decides when it runs.
        assert ours - expected <= class_names_by_python(table), f"too much in {node.name}"


@pytest.mark.parametrize("file", FILES[::4])
def test_formatting_and_line_numbers_do_not_change_a_digest(file: str) -> None:
    for node in functions_of(file):
        again = ast.parse("# moved\n\n" + ast.unparse(node)).body
        assert facts_of(again).digest == facts_of([node]).digest, node.name


def constants_of(node: ast.AST) -> list[ast.Constant]:
    kept = []
    for inner in ast.walk(node):
        for _, value in ast.iter_fields(inner):
            values = value if isinstance(value, list) else [value]
            if not isinstance(inner, ast.Expr):  # a lone constant does nothing
                kept += [each for each in values if isinstance(each, ast.Constant)]
    return kept


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_every_constant_and_name_of_a_function_is_part_of_its_digest(seed: int) -> None:
    chosen = random.Random(seed)
    node = chosen.choice(
        functions_of(chosen.choice(["csv.py", "copy.py", "heapq.py", "random.py", "string.py"]))
    )
    before = facts_of([node]).digest
    changeable = [
        *constants_of(node),
        *(each for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute | ast.arg)),
    ]
    if not changeable:
        return
    each = chosen.choice(changeable)
    if isinstance(each, ast.Constant):
        each.value = ("another", each.value)
    elif isinstance(each, ast.Name):
        each.id += "_"
    elif isinstance(each, ast.Attribute):
        each.attr += "_"
    else:
        each.arg += "_"
    assert facts_of([node]).digest != before


def test_equal_constants_of_different_types_have_different_digests() -> None:
    texts = [
        "x = 1",
        "x = 1.0",
        "x = True",
        "x = 1j",
        "x = '1'",
        "x = b'1'",
        "x = (1,)",
        "x = [1]",
        "x = {1}",
    ]
    assert len({facts_of(ast.parse(text).body).digest for text in texts}) == len(texts)


def facts(text: str, **options):
    return facts_of(ast.parse(text).body, **options)


def test_a_chain_of_attributes_is_kept_whole() -> None:
    assert ("a", "b", "c") in facts("def f(): return a.b.c(1)").reads


def test_an_import_in_a_function_is_seen_through_its_name() -> None:
    reads = facts("def f():\n    import a.b as m\n    return lambda: m.g()").reads
    assert (Imported("a.b"), "g") in reads
    assert not any(chain[0] == "m" for chain in reads)


def test_an_import_that_is_not_used_is_there_for_its_effect() -> None:
    assert (Imported("a.b"),) in facts("def f():\n    import a.b").reads


def test_a_relative_import_keeps_its_level() -> None:
    assert (Imported("x", "y", 2),) in facts("def f():\n    from ..x import y\n    return y()").reads


def test_names_in_text_annotations_are_reported() -> None:
    found = facts("def f(x: 'pd.DataFrame') -> list['Model']: return x")
    assert {("pd", "DataFrame"), ("Model",)} <= found.annotations
    assert ("pd", "DataFrame") not in found.reads


def test_an_annotation_counts_when_a_foreign_decorator_may_read_it() -> None:
    assert facts("@validate\ndef f(x: int): pass").digest != facts("@validate\ndef f(x: str): pass").digest


def test_the_annotations_of_class_fields_count() -> None:
    assert facts("class A:\n    x: int").digest != facts("class A:\n    x: str").digest


def test_options_of_pavedroads_decorators_do_not_count_but_the_version_does() -> None:
    known = {"known": KnownNames(paved=frozenset({"paved"}))}
    plain = facts("@paved.step\ndef f(): pass", **known).digest
    assert facts("@paved.step(retries=3, cache=False)\ndef f(): pass", **known).digest == plain
    assert facts("@paved.step(version='2')\ndef f(): pass", **known).digest != plain


def test_private_names_are_mangled_as_python_mangles_them() -> None:
    assert ("_Model__limit",) in facts("class Model:\n    def f(self): return __limit").reads


def test_a_sum_of_many_terms_is_read() -> None:
    def deep(last: str) -> str:
        return facts("x = " + "+".join([*["1"] * 900, last])).digest

    assert deep("1") == deep("1") != deep("2")


def test_a_decoder_of_the_standard_library_reads_its_helpers() -> None:
    source = Path(json.decoder.__file__).read_text()
    reads = {chain[0] for chain in facts(source).reads if isinstance(chain[0], str)}
    assert {"scanner", "JSONArray", "STRINGCHUNK"} <= reads


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 has this syntax")
def test_type_parameters_and_type_statements_have_scopes_of_their_own() -> None:
    found = facts("def f[T: Base](x: T) -> T:\n    type Local = list[T] | Other\n    return g(T, Local)\n")
    assert {("Base",), ("Other",), ("g",)} <= found.reads | found.annotations
    assert not {("T",), ("Local",)} & (found.reads | found.annotations)
    assert ("Base",) in facts("class A[T](Base[T]):\n    def m(self) -> T: return T\n").reads
    assert ("list",) in facts("type Rows = list[int]").reads
