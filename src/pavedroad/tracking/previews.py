"""What a page can show of a file without running it: the start of a text or a table, a picture.

A file is bytes that anyone may have logged. Text is escaped, Markdown goes through the page's own filter, a
picture is an `<img>`, and HTML is shown as its source.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, Literal

import msgspec

from pavedroad.errors import Invalid
from pavedroad.kit.files import Stored
from pavedroad.record import Record

Kind = Literal["text", "markdown", "table", "image", "html", "bytes"]
TEXT_BYTES = 40_000  # of one page
START_BYTES = 400_000  # read to find the first rows of a table, or to set JSON out
ROWS_SHOWN, COLUMNS_SHOWN, CELLS_SHOWN = 100, 30, 1500
CELL_LENGTH = 200
IMAGE_BYTES = 20_000_000
TABLE_BYTES = 256_000_000  # of a Parquet or Arrow file
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".ico", ".avif")
TABLES = {".csv": ",", ".tsv": "\t"}
ARROW = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
MARKDOWN = (".md", ".markdown")
HTML = (".html", ".htm", ".xhtml")


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    text: str = ""
    rows: list[list[str]] = []  # the first one is the names of the columns
    says: str = ""  # what is left out, or why nothing is shown
    start: int = 0  # byte at which the text starts
    end: int = 0  # and ends
    previous: int | None = None  # where the text before starts; None at the start of the file
    next: int | None = None

    @property
    def numeric(self) -> list[bool]:
        """Which columns of the table hold only numbers."""
        body = self.rows[1:]
        return [
            bool(body) and all(at >= len(row) or _is_number(row[at]) for row in body)
            for at in range(len(self.rows[0]) if self.rows else 0)
        ]


def preview(record: Record, path: str, stored: Stored, *, at: int = 0, as_text: bool = False) -> Preview:
    """What can be shown of a file; of a text, the part from byte `at`. Raises Invalid for one beyond it."""
    if not 0 <= at <= stored.size_bytes:
        raise Invalid(f"at={at} is no byte of the file", hint=f"it has {stored.size_bytes:,}")
    suffix = suffix_of(path)
    if suffix in IMAGES and not as_text:
        return _image(stored)
    if suffix in ARROW:
        return _arrow(record, suffix, stored)
    with record.files.open(stored.digest) as source:
        start = source.read(START_BYTES)
        if b"\0" in start:
            return Preview(kind="bytes")
        if not as_text and not at and (found := _structured(suffix, start, stored)) is not None:
            return found
        return _text(source, suffix, start, stored, at)


def suffix_of(path: str) -> str:
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def _image(stored: Stored) -> Preview:
    if stored.size_bytes > IMAGE_BYTES:
        return Preview(kind="bytes", says="The picture is too large to show.")
    return Preview(kind="image")


def _structured(suffix: str, start: bytes, stored: Stored) -> Preview | None:
    """A table, Markdown or JSON set out; None for what is text and nothing else."""
    is_whole = stored.size_bytes <= len(start)
    if suffix in TABLES:
        text = start.decode("utf-8-sig", "replace")
        return _table(_csv_rows(text, TABLES[suffix], is_whole), is_more=not is_whole)
    if suffix in MARKDOWN and stored.size_bytes <= TEXT_BYTES:
        return Preview(kind="markdown", text=start.decode("utf-8", "replace"))
    if suffix == ".json" and is_whole:
        return _json(start)
    return None


def _text(source: BinaryIO, suffix: str, start: bytes, stored: Stored, at: int) -> Preview:
    """The part of a text from byte `at`, from the start of a letter to the end of one."""
    try:
        start[:-4].decode("utf-8") if stored.size_bytes > len(start) else start.decode("utf-8")
    except UnicodeDecodeError:
        return Preview(kind="bytes")
    if at:
        source.seek(at)
        piece = source.read(TEXT_BYTES + 4)
    else:
        piece = start[: TEXT_BYTES + 4]
    while piece and piece[0] & 0xC0 == 0x80:
        piece, at = piece[1:], at + 1
    end = min(len(piece), TEXT_BYTES)
    while end < len(piece) and piece[end] & 0xC0 == 0x80:
        end -= 1
    if end < len(piece) and (line := piece.rfind(b"\n", 0, end) + 1):
        end = line
    return Preview(
        kind="html" if suffix in HTML else "text",
        text=piece[:end].decode("utf-8", "replace"),
        start=at,
        end=at + end,
        previous=max(0, at - TEXT_BYTES) if at else None,
        next=at + end if at + end < stored.size_bytes else None,
    )


def _json(start: bytes) -> Preview | None:
    """Rows where it is a table as `mlflow.log_table` writes it; else set out, if it is not too long."""
    try:
        value = msgspec.json.decode(start)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(value, dict) and _is_table(value):
        return _table([value["columns"], *value["data"][: ROWS_SHOWN + 1]], is_more=False)
    text = msgspec.json.format(start, indent=2).decode("utf-8", "replace")
    return Preview(kind="text", text=text, end=len(start)) if len(text) <= TEXT_BYTES else None


def _is_table(value: dict[str, Any]) -> bool:
    """`{"columns": [...], "data": [[...], ...]}`, with an index perhaps."""
    columns, data = value.get("columns"), value.get("data")
    return (
        isinstance(columns, list)
        and isinstance(data, list)
        and set(value) <= {"columns", "data", "index"}
        and bool(columns)
        and all(isinstance(row, list) for row in data)
    )


def _arrow(record: Record, suffix: str, stored: Stored) -> Preview:
    try:
        import pyarrow
    except ImportError:
        return Preview(kind="bytes", says='To see its rows here: pip install "pavedroad[data]"')
    if stored.size_bytes > TABLE_BYTES:
        return Preview(kind="bytes", says="The table is too large to show.")
    try:
        with record.files.open(stored.digest) as source:
            names, columns, number = _arrow_columns(source, suffix)
    except (pyarrow.ArrowException, OSError, ValueError):
        return Preview(kind="bytes", says="It cannot be read as a table.")
    rows = [names, *(list(row) for row in zip(*columns, strict=True))]
    shown = _table(rows, is_more=False) or Preview(kind="bytes", says="It has no columns.")
    says = f"{number:,} rows and {len(names):,} columns in all." if number > len(shown.rows) - 1 else ""
    return msgspec.structs.replace(shown, says=says or shown.says)


def _arrow_columns(source: BinaryIO, suffix: str) -> tuple[list[str], list[list[Any]], int]:
    """Names of all columns, the first rows of the first columns, and how many rows there are."""
    if suffix in (".parquet", ".pq"):
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(source)
        names = list(file.schema_arrow.names)
        batches = file.iter_batches(batch_size=ROWS_SHOWN, columns=names[:COLUMNS_SHOWN])
        first, number = next(batches, None), file.metadata.num_rows
    else:
        from pyarrow.ipc import open_file

        reader = open_file(source)
        names = list(reader.schema.names)
        first = reader.get_batch(0) if reader.num_record_batches else None
        number = sum(reader.get_batch(at).num_rows for at in range(min(reader.num_record_batches, 1000)))
    if first is None:
        return names, [[] for _ in names[:COLUMNS_SHOWN]], number
    head = first.slice(0, ROWS_SHOWN)
    return names, [column.to_pylist() for column in head.columns[:COLUMNS_SHOWN]], number


def _csv_rows(text: str, separator: str, is_whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            rows.append(row)
            if len(rows) > ROWS_SHOWN + 1:
                return rows
    except csv.Error:
        return []
    return rows if is_whole else rows[:-1]  # the last one is cut


def _table(rows: Sequence[Iterable[Any]], *, is_more: bool) -> Preview | None:
    """As many rows and columns as a page can carry."""
    cut = [list(itertools.islice(row, COLUMNS_SHOWN + 1)) for row in rows]
    if not cut or not cut[0]:
        return None if not is_more else Preview(kind="bytes", says="Its first row is too long to show.")
    width = min(len(cut[0]), COLUMNS_SHOWN)
    most = max(1, min(ROWS_SHOWN, CELLS_SHOWN // width))
    shown = [[_cell(value) for value in row[:width]] for row in cut[: most + 1]]
    left = [f"the first {most} rows"] if is_more or len(cut) > most + 1 else []
    left += [f"the first {width} columns"] if len(cut[0]) > width else []
    return Preview(kind="table", rows=shown, says=f"Shown: {' and '.join(left)}." if left else "")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = (
        value
        if isinstance(value, str)
        else f"{len(value):,} bytes"
        if isinstance(value, bytes)
        else str(value)
    )
    return text[:CELL_LENGTH]


def _is_number(cell: str) -> bool:
    try:
        float(cell or 0)
    except ValueError:
        return False
    return True
