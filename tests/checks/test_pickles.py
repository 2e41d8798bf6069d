"""Pickles of every kind, kind and unkind: their names are found, nothing is loaded, and there is an end."""

import collections
import gzip
import io
import os
import pickle
import pickletools
import struct
import tempfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from pavedroad.checks.pickle_machine import MOST_OPERATIONS, Budget, Global, Machine
from pavedroad.checks.pickle_names import is_dangerous
from pavedroad.checks.pickles import UNPACKED_BYTES, Facts, read_pickles


class Runs:
    """Would write a file when it is loaded."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.what = function, arguments

    def __reduce__(self) -> Any:
        return self.what


def facts_of(data: bytes, folder: Path) -> Facts:
    file = folder / "model.pkl"
    file.write_bytes(data)
    found = read_pickles(file)
    assert found is not None
    return found


def dangerous(facts: Facts) -> list[str]:
    return [str(name) for name in facts.globals if is_dangerous(name)]


def names_by_the_standard_library(data: bytes) -> set[str]:
    """What pickletools sees, for pickles without memo tricks (protocol 0 to 3)."""
    return {str(arg).replace(" ", ".") for op, arg, _ in pickletools.genops(data) if op.name == "GLOBAL"}


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    rows = np.random.default_rng(1).normal(size=(40, 3))
    return RandomForestClassifier(n_estimators=3, random_state=1).fit(rows, rows[:, 0] > 0)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_gives_the_names_and_the_version(
    forest: RandomForestClassifier, protocol: int, tmp_path: Path
) -> None:
    facts = facts_of(pickle.dumps(forest, protocol), tmp_path)

    assert facts.trouble == ""
    assert facts.sklearn_versions == (version("scikit-learn"),)
    assert Global("sklearn.ensemble._forest", "RandomForestClassifier") in facts.globals
    assert dangerous(facts) == []


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_joblib_files_are_read_past_their_arrays(
    forest: RandomForestClassifier, compress: Any, tmp_path: Path
) -> None:
    joblib.dump(
        {"model": forest, "last": collections.Counter()}, tmp_path / "model.joblib", compress=compress
    )
    facts = read_pickles(tmp_path / "model.joblib")

    assert facts is not None
    assert facts.trouble == ""
    assert facts.sklearn_versions == (version("scikit-learn"),)
    assert Global("collections", "Counter") in facts.globals


def test_arrays_of_every_kind_are_stepped_over(tmp_path: Path) -> None:
    arrays = [
        np.arange(12.0).reshape(3, 4).T,
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.array([True]),
        np.array([{"x": collections.Counter()}, None], dtype=object),
        np.zeros(3, dtype=[("a", "f8"), ("b", "i4")]),
        np.zeros((0, 3)),
        np.array(5, dtype=np.int8),
        np.array([1 + 2j]),
    ]
    joblib.dump([arrays, collections.OrderedDict()], tmp_path / "arrays.joblib")
    facts = read_pickles(tmp_path / "arrays.joblib")

    assert facts is not None
    assert facts.trouble == ""
    assert {Global("collections", "Counter"), Global("collections", "OrderedDict")} <= set(facts.globals)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_command_is_dangerous_in_every_protocol(protocol: int, tmp_path: Path) -> None:
    facts = facts_of(pickle.dumps([1, Runs(os.system, "touch x")], protocol), tmp_path)

    assert dangerous(facts) == ["posix.system"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"cos\nsystem\n(S'id'\ntR.", "os.system"),
        (b"(S'id'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'id'\no.", "os.system"),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x000h\x00h\x01\x93\x8c\x02id\x85R.", "os.system"),
        (b"\x80\x04\x8c\rsklearn.utils\x8c\tos.system\x93.", "sklearn.utils.os.system"),
        (b"\x80\x02cbuiltins\ngetattr\ncsklearn\nutils\nX\x02\x00\x00\x00os\x86R.", "sklearn.utils.os"),
        (b"\x80\x02cbuiltins\ngetattr\ncacme\nx\n)RX\x05\x00\x00\x00popen\x86R.", "?.popen"),
        (b"\x80\x04coperator\nadd\nX\x01\x00\x00\x00oX\x01\x00\x00\x00s\x86R\x8c\x06system\x93.", "?.?"),
        (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
        (b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R\xff\xff", "os.system"),  # broken behind the command
        (b"\x80\x02K\x01." * 3 + b"\x80\x02cnt\nsystem\n.", "nt.system"),  # in the fourth pickle
    ],
)
def test_no_spelling_hides_a_name(data: bytes, name: str, tmp_path: Path) -> None:
    assert name in dangerous(facts_of(data, tmp_path))


def test_names_nobody_knows_are_not_dangerous(tmp_path: Path) -> None:
    facts = facts_of(b"\x80\x02cacme.churn\nScorer\n)\x81.", tmp_path)

    assert facts.globals == (Global("acme.churn", "Scorer"),)
    assert dangerous(facts) == []


def test_methods_and_partials_of_a_model_are_not_dangerous(tmp_path: Path) -> None:
    value = [partial(np.clip, a_min=0), "a,b".split, Path("x"), collections.Counter("ab").most_common]

    assert dangerous(facts_of(pickle.dumps(value, 2), tmp_path)) == []


def test_a_torch_file_is_looked_into(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps(Runs(os.system, "id"), 2))
        archive.writestr("net/data/0", b"\0" * 1000)
    facts = read_pickles(tmp_path / "net.pt")

    assert facts is not None
    assert dangerous(facts) == ["posix.system"]


def test_an_array_of_objects_is_looked_into(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.array([Runs(os.system, "id")], dtype=object), allow_pickle=True)
    facts = read_pickles(tmp_path / "rows.npy")

    assert facts is not None
    assert dangerous(facts) == ["posix.system"]


@pytest.mark.parametrize(
    "data", [b"", b"x", b"a,b\n1,2\n", b"PK\x05\x06" + b"\0" * 18, b"{'a': 1}", b"(x + 1)"]
)
def test_what_is_no_pickle_has_no_facts(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "rows.pkl"
    file.write_bytes(data)

    assert read_pickles(file) is None


def _zip_bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", b"\x80\x02" + b"N0" * 40_000_000)
    return content.getvalue()


def _many_entries() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(30_000):
            archive.writestr(str(number), b"")
    return content.getvalue()


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "operations": (lambda: b"\x80\x02" + b"N0" * MOST_OPERATIONS + b".", "more than 1,000,000 operations"),
    "a length that is not there": (lambda: b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".", "asks for"),
    "one large allocation": (
        lambda: b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
        "elements at once",
    ),
    "a number of a million digits": (lambda: b"\x80\x02I" + b"9" * 1_000_000 + b"\n.", ""),
    "gzip": (lambda: gzip.compress(b"\x80\x02" + b"N0" * UNPACKED_BYTES), "operations"),
    "zlib": (lambda: zlib.compress(b"\x80\x02B\xff\xff\xff\x07" + bytes(2 * UNPACKED_BYTES)), "unpack to"),
    "zip": (_zip_bomb, "as only a bomb does"),
    "an archive of many entries": (_many_entries, "30,000 entries"),
    "an archive without an end": (lambda: b"PK\x03\x04" + b"\0" * 100, "cut off"),
    "one tuple looked at again and again": (
        lambda: b"\x80\x02(" + b"K\x01" * 20_000 + b"tq\x01cnumpy\nzeros\nq\x02"
        + b"h\x02h\x01\x85R0" * 20_000 + b".",
        "",
    ),
    "pickles within pickles": (
        lambda: b"\x80\x02" + (
            b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\x05\x00\x00\x00dtypecnumpy\ndtype\n"
            b"X\x02\x00\x00\x00O8\x85RX\x05\x00\x00\x00shape)ub"
        ) * 50 + b".",
        "deep",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_words(name: str, tmp_path: Path) -> None:
    make, says = BOMBS[name]
    facts = facts_of(make(), tmp_path)

    assert says in facts.trouble
    assert bool(says) == bool(facts.trouble)


@pytest.mark.parametrize("name", ["zlib", "zip", "an archive of many entries", "a length that is not there"])
def test_a_bomb_takes_little_memory(name: str, tmp_path: Path) -> None:
    make, _ = BOMBS[name]
    file = tmp_path / "model.pkl"
    file.write_bytes(make())
    tracemalloc.start()
    read_pickles(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 3 * UNPACKED_BYTES


@given(st.binary(max_size=200))
def test_no_bytes_end_in_an_exception(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".pkl") as file:
        for head in (b"", b"\x80\x02", b"\x80\x04", b"PK\x03\x04", b"\x93NUMPY", b"\x1f\x8b", b"\x78\x9c"):
            file.seek(0)
            file.truncate()
            file.write(head + data)
            file.flush()
            read_pickles(Path(file.name))


PLAIN = st.recursive(
    st.integers() | st.text() | st.binary() | st.none() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(PLAIN, st.integers(0, 5))
def test_any_plain_value_is_read_to_its_end(value: Any, protocol: int) -> None:
    data = pickle.dumps([value, collections.OrderedDict()], protocol)
    machine = Machine(data, Budget())
    machine.run()

    assert machine.at == len(data)
    if protocol < 4:
        assert {str(name) for name in machine.globals} == names_by_the_standard_library(data)
    assert Global("collections", "OrderedDict") in machine.globals
