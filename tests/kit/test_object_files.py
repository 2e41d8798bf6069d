"""Files in a bucket, against a real server that speaks S3 (moto, started here)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from pavedroad.errors import Damaged, Invalid, MissingExtra, NotFound, Unavailable
from pavedroad.kit import object_files
from pavedroad.kit.files import put_bytes, put_stream, read_bytes
from pavedroad.kit.object_files import ObjectFiles
from pavedroad.kit.stores import open_files

SECRET = "hush-hush-8400"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("obstore", reason="obstore is not installed (extra 's3')")
    pytest.importorskip("moto.server", reason="moto's server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def bucket(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ada")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    name = f"bucket-{tmp_path.name.replace('_', '-')[:40]}-{time.time_ns()}".lower()
    urllib.request.urlopen(urllib.request.Request(f"{server}/{name}", method="PUT")).close()
    return f"s3://{name}"


@pytest.fixture
def files(bucket: str, tmp_path: Path) -> ObjectFiles:
    return ObjectFiles(f"{bucket}/some/prefix", tmp_path / "cache")


@pytest.fixture
def elsewhere(files: ObjectFiles, tmp_path: Path) -> ObjectFiles:
    """The same bucket, seen from a machine whose cache is empty."""
    return ObjectFiles(files.url, tmp_path / "other-cache")


def test_a_file_is_removed_only_when_it_was_not_written_since(files: ObjectFiles) -> None:
    stored = put_bytes(files, b"hello")
    (listed,) = files.listing()
    assert (listed.digest, listed.size_bytes) == (stored.digest, 5)
    assert not files.remove_older(stored.digest, than_s=listed.written_s - 1)
    assert files.has(stored.digest)
    assert files.remove_older(stored.digest, than_s=listed.written_s + 1)
    assert not files.has(stored.digest)
    assert not files.remove_older(stored.digest, than_s=listed.written_s + 1)


def test_a_large_file_that_is_old_is_sent_again_so_that_it_is_young(
    files: ObjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"x" * (5 * 2**20)
    put_bytes(files, content)
    (before,) = files.listing()
    monkeypatch.setattr("pavedroad.kit.object_files.SENT_AGAIN_AFTER_S", 0)
    time.sleep(1.1)  # the bucket tells whole seconds
    put_bytes(files, content)
    (after,) = files.listing()
    assert after.written_s > before.written_s


def test_a_file_is_read_on_another_machine(files: ObjectFiles, elsewhere: ObjectFiles) -> None:
    stored = put_bytes(files, b"hello")
    assert elsewhere.has(stored.digest)
    assert elsewhere.size(stored.digest) == 5
    assert list(elsewhere.digests()) == [stored.digest]
    assert read_bytes(elsewhere, stored.digest) == b"hello"
    assert elsewhere.path(stored.digest).read_bytes() == b"hello"


def test_an_empty_file_is_a_file(files: ObjectFiles, elsewhere: ObjectFiles) -> None:
    assert read_bytes(elsewhere, put_bytes(files, b"").digest) == b""


def test_a_large_file_goes_in_parts(
    files: ObjectFiles, elsewhere: ObjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_files, "SMALLEST_PART_BYTES", 5 * 2**20)
    content = os.urandom(12 * 2**20)
    stored = put_stream(files, BytesIO(content))
    assert read_bytes(elsewhere, stored.digest) == content


def test_a_large_file_that_is_there_is_not_sent_again(
    files: ObjectFiles, elsewhere: ObjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    content = os.urandom(5 * 2**20)
    put_bytes(files, content)
    sent: list[str] = []
    monkeypatch.setattr(obstore, "put", lambda _store, key, *_rest, **_options: sent.append(key))
    put_bytes(elsewhere, content)
    assert sent == []


def test_a_written_file_is_taken_over(files: ObjectFiles, elsewhere: ObjectFiles, tmp_path: Path) -> None:
    (tmp_path / "table.arrow").write_bytes(b"columns")
    stored = files.adopt(tmp_path / "table.arrow")
    assert read_bytes(elsewhere, stored.digest) == b"columns"
    assert not (tmp_path / "table.arrow").exists()


def test_a_block_that_raises_sends_nothing(files: ObjectFiles) -> None:
    def send_half() -> None:
        with files.receive() as incoming:
            incoming.write(b"half of it")
            raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        send_half()
    assert list(files.digests()) == []


def test_a_file_is_downloaded_once(files: ObjectFiles, elsewhere: ObjectFiles) -> None:
    digest = put_bytes(files, b"hello").digest
    elsewhere.path(digest)
    files.remove(digest)
    assert elsewhere.path(digest).read_bytes() == b"hello"


def test_damage_in_the_cache_is_mended_from_the_bucket(files: ObjectFiles) -> None:
    digest = put_bytes(files, b"hello").digest
    files.path(digest).write_bytes(b"jello")
    assert read_bytes(files, digest) == b"hello"


def test_damage_in_the_bucket_is_found(files: ObjectFiles, elsewhere: ObjectFiles) -> None:
    import obstore

    digest = put_bytes(files, b"hello").digest
    obstore.put(files._store, f"{digest[:2]}/{digest[2:]}", b"jello")
    for read in (elsewhere.open, elsewhere.path):
        with pytest.raises(Damaged, match=f"file {digest} is damaged"):
            read(digest)


def test_a_file_that_is_not_there_is_not_found(files: ObjectFiles) -> None:
    for read in (files.open, files.path, files.size):
        with pytest.raises(NotFound, match="no file"):
            read("0" * 64)
    assert not files.has("0" * 64)
    files.remove("0" * 64)


@pytest.mark.parametrize("digest", ["", "../../secret", "A" * 64])
def test_what_is_no_digest_reaches_no_object(files: ObjectFiles, digest: str) -> None:
    for use in (files.open, files.path, files.size):
        with pytest.raises(NotFound):
            use(digest)
    assert not files.has(digest)


def test_a_bucket_that_does_not_exist_is_one_clear_line(bucket: str, tmp_path: Path) -> None:
    files = ObjectFiles(f"{bucket}-not", tmp_path / "cache")
    with pytest.raises(Unavailable, match="there is no bucket for s3://") as caught:
        put_bytes(files, b"a")
    assert "make it" in caught.value.hint


def test_a_server_that_is_not_there_is_one_clear_line_without_secrets(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(object_files, "RETRY_FOR_S", 1)
    files = ObjectFiles(bucket, tmp_path / "cache")
    with pytest.raises(Unavailable, match=r"cannot use s3://.*") as caught:
        put_bytes(files, b"a")
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///prefix", "s3://key:secret@bucket", "s3://bucket?x=1", "gs://"]
)
def test_an_address_without_a_plain_bucket_is_invalid(url: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="without a plain bucket name") as caught:
        open_files(url, cache=tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket", "s3"), ("gs://bucket", "gcs")])
def test_a_missing_package_is_named_with_the_way_to_install_it(
    url: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)
    with pytest.raises(MissingExtra) as caught:
        open_files(url, cache=tmp_path)
    assert f'pip install "pavedroad[{extra}]"' in caught.value.hint


def test_a_cache_that_grew_too_large_loses_what_was_unused_for_longest(
    files: ObjectFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, older, new = (put_bytes(files, text).digest for text in (b"old" * 100, b"older" * 100, b"new" * 100))
    for digest, days in ((old, 2), (older, 3)):
        used = time.time() - days * 24 * 3600
        os.utime(tmp_path / "cache" / digest[:2] / digest[2:], (used, used))
    monkeypatch.setattr(object_files, "CACHE_BYTES", 700)
    again = ObjectFiles(files.url, tmp_path / "cache")
    cached = {path.parent.name + path.name for path in (tmp_path / "cache").glob("??/*")}
    assert cached == {old, new}
    assert read_bytes(again, older) == b"older" * 100
