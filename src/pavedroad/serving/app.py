"""The server's ASGI application: one dictionary of paths, no framework between the socket and the model."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import zlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from starlette.types import Receive, Scope, Send

from pavedroad.errors import Invalid, PavedError
from pavedroad.serving import counters as openmetrics
from pavedroad.serving import inference_protocol, invocations
from pavedroad.serving.counters import Counters
from pavedroad.serving.invocations import UnsupportedMedia
from pavedroad.serving.served_model import FAST_ROWS, ServedModel, rows_of

T = TypeVar("T")
JSON = (b"content-type", b"application/json")
GET, POST = ("GET", "HEAD"), ("POST",)
log = logging.getLogger("pavedroad.serving")


class TooLarge(Invalid):
    status = 413


class Gone(Exception):
    """The client closed the connection before its request was complete."""


class Request(msgspec.Struct, kw_only=True):
    """What the handlers need of a request."""

    content_type: str = ""
    content_encoding: str = ""
    content_length: int = -1
    header_length: str = ""  # Inference-Header-Content-Length
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    body: bytes = b""
    rows: int = 0


class Route(msgspec.Struct, frozen=True, kw_only=True):
    label: str  # in the metrics
    methods: tuple[str, ...]
    answer: Callable[[Request], Awaitable[Answer]]
    is_prediction: bool = False
    says_error: Callable[[PavedError], Any] = lambda error: {"error": str(error)}


class App:
    """Answers for one model. Fast models are called on the loop, slow ones and large inputs on a thread."""

    def __init__(
        self, model: ServedModel, counters: Counters, *, max_body_bytes: int, threads: int = 2
    ) -> None:
        self._model = model
        self._counters = counters
        self._largest = max_body_bytes
        self._version = version("pavedroad")
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")
        self._routes = self._table()

    def _table(self) -> dict[str, Route]:
        model = self._model
        table = {
            "/": Route(label="index", methods=GET, answer=self._index),
            "/v2": Route(label="server", methods=GET, answer=self._server_metadata),
            "/v2/health/live": Route(label="live", methods=GET, answer=self._always({"live": True})),
            "/v2/health/ready": Route(label="ready", methods=GET, answer=self._always({"ready": True})),
            "/invocations": Route(
                label="invocations",
                methods=POST,
                answer=self._invocations,
                is_prediction=True,
                says_error=lambda error: {"error_code": error.code, "message": str(error)},
            ),
            "/ping": Route(label="ping", methods=GET, answer=self._ping),
            "/health": Route(label="ping", methods=GET, answer=self._ping),
            "/version": Route(label="version", methods=GET, answer=self._show_version),
            "/metrics": Route(label="metrics", methods=GET, answer=self._metrics),
        }
        metadata = self._always(inference_protocol.model_metadata(model))
        ready = self._always({"name": model.name, "ready": True})
        for path in (f"/v2/models/{model.name}", f"/v2/models/{model.name}/versions/{model.version}"):
            table[path] = Route(label="model", methods=GET, answer=metadata)
            table[f"{path}/ready"] = Route(label="model_ready", methods=GET, answer=ready)
            table[f"{path}/infer"] = Route(
                label="infer", methods=POST, answer=self._infer, is_prediction=True
            )
        return table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        route = self._routes.get(scope["path"])
        self._counters.in_flight += 1
        try:
            answer = await self._answer(route, scope, receive)
            await _send(answer, send)
        except Gone:
            return
        finally:
            self._counters.in_flight -= 1
        self._counters.rows += answer.rows
        self._counters.count(
            route.label if route else "unknown",
            answer.status,
            time.perf_counter() - started,
            is_prediction=route is not None and route.is_prediction,
        )

    async def _answer(self, route: Route | None, scope: Scope, receive: Receive) -> Answer:
        if route is None:
            return _json(404, {"error": self._unknown(scope["path"])})
        if scope["method"] not in route.methods:
            allow = (b"allow", ", ".join(route.methods).encode())
            text = f"{scope['path']} does not answer {scope['method']}; use {route.methods[0]}"
            return _json(405, {"error": text}, allow)
        try:
            request = _read_headers(scope)
            if route.methods is POST:
                request.body = await self._read_body(request, receive)
            return await route.answer(request)
        except PavedError as error:
            headers = ((b"connection", b"close"),) if error.status == 413 else ()
            return _json(error.status, route.says_error(error), *headers)
        except MemoryError:
            return _json(503, {"error": "not enough memory for this request; send fewer rows"})
        except Gone:
            raise
        except Exception:
            number = secrets.token_hex(4)
            log.exception("request failed, number %s", number)
            return _json(500, {"error": f"the model failed; the server's log has the reason under {number}"})

    def _unknown(self, path: str) -> str:
        parts = path.split("/")
        here = f"this server has {self._model.name}, version {self._model.version}"
        if path.startswith("/v2/models/") and len(parts) > 3:
            if parts[3] != self._model.name:
                return f"unknown model {parts[3]!r}; {here}"
            if len(parts) > 5 and parts[4] == "versions" and parts[5] != self._model.version:
                return f"unknown version {parts[5]!r} of {parts[3]}; {here}"
        return f"nothing is at {path}; see GET / for what is"

    async def _read_body(self, request: Request, receive: Receive) -> bytes:
        if request.content_length > self._largest:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            if chunk := message.get("body", b""):
                size += len(chunk)
                if size > self._largest:
                    raise self._too_large()
                chunks.append(chunk)
            if not message.get("more_body", False):
                break
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return self._decompress(body, request.content_encoding) if request.content_encoding else body

    def _decompress(self, body: bytes, encoding: str) -> bytes:
        """Never more than the limit, however small the body is."""
        if encoding in ("identity", ""):
            return body
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise UnsupportedMedia(
                f"content encoding {encoding!r} is not read here", hint="send gzip or deflate"
            )
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, whichever it is
        try:
            whole = inflate.decompress(body, self._largest + 1)
        except zlib.error as error:
            raise Invalid(
                f"the body is not {encoding}: {error}", hint="compress it, or drop the header"
            ) from None
        if len(whole) > self._largest:
            raise self._too_large()
        if not inflate.eof:
            raise Invalid(f"the {encoding} body ends too early", hint="send all of it")
        return whole

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"the body is larger than {self._largest:,} bytes",
            hint="send fewer rows, or raise max_body_bytes",
        )

    # ------------------------------------------------------------------------------------- predictions

    async def _infer(self, request: Request) -> Answer:
        inference = inference_protocol.read_request(request.body, request.header_length)
        inputs = self._model.of_tensors(inference.given)
        outputs = await self._run(inputs, lambda: self._model.tensors(inputs, inference.wanted))
        body, header_length = inference_protocol.write_answer(self._model, inference, outputs)
        if header_length < 0:
            return Answer(body=body, rows=rows_of(inputs))
        headers = (
            (b"content-type", b"application/octet-stream"),
            (b"inference-header-content-length", str(header_length).encode()),
        )
        return Answer(body=body, headers=headers, rows=rows_of(inputs))

    async def _invocations(self, request: Request) -> Answer:
        call = invocations.read_invocation(request.body, request.content_type, self._model)
        predictor = self._model.predictor
        predictions = await self._run(call.inputs, lambda: predictor.call(call.inputs, params=call.params))
        return Answer(body=invocations.write_predictions(predictions), rows=rows_of(call.inputs))

    async def _run(self, inputs: Any, work: Callable[[], T]) -> T:
        if self._model.is_fast and rows_of(inputs) <= FAST_ROWS:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    # ------------------------------------------------------------------------------------- the rest

    @staticmethod
    def _always(value: Any) -> Callable[[Request], Awaitable[Answer]]:
        answer = _json(200, value)

        async def say(request: Request) -> Answer:
            return answer

        return say

    async def _server_metadata(self, request: Request) -> Answer:
        return _json(200, inference_protocol.server_metadata(self._version))

    async def _ping(self, request: Request) -> Answer:
        return Answer(body=b"\n")

    async def _show_version(self, request: Request) -> Answer:
        return Answer(body=self._version.encode(), headers=((b"content-type", b"text/plain; charset=utf-8"),))

    async def _metrics(self, request: Request) -> Answer:
        media = (b"content-type", openmetrics.MEDIA_TYPE.encode())
        return Answer(body=self._counters.text().encode(), headers=(media,))

    async def _index(self, request: Request) -> Answer:
        model = self._model
        described = {
            "model": model.name,
            "version": model.version,
            "inputs": [msgspec.to_builtins(spec) for spec in model.inputs],
            "outputs": [msgspec.to_builtins(spec) for spec in model.outputs],
            "paths": sorted(self._routes),
            "infer": f"/v2/models/{quote(model.name)}/infer",
            "example": {"POST": "/invocations", "body": model.example} if model.example else None,
        }
        body = msgspec.json.format(msgspec.json.encode(described), indent=2)
        return Answer(body=body + b"\n")


def _read_headers(scope: Scope) -> Request:
    request = Request()
    for name, value in scope["headers"]:
        match name:
            case b"content-type":
                request.content_type = value.decode("latin-1")
            case b"content-encoding":
                request.content_encoding = value.decode("latin-1").strip().lower()
            case b"content-length":
                request.content_length = int(value) if value.isdigit() else -1
            case b"inference-header-content-length":
                request.header_length = value.decode("latin-1").strip()
    return request


def _json(status: int, value: Any, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status=status, headers=(JSON, *headers), body=msgspec.json.encode(value))


async def _send(answer: Answer, send: Send) -> None:
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
