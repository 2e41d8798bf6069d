"""Sending the files of runs, logged models and versions to a server."""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from pavedroad.errors import PavedError
from pavedroad.transfer.file_taking import Files, list_files
from pavedroad.transfer.mlflow_target import is_refusal
from pavedroad.transfer.model import SourceFile, Unreachable, fingerprint
from pavedroad.transfer.store import Mark

if TYPE_CHECKING:
    from pavedroad.transfer.exporting import Export

IN_MEMORY_BYTES = 8 * 2**20  # of a file that can only be read once
DESCRIPTION = "MLmodel"  # the file in which a model names its run and itself
DESCRIPTION_BYTES = 2**20


class FileSender:
    def __init__(self, job: Export) -> None:
        self.job = job
        self.renamed: dict[str, str] = {}  # ids here to ids there, for descriptions of models

    def listed(self, owner: str, uri: str) -> Files:
        return list_files(self.job.source, owner, uri, wanted=self.job.with_files)

    def send(self, files: Files, uri: str) -> bool:
        """Send what is listed, unless the same list was sent before. Whether all of it is there now."""
        job, number = self.job, len(files.listed)
        if files.unreachable:
            job.refuse("files", f"{files.owner}: {files.uri}", files.unreachable)
            return False
        if not number:
            return True
        digest = fingerprint(uri, files.listed)
        mark = job.marks["files"].get(files.owner)
        if mark is not None and mark.digest == digest:
            job.count("files", already=number)
            return True
        if not job.target.takes_files(uri):
            why = f"the server keeps files in {uri}, which only its clients write"
            job.refuse("files", f"{files.owner}: {number} files", why, number=number)
            return False
        sent = sum([self._send_one(files, file, uri) for file in files.listed])
        if sent == number:
            job.set_marks("files", [(files.owner, Mark(target=uri, digest=digest))])
        return sent == number

    def _send_one(self, files: Files, file: SourceFile, uri: str) -> bool:
        job = self.job
        try:
            with job.source.open(files.uri, files.owner, file.path) as stream:
                self._put(uri, file, stream)
        except Unreachable as error:
            job.refuse("files", f"{files.owner}: {file.path}", error)
            return False
        except PavedError as error:
            if not is_refusal(error):
                raise
            job.refuse("files", f"{files.owner}: {file.path}", error)
            return False
        job.count("files", taken=1)
        with job.lock:
            job.report.bytes += file.size_bytes
        return True

    def _put(self, uri: str, file: SourceFile, stream: BinaryIO) -> None:
        is_description = file.path.rpartition("/")[2] == DESCRIPTION and file.size_bytes <= DESCRIPTION_BYTES
        if self.renamed and is_description:
            data = self._with_new_ids(stream.read())
            self.job.target.put_file(uri, file.path, BytesIO(data), len(data))
            return
        if stream.seekable():
            self.job.target.put_file(uri, file.path, stream, file.size_bytes)
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as held:
            shutil.copyfileobj(stream, held)
            size_bytes = held.tell()
            held.seek(0)
            self.job.target.put_file(uri, file.path, held, size_bytes)  # type: ignore[arg-type]

    def _with_new_ids(self, data: bytes) -> bytes:
        for here, there in list(self.renamed.items()):
            data = data.replace(here.encode(), there.encode())
        return data
