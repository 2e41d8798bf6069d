"""MLflow's artifact routes: lists, and the proxy that stores and gives files, both streamed."""

from __future__ import annotations

import mimetypes
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pavedroad.errors import Invalid
from pavedroad.kit.files import CHUNK_BYTES, FileStore, Stored, put_bytes
from pavedroad.kit.sql import Reader
from pavedroad.tracking import mlflow_messages as m
from pavedroad.tracking.artifact_files import check_path, delete_files, get_file, list_files, put_file
from pavedroad.tracking.mlflow_door import EMPTY, answer, read, read_message, record_of, write
from pavedroad.tracking.model import FileInfo, check_not_frozen, root_of
from pavedroad.tracking.store import get_run

Handler = Callable[[Request], Awaitable[Response]]
UPLOAD_BYTES = 10 * 2**20  # of one file uploaded from a page
PREFIXES = ("/api/2.0/mlflow-artifacts/artifacts", "/ajax-api/2.0/mlflow-artifacts/artifacts")


def safe_path(path: str) -> str:
    """A path from a request. What is dangerous stays so however often it was encoded. Raises Invalid."""
    decoded = path
    while (further := unquote(decoded)) != decoded:
        decoded = further
    try:
        check_path(decoded)
        return check_path(path)
    except Invalid:
        raise Invalid("Invalid path") from None  # these two words and no others are what clients compare


def writable_path(path: str) -> str:
    """As `safe_path`, for one file or folder that may change."""
    path = safe_path(path)
    if not path:
        raise Invalid("Invalid path: it names nothing", hint="name a file or a folder")
    check_not_frozen(path)
    return path


async def list_artifacts(request: Request) -> Response:
    sent = await read_message(request, m.ListArtifacts)
    path = safe_path(sent.path or "")

    def ask(reader: Reader) -> dict[str, Any]:
        uri = get_run(reader, sent.run).artifact_uri
        return listing(list_files(reader, root_of(uri), path), root_uri=uri)

    return answer(await read(request, ask))


async def list_tree(request: Request) -> Response:
    """The proxy's list: names only, since the client asks folder by folder."""
    sent = await read_message(request, m.ListTree)
    path = safe_path(sent.path or "")
    files = await read(request, partial(list_files, root="", path=path))
    return answer(listing(files, names_only=True))


async def upload(request: Request) -> Response:
    path = writable_path(request.path_params["path"])
    stored = await _receive(request, record_of(request).files)
    await write(request, partial(put_file, root="", path=path, stored=stored))
    return Response()


async def download(request: Request) -> Response:
    path = safe_path(request.path_params["path"])
    stored = await read(request, partial(get_file, root="", path=path))
    return await file_answer(request, stored, path)


async def delete(request: Request) -> Response:
    path = writable_path(request.path_params["path"])
    await write(request, partial(delete_files, root="", path=path))
    return EMPTY


async def get_artifact(request: Request) -> Response:
    """A file of a run by its path, as the pages ask for it."""
    sent = await read_message(request, m.OneArtifact)
    path = safe_path(sent.path or "")

    def ask(reader: Reader) -> Stored:
        return get_file(reader, root_of(get_run(reader, sent.run).artifact_uri), path)

    return await file_answer(request, await read(request, ask), path)


async def upload_artifact(request: Request) -> Response:
    """One small file sent from a page."""
    run_id, path = request.query_params.get("run_uuid"), request.query_params.get("path")
    if not run_id:
        raise Invalid("Request must specify run_uuid.")
    if not path:
        raise Invalid("Request must specify path.")
    path = safe_path(path)
    data = await request.body()
    if not data:
        raise Invalid("Request must specify data.")
    if len(data) > UPLOAD_BYTES:
        raise Invalid("Artifact size is too large. Max size is 10MB.")
    uri = (await read(request, partial(get_run, run_id=run_id))).artifact_uri
    stored = await run_in_threadpool(put_bytes, record_of(request).files, data)
    await write(request, partial(put_file, root=root_of(uri), path=path, stored=stored))
    return EMPTY


def listing(files: list[FileInfo], *, root_uri: str = "", names_only: bool = False) -> dict[str, Any]:
    shown = [
        m.FileAnswer(
            path=file.path.rpartition("/")[2] if names_only else file.path,
            is_dir=file.is_dir,
            file_size=None if file.is_dir else file.size_bytes,
        )
        for file in files
    ]
    told: dict[str, Any] = {"root_uri": root_uri} if root_uri else {}
    return {**told, "files": shown} if shown else told


async def file_answer(request: Request, stored: Stored, path: str) -> Response:
    """The bytes of a file, piece by piece. A damaged file breaks the answer off rather than end it."""
    source = await run_in_threadpool(record_of(request).files.open, stored.digest)
    name = path.rpartition("/")[2]
    return StreamingResponse(
        _pieces(source),
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        headers={
            "Content-Length": str(stored.size_bytes),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    with source:
        while piece := source.read(CHUNK_BYTES):
            yield piece


async def _receive(request: Request, files: FileStore) -> Stored:
    """Store a body, however large, holding one piece of it in memory."""
    pieces = _gathered(request.stream())
    try:
        first = await anext(pieces, b"")
        if len(first) < CHUNK_BYTES:
            return await run_in_threadpool(put_bytes, files, first)
        context = files.receive()
        incoming = await run_in_threadpool(context.__enter__)
        try:
            await run_in_threadpool(incoming.write, first)
            async for piece in pieces:
                await run_in_threadpool(incoming.write, piece)
        except BaseException:
            context.__exit__(*sys.exc_info())
            raise
        await run_in_threadpool(context.__exit__, None, None, None)
    except ClientDisconnect:
        raise Invalid("the upload was cut off", hint="send the file again") from None
    return incoming.stored


async def _gathered(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces of at least CHUNK_BYTES, but for the last: fewer turns between loop and thread."""
    waiting: list[bytes] = []
    size = 0
    async for piece in stream:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


EXACT: dict[tuple[str, str], Handler] = {
    ("GET", "artifacts/list"): list_artifacts,
    ("POST", "upload-artifact"): upload_artifact,
}
ROUTES: tuple[Route, ...] = (
    *(Route(prefix, list_tree, methods=["GET"]) for prefix in PREFIXES),
    *(Route(prefix + "/{path:path}", download, methods=["GET"]) for prefix in PREFIXES),
    *(Route(prefix + "/{path:path}", upload, methods=["PUT"]) for prefix in PREFIXES),
    *(Route(prefix + "/{path:path}", delete, methods=["DELETE"]) for prefix in PREFIXES),
    Route("/get-artifact", get_artifact, methods=["GET"]),
)
