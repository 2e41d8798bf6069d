"""Files of runs and models: folders in pages, and safe previews of what a person can read."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from starlette.requests import Request

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.files import Stored
from pavedroad.kit.sql import Reader
from pavedroad.record import Record, record_behind
from pavedroad.tracking.artifact_files import find_file, list_files
from pavedroad.tracking.mlflow_artifacts import safe_path
from pavedroad.tracking.pictures import THUMB_BYTES, download_address, file_address, label_of
from pavedroad.tracking.previews import ARROW, IMAGES, Kind, Preview, preview, suffix_of

ENTRIES_SHOWN = 200
THUMBS_SHOWN = 24
LARGEST_AT = 10**15


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    href: str
    is_dir: bool
    size_bytes: int
    picture: str = ""  # where its bytes are, when it is a picture that is not too large

    @property
    def label(self) -> str:
        return label_of(self.name)


class Crumb(msgspec.Struct, frozen=True):
    name: str
    href: str


class FilePage(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    name: str
    above: list[Crumb]
    kind: Kind | Literal["folder"]
    run_id: str  # the run it belongs to, when the path says so
    model_id: str  # or the logged model
    here: str
    entries: list[Entry] = []
    number: int = 0  # of entries in the folder
    first: int = 0  # place of the first entry shown, from 1
    total_bytes: int = 0  # of the files of the folder, not of those below
    previous: str = ""
    next: str = ""
    digest: str = ""
    size_bytes: int = 0
    shown: Preview | None = None
    is_source: bool = False  # shown as text where more could be shown
    download: str = ""
    sandbox: str = ""  # where HTML runs without reaching anything

    @property
    def has_source(self) -> bool:
        """Whether it can be read as text besides what is shown of it."""
        return self.kind == "markdown" or (self.kind == "table" and suffix_of(self.name) not in ARROW)

    @property
    def pictures(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.picture][:THUMBS_SHOWN]


def show_file(request: Request) -> FilePage:
    record = record_behind(request)
    path = safe_path(request.path_params["path"])
    stored = find_file(record.db, "", path) if path else None
    return _folder(request, record.db, path) if stored is None else _file(request, record, path, stored)


def _file(request: Request, record: Record, path: str, stored: Stored) -> FilePage:
    query, here = request.query_params, file_address(path)
    as_text = query.get("as") == "text"
    shown = preview(record, path, stored, at=_number(query.get("at", "0"), "at"), as_text=as_text)
    more = "&as=text" if as_text else ""
    return FilePage(
        **_place(path),
        kind=shown.kind,
        digest=stored.digest,
        size_bytes=stored.size_bytes,
        shown=shown,
        is_source=as_text,
        previous=f"{here}?at={shown.previous}{more}" if shown.previous is not None else "",
        next=f"{here}?at={shown.next}{more}" if shown.next is not None else "",
        download=download_address(path),
        sandbox=here.replace("/files/", "/sandbox/", 1) if shown.kind == "html" else "",
    )


def _folder(request: Request, reader: Reader, path: str) -> FilePage:
    found = list_files(reader, "", path)
    if not found:
        raise NotFound(f"no file or folder {path!r}", hint="it may have been deleted; go back to its run")
    page = _number(request.query_params.get("page", "1"), "page")
    start = (page - 1) * ENTRIES_SHOWN
    if not 0 <= start < len(found):
        raise Invalid(f"page={page} is not a page of this folder", hint="pages count from 1")
    here = file_address(path)
    return FilePage(
        **_place(path),
        kind="folder",
        entries=[
            Entry(
                name=entry.path.rpartition("/")[2],
                href=file_address(entry.path),
                is_dir=entry.is_dir,
                size_bytes=entry.size_bytes,
                picture=download_address(entry.path)
                if not entry.is_dir and suffix_of(entry.path) in IMAGES and entry.size_bytes <= THUMB_BYTES
                else "",
            )
            for entry in found[start : start + ENTRIES_SHOWN]
        ],
        number=len(found),
        first=start + 1,
        total_bytes=sum(entry.size_bytes for entry in found if not entry.is_dir),
        previous=f"{here}?page={page - 1}" if page > 1 else "",
        next=f"{here}?page={page + 1}" if start + ENTRIES_SHOWN < len(found) else "",
    )


def _place(path: str) -> dict[str, Any]:
    """Where it lies: `1/<run>/artifacts/…` belongs to a run, `1/models/<model>/artifacts/…` to a model."""
    parts = path.split("/")
    is_model = len(parts) > 3 and parts[1] == "models" and parts[2].startswith("m-")
    is_run = len(parts) > 2 and parts[2] == "artifacts" and len(parts[1]) == 32
    # The run or the model itself stands before its folders.
    hidden = 3 if is_model else 2 if is_run else 0
    return {
        "path": path,
        "name": parts[-1] or "Files",
        "above": _above(path)[hidden:],
        "run_id": parts[1] if is_run else "",
        "model_id": parts[2] if is_model else "",
        "here": file_address(path),
    }


def _above(path: str) -> list[Crumb]:
    parts = path.split("/")[:-1]
    return [Crumb(part, file_address("/".join(parts[: at + 1]))) for at, part in enumerate(parts)]


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:20]) <= LARGEST_AT):
        raise Invalid(f"{name}={text[:40]!r} is no number", hint="use the links of the page")
    return int(text)
