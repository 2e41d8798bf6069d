"""Requests to a tracking server: kept-alive connections, one a thread, tried again when that is safe."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

import msgspec

from pavedroad.errors import Invalid, PavedError, Unavailable

TIMEOUT_S = 120.0
ATTEMPTS = 5
FIRST_WAIT_S = 0.2  # doubles with every attempt
TRY_AGAIN = (429, 502, 503, 504)
LONGEST_SAYING = 300  # characters of a server's refusal that are shown
IDLE_S = 2.0  # after which a server may have closed a connection: the next request opens another one
_DROPPED = (http.client.HTTPException, OSError)


class Credentials(NamedTuple):
    """As MLflow's client takes them from its environment."""

    token: str = ""
    username: str = ""
    password: str = ""
    insecure_tls: bool = False
    certificates: str = ""  # file of those to trust besides the system's


class Answered(PavedError):
    """The server refused; `code` and `status` are its own."""

    def __init__(self, status: int, code: str, message: str, where: str) -> None:
        told = message.partition("\n")[0][:LONGEST_SAYING]  # some servers add their SQL
        super().__init__(f"{where} answers {status}: {told}", hint=_hint(status))
        self.answered = status
        self.error_code = code
        self.said = message


class HttpClient:
    """Talks to one server. May be used from several threads."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid(f"{url!r} is no address of a server", hint="write it as http://host:port")
        self._parts = parts
        port = f":{parts.port}" if parts.port else ""
        self.address = f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"
        self._prefix = parts.path.rstrip("/")
        self._headers = _authorization(credentials, parts.username, parts.password)
        self._tls = _tls(credentials) if parts.scheme == "https" else None
        self._local = threading.local()
        self._open: list[http.client.HTTPConnection] = []  # of all threads

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | msgspec.Struct | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        again: bool = True,
    ) -> Any:
        """The JSON that a route answers. `again` says that sending it twice does no harm.

        Raises: Answered when the server refuses, Unavailable when it cannot be reached.
        """
        data = None if body is None else msgspec.json.encode(body)
        with contextlib.closing(self.send(method, path, data, query=query, again=again)) as answer:
            text = answer.read()
        if not text:
            return {}
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise Unavailable(
                f"{self.address}{path} does not answer in JSON",
                hint="is this a tracking server of MLflow's kind?",
            ) from None

    def send(
        self,
        method: str,
        path: str,
        data: bytes | BinaryIO | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        size_bytes: int | None = None,
        again: bool = True,
    ) -> http.client.HTTPResponse:
        """An answer to be read to its end before the next request of this thread."""
        wait_s = FIRST_WAIT_S
        for attempt in range(1, ATTEMPTS + 1):
            is_last = attempt == ATTEMPTS
            try:
                answer = self._send_once(method, path, data, query, size_bytes)
            except _DROPPED as error:
                self._forget()
                refused = isinstance(error, ConnectionRefusedError)
                distrusted = isinstance(error, ssl.SSLCertVerificationError)
                if is_last or distrusted or not (again or refused):
                    raise self._cannot(error) from None
            else:
                if answer.status < 400:
                    return answer
                refusal = self._refusal(answer, path)
                if is_last or answer.status not in TRY_AGAIN:
                    raise refusal
            if data is not None and not isinstance(data, bytes):
                data.seek(0)
            time.sleep(wait_s)
            wait_s *= 2
        raise AssertionError("unreachable")

    def close(self) -> None:
        """All connections; no thread may be using one."""
        for held in self._open:
            held.close()

    def _send_once(
        self,
        method: str,
        path: str,
        data: bytes | BinaryIO | None,
        query: Mapping[str, Any] | None,
        size_bytes: int | None,
    ) -> http.client.HTTPResponse:
        connection = self._connection()
        headers = dict(self._headers)
        if isinstance(data, bytes) and size_bytes is None:
            headers["Content-Type"] = "application/json"
        elif data is not None:
            headers["Content-Type"] = "application/octet-stream"
            headers["Content-Length"] = str(size_bytes)
        target = f"{self._prefix}{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        connection.request(method, target, body=data, headers=headers)
        if hasattr(socket, "TCP_QUICKACK"):  # else MLflow's own server waits 40 ms for our acknowledgement
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return connection.getresponse()

    def _connection(self) -> http.client.HTTPConnection:
        held: http.client.HTTPConnection | None = getattr(self._local, "held", None)
        if held is not None and time.monotonic() - self._local.used > IDLE_S:
            self._forget()
            held = None
        self._local.used = time.monotonic()
        if held is None:
            host, port = str(self._parts.hostname), self._parts.port
            if self._tls is not None:
                held = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._tls)
            else:
                held = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
            self._local.held = held
            self._open.append(held)
        return held

    def _forget(self) -> None:
        held: http.client.HTTPConnection | None = getattr(self._local, "held", None)
        if held is not None:
            held.close()
            self._open.remove(held)
            self._local.held = None

    def _refusal(self, answer: http.client.HTTPResponse, path: str) -> PavedError:
        text = answer.read()
        try:
            said = msgspec.json.decode(text)
            code, message = str(said["error_code"]), str(said["message"])
        except (msgspec.DecodeError, KeyError, TypeError):
            code, message = "", text[:200].decode("utf-8", "replace").partition("\n")[0]
        return Answered(answer.status, code, message, f"{self.address}{path}")

    def _cannot(self, error: Exception) -> Unavailable:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unavailable(
                f"cannot trust {self.address}: {error.verify_message}",
                hint="name its certificate in MLFLOW_TRACKING_SERVER_CERT_PATH, "
                "or set MLFLOW_TRACKING_INSECURE_TLS=true",
            )
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unavailable(
            f"cannot reach {self.address}: {why}", hint="start the server, then try again: it goes on"
        )


def _tls(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if credentials.insecure_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif credentials.certificates:
        try:
            context.load_verify_locations(credentials.certificates)
        except OSError as error:  # which an unreadable certificate is, too
            raise Invalid(
                f"cannot read the certificates in {credentials.certificates}: {error.strerror or error}",
                hint="MLFLOW_TRACKING_SERVER_CERT_PATH names a PEM file",
            ) from None
    return context


def _authorization(credentials: Credentials, username: str | None, password: str | None) -> dict[str, str]:
    user = unquote(username) if username else credentials.username
    secret = unquote(password) if password else credentials.password
    if user:
        pair = base64.b64encode(f"{user}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {credentials.token}"} if credentials.token else {}


def _hint(status: int) -> str:
    if status in (401, 403):
        return "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    return ""
