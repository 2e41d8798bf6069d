"""Every value comes back as it was put away, and equal values have equal digests."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import os
import threading
import uuid
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

import pavedroad as paved
from pavedroad.kit.files import FolderFiles
from pavedroad.pipelines.values.model import LostValue, NotStorable
from pavedroad.pipelines.values.shelf import Owner, Shelf


@dataclasses.dataclass
class Point:
    x: int


class Struct(msgspec.Struct):
    x: int


class Pair(NamedTuple):
    left: int
    right: str


class Refusing:
    def __reduce__(self):
        raise RuntimeError("no")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(FolderFiles(tmp_path / "files"), tmp_path / "work")


def there_and_back(shelf: Shelf, value: object) -> object:
    kept = shelf.store(value)
    back = msgspec.json.decode(msgspec.json.encode(kept), type=type(kept))  # as through the database
    return shelf.load(back)


PLAIN = [
    None, True, 3, -(10**30), 0.1, float("inf"), 1 + 2j, "text", "\ud800", b"\0\xff", [1, [2, (3,)]],
    {"a": {"b": None}}, {1: "a", (2, 3): "b"}, {1, 2}, frozenset({"x"}), (), range(3),
    datetime.date(2013, 1, 1), datetime.datetime(2013, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(1),
    decimal.Decimal("1.10"), uuid.UUID(int=5), np.float64(0.5), np.int8(3), np.str_("x"),
    np.datetime64("2013-01-01"), "x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:30])
def test_plain_values_come_back_with_their_types(shelf, value):
    kept = shelf.store(value)
    back = there_and_back(shelf, value)
    assert kept.format == "plain"
    assert back == value
    assert type(back) is type(value)


def test_a_small_value_takes_no_file_and_a_large_one_does(shelf):
    assert shelf.store("x").files == ()
    assert shelf.store("x" * 100_000).inline is None


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(
    st.recursive(SCALARS, lambda items: st.lists(items) | st.dictionaries(st.text(), items), max_leaves=20)
)
def test_any_plain_value_comes_back(tmp_path_factory, value):
    shelf = Shelf(
        FolderFiles(tmp_path_factory.getbasetemp() / "any"), tmp_path_factory.getbasetemp() / "work"
    )
    assert repr(there_and_back(shelf, value)) == repr(value)


def test_equal_texts_have_equal_digests_whether_or_not_they_are_one_object(shelf):
    text = "ab" + str(3)
    assert shelf.store({"a": text, "b": text}).digest == shelf.store({"a": "ab3", "b": "ab" + str(3)}).digest


def test_values_of_different_types_have_different_digests(shelf):
    digests = [shelf.store(value).identity for value in (1, 1.0, True, "1", b"1", [1], (1,), {1}, None, "")]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("value", [Point(3), Struct(3), Pair(1, "a"), [Point(1)]], ids=repr)
def test_other_objects_are_pickled(shelf, value):
    kept = shelf.store(value)
    assert kept.format == "pickle"
    assert there_and_back(shelf, value) == value


def test_a_pickle_names_the_classes_whose_code_it_relies_on(shelf):
    assert f"{__name__}:Point" in shelf.store([Point(1)]).code


@pytest.mark.parametrize(
    "value",
    [lambda: 1, threading.Lock(), (x for x in []), Refusing(), [lambda: 1]],
    ids=lambda v: type(v).__name__,
)
def test_what_cannot_be_pickled_is_told(shelf, value):
    with pytest.raises(NotStorable, match=r"cannot be pickled|code"):
        shelf.store(value)


def test_a_list_that_holds_itself_is_pickled(shelf):
    loop: list = []
    loop.append(loop)
    back = there_and_back(shelf, loop)
    assert back[0] is back


ARRAYS = {
    "floats": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "strided": np.arange(20)[::3],
    "reversed": np.arange(5)[::-1],
    "empty": np.empty((0, 3)),
    "scalar": np.array(5),
    "booleans": np.array([True, False]),
    "texts": np.array(["a", "bcd"]),
    "dates": np.array(["2013-01-01"], dtype="datetime64[D]"),
    "records": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    "complex": np.array([1 + 2j]),
    "big endian": np.array([1, 2], dtype=">i4"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back(shelf, name):
    array = ARRAYS[name]
    kept = shelf.store(array)
    back = there_and_back(shelf, array)
    assert kept.format == "npy"
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert np.array_equal(back, array)
    assert type(back) is np.ndarray


def test_an_array_can_be_written_to_without_changing_what_is_stored(shelf):
    kept = shelf.store(np.zeros(1000))
    first = shelf.load(kept)
    first[:] = 7
    assert shelf.load(kept).sum() == 0


def test_arrays_of_objects_and_subclasses_are_pickled(shelf):
    objects = np.array([{"a": 1}, None], dtype=object)
    assert shelf.store(objects).format == "pickle"
    assert list(there_and_back(shelf, objects)) == [{"a": 1}, None]
    masked = np.ma.masked_array([1, 2], [True, False])
    assert shelf.store(masked).format == "pickle"


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns)


with_frequency = pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2013", periods=2, freq="D", name="day"))
with_attributes = frame(a=[1])
with_attributes.attrs["source"] = "here"
FRAMES = {
    "numbers": frame(a=[1, 2], b=[0.5, np.nan], c=np.array([1, 2], dtype="uint8")),
    "texts": frame(a=["x", None]),
    "categories": frame(a=pd.Categorical(["x", "y"], ordered=True)),
    "times": frame(
        a=pd.date_range("2013", periods=2, tz="Europe/Berlin"), b=pd.to_timedelta([1, 2], unit="s")
    ),
    "nullable": frame(a=pd.array([1, None], dtype="Int64"), b=pd.array([True, None], dtype="boolean")),
    "periods": frame(a=pd.period_range("2013-01", periods=2, freq="M")),
    "intervals": frame(a=pd.interval_range(0, 2)),
    "named columns": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"])
    ),
    "number columns": pd.DataFrame([[1, 2]]),
    "named index": pd.DataFrame({"a": [1]}, index=pd.Index([5], name="k")),
    "two indexes": pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("a", 1)], names=["x", "y"])),
    "frequency": with_frequency,
    "attributes": with_attributes,
    "dates": frame(a=[datetime.date(2013, 1, 1), None]),
    "empty": pd.DataFrame(),
    "no rows": frame(a=pd.Series([], dtype="int64")),
}
PICKLED_FRAMES = {
    "lists": frame(a=[[1], [2, 3]]),
    "dicts": frame(a=[{"x": 1}, {"y": 2}]),
    "mixed": frame(a=[1, "a"]),
    "objects": frame(a=pd.Series([1, None], dtype=object)),
    "text objects": frame(a=pd.Series(["x", np.nan], dtype=object)),
    "complex": frame(a=[1 + 2j]),
    "sparse": frame(a=pd.arrays.SparseArray([0, 0, 1])),
    "same names": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "mixed names": pd.DataFrame([[1, 2]], columns=["a", 1]),
}


# pyarrow's own conversion of time zones uses what pandas 3.1 deprecates.
old_pyarrow = pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")


@old_pyarrow
@pytest.mark.parametrize("name", FRAMES)
def test_pandas_frames_come_back_through_arrow(shelf, name):
    kept = shelf.store(FRAMES[name])
    assert kept.format == "pandas"
    pd.testing.assert_frame_equal(there_and_back(shelf, FRAMES[name]), FRAMES[name])
    assert there_and_back(shelf, FRAMES[name]).attrs == FRAMES[name].attrs


@pytest.mark.parametrize("name", PICKLED_FRAMES)
def test_pandas_frames_that_arrow_would_change_are_pickled(shelf, name):
    kept = shelf.store(PICKLED_FRAMES[name])
    assert kept.format == "pickle"
    assert kept.detail["because"]
    pd.testing.assert_frame_equal(there_and_back(shelf, PICKLED_FRAMES[name]), PICKLED_FRAMES[name])


@old_pyarrow
@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_that_was_read_back_can_be_changed(shelf, name):
    back = there_and_back(shelf, FRAMES[name])
    back.insert(0, "new", 1, allow_duplicates=True) if name != "named columns" else back.insert(
        0, ("c", 1), 1
    )
    if name == "numbers":
        back.loc[0, "b"] = 9.0
        back.iloc[:, 0] = 0
        assert back["b"].tolist()[0] == 9.0


def test_a_frame_of_one_column_can_be_changed_too(shelf):
    back = there_and_back(shelf, frame(a=np.arange(5.0)))
    back.loc[0, "a"] = 9.0
    assert there_and_back(shelf, frame(a=np.arange(5.0)))["a"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1.5, 2], name="y"),
        pd.Series(["a"], index=[7]),
        pd.Series(pd.date_range("2013", periods=2, freq="D")),
        pd.Series([1], name=3),
    ],
    ids=repr,
)
def test_pandas_series_come_back(shelf, series):
    assert shelf.store(series).format == "pandas"
    pd.testing.assert_series_equal(there_and_back(shelf, series), series)


POLARS = {
    "frame": pl.DataFrame(
        {"a": [1, None], "b": ["x", "y"], "c": [[1], [2, 3]], "d": [datetime.date(2013, 1, 1)] * 2}
    ),
    "categories": pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Categorical)}),
    "empty": pl.DataFrame(),
}


@pytest.mark.parametrize("name", POLARS)
def test_polars_frames_come_back(shelf, name):
    assert shelf.store(POLARS[name]).format == "polars"
    assert there_and_back(shelf, POLARS[name]).equals(POLARS[name])
    assert there_and_back(shelf, POLARS[name]).schema == POLARS[name].schema


def test_polars_series_come_back(shelf):
    series = pl.Series("y", [1, 2])
    back = there_and_back(shelf, series)
    assert back.equals(series)
    assert back.name == "y"


def test_polars_objects_and_queries_are_refused(shelf):
    with pytest.raises(NotStorable, match="type Object is not supported"):
        shelf.store(pl.DataFrame({"a": pl.Series([object], dtype=pl.Object)}))
    with pytest.raises(NotStorable, match="a LazyFrame is a query, not data"):
        shelf.store(pl.DataFrame({"a": [1]}).lazy())


def test_arrow_tables_and_batches_come_back(shelf):
    table = pa.table({"a": pa.chunked_array([[1], [2]]), "b": ["x", None]}, metadata={"k": "v"})
    back = there_and_back(shelf, table)
    assert back.equals(table, check_metadata=True)
    batch = pa.record_batch({"a": [1, 2]})
    assert there_and_back(shelf, batch).equals(batch)
    assert type(there_and_back(shelf, batch)) is pa.RecordBatch
    assert type(there_and_back(shelf, batch.slice(0, 0))) is pa.RecordBatch


def test_an_arrow_table_is_mapped_not_read(shelf):
    kept = shelf.store(pa.table({"a": np.arange(1_000_000)}))
    before = pa.total_allocated_bytes()
    assert shelf.load(kept).num_rows == 1_000_000
    assert pa.total_allocated_bytes() - before < 10_000


def test_the_same_rows_in_another_library_are_another_value(shelf):
    assert shelf.store(pa.table({"a": [1]})).identity != shelf.store(pl.DataFrame({"a": [1]})).identity


def test_containers_keep_their_items_one_by_one(shelf):
    value = {"train": pd.DataFrame({"a": [1]}), "rest": [np.arange(3), {"n": 1}], "names": ("x", 2)}
    kept = shelf.store(value)
    back = there_and_back(shelf, value)
    assert kept.format == "tree"
    assert [item.format for item in kept.items] == ["pandas", "tree", "plain"]
    assert list(back) == list(value)
    assert back["names"] == ("x", 2)
    assert back["rest"][0].tolist() == [0, 1, 2]


def test_a_file_comes_back_with_its_name_and_content(shelf, tmp_path):
    file = tmp_path / "report.html"
    file.write_text("one")
    kept = shelf.store(file)
    file.write_text("two")
    back = shelf.load(kept)
    assert (back.name, back.read_text()) == ("report.html", "one")


def test_a_folder_comes_back(shelf, tmp_path):
    folder = tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    back = there_and_back(shelf, folder)
    assert sorted(path.relative_to(back).as_posix() for path in back.rglob("*.txt")) == [
        "b.txt",
        "deep/a.txt",
    ]


def test_a_path_to_nothing_cannot_be_stored(shelf, tmp_path):
    with pytest.raises(NotStorable, match="does not exist"):
        shelf.store(tmp_path / "none")


def test_the_digest_of_a_path_is_its_name_and_content(shelf, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text("1")
    here, there = shelf.digest(tmp_path / "a" / "x.csv"), shelf.digest(tmp_path / "b" / "x.csv")
    assert here == there
    assert shelf.store(tmp_path / "a" / "x.csv").identity == here.identity
    (tmp_path / "b" / "x.csv").write_text("2")
    assert shelf.digest(tmp_path / "b" / "x.csv") != here
    assert shelf.digest(tmp_path / "b" / "y.csv").identity == "path:missing"


def test_a_file_with_its_old_time_and_size_but_new_content_has_a_new_digest(shelf, tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("1")
    before, status = shelf.digest(file), file.stat()
    file.write_text("2")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert shelf.digest(file) != before


def test_models_come_back_in_mlflows_layout(shelf):
    estimator = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    kept = shelf.store(estimator, Owner(run_id="a" * 32, step="train"))
    back = shelf.load(kept)
    assert kept.format == "model"
    assert kept.detail["name"] == "train"
    assert "MLmodel" in {file.path for file in kept.files}
    assert back.predict([[3.0]]).tolist() == pytest.approx([6.0])


def test_a_paved_model_comes_back_with_all_it_says(shelf):
    estimator = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    model = paved.Model(
        estimator=estimator, name="m", example=np.array([[1.0]]), card="# M", metrics={"r2": 1.0}
    )
    back = there_and_back(shelf, model)
    assert (back.name, back.card, back.metrics) == ("m", "# M", {"r2": 1.0})
    assert back.example.tolist() == [[1.0]]
    assert shelf.store(model).detail["metrics"] == {"r2": 1.0}


def test_equal_models_have_equal_digests_whoever_made_them(shelf):
    estimator = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    one, other = (
        shelf.store(estimator, Owner(run_id="a" * 32)),
        shelf.store(estimator, Owner(run_id="b" * 32)),
    )
    assert one.identity == other.identity
    assert one.detail["model_id"] != other.detail["model_id"]


def test_of_an_evaluation_the_data_are_digested_and_not_kept(shelf):
    data = pd.DataFrame({"a": [1, 2]})
    evaluation = paved.Evaluation(metrics={"auc": np.float64(0.9)}, data=data, name="test")
    kept = shelf.store(evaluation)
    back = shelf.load(kept)
    assert kept.detail["data"] == shelf.store(data).identity
    assert (back.metrics, back.name, back.data) == ({"auc": 0.9}, "test", None)


@pytest.mark.parametrize(
    "value", [pd.DataFrame({"a": [1]}), np.arange(5), "x" * 100_000, Point(3)], ids=lambda v: type(v).__name__
)
def test_a_file_that_is_gone_or_damaged_is_a_lost_value(shelf, value):
    for harm in (lambda file: file.unlink(), lambda file: file.write_bytes(b"damage"), flip_last_byte):
        kept = shelf.store(value)
        file = shelf.files.path(kept.files[0].digest)
        harm(file)
        assert not shelf.is_there(kept, check=True)
        with pytest.raises(LostValue):
            shelf.load(kept)


def test_a_damaged_file_is_replaced_when_the_value_is_stored_again(shelf):
    kept = shelf.store(np.arange(1000))
    flip_last_byte(shelf.files.path(kept.files[0].digest))
    with pytest.raises(LostValue):
        shelf.load(kept)
    assert shelf.load(shelf.store(np.arange(1000))).sum() == 499500


def flip_last_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(data))


def test_a_class_that_has_moved_is_a_lost_value(shelf, monkeypatch):
    kept = shelf.store(Point(3))
    monkeypatch.delattr(f"{__name__}.Point", raising=False)
    import sys

    monkeypatch.delattr(sys.modules[__name__], "Point", raising=False)
    with pytest.raises(LostValue, match="cannot be read any more"):
        shelf.load(kept)


def test_no_temporary_files_are_left(shelf, tmp_path):
    for value in (pd.DataFrame({"a": [1]}), np.arange(3), LinearRegression().fit([[0.0]], [0.0])):
        shelf.load(shelf.store(value))
    assert list((tmp_path / "work").iterdir()) == []
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


def test_a_full_disk_is_told_as_a_reason_not_an_error(shelf, monkeypatch):
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pavedroad.pipelines.values.frames._write_arrow", full)
    with pytest.raises(NotStorable, match="No space left"):
        shelf.store(pa.table({"a": [1]}))
