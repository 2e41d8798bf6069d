"""A form of a page: what it sends is done once, then the browser goes on to where the result is seen.

    Form(path="/runs/{run_id}/rename", act=rename)

`act` is a plain function from the request and the fields to the next address. It needs no script, and a page
of another site cannot send it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pavedroad.errors import Invalid, Refused

Fields = Mapping[str, str]
FORM_TYPE = "application/x-www-form-urlencoded"
LARGEST_FORM_BYTES = 2**20
MOST_FIELDS = 100


class Form(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    act: Callable[[Request, Fields], str]


def form_routes(forms: Iterable[Form]) -> Iterator[Route]:
    for form in forms:
        yield Route(form.path, partial(_answer, form=form), methods=["POST"])


def field(fields: Fields, name: str) -> str:
    """What a form must hold. Raises Invalid."""
    if name not in fields:
        raise Invalid(f"the form lacks {name!r}", hint="send it from the page")
    return fields[name]


def confirmed(fields: Fields) -> None:
    """Raises Invalid unless the box was ticked that stands before what cannot be undone."""
    if fields.get("sure") != "yes":
        raise Invalid("nothing was done: the box was not ticked", hint="tick it to say that you are sure")


async def _answer(request: Request, *, form: Form) -> Response:
    # The server's guard looks at Origin; this is said by browsers that leave that out.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused("a page of another site may not write here", hint="use the form on the page itself")
    fields = read_fields(await request.body(), request.headers.get("content-type", ""))
    address = await run_in_threadpool(form.act, request, fields)
    return RedirectResponse(address, status_code=303)


def read_fields(body: bytes, content_type: str) -> dict[str, str]:
    """The fields of a form; several of one name with commas, line ends as one newline. Raises Invalid."""
    if content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise Invalid(f"a form is {FORM_TYPE}, not {content_type[:100]!r}", hint="send it from the page")
    if len(body) > LARGEST_FORM_BYTES:
        raise Invalid(f"the form is larger than {LARGEST_FORM_BYTES:,} bytes", hint="send a shorter text")
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError:  # also what is no UTF-8
        raise Invalid("the form cannot be read", hint="send it from the page") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise Invalid("the form holds a NUL character", hint="remove it")
    fields: dict[str, str] = {}
    for name, value in pairs:
        text = value.replace("\r\n", "\n").replace("\r", "\n")
        fields[name] = f"{fields[name]},{text}" if name in fields else text
    return fields
