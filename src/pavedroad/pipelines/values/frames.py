"""Tables of pandas, Polars and Arrow as uncompressed Arrow IPC files, read back by mapping them.

No library is imported unless the value is its own. A pandas frame is written by pyarrow when that is
installed and gives back the same frame; else it is pickled.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.pipelines.values.model import NotStorable, library_of
from pavedroad.pipelines.values.plain import is_plain

ONE_COLUMN = "value"  # the name of a Series while it is a table
SAMPLE_ROWS = 50
# Objects that Arrow has a type for and gives back as they were.
_SAFE_OBJECTS = (datetime.date, decimal.Decimal, bytes, bool)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A table that is about to be a file."""

    format: str
    shown: str
    detail: dict[str, Any] = {}
    write: Callable[[Path], None]
    columns: dict[str, str] = {}


def is_table(value: Any) -> bool:
    return (library_of(value), type(value).__name__) in _FORMS


def prepare(value: Any) -> Written:
    """Raises NotStorable when Arrow cannot hold this table as it is."""
    return _FORMS[library_of(value), type(value).__name__](value)


def describe_size(rows: int, columns: int, kind: str) -> str:
    return f"{kind} {rows:,} × {columns:,}"


# ------------------------------------------------------------------------------------------------ Arrow


def _from_arrow(table: Any) -> Written:
    return Written(
        format="arrow",
        shown=describe_size(table.num_rows, table.num_columns, type(table).__name__),
        detail={"kind": type(table).__name__},
        write=lambda path: _write_arrow(table, path),
        columns={field.name: str(field.type) for field in table.schema},
    )


def _write_arrow(table: Any, path: Path) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write(table)


def _map_arrow(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def read_arrow(path: Path, detail: dict[str, Any]) -> Any:
    table = _map_arrow(path)
    if detail.get("kind") != "RecordBatch":
        return table
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else _empty_batch(table.schema)


def _empty_batch(schema: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=schema)


# ------------------------------------------------------------------------------------------------ Polars


def _from_polars(frame: Any) -> Written:
    return _polars(frame, frame, {"kind": "DataFrame"})


def _from_polars_series(series: Any) -> Written:
    return _polars(series, series.to_frame(), {"kind": "Series"})


def _polars(value: Any, frame: Any, detail: dict[str, Any]) -> Written:
    if any(str(dtype) == "Object" for dtype in frame.dtypes):
        raise NotStorable("a Polars column of objects has no Arrow form")
    return Written(
        format="polars",
        shown=describe_size(frame.height, frame.width, type(value).__name__),
        detail=detail,
        write=lambda path: frame.write_ipc(path, compression="uncompressed"),
        columns={name: str(dtype) for name, dtype in frame.schema.items()},
    )


def read_polars(path: Path, detail: dict[str, Any]) -> Any:
    import polars as pl

    frame = pl.read_ipc(path)  # mapped, unless it is told otherwise
    return frame.to_series() if detail.get("kind") == "Series" else frame


# ------------------------------------------------------------------------------------------------ pandas


def _from_pandas(frame: Any) -> Written:
    return _pandas(frame, frame, {"kind": "DataFrame"})


def _from_pandas_series(series: Any) -> Written:
    if not (series.name is None or isinstance(series.name, str | int)):
        raise NotStorable(f"the name of a Series is a {type(series.name).__name__}")
    return _pandas(series, series.to_frame(ONE_COLUMN), {"kind": "Series", "name": series.name})


def _pandas(value: Any, frame: Any, detail: dict[str, Any]) -> Written:
    try:
        import pyarrow as pa
    except ImportError:
        raise NotStorable(
            'a pandas frame needs pyarrow to be mapped: `pip install "pavedroad[data]"`'
        ) from None
    if len({type(name) for name in frame.columns}) > 1 or not _has_plain_names(frame.index):
        raise NotStorable("Arrow keeps only names that are texts")  # and warns whoever asks it to
    try:
        table = pa.Table.from_pandas(frame)
        same = _comes_back(frame, table)
    except Exception as error:  # pandas and Arrow each have their own ways to say no
        raise NotStorable(f"Arrow cannot hold this frame: {_first_line(error)}") from error
    if not same:
        raise NotStorable("Arrow would give this frame back with other types")
    frequency = getattr(frame.index, "freqstr", None) if hasattr(frame.index, "freq") else None
    if frequency and not str(frame.index.dtype).startswith("period"):
        detail = {**detail, "freq": frequency}
    return Written(
        format="pandas",
        shown=describe_size(len(frame), len(frame.columns), type(value).__name__),
        detail=detail,
        write=lambda path: _write_arrow(table, path),
        columns={str(name): str(dtype) for name, dtype in frame.dtypes.items()},
    )


def _has_plain_names(index: Any) -> bool:
    return all(name is None or isinstance(name, str) for name in index.names)


def _comes_back(frame: Any, table: Any) -> bool:
    """Whether reading the table gives this frame: types and labels on a sample, objects one by one."""
    sample, back = frame.iloc[:SAMPLE_ROWS], table.slice(0, SAMPLE_ROWS).to_pandas()
    return (
        list(map(str, sample.dtypes)) == list(map(str, back.dtypes))
        and sample.columns.equals(back.columns)
        and sample.columns.dtype == back.columns.dtype
        and sample.columns.names == back.columns.names
        and sample.index.names == back.index.names
        and sample.index.dtype == back.index.dtype
        and is_plain(frame.attrs)
        and back.attrs == frame.attrs
        and all(
            _is_safe(frame.iloc[:, at]) for at, dtype in enumerate(frame.dtypes) if str(dtype) == "object"
        )
    )


def _is_safe(column: Any) -> bool:
    """A column of objects: of one type that Arrow gives back as it was, with None for what is missing."""
    kinds = {type(item) for item in column} - {type(None)}
    return len(kinds) <= 1 and kinds <= set(_SAFE_OBJECTS) | _text_objects()


def _text_objects() -> set[type]:
    """Before pandas 3 texts are objects, and come back as objects."""
    import pandas as pd

    # paved: ignore[ENV014] asks which of the two it is
    return {str} if pd.Series(["a"]).dtype == object else set()


def read_pandas(path: Path, detail: dict[str, Any]) -> Any:
    frame = _map_arrow(path).to_pandas()  # a copy: a mapped frame would refuse to be written to
    if "freq" in detail:
        frame.index.freq = detail["freq"]
    return frame[ONE_COLUMN].rename(detail["name"]) if detail.get("kind") == "Series" else frame


def share_pandas(value: Any) -> Any:
    """The same numbers for another step: nothing is copied until one of the two is written to."""
    import pandas as pd

    copies_on_write = int(pd.__version__.partition(".")[0]) >= 3 or pd.options.mode.copy_on_write is True
    return value.copy(deep=not copies_on_write)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


_FORMS: dict[tuple[str, str], Callable[[Any], Written]] = {
    ("pandas", "DataFrame"): _from_pandas,
    ("pandas", "Series"): _from_pandas_series,
    ("polars", "DataFrame"): _from_polars,
    ("polars", "Series"): _from_polars_series,
    ("pyarrow", "Table"): _from_arrow,
    ("pyarrow", "RecordBatch"): _from_arrow,
}
