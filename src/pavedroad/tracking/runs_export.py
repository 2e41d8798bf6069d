"""What a query selects, all of it, as CSV, JSON or Arrow: written in pieces, so that any number fits.

The runs are those that matched when the export began, in its order; their values are read piece by piece.

CSV: a text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line end, and is
no number) gets an apostrophe in front, as OWASP advises; JSON and Arrow hold it as it is. Times are ISO 8601,
UTC; durations are milliseconds; NaN and infinities are NaN, inf, -inf; what is absent is empty.
JSON: one array of objects; NaN and infinities are the texts "NaN", "Infinity", "-Infinity", as in MLflow's.
Arrow: an IPC stream; metrics are float64 (absent is null, NaN is NaN), times timestamps in UTC.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from pavedroad.errors import MissingExtra
from pavedroad.kit.clock import utc_iso
from pavedroad.kit.sql import Reader
from pavedroad.tracking.columns import (
    ATTRIBUTE,
    ATTRIBUTES,
    LAST,
    METRIC_KINDS,
    MILLISECONDS,
    PARAM,
    TAG,
    Cell,
    Column,
    cells_of,
    keys_of_runs,
)
from pavedroad.tracking.runs_query import (
    RunsQuery,
    Scope,
    check_query,
    columns_of,
    numbers_of,
    scope_of,
)
from pavedroad.tracking.search import rows_of

PIECE = 1000  # runs read and written together
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_encode = msgspec.json.Encoder().encode


class Selection(msgspec.Struct, frozen=True):
    """The runs of an export and its columns."""

    numbers: list[int]  # of the rows of runs, in order
    columns: list[Column]
    scope: Scope


def select(reader: Reader, query: RunsQuery, *, most: int | None = None) -> Selection:
    """Decide what is exported: everything that matches, or the first `most`.

    Without columns in the query: every attribute, and every metric, param and tag that one of the runs has.
    Raises: Invalid for what cannot be read.
    """
    check_query(query)
    scope = scope_of(reader, query)
    numbers = numbers_of(reader, query, scope)
    numbers = numbers if most is None else numbers[:most]
    columns = columns_of(query)
    return Selection(numbers, columns or _every_column(reader, numbers), scope)


def as_csv(reader: Reader, selection: Selection) -> Iterator[bytes]:
    """A head, then a line for each run; UTF-8, lines end with CRLF (RFC 4180)."""
    columns = selection.columns
    writers = [_csv_writer(column) for column in columns]
    yield _csv_lines([[column.name for column in columns]])
    for piece in _pieces(reader, selection):
        yield _csv_lines(
            [
                ["" if value is None else write(value) for write, value in zip(writers, row, strict=True)]
                for row in piece
            ]
        )


def as_json(reader: Reader, selection: Selection) -> Iterator[bytes]:
    """One array; a line for each run. What a run does not have is left out of its object."""
    names = [column.name for column in selection.columns]
    before = b"[\n"
    for piece in _pieces(reader, selection):
        for row in piece:
            found = {
                name: _json_value(value) for name, value in zip(names, row, strict=True) if value is not None
            }
            yield before + _encode(found)
            before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def as_arrow(reader: Reader, selection: Selection) -> Iterator[bytes]:
    """An IPC stream, a batch for each thousand runs. Raises MissingExtra without pyarrow."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra("export as Arrow (pyarrow)", extra="data") from None
    return _arrow_pieces(pa, reader, selection)


FORMATS: dict[str, tuple[str, Callable[[Reader, Selection], Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
    "arrow": ("application/vnd.apache.arrow.stream", as_arrow),
}


def cells(reader: Reader, selection: Selection) -> Iterator[list[Cell]]:
    """The cells of each run."""
    for piece in _pieces(reader, selection):
        yield from piece


def _pieces(reader: Reader, selection: Selection) -> Iterator[list[list[Cell]]]:
    """The cells of a thousand runs at a time; a run that is gone meanwhile is left out."""
    for start in range(0, len(selection.numbers), PIECE):
        wanted = selection.numbers[start : start + PIECE]
        yield cells_of(reader, rows_of(reader, wanted), selection.columns, selection.scope.names)


def _every_column(reader: Reader, numbers: Sequence[int]) -> list[Column]:
    return [
        *(Column(ATTRIBUTE, key) for key in ATTRIBUTES),
        *(Column(kind, key) for kind in (LAST, PARAM, TAG) for key in keys_of_runs(reader, kind, numbers)),
    ]


# ------------------------------------------------------------------------------------------------------- csv


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _csv_writer(column: Column) -> Callable[[Any], str]:
    if column.kind in METRIC_KINDS:
        return _csv_number
    if column.kind == ATTRIBUTE and column.key in MILLISECONDS:
        return str if column.key == "duration" else utc_iso
    return safe_text


def _csv_number(value: float) -> str:
    return repr(value) if math.isfinite(value) else "NaN" if math.isnan(value) else str(value)


def safe_text(text: str) -> str:
    """A text that no spreadsheet computes: with an apostrophe where it would be taken for a formula."""
    return f"'{text}" if text.startswith(FORMULA) and not _NUMBER.fullmatch(text) else text


# ------------------------------------------------------------------------------------------------------ json


def _json_value(value: Cell) -> Cell:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


# ----------------------------------------------------------------------------------------------------- arrow


def _arrow_pieces(pa: Any, reader: Reader, selection: Selection) -> Iterator[bytes]:
    schema = pa.schema([(column.name, _arrow_type(pa, column)) for column in selection.columns])
    sink = _Drained()
    with pa.ipc.new_stream(sink, schema) as writer:
        yield sink.drain()
        for piece in _pieces(reader, selection):
            arrays = [
                pa.array([row[at] for row in piece], type=field.type, from_pandas=False)
                for at, field in enumerate(schema)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            yield sink.drain()
    yield sink.drain()


def _arrow_type(pa: Any, column: Column) -> Any:
    if column.kind in METRIC_KINDS:
        return pa.float64()
    if column.kind == ATTRIBUTE and column.key == "duration":
        return pa.duration("ms")
    if column.kind == ATTRIBUTE and column.key in MILLISECONDS:
        return pa.timestamp("ms", tz="UTC")
    return pa.string()


class _Drained(io.RawIOBase):
    """A file whose bytes are taken out as soon as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def drain(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
