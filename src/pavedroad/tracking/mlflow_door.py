"""The way in and out of the MLflow API: bytes to a message, a struct to an answer, work to the database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pavedroad.errors import Invalid, PavedError, did_you_mean
from pavedroad.kit.sql import Item, Reader, Together, Transaction
from pavedroad.record import record_behind
from pavedroad.tracking.limits import invalid_value, missing_value
from pavedroad.tracking.mlflow_messages import Message

M = TypeVar("M", bound=Message)
T = TypeVar("T")
SEE = " See the API docs for more information about request parameters."

_ENCODER = msgspec.json.Encoder()
_PLACE = re.compile(r" - at `\$\.?(.*?)`$")
_IN_LIST = re.compile(r"\w+\[\d+\]")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")


async def read_message(request: Request, kind: type[M]) -> M:
    """The message of a request: the query of a GET that has one, else the JSON body; an empty body is {}.

    Raises: Invalid, in MLflow's words, for anything that is not such a message.
    """
    if request.method in ("GET", "HEAD") and request.scope["query_string"]:
        message = _from_query(request, kind)
    else:
        if request.method == "POST":
            _check_content_type(request)
        message = decode(await _body_of(request), kind)
    for name in kind.required:
        if getattr(message, name) in (None, "") and not (
            name == "run_id" and getattr(message, "run_uuid", None)
        ):
            raise with_see(missing_value(name))
    return message


async def _body_of(request: Request) -> bytes:
    # Request.body() does the same for a stream that others may read, which costs more than reading.
    pieces, more = [], True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def decode(body: bytes, kind: type[M]) -> M:
    try:
        message: M = _decoder(kind).decode(body or b"{}")
    except msgspec.ValidationError as error:
        raise _wrong_type(error, _read_again(body)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from None
    return message


def check_present(value: Any, path: str) -> None:
    if value is None or value == "":
        raise with_see(missing_value(path))


def with_see(error: Invalid) -> Invalid:
    return Invalid(error.message + SEE)


def answer(value: Any) -> Response:
    return Response(_ENCODER.encode(value), media_type="application/json")


EMPTY = Response(b"{}", media_type="application/json")


async def write(request: Request, work: Callable[[Transaction], T]) -> T:
    """Run work in a transaction, together with others that wait; done when it is on disk."""
    return await asyncio.wrap_future(record_behind(request).db.submit(work))


async def write_together(request: Request, work: Together[Item], item: Item) -> None:
    """As `write`, in one call with what else waits for the same work."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()

    def tell(refusal: BaseException | None) -> None:
        loop.call_soon_threadsafe(_settle, answered, refusal)

    record_behind(request).db.submit_together(work, item, tell)
    await answered


def _settle(answered: asyncio.Future[None], refusal: BaseException | None) -> None:
    if answered.done():  # the client went away
        return
    if refusal is None:
        answered.set_result(None)
    else:
        answered.set_exception(refusal)


async def read(request: Request, ask: Callable[[Reader], T]) -> T:
    return await to_thread.run_sync(ask, record_behind(request).db, limiter=request.app.state.readers)


async def look_up(request: Request, ask: Callable[[Reader], T]) -> T:
    """As `read`, for a few rows found by their key: SQLite has them before a thread would have begun."""
    db = record_behind(request).db
    return ask(db) if db.dialect == "sqlite" else await read(request, ask)


def page_of(name: str, found: list[Any], token: str) -> dict[str, Any]:
    """An answer without what is empty."""
    page: dict[str, Any] = {name: found} if found else {}
    return {**page, "next_page_token": token} if token else page


def name_of(sent: str | int | None, numbers: Mapping[int, str], names: Any, parameter: str) -> str | None:
    """The name of an enumerated value, which protobuf's JSON writes as name or number."""
    if sent is None:
        return None
    name = numbers.get(sent, "") if isinstance(sent, int) else sent
    if name not in names:
        error = invalid_value(parameter, sent)
        raise Invalid(error.message.rstrip("."), hint=did_you_mean(str(sent), names))
    return name


@cache
def _decoder(kind: type[M]) -> msgspec.json.Decoder[M]:
    # Not strict: protobuf's JSON takes numbers as texts too.
    return msgspec.json.Decoder(kind, strict=False)


@cache
def _lists_of(kind: type[Message]) -> frozenset[str]:
    return frozenset(field.name for field in msgspec.structs.fields(kind) if "list" in str(field.type))


def _from_query(request: Request, kind: type[M]) -> M:
    lists = _lists_of(kind)
    sent: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name in lists:
            sent.setdefault(name, []).append(text)
        else:
            sent.setdefault(name, text)
    try:
        return msgspec.convert(sent, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong_type(error, sent) from None


def _read_again(body: bytes) -> Any:
    """The body as plain values. It may be broken where a typed reader skipped it."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from None


def _not_json(error: Exception) -> Invalid:
    if isinstance(error, RecursionError):
        return Invalid("the JSON is nested too deeply", hint="send a flatter object")
    return Invalid(f"the body is not valid JSON: {error}", hint="send a JSON object")


def _check_content_type(request: Request) -> None:
    sent = request.headers.get("content-type")
    if sent is None:
        raise Invalid("Bad Request. Content-Type header is missing", hint="send application/json")
    if sent.partition(";")[0].strip().lower() != "application/json":
        raise Invalid(
            "Bad Request. Content-Type must be one of ['application/json']", hint="send application/json"
        )


def _wrong_type(error: msgspec.ValidationError, sent: Any) -> PavedError:
    """Say which parameter it is and what came, from msgspec's `Expected … - at $.metrics[3].value`."""
    found = _PLACE.search(str(error))
    if found is None or not found[1]:
        return Invalid(f"the body is not a JSON object: {error}", hint="send a JSON object")
    value = sent
    for index, name in _STEP.findall(found[1]):
        try:
            value = value[int(index)] if index else value[name]
        except (LookupError, TypeError):
            break
    place = found[1]
    if _IN_LIST.fullmatch(place) and isinstance(sent, dict):  # of a list of texts, MLflow names the list
        place = place.partition("[")[0]
        value = sent.get(place)
    return with_see(invalid_value(place, value, f" Hint: Value was of type '{type(value).__name__}'."))
