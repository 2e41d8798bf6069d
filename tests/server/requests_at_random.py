"""Requests as nobody should send them: every route, near-valid and wild messages, odd paths and headers.

All of one request follows from a seed and its number, but for what earlier requests left in the record.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from starlette.routing import Mount, Route

from pavedroad.server.app import EXACT
from pavedroad.server.not_answered import AREAS, twins
from pavedroad.tracking.mlflow_messages import Message

Rng = random.Random
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get")
FILTERS = (
    "metrics.acc > 0.5",
    "params.lr = '0.1' AND metrics.loss <= 3",
    "tags.`mlflow.user` LIKE '%a_' OR NOT (attributes.status IN ('FINISHED'))",
    "name = 'm'",
    "name ILIKE 'M%'",
    "tag.k IS NULL",
    "max.acc >= 1e308",
    "run_id='x'",
    "creation_time > 5",
    "datasets.name = 'd'",
    "(((((",
    "metrics.`a",
    "a = 'b",
    "= = =",
    "metrics.acc > 'x'",
    "\0",
    "name = '" + "x" * 3000 + "'",
    "NOT " * 500 + "name = 'm'",
    "(" * 500 + "name = 'm'" + ")" * 500,
)
ORDERS = (
    "metrics.acc DESC",
    "start_time",
    "name ASC",
    "params.x",
    "tags.`a b`",
    "nope DESC",
    "max.acc",
    "",
    "a a a",
)
# Small, so that requests meet each other's rows.
TEXTS = (
    "m",
    "a",
    "acc",
    "loss",
    "k",
    "v",
    "0",
    "1",
    "2",
    "champion",
    "blue",
    "production",
    "Production",
    "FINISHED",
)
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\u202e",
    "😀" * 3,
    "é",
    "x" * 251,
    "x" * 5001,
    "x" * 70_000,
    "../../etc/passwd",
    "..\\..\\windows",
    "%2e%2e%2f",
    "/etc/passwd",
    "//host/share",
    "C:\\x",
    "a/../b",
    "'; DROP TABLE runs; --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "%s%n",
    "null",
    "NaN",
    "-1",
    "1e999",
    "99999999999999999999",
    "mlflow-artifacts:/registry/x",
    "models:/m/1",
    "models:/m@champion",
    "runs:/x/y",
    "dummy-source",
    "file:///etc",
    "s3://b/k",
    "https://hooks.example.org/x",
    "http://127.0.0.1:1/",
    "true",
)
NUMBERS = (
    0,
    1,
    2,
    5,
    100,
    -1,
    1000,
    50_000,
    200_001,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63),
    2**64,
    10**30,
)
REALS = (0.0, -0.0, 0.5, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan, 1e400)
CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "",
    "a/b/c;;;",
    "application/octet-stream",
)
FORM = "application/x-www-form-urlencoded"
NUMBER_NAMES = (
    "max_results",
    "timestamp",
    "start_time",
    "end_time",
    "step",
    "num_parts",
    "version",
    "page",
    "limit",
)
# What pages read from their query, and forms from their body.
QUERY_NAMES = (
    "filter",
    "columns",
    "order_by",
    "page",
    "run",
    "runs",
    "run_id",
    "run_uuid",
    "path",
    "name",
    "version",
    "experiment_id",
    "q",
    "x",
    "scale",
    "smoothing",
    "metric",
    "kind",
    "verb",
    "who",
    "before",
    "part",
    "text",
    "prefix",
)
FORM_NAMES = (
    "run",
    "runs",
    "run_id",
    "name",
    "key",
    "value",
    "note",
    "action",
    "confirm",
    "experiment_id",
    "back",
)
BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe{\0}\0",
    b"1" * 5000,
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b"\0",
)
HEADERS = (
    ("range", ("bytes=0-3", "bytes=-1", "bytes=9-", "bytes=0-0,2-3", "bytes=x", "bytes=" + "9" * 60 + "-")),
    ("if-none-match", ("*", '"x"', 'W/"', "\xff")),
    ("if-range", ('"x"', "yesterday")),
    ("if-modified-since", ("yesterday", "Mon, 30 Feb 2026 99:99:99 GMT")),
    ("accept", ("text/html", "*/*", "application/json", "x" * 2000, "\xff\xfe")),
    ("accept-encoding", ("gzip", "br;q=x", "identity;q=0")),
    ("host", ("localhost", "evil.example", "[::1]:80", "a:b:c", "", "127.0.0.1:99999", "[::1", "\xff")),
    ("origin", ("null", "http://evil.example", "http://testserver", "http://[", "::::", "\xe4")),
    ("content-length", ("-1", "x", "99999999999999999999")),
    ("content-encoding", ("gzip", "x")),
    ("x-forwarded-for", ("1.2.3.4", "\xff")),
    ("x-forwarded-proto", ("https", "gopher")),
    ("cookie", ("a=b; c", "=" * 500)),
    ("authorization", ("Basic eA==", "Basic !!!", "Bearer x")),
    ("expect", ("100-continue",)),
    ("transfer-encoding", ("chunked", "gzip")),
    ("x-http-method-override", ("DELETE",)),
    ("sec-fetch-site", ("cross-site", "same-origin", "none", "x")),
    ("user-agent", ("mlflow-python-client/3.17.2", "\xff" * 50)),
)


class Request(NamedTuple):
    """As it goes over the wire."""

    method: str
    target: str  # path and query, ASCII
    headers: list[tuple[str, str]]  # latin-1
    body: bytes

    def __str__(self) -> str:
        shown = self.body if len(self.body) < 600 else self.body[:600] + b"..."
        return f"{self.method} {self.target[:600]}\n{self.headers}\n{shown!r}"


class Door(NamedTuple):
    """A route, and the message that its handler reads, when it reads one."""

    method: str
    path: str
    message: type[Message] | None


def doors(routes: list[Any]) -> list[Door]:
    """Every route of the dictionaries, of the router and of the table of what is not answered."""
    found = [Door(method, path, _message_of(handler)) for (method, path), handler in EXACT.items()]
    for route in routes:
        if isinstance(route, Route):
            message = _message_of(route.endpoint)
            found += [Door(method, route.path, message) for method in sorted(route.methods or ())]
        elif isinstance(route, Mount):
            found.append(Door("GET", f"{route.path}/{{path:path}}", None))
    missing = [
        Door(method, twin, None) for area in AREAS for method, path in area.routes() for twin in twins(path)
    ]
    # Few of those: they differ in nothing.
    return sorted(found) + sorted(missing)[::8]


def _message_of(handler: Any) -> type[Message] | None:
    """The first kind of message that a handler's code names."""
    code = getattr(handler, "__code__", None)
    known = {kind.__name__: kind for kind in _kinds(Message)}
    return next((known[name] for name in getattr(code, "co_names", ()) if name in known), None)


def _kinds(kind: type[Message]) -> Iterator[type[Message]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


class Source:
    """Makes the request of a number. `known` has names and ids that are in the record; it may be renewed."""

    def __init__(self, routes: list[Any], known: dict[str, tuple[str, ...]]) -> None:
        self.doors = doors(routes)
        self.known = known

    def request(self, seed: int, number: int) -> Request:
        rng = Rng(f"{seed}:{number}")
        return _Maker(rng, self.known, oddness=rng.choice((0.0, 0.0, 0.02, 0.15))).request(
            rng.choice(self.doors)
        )


class _Maker:
    """Makes one request. `oddness` is how likely each of its parts is to be wild."""

    def __init__(self, rng: Rng, known: dict[str, tuple[str, ...]], oddness: float) -> None:
        self._rng = rng
        self._known = known
        self._oddness = oddness

    def request(self, door: Door) -> Request:
        rng = self._rng
        method = rng.choice(METHODS) if self._is_odd() else door.method
        target = self._path(door.path)
        body, headers = b"", [("host", "testserver")]
        is_form = not door.path.startswith(("/api/", "/ajax-api/", "/v1/"))
        if method in ("GET", "HEAD", "DELETE") or door.message is None:
            target += self._query(door)
        if method in ("POST", "PUT", "PATCH", "DELETE") or self._is_odd():
            body = self._form() if is_form else self._body(door)
            kind = FORM if is_form else CONTENT_TYPES[0]
            headers.append(("content-type", rng.choice(CONTENT_TYPES) if self._is_odd() else kind))
        for name, values in HEADERS:
            if self._oddness and rng.random() < self._oddness / 4:
                headers = [(known, value) for known, value in headers if known != name]
                headers.append((name, rng.choice(values)))
        return Request(method, target, headers, body)

    def _is_odd(self) -> bool:
        return self._rng.random() < self._oddness

    def _path(self, path: str) -> str:
        made = _PARAMETER.sub(lambda found: self._segment(found[1], found[2] or ""), path)
        if (self._is_odd() and self._is_odd()) or self._rng.random() < self._oddness / 10:
            wild = (made + "/", "/" + made, made + ".json", made + "%00", made[:-1], made + "%ff%fe", "*")
            made = self._rng.choice(wild)
        return made if made.startswith(("/", "*")) else "/" + made

    def _segment(self, name: str, kind: str) -> str:
        if kind == "int":
            return str(self._rng.choice(NUMBERS[:4]))
        safe = "/%" if kind == "path" and self._rng.random() < 0.5 else ""
        return _quoted(self._text(name), safe) or "x"

    def _query(self, door: Door) -> str:
        rng = self._rng
        kind = door.message
        names = [
            name
            for name in (kind.__struct_fields__ if kind else QUERY_NAMES)
            if rng.random() < (0.98 if kind and name in kind.required else 0.4)
        ]
        if not kind and rng.random() < 0.5:
            names = ["run_uuid", "run_id", "path"]
        pairs = [(name, self._text(name)) for name in names for _ in range(3 if self._is_odd() else 1)]
        text = "&".join(f"{quote(name)}={_quoted(value, '')}" for name, value in pairs)
        if self._is_odd():
            text += rng.choice(("&", "&&==", "&%", "&a=%zz", "&=b", "&a;b", "&a=%ff%fe", "&" + "x=1&" * 300))
        return f"?{text}" if text else ""

    def _form(self) -> bytes:
        names = [name for name in FORM_NAMES if self._rng.random() < 0.6]
        form = "&".join(f"{name}={_quoted(self._text(name), '')}" for name in names).encode()
        return self._broken(form) if self._is_odd() else form

    def _body(self, door: Door) -> bytes:
        if self._is_odd():
            return self._rng.choice(BODIES)
        message = self._message(door.message or self._rng.choice(KINDS), depth=0)
        if self._is_odd():
            message[self._rng.choice(FIELDS)] = self._odd()
        body = json.dumps(message, ensure_ascii=True).encode()
        return self._broken(body) if self._is_odd() else body

    def _broken(self, body: bytes) -> bytes:
        at = self._rng.randrange(len(body) + 1)
        return self._rng.choice(
            (
                body[:at],
                body[:at] + bytes([self._rng.randrange(256)]) + body[at:],
                b"\xef\xbb\xbf" + body,
                body.decode().encode("utf-16"),
                gzip.compress(body),
                body + body,
            )
        )

    def _message(self, kind: type[Message], depth: int) -> dict[str, Any]:
        made = {}
        for field in msgspec.structs.fields(kind):
            if self._rng.random() < (0.98 if field.name in kind.required else 0.5):
                odd = self._is_odd()
                made[field.encode_name] = self._odd() if odd else self._value(field.name, field.type, depth)
        return made

    def _value(self, name: str, kind: Any, depth: int) -> Any:
        """A value of the type that is asked for, mostly one that means something."""
        rng = self._rng
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            inner = [each for each in arguments if each is not type(None)]
            return self._value(name, rng.choice(inner), depth)
        if origin is typing.Annotated:
            return self._value(name, arguments[0], depth)
        if origin in (list, tuple):
            many = 1001 if self._is_odd() and self._is_odd() else rng.choice((0, 1, 1, 2, 3))
            return [self._value(name, arguments[0] if arguments else str, depth + 1) for _ in range(many)]
        if origin is dict:
            return {rng.choice(TEXTS): self._odd()}
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._message(kind, depth + 1) if depth < 5 and issubclass(kind, Message) else {}
        if kind is bool:
            return rng.random() < 0.5
        if kind is int:
            return rng.choice(NUMBERS if self._is_odd() else NUMBERS[:5])
        if kind is float:
            return rng.choice(REALS) if rng.random() < 0.4 else rng.uniform(-1e3, 1e3)
        return self._text(name)

    def _text(self, name: str) -> str:
        rng = self._rng
        if self._is_odd():
            return rng.choice(ODD_TEXTS)
        if "filter" in name or name == "q":
            return rng.choice(FILTERS)
        if "order" in name or name == "sort":
            return rng.choice(ORDERS)
        if name in self._known:
            return rng.choice(self._known[name])
        if name in NUMBER_NAMES:
            return str(rng.choice(NUMBERS[:5]))
        return f"new-{rng.randrange(10**9)}" if rng.random() < 0.1 else rng.choice(TEXTS)

    def _odd(self) -> Any:
        rng = self._rng
        makers: tuple[Callable[[], Any], ...] = (
            lambda: rng.choice(ODD_TEXTS),
            lambda: rng.choice(NUMBERS),
            lambda: rng.choice(REALS),
            lambda: None,
            lambda: rng.random() < 0.5,
            list,
            dict,
            lambda: [rng.choice(ODD_TEXTS), rng.choice(NUMBERS), None],
            lambda: {"key": rng.choice(ODD_TEXTS), "value": rng.choice(NUMBERS)},
            lambda: [[[[[[{}]]]]]],
        )
        return rng.choice(makers)()


def _quoted(text: str, safe: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass")[:4000], safe=safe)


KINDS = sorted(_kinds(Message), key=lambda kind: (kind.__module__, kind.__qualname__))
FIELDS = sorted({name for kind in KINDS for name in kind.__struct_fields__})
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
