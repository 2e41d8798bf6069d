"""An ASGI app as a process of its own, or as a thread of another one."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pavedroad.errors import Unavailable

PORTS_TO_TRY = 50
GRACE_S = 30  # for requests in flight when told to stop
START_TIMEOUT_S = 10
JOINED_BYTES = 32 * 1024  # of one write; more is sent without waiting for what may follow


class _JoinedWrites:
    """A transport that sends what is written in one turn of the loop at once: head and body in one packet."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._waiting and len(data) < JOINED_BYTES:
            self._waiting.append(data)
            self._loop.call_soon(self._send)
        else:
            self._waiting.append(data)
            if len(data) >= JOINED_BYTES:
                self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # A client that acknowledges late must not hold up the second packet of an answer for 40 ms.
        opened: socket.socket = transport.get_extra_info("socket")
        if opened.family in (socket.AF_INET, socket.AF_INET6):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(cast("asyncio.Transport", _JoinedWrites(transport)))


class _Server(uvicorn.Server):
    """Tells when it is ready. A stop that was asked for is a success, so signals are not raised again."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,  # nobody asks for the client's address
                timeout_graceful_shutdown=GRACE_S,
                timeout_keep_alive=75,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int, *, next_free: bool = False) -> socket.socket:
    """A listening address. With `next_free`, a taken port gives way to the next one; port 0 means any.

    Raises: Unavailable when the address cannot be used.
    """
    last = min(port + (PORTS_TO_TRY if next_free and port else 0), 65535)
    for candidate in range(port, last + 1):
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen(2048)
        except OSError as error:
            listening.close()
            if candidate == last or error.errno != errno.EADDRINUSE:
                raise Unavailable(
                    f"cannot listen on {host}:{candidate}: {error.strerror}",
                    hint="choose another --host or --port",
                ) from None
        else:
            return listening
    raise AssertionError("unreachable")


def url_of(listening: socket.socket) -> str:
    """The address to call it by from this machine."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_until_told(app: ASGIApp, listening: socket.socket, *, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; then answer what is in flight and return."""

    async def serve() -> None:
        server = _Server(app, ready)

        def stop() -> None:
            server.force_exit = server.should_exit  # the second signal does not wait
            server.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        await server.serve([listening])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


class ServerThread:
    """The same server inside this process, on 127.0.0.1 and any port, until `stop()`."""

    def __init__(self, app: ASGIApp) -> None:
        self._listening = bind("127.0.0.1", 0)
        self.url = url_of(self._listening)
        ready = threading.Event()
        self._server = _Server(app, ready.set)
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)
        self._thread.start()
        if not ready.wait(START_TIMEOUT_S):
            raise Unavailable("the embedded server did not start", hint="try again")

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, self._listening:
            runner.run(self._server.serve([self._listening]))

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
