"""A large file goes up and down while the server's memory stays flat; 2 GB with PAVED_TEST_LARGE=1."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

IS_LARGE = os.environ.get("PAVED_TEST_LARGE") == "1"
SIZE_BYTES = 2 * 2**30 if IS_LARGE else 256 * 2**20
GROWTH_BYTES = 64 * 2**20
PIECE_BYTES = 2**20
RUN_ID = "0" * 32
PATH = f"/api/2.0/mlflow-artifacts/artifacts/0/{RUN_ID}/artifacts/large.bin"
SMALL = PATH.replace("large", "small")


def pieces() -> Iterator[bytes]:
    """Bytes that differ from piece to piece, quickly made."""
    piece = bytearray(os.urandom(PIECE_BYTES))
    for number in range(SIZE_BYTES // PIECE_BYTES):
        piece[:8] = number.to_bytes(8, "big")
        yield bytes(piece)


class Memory:
    """The largest resident memory of a process while a block runs, and what it had before."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self.before = self.largest = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        stopped = threading.Event()
        self.before = self.largest = self._now()

        def watch() -> None:
            while not stopped.wait(0.02):
                self.largest = max(self.largest, self._now())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            stopped.set()
            watcher.join()

    @property
    def growth(self) -> int:
        return self.largest - self.before

    def _now(self) -> int:
        """Bytes of VmRSS: what is mapped from files counts, too."""
        line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@pytest.fixture(autouse=True)
def no_large_file_stays(live: Any, tmp_path: Path) -> Iterator[None]:
    """pytest keeps the folders of its last runs: without their gigabytes."""
    yield
    for folder in (live.home / "files", live.home / "uploads", tmp_path):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def connection(live: Any) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection(urlsplit(live.url).netloc, timeout=600)
    yield opened
    opened.close()


@pytest.fixture
def memory(live: Any, connection: http.client.HTTPConnection) -> Memory:
    """Of a server that has answered its first requests, so that what it loads once does not count."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc to read a process's memory from")
    for _ in range(3):
        connection.request("PUT", SMALL, b"x" * 3 * PIECE_BYTES)
        connection.getresponse().read()
        connection.request("GET", SMALL)
        connection.getresponse().read()
    return Memory(live.process.pid)


def upload(connection: http.client.HTTPConnection, source: Iterator[bytes]) -> str:
    """Send the pieces; their digest."""
    hasher = hashlib.blake2b()

    def hashed() -> Iterator[bytes]:
        for piece in source:
            hasher.update(piece)
            yield piece

    connection.request("PUT", PATH, hashed(), {"Content-Length": str(SIZE_BYTES)})
    answered = connection.getresponse()
    assert (answered.status, answered.read()) == (200, b"")
    return hasher.hexdigest()


def download(
    connection: http.client.HTTPConnection, headers: dict[str, str] | None = None
) -> tuple[str, int]:
    """Digest and size of what comes."""
    connection.request("GET", PATH, headers=headers or {})
    answered = connection.getresponse()
    assert answered.status in (200, 206)
    hasher, size = hashlib.blake2b(), 0
    while piece := answered.read(PIECE_BYTES):
        hasher.update(piece)
        size += len(piece)
    return hasher.hexdigest(), size


@pytest.mark.timeout(900)
def test_a_large_file_goes_up_and_down_in_flat_memory(
    connection: http.client.HTTPConnection, memory: Memory
) -> None:
    with memory.watched():
        sent = upload(connection, pieces())
    print(f"up {SIZE_BYTES:,} bytes, memory +{memory.growth:,}")
    assert memory.growth <= GROWTH_BYTES
    with memory.watched():
        assert download(connection) == (sent, SIZE_BYTES)
    print(f"down, memory +{memory.growth:,}")
    assert memory.growth <= GROWTH_BYTES


@pytest.mark.timeout(900)
def test_a_server_that_must_check_the_file_first_stays_flat_too(
    live: Any, start_server: Any, connection: http.client.HTTPConnection, memory: Memory
) -> None:
    """After a restart the digest is computed again before the first byte is given."""
    sent = upload(connection, pieces())
    live.kill()
    again = start_server(live.settings)
    reopened = http.client.HTTPConnection(urlsplit(again.url).netloc, timeout=600)
    reopened.request("GET", SMALL)
    reopened.getresponse().read()
    fresh = Memory(again.process.pid)
    with fresh.watched():
        assert download(reopened) == (sent, SIZE_BYTES)
    reopened.close()
    print(f"checked and down, memory +{fresh.growth:,}")
    assert fresh.growth <= GROWTH_BYTES


@pytest.mark.timeout(900)
@pytest.mark.parametrize("in_parts", ["true", "false"], ids=["in parts", "whole"])
def test_a_large_file_stays_flat_through_mlflows_client(
    live: Any, memory: Memory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_parts: str
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", in_parts)
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(SIZE_BYTES))
    with (tmp_path / "large.bin").open("wb") as file:
        for piece in pieces():
            file.write(piece)
    client = mlflow.MlflowClient(tracking_uri=live.url)
    run_id = client.create_run("0").info.run_id
    with memory.watched():
        client.log_artifact(run_id, str(tmp_path / "large.bin"))
    print(f"up through the client, memory +{memory.growth:,}")
    assert memory.growth <= GROWTH_BYTES
    (tmp_path / "fetched").mkdir()
    with memory.watched():
        fetched = client.download_artifacts(run_id, "large.bin", str(tmp_path / "fetched"))
    print(f"down through the client, memory +{memory.growth:,}")
    assert memory.growth <= GROWTH_BYTES
    with Path(fetched).open("rb") as file, (tmp_path / "large.bin").open("rb") as original:
        assert (
            hashlib.file_digest(file, "blake2b").digest() == hashlib.file_digest(original, "blake2b").digest()
        )
