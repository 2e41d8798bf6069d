"""How fast a version answers when it is really served: a process of its own, and a bounded load on it."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pavedroad.errors import Invalid, NotFound, Refused, Unavailable
from pavedroad.record import Record
from pavedroad.registry import ModelVersion
from pavedroad.serving.candidate import Order, Report
from pavedroad.serving.model import Latency
from pavedroad.serving.version_files import is_trusted, lay_out

START_S = 60.0  # for loading the model
LONGEST_S = 20.0  # of load; a slow model is measured with fewer requests
ANSWER_S = 10.0
_KINDS = {kind.code: kind for kind in (NotFound, Refused, Unavailable)}  # of errors that a candidate reports


def measure_latency(
    record: Record,
    version: ModelVersion,
    *,
    requests: int = 500,
    concurrency: int = 4,
    warmup: int = 50,
    trust: bool = False,
) -> Latency:
    """Serve `version` on a free port, send its example `requests` times over `concurrency` connections, stop.

    Time counts from the first byte sent to the last byte read, for each request. The load ends after 20 s at
    the latest.
    Raises: what loading the version raises; Invalid when there is nothing to send; Unavailable when it does
    not start.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="paved-measure-") as folder:
        place = Path(folder).resolve()
        lay_out(record, version, place)
        order = Order(
            folder=str(place),
            name=version.name,
            version=str(version.version),
            trusted=trust or is_trusted(record, version),
            max_body_bytes=record.settings.max_body_bytes,
        )
        with _serving(order) as report:
            if report.example is None:
                raise Invalid(
                    f"{version} has neither example nor signature, so there is nothing to send",
                    hint="log it with an input example",
                )
            start_s = time.perf_counter() - started
            message = request_message(msgspec.json.encode(report.example))
            drive(report.port, message, requests=warmup, concurrency=concurrency)
            return msgspec.structs.replace(
                drive(report.port, message, requests=requests, concurrency=concurrency), start_s=start_s
            )


@contextmanager
def _serving(order: Order) -> Iterator[Report]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pavedroad.serving.candidate", msgspec.json.encode(order).decode()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        timer = threading.Timer(START_S, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        if not line:
            raise Unavailable(
                f"{order.name}@{order.version} did not start within {START_S:.0f} s or ended",
                hint=f"run `paved serve {order.name}@{order.version}` to see why",
            )
        report = msgspec.json.decode(line, type=Report)
        if report.error:
            raise _KINDS.get(report.code, Invalid)(report.error, hint=report.hint)
        yield report
    finally:
        process.stdin.close()
        try:
            process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def request_message(body: bytes) -> bytes:
    """The bytes of one `/invocations` request, for `drive`."""
    head = (
        "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def drive(port: int, message: bytes, *, requests: int, concurrency: int) -> Latency:
    """Send `message` to 127.0.0.1:`port` again and again over kept connections; bounded in number and in
    time.
    """
    share = _Share(requests, deadline=time.perf_counter() + LONGEST_S)
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_send_share, args=(port, message, share), daemon=True)
        for _ in range(min(concurrency, max(requests, 1)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    times = sorted(share.times_s)
    return Latency(
        p50_ms=_quantile(times, 0.50) * 1000,
        p99_ms=_quantile(times, 0.99) * 1000,
        requests=len(times) + share.errors,
        errors=share.errors,
        seconds=seconds,
        concurrency=concurrency,
    )


class _Share:
    """What the threads of one load have in common."""

    def __init__(self, requests: int, *, deadline: float) -> None:
        self._left = requests
        self._deadline = deadline
        self._lock = threading.Lock()
        self.times_s: list[float] = []
        self.errors = 0

    def take(self) -> bool:
        with self._lock:
            if self._left <= 0 or time.perf_counter() > self._deadline:
                return False
            self._left -= 1
            return True

    def add(self, seconds: float | None) -> None:
        with self._lock:
            if seconds is None:
                self.errors += 1
            else:
                self.times_s.append(seconds)


def _send_share(port: int, message: bytes, share: _Share) -> None:
    connection = None
    while share.take():
        try:
            connection = connection or _connect(port)
            started = time.perf_counter()
            connection.sendall(message)
            ok = _read_answer(connection)
            share.add(time.perf_counter() - started if ok else None)
        except OSError:
            share.add(None)
            if connection is not None:
                connection.close()
            connection = None
    if connection is not None:
        connection.close()


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _read_answer(connection: socket.socket) -> bool:
    """Read one answer to its end; whether it is a 200. Raises OSError when the connection ends first."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    head = received[:end].lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    left = end + 4 + length - len(received)
    while left > 0:
        left -= len(_more(connection))
    return head.startswith(b"http/1.1 200")


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise ConnectionResetError("closed before the answer was complete")
    return data


def _quantile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed; NaN-free: 0 when there is none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * round(share * 100) // 100) - 1))]
