"""Bringing the bytes of a run's or a model's files into the file store."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.files import FileStore, Stored, put_stream
from pavedroad.transfer.model import Report, Source, SourceFile, Unreachable


class Files(msgspec.Struct, kw_only=True):
    """What the source says about the files of one owner, `runs/<id>` or `models/<id>`."""

    owner: str
    uri: str
    listed: list[SourceFile] = []
    unreachable: str = ""  # why the list could not be read
    stored: list[tuple[str, Stored]] = []
    failed: int = 0

    @property
    def seen(self) -> object:
        """What of it makes a difference."""
        return [self.listed, self.unreachable]

    @property
    def is_whole(self) -> bool:
        return not self.unreachable and not self.failed


def list_files(source: Source, owner: str, uri: str, *, wanted: bool) -> Files:
    found = Files(owner=owner, uri=uri)
    if wanted and uri:
        try:
            found.listed = source.files(uri, owner)
        except Unreachable as error:
            found.unreachable = str(error)
    return found


def store_files(
    source: Source, store: FileStore, each: Files, report: Report, have: Iterable[str] = ()
) -> None:
    """Store what is listed and not among `have`; what fails is told in the report and not fatal."""
    here = set(have)
    count = report.counts["files"]
    if each.unreachable:
        count.source += 1
        report.refuse("files", f"{each.owner}: {each.uri}", each.unreachable)
    count.source += len(each.listed)
    count.already += sum(file.path in here for file in each.listed)
    missing = [file for file in each.listed if file.path not in here]
    fetch = partial(_fetch, source, store, each)
    if source.file_workers > 1 and len(missing) > 1:
        with ThreadPoolExecutor(source.file_workers) as pool:
            results = list(pool.map(fetch, missing))
    else:
        results = [fetch(file) for file in missing]
    for file, result in zip(missing, results, strict=True):
        if isinstance(result, str):
            each.failed += 1
            report.refuse("files", f"{each.owner}: {file.path}", result)
        else:
            each.stored.append((file.path, result))
            count.taken += 1
            report.bytes += result.size_bytes


def _fetch(source: Source, store: FileStore, each: Files, file: SourceFile) -> Stored | str:
    """The stored file, or why there is none."""
    try:
        with source.open(each.uri, each.owner, file.path) as stream:
            return put_stream(store, stream)
    except Unreachable as error:
        return str(error)
    except PavedError as error:
        if error.status >= 500:  # no room to write, not a fault of this file
            raise
        return error.message
    except OSError as error:
        return error.strerror or str(error)
