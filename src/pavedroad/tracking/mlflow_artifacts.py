"""MLflow's artifact routes: lists, and the proxy that stores and gives files, whole or in parts, streamed."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.errors import Invalid
from pavedroad.kit.files import CHUNK_BYTES, FileStore, Stored, put_bytes
from pavedroad.kit.sql import Reader
from pavedroad.record import record_behind
from pavedroad.tracking import mlflow_messages as m
from pavedroad.tracking.artifact_files import (
    LONGEST_PATH,
    check_path,
    delete_files,
    get_file,
    list_files,
    put_file,
)
from pavedroad.tracking.file_answer import file_answer
from pavedroad.tracking.mlflow_door import EMPTY, answer, read, read_message, write
from pavedroad.tracking.model import FileInfo, check_not_frozen, root_of
from pavedroad.tracking.multipart_upload import (
    PartWriter,
    create_upload,
    join_parts,
    place_of_part,
    remove_upload,
)
from pavedroad.tracking.store import get_run

Handler = Callable[[Request], Awaitable[Response]]
UPLOAD_BYTES = 10 * 2**20  # of one file uploaded from a page
SERVICES = ("/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts")
PREFIXES = tuple(f"{service}/artifacts" for service in SERVICES)


def safe_path(path: str) -> str:
    """A path from a request. What is dangerous stays so however often it was encoded. Raises Invalid."""
    decoded = path[: LONGEST_PATH + 1]
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
    stored = await _receive(request, record_behind(request).files)
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
    stored = await run_in_threadpool(put_bytes, record_behind(request).files, data)
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


async def create_multipart(request: Request) -> Response:
    """Open an upload in parts; each part has an address of its own."""
    sent = await read_message(request, m.CreateMultipart)
    path = _part_path(request, sent.path or "")
    home = record_behind(request).settings.home
    parts = 1 if sent.num_parts is None else sent.num_parts
    upload_id = await run_in_threadpool(create_upload, home, path, parts)
    address = f"{_own_address(request)}{SERVICES[0]}/mpu/part/{upload_id}"
    credentials = [
        {"url": f"{address}/{number}", "part_number": number, "headers": {}} for number in range(1, parts + 1)
    ]
    return answer({"upload_id": upload_id, "credentials": credentials})


def _own_address(request: Request) -> str:
    """Where this client reached the server, maybe through a proxy that ends TLS."""
    scheme = request.headers.get("x-forwarded-proto", "")
    return f"{scheme if scheme in ('http', 'https') else request.url.scheme}://{request.url.netloc}"


async def upload_part(request: Request) -> Response:
    home = record_behind(request).settings.home
    upload_id, number = request.path_params["upload_id"], request.path_params["number"]
    place = await run_in_threadpool(place_of_part, home, upload_id, number)
    writer = await run_in_threadpool(PartWriter, place)
    try:
        async for piece in _gathered(request.stream()):
            await run_in_threadpool(writer.write, piece)
        await run_in_threadpool(writer.finish)
    except ClientDisconnect:
        raise _cut_off() from None
    finally:
        writer.discard()
    return Response(headers={"ETag": f'"{upload_id}-{number}"'})


async def complete_multipart(request: Request) -> Response:
    sent = await read_message(request, m.CompleteMultipart)
    path = _part_path(request, sent.path or "")
    record, upload_id = record_behind(request), sent.upload_id or ""
    stored = await run_in_threadpool(
        join_parts, record.settings.home, upload_id, path, sent.parts or [], record.files
    )
    await write(request, partial(put_file, root="", path=path, stored=stored))
    await run_in_threadpool(remove_upload, record.settings.home, upload_id, path)
    return EMPTY


async def abort_multipart(request: Request) -> Response:
    sent = await read_message(request, m.OfMultipart)
    path = _part_path(request, sent.path or "")
    await run_in_threadpool(remove_upload, record_behind(request).settings.home, sent.upload_id or "", path)
    return EMPTY


def _part_path(request: Request, local: str) -> str:
    """Where the file goes: the folder of the address, the name of the file on the client's disk."""
    name = re.split(r"[/\\]", local)[-1]
    folder = safe_path(request.path_params["path"])
    return writable_path(f"{folder}/{name}" if folder else name)


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
        raise _cut_off() from None
    return incoming.stored


def _cut_off() -> Invalid:
    return Invalid("the upload was cut off", hint="send the file again")


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
    *(
        Route(f"{service}/mpu/{step}/{{path:path}}", handler, methods=["POST"])
        for service in SERVICES
        for step, handler in (
            ("create", create_multipart),
            ("complete", complete_multipart),
            ("abort", abort_multipart),
        )
    ),
    Route(f"{SERVICES[0]}/mpu/part/{{upload_id}}/{{number:int}}", upload_part, methods=["PUT"]),
    Route("/get-artifact", get_artifact, methods=["GET"]),
)
