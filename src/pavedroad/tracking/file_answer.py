"""The bytes of a stored file as an HTTP answer: whole or one range of them, streamed."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pavedroad.errors import Invalid
from pavedroad.kit.files import CHUNK_BYTES, Stored
from pavedroad.record import record_behind

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")  # one range; a list of them is answered with the whole file


class RangeBeyondEnd(Invalid):
    status: ClassVar[int] = 416


async def file_answer(request: Request, stored: Stored, path: str) -> Response:
    """The file, or what `Range` asks of it. A damaged file breaks the answer off rather than end it.

    `ETag` is the digest: a cut download goes on with `Range` and `If-Range` and gets the same bytes.
    Raises: RangeBeyondEnd; NotFound and Damaged for a file that cannot be given.
    """
    etag = f'"{stored.digest}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(path.rpartition('/')[2], safe='')}",
        "ETag": etag,
        "Content-Security-Policy": "sandbox; default-src 'none'",  # if a browser shows it, nothing in it runs
        "X-Content-Type-Options": "nosniff",
    }
    if etag in re.split(r"\s*,\s*", request.headers.get("if-none-match", "").replace("W/", "")):
        return Response(status_code=304, headers=headers)
    first, last = 0, stored.size_bytes - 1
    status = 200
    if request.headers.get("if-range", etag) == etag:
        wanted = _range(request.headers.get("range", ""), stored.size_bytes)
        if wanted is not None:
            first, last = wanted
            status = 206
            headers["Content-Range"] = f"bytes {first}-{last}/{stored.size_bytes}"
    headers["Content-Length"] = str(last - first + 1)
    media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    source = await run_in_threadpool(record_behind(request).files.open, stored.digest)
    return _FileResponse(source, (first, last), status_code=status, headers=headers, media_type=media_type)


class _FileResponse(StreamingResponse):
    """Closes the file also when the client is gone before its first byte."""

    def __init__(self, source: BinaryIO, span: tuple[int, int], **options: Any) -> None:
        super().__init__(_pieces(source, *span), **options)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._source:
            await super().__call__(scope, receive, send)


def _range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """First and last byte of `bytes=0-99`, `bytes=100-` or `bytes=-50`; None for anything else."""
    found = _RANGE.fullmatch(header.strip()) if len(header) < 100 else None
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        first = int(found[1])
        last = min(int(found[2]), size_bytes - 1) if found[2] else size_bytes - 1
        if found[2] and int(found[2]) < first:
            return None
    else:
        first, last = max(size_bytes - int(found[2]), 0), size_bytes - 1
    if first > last:
        raise RangeBeyondEnd(
            f"the file has {size_bytes} bytes, none of them in {header!r}", hint="ask for an earlier range"
        )
    return first, last


def _pieces(source: BinaryIO, first: int, last: int) -> Iterator[bytes]:
    source.seek(first)
    left = last - first + 1
    while left > 0 and (piece := source.read(min(CHUNK_BYTES, left))):
        left -= len(piece)
        yield piece
