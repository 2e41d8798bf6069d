"""The server as a process: ready quickly, next free port, graceful end."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.config import Settings
from pavedroad.errors import Unavailable
from pavedroad.kit.http_process import bind, url_of
from pavedroad.record import Record
from pavedroad.server import embedded


def test_a_taken_port_gives_way_to_the_next() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with bind("127.0.0.1", port, next_free=True) as second:
            assert second.getsockname()[1] > port


def test_a_port_that_was_asked_for_is_not_swapped() -> None:
    with bind("127.0.0.1", 0) as first, pytest.raises(Unavailable, match="cannot listen"):
        bind("127.0.0.1", first.getsockname()[1])


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Unavailable, match="cannot listen on 192\\.0\\.2\\.1"):
        bind("192.0.2.1", 0)


def test_a_port_asked_for_on_the_command_line_is_not_swapped(
    start_server: Callable[..., Any], settings: Settings, paved: Callable[..., Any]
) -> None:
    server = start_server(settings)
    port = int(server.url.rsplit(":", 1)[1])
    ran = paved("up", "--port", port, code=3)
    assert f"cannot listen on 127.0.0.1:{port}" in ran.err
    assert "choose another --host or --port" in ran.err


def test_wrong_gates_of_the_team_are_said_at_the_start(home: Path, paved: Callable[..., Any]) -> None:
    home.mkdir()
    (home / "paved.toml").write_text("[gates]\nmetrik = true\n")
    ran = paved("up", "--port", "0", code=2)
    assert "metrik" in ran.err
    assert "metric" in ran.err


def test_requests_in_flight_are_answered_before_the_end(live: Any) -> None:
    host = live.url.removeprefix("http://")
    body = json.dumps({"name": "slow"}).encode()
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.putrequest("POST", "/api/2.0/mlflow/experiments/create")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:5])
    stopped: list[int] = []
    stopping = threading.Thread(target=lambda: stopped.append(live.stop()))
    stopping.start()
    time.sleep(0.5)  # the signal has arrived while half of the request is still to come
    connection.send(body[5:])
    assert connection.getresponse().status == 200
    connection.close()
    stopping.join()
    assert stopped == [0]


def test_an_idle_server_is_small(live: Any) -> None:
    urllib.request.urlopen(f"{live.url}/", timeout=10).read()
    status = Path(f"/proc/{live.process.pid}/status")
    if not status.exists():
        pytest.skip("needs Linux's /proc")
    resident_kb = next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmRSS" in line)
    assert resident_kb < 150_000


def test_nagle_is_off(live: Any) -> None:
    """A stock client's second small request on one connection must not wait for a delayed acknowledgement."""
    connection = http.client.HTTPConnection(live.url.removeprefix("http://"), timeout=10)
    waits = []
    for _ in range(20):
        started = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        waits.append(time.perf_counter() - started)
    connection.close()
    assert sorted(waits)[10] < 0.035  # the stall would be 0.040, every time


def test_an_embedded_server_answers_and_stops(record: Record) -> None:
    server = embedded.start(record)
    with urllib.request.urlopen(f"{server.url}/health", timeout=10) as response:
        assert response.read() == b"OK"
    server.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=2)


def test_the_address_of_an_ipv6_socket_has_brackets() -> None:
    with bind("::1", 0) as listening:
        assert url_of(listening).startswith("http://[::1]:")
