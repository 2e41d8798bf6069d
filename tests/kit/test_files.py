"""Files by their digest: written whole or not at all, and checked when read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import blake3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavedroad.errors import Damaged, Invalid, NotFound, Unavailable
from pavedroad.kit import files as files_module
from pavedroad.kit.files import (
    FolderFiles,
    digest_of,
    digest_of_file,
    put_bytes,
    put_stream,
    read_bytes,
)
from pavedroad.kit.stores import open_files


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path / "files")


def temporary_files(files: FolderFiles) -> list[Path]:
    return list((files.folder / "incoming").glob("*"))


def place(files: FolderFiles, digest: str) -> Path:
    return files.folder / digest[:2] / digest[2:]


@given(st.lists(st.binary(max_size=100), max_size=5))
@settings(deadline=None)
def test_what_goes_in_comes_out_under_its_digest(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = FolderFiles(Path(folder))
        with files.receive(durable=False) as incoming:
            for piece in pieces:
                incoming.write(piece)
        whole = b"".join(pieces)
        assert incoming.stored.digest == blake3.blake3(whole).hexdigest() == digest_of(whole)
        assert incoming.stored.size_bytes == len(whole) == files.size(incoming.stored.digest)
        assert read_bytes(files, incoming.stored.digest) == whole
        assert list(files.digests()) == [incoming.stored.digest]


def test_an_empty_file_is_a_file(files: FolderFiles) -> None:
    stored = put_bytes(files, b"")
    assert (stored.size_bytes, read_bytes(files, stored.digest)) == (0, b"")
    assert digest_of_file(files.path(stored.digest)) == stored.digest


def test_a_view_of_numbers_counts_its_bytes(files: FolderFiles) -> None:
    from array import array

    with files.receive() as incoming:
        incoming.write(memoryview(array("d", [1.0, 2.0])))
    assert incoming.stored.size_bytes == 16


def test_equal_bytes_are_kept_once(files: FolderFiles) -> None:
    first, second = put_bytes(files, b"same"), put_stream(files, BytesIO(b"same"))
    assert first == second
    assert len(list(files.digests())) == 1


def test_a_block_that_raises_leaves_nothing(files: FolderFiles) -> None:
    def send_half() -> None:
        with files.receive() as incoming:
            incoming.write(b"half of it")
            raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        send_half()
    assert list(files.digests()) == []
    assert temporary_files(files) == []


def test_nothing_is_seen_under_its_name_before_it_is_whole(files: FolderFiles) -> None:
    with files.receive() as incoming:
        incoming.write(b"whole")
        assert list(files.digests()) == []
    assert files.has(incoming.stored.digest)


def test_a_writer_killed_midway_leaves_no_file(files: FolderFiles) -> None:
    program = f"""
import os
from pathlib import Path
from pavedroad.kit.files import FolderFiles
with FolderFiles(Path({str(files.folder)!r})).receive() as incoming:
    incoming.write(b"x" * 100_000)
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == -9
    assert list(files.digests()) == []
    assert len(temporary_files(files)) == 1


def test_what_a_killed_writer_left_is_removed_a_day_later(files: FolderFiles) -> None:
    put_bytes(files, b"kept")
    old, new = files.folder / "incoming" / "old", files.folder / "incoming" / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    FolderFiles(files.folder)
    assert temporary_files(files) == [new]


def test_many_threads_may_bring_the_same_bytes(files: FolderFiles) -> None:
    barrier = threading.Barrier(8)

    def bring(_number: int) -> str:
        with files.receive() as incoming:
            incoming.write(b"same" * 100_000)
            barrier.wait(10)
        return incoming.stored.digest

    with ThreadPoolExecutor(8) as threads:
        digests = set(threads.map(bring, range(8)))
    assert len(digests) == 1
    assert list(files.digests()) == list(digests)
    assert read_bytes(files, digests.pop()) == b"same" * 100_000
    assert temporary_files(files) == []


@pytest.mark.parametrize("content", [b"X" + b"a" * 99, b"a" * 99, b"a" * 101, b""])
def test_damage_is_found_when_reading(files: FolderFiles, content: bytes) -> None:
    digest = put_bytes(files, b"a" * 100).digest
    place(files, digest).write_bytes(content)
    for read in (files.open, files.path, FolderFiles(files.folder).open):
        with pytest.raises(Damaged, match=f"file {digest} is damaged") as caught:
            read(digest)
        assert "backup" in caught.value.hint


def test_bringing_the_bytes_again_mends_the_damage(files: FolderFiles) -> None:
    digest = put_bytes(files, b"a" * 100).digest
    place(files, digest).write_bytes(b"b" * 100)
    put_bytes(files, b"a" * 100)
    assert read_bytes(files, digest) == b"a" * 100


def test_a_file_is_hashed_once_while_nobody_touches_it(
    files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = put_bytes(files, b"a").digest
    other = FolderFiles(files.folder)
    hashed: list[Path] = []

    def count(path: Path) -> str:
        hashed.append(path)
        return digest_of(path.read_bytes())

    monkeypatch.setattr(files_module, "digest_of_file", count)
    for _ in range(3):
        files.path(digest)  # this one wrote it
        other.path(digest)
    assert len(hashed) == 1
    os.utime(place(files, digest))
    other.path(digest)
    assert len(hashed) == 2


def test_a_file_that_is_not_there_is_not_found(files: FolderFiles) -> None:
    for read in (files.open, files.path, files.size):
        with pytest.raises(NotFound, match="no file"):
            read("0" * 64)
    assert not files.has("0" * 64)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "/..", "g" * 64])
def test_what_is_no_digest_reaches_no_file(files: FolderFiles, digest: str) -> None:
    for use in (files.open, files.path, files.size, files.remove):
        with pytest.raises(NotFound):
            use(digest)
    assert not files.has(digest)


def test_a_removed_file_is_gone_and_removing_again_is_fine(files: FolderFiles) -> None:
    digest = put_bytes(files, b"a").digest
    files.remove(digest)
    files.remove(digest)
    assert not files.has(digest)


def test_a_written_file_is_taken_over(files: FolderFiles, tmp_path: Path) -> None:
    (tmp_path / "table.arrow").write_bytes(b"columns")
    stored = files.adopt(tmp_path / "table.arrow")
    assert stored == put_bytes(files, b"columns")
    assert read_bytes(files, stored.digest) == b"columns"
    assert not (tmp_path / "table.arrow").exists()
    assert temporary_files(files) == []


def test_a_durable_file_reaches_the_disk_before_it_gets_its_name(
    files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, Path.replace

    def recorded_sync(descriptor: int) -> None:
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112
        sync(descriptor)

    def recorded_replace(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    put_bytes(files, b"first, so that the folders are there")
    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    digest = put_bytes(files, b"kept").digest
    assert steps[-3:] == ["file", "rename", "folder"] or steps[-4:] == ["file", "folder", "rename", "folder"]
    steps.clear()
    put_bytes(files, b"a result that can be made again", durable=False)
    assert steps == ["rename"]
    steps.clear()
    put_bytes(files, b"a result that can be made again")
    assert "file" in steps, "the first time it was not on the disk"
    assert files.has(digest)


def test_a_large_file_needs_little_memory(files: FolderFiles, tmp_path: Path) -> None:
    source = tmp_path / "large"
    with source.open("wb") as out:
        for _ in range(64):
            out.write(os.urandom(1 << 20))
    tracemalloc.start()
    with source.open("rb") as stream:
        stored = put_stream(files, stream)
    with files.open(stored.digest) as stream:
        while stream.read(1 << 20):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stored.size_bytes == 64 << 20
    assert peak < 8 << 20


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file of this process may grow beyond 64 kB: writing fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_does_not_fit_is_one_clear_line(files: FolderFiles, little_room: None) -> None:
    with pytest.raises(Unavailable, match=r"cannot write to .*files: File too large") as caught:
        put_stream(files, BytesIO(b"x" * 1_000_000))
    assert "disk" in caught.value.hint
    assert list(files.digests()) == []
    assert temporary_files(files) == []


def test_a_full_disk_is_called_full(files: FolderFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r": opened(full, "wb") if mode == "xb" else opened(path, mode)
    )
    with pytest.raises(Unavailable, match="no space left to write to") as caught:
        put_stream(files, BytesIO(b"x" * 1_000_000))
    assert "free some" in caught.value.hint
    with pytest.raises(Unavailable, match="no space left"):
        put_bytes(files, b"so little that it stays in the buffer until the end")


def test_a_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("x")
    with pytest.raises(Unavailable, match=r"cannot write to .*files: "):
        put_bytes(FolderFiles(tmp_path / "files"), b"a")


def test_a_read_only_folder_is_one_clear_line_and_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        digest = put_bytes(FolderFiles(folder), b"a").digest
        for path in (folder / "incoming", folder):
            path.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)  # permissions do not bind root
        try:
            files = FolderFiles(folder)
            with pytest.raises(Unavailable, match=r"cannot write to .*: Permission denied"):
                put_bytes(files, b"b")
            assert read_bytes(files, digest) == b"a"
        finally:
            if os.getuid() == 0:
                os.seteuid(0)
            for path in (folder, folder / "incoming"):
                path.chmod(0o755)


def test_a_file_that_may_not_be_read_is_one_clear_line(files: FolderFiles) -> None:
    digest = put_bytes(files, b"a").digest
    place(files, digest).unlink()
    place(files, digest).mkdir()
    with pytest.raises(Unavailable, match="cannot read"):
        FolderFiles(files.folder).open(digest)


def test_an_address_names_a_folder_or_a_bucket(tmp_path: Path) -> None:
    for url in (str(tmp_path / "a"), f"file://{tmp_path / 'a'}"):
        store = open_files(url, cache=tmp_path / "cache")
        assert isinstance(store, FolderFiles)
        assert store.folder == tmp_path / "a"
    with pytest.raises(Invalid, match="unknown file store 'azure://box'"):
        open_files("azure://box", cache=tmp_path / "cache")
    assert list(tmp_path.iterdir()) == [], "opening a store makes no folder"


def test_a_file_is_removed_only_when_it_was_not_written_since(tmp_path):
    files = FolderFiles(tmp_path)
    stored = put_bytes(files, b"hello")
    (listed,) = files.listing()
    assert (listed.digest, listed.size_bytes) == (stored.digest, 5)
    assert not files.remove_older(stored.digest, than_s=listed.written_s)
    assert files.has(stored.digest)
    assert files.remove_older(stored.digest, than_s=listed.written_s + 1)
    assert list(files.digests()) == []
    assert list((tmp_path / "incoming").iterdir()) == []
    assert not files.remove_older(stored.digest, than_s=listed.written_s + 1)


def test_a_file_that_is_taken_over_counts_as_written_now(tmp_path):
    files = FolderFiles(tmp_path / "store")
    old = tmp_path / "old"
    old.write_bytes(b"hello")
    os.utime(old, (1, 1))
    files.adopt(old)
    (listed,) = files.listing()
    assert listed.written_s > 1_700_000_000
