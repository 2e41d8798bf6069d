from __future__ import annotations

import asyncio
import socket

import uvicorn
from uvicorn.server import ServerState

from pavedroad.kit.http_process import JOINED_BYTES, _JoinedWrites, _Protocol


class Wire(asyncio.Transport):
    """What would leave the process, segment by segment."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.sent.append(b"(closed)")


def sent_of(*pieces: bytes, is_closed: bool = False) -> list[bytes]:
    """What is on the wire after the loop went round once."""

    async def write() -> list[bytes]:
        wire = Wire()
        joined = _JoinedWrites(wire)
        for piece in pieces:
            joined.write(piece)
        if is_closed:
            joined.close()
        await asyncio.sleep(0)
        return wire.sent

    return asyncio.run(write())


def test_head_and_body_of_an_answer_leave_together() -> None:
    assert sent_of(b"head", b"body") == [b"headbody"]


def test_a_large_body_does_not_wait_and_keeps_its_place() -> None:
    large = b"x" * JOINED_BYTES
    assert sent_of(b"head", large, b"end") == [b"head" + large, b"end"]


def test_what_waits_is_sent_before_the_connection_closes() -> None:
    assert sent_of(b"head", b"body", is_closed=True) == [b"headbody", b"(closed)"]


def test_a_connection_sends_without_waiting_for_an_acknowledgement() -> None:
    async def delays() -> bool:
        async def app(scope: object, receive: object, send: object) -> None: ...

        config = uvicorn.Config(app, lifespan="off", log_config=None)
        config.load()
        protocols: list[_Protocol] = []
        made = asyncio.Event()

        class Seen(_Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                opened: socket.socket = transport.get_extra_info("socket")
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)  # whatever the loop chose
                super().connection_made(transport)
                protocols.append(self)
                made.set()

        def new() -> Seen:
            return Seen(config=config, server_state=ServerState(), app_state={})

        server = await asyncio.get_running_loop().create_server(new, "127.0.0.1", 0)
        async with server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await made.wait()
            opened: socket.socket = protocols[0].transport.get_extra_info("socket")
            flag = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            await writer.wait_closed()
            protocols[0].transport.close()
        return not flag

    assert not asyncio.run(delays())
