"""Files of runs and models: folders, and safe previews of what a person can read."""

from __future__ import annotations

import csv
import io
from typing import Literal

import msgspec
from starlette.requests import Request

from pavedroad.errors import NotFound
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader
from pavedroad.record import Record
from pavedroad.tracking.artifact_files import find_file, list_files
from pavedroad.tracking.mlflow_artifacts import safe_path
from pavedroad.tracking.model import FileInfo

TEXT_SHOWN = 60_000  # bytes
ROWS_SHOWN, COLUMNS_SHOWN = 50, 20
ENTRIES_SHOWN = 1000
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
TABLES = {".csv": ",", ".tsv": "\t"}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    href: str
    is_dir: bool
    size_bytes: int


class Crumb(msgspec.Struct, frozen=True):
    name: str
    href: str


class FilePage(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    name: str
    above: list[Crumb]
    kind: Literal["folder", "text", "table", "image", "bytes"]
    run_id: str  # the run it belongs to, when the path says so
    entries: list[Entry] = []
    digest: str = ""
    size_bytes: int = 0
    text: str = ""
    rows: list[list[str]] = []
    is_cut: bool = False
    download: str = ""

    @property
    def numeric(self) -> list[bool]:
        """Which columns of the table hold only numbers."""
        body = self.rows[1:]
        return [
            bool(body) and all(at >= len(row) or _is_number(row[at]) for row in body)
            for at in range(len(self.rows[0]) if self.rows else 0)
        ]


def show_file(request: Request) -> FilePage:
    record: Record = request.app.state.record
    path = safe_path(request.path_params["path"])
    stored = find_file(record.db, "", path) if path else None
    parts = path.split("/")
    run_id = parts[1] if len(parts) > 2 and parts[2] == "artifacts" and len(parts[1]) == 32 else ""
    above = _above(path)[2 if run_id else 0 :]  # the run itself stands before them
    if stored is None:
        return FilePage(
            path=path,
            name=parts[-1],
            above=above,
            kind="folder",
            run_id=run_id,
            entries=_entries(record.db, path),
        )
    kind, text, rows, is_cut = _preview(record, path, stored.digest, stored.size_bytes)
    return FilePage(
        path=path,
        name=parts[-1],
        above=above,
        kind=kind,
        run_id=run_id,
        digest=stored.digest,
        size_bytes=stored.size_bytes,
        text=text,
        rows=rows,
        is_cut=is_cut,
        download=f"/api/2.0/mlflow-artifacts/artifacts/{'/'.join(segment(part) for part in parts)}",
    )


def file_address(path: str) -> str:
    return "/files/" + "/".join(segment(part) for part in path.split("/"))


def _entries(reader: Reader, path: str) -> list[Entry]:
    found: list[FileInfo] = list_files(reader, "", path)
    if not found:
        raise NotFound(f"no file or folder {path!r}", hint="it may have been deleted; go back to its run")
    return [
        Entry(
            name=entry.path.rpartition("/")[2],
            href=file_address(entry.path),
            is_dir=entry.is_dir,
            size_bytes=entry.size_bytes,
        )
        for entry in found[:ENTRIES_SHOWN]
    ]


def _above(path: str) -> list[Crumb]:
    parts = path.split("/")[:-1]
    return [Crumb(part, file_address("/".join(parts[: at + 1]))) for at, part in enumerate(parts)]


def _preview(
    record: Record, path: str, digest: str, size_bytes: int
) -> tuple[Literal["text", "table", "image", "bytes"], str, list[list[str]], bool]:
    suffix = "." + path.rpartition(".")[2].lower()
    if suffix in IMAGES:
        return "image", "", [], False
    with record.files.open(digest) as source:
        start = source.read(TEXT_SHOWN)
    if b"\0" in start:
        return "bytes", "", [], False
    try:
        # The cut may fall inside a letter.
        text = start.decode("utf-8") if size_bytes <= TEXT_SHOWN else start[:-4].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return "bytes", "", [], False
    is_cut = size_bytes > TEXT_SHOWN
    if suffix in TABLES and (rows := _rows(text, TABLES[suffix])):
        return "table", "", rows, is_cut or len(rows) > ROWS_SHOWN
    return "text", text, [], is_cut


def _is_number(cell: str) -> bool:
    try:
        float(cell or 0)
    except ValueError:
        return False
    return True


def _rows(text: str, separator: str) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            rows.append([cell[:200] for cell in row[:COLUMNS_SHOWN]])
            if len(rows) > ROWS_SHOWN:
                break
    except csv.Error:
        return []
    return rows
