"""One request template driven against one server, by wrk or by a Python client that acknowledges at once.

wrk is a stock keep-alive client: what a user gets. The Python one sets TCP_QUICKACK before each read, so that
a server which sends head and body in two segments does not wait for the kernel's delayed acknowledgement.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

SCRIPT = Path(__file__).with_name("requests.lua")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Template(NamedTuple):
    """`@n@` becomes a number no other request has; `@id@` one of `ids` in turn."""

    method: str
    path: str
    body: str = ""
    ids: Sequence[str] = ()

    def bytes_of(self, number: int, host: str) -> bytes:
        path, body = (self._filled(text, number) for text in (self.path, self.body))
        head = f"{self.method} {path} HTTP/1.1\r\nHost: {host}\r\n"
        if self.method != "GET":
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n{body}".encode()

    def _filled(self, text: str, number: int) -> str:
        text = text.replace("@n@", str(number))
        return text.replace("@id@", self.ids[number % len(self.ids)]) if self.ids else text


class Taken(NamedTuple):
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


_numbers = iter(range(1, 10**6))  # each measurement counts from a number of its own


def by_wrk(url: str, template: Template, *, connections: int, seconds: int) -> Taken:
    """Raises SystemExit when wrk is missing or a request fails: a number with errors in it is none."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is not here: install it (Debian: apt-get install wrk)")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(template.body)
        file.flush()
        command = [
            wrk,
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "60s",
            "-s",
            SCRIPT,
            url,
            "--",
        ]
        first = next(_numbers) * 10_000_000
        asked = [template.method, template.path, file.name, str(first), *template.ids]
        done = subprocess.run([*command, *asked], check=True, capture_output=True, text=True)
    said = json.loads(done.stdout.strip().splitlines()[-1])
    if said["failed"]:
        raise SystemExit(f"{said['failed']} of {said['requests']} requests failed: {template.path}")
    return Taken(said["requests"], said["seconds"], said["p50_ms"], said["p99_ms"])


def by_quick_client(url: str, template: Template, *, connections: int, seconds: int) -> Taken:
    first = next(_numbers) * 10_000_000
    times: list[float] = []
    wrong: list[str] = []
    begin = time.perf_counter()

    def client(place: int) -> None:
        try:
            times.extend(_ask_for(url, template, first + place, connections, begin + seconds))
        except (OSError, ValueError) as error:
            wrong.append(str(error))

    threads = [threading.Thread(target=client, args=(place,)) for place in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise SystemExit(f"{template.path}: {wrong[0]}")
    took = time.perf_counter() - begin
    ordered = sorted(times)
    return Taken(len(times), took, statistics.median(times) * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3)


def _ask_for(url: str, template: Template, number: int, stride: int, end: float) -> list[float]:
    """The time of each request of one connection until `end`, one at least."""
    address = urlsplit(url)
    times: list[float] = []
    with socket.create_connection((address.hostname, address.port or 80)) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            opened.sendall(template.bytes_of(number, address.netloc))
            _read_answer(opened)
            times.append(time.perf_counter() - begin)
            number += stride
    return times


def _read_answer(opened: socket.socket) -> None:
    got = bytearray()
    needed = None
    while needed is None or len(got) < needed:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = opened.recv(1 << 20)
        if not part:
            raise ValueError("the server closed the connection")
        got += part
        end = got.find(b"\r\n\r\n")
        if needed is None and end >= 0:
            head = bytes(got[:end])
            status = head.partition(b"\r\n")[0].decode("latin-1")
            if " 200 " not in status:
                raise ValueError(f"answered {status}: {bytes(got[end:])[:300]!r}")
            length = _LENGTH.search(head)
            needed = end + 4 + int(length[1]) if length else 2**62  # in pieces: ends with an empty one
        if needed == 2**62 and got.endswith(b"\r\n0\r\n\r\n"):
            return
