"""Files in a bucket: `s3://bucket/prefix` (and what speaks its protocol) or `gs://bucket/prefix`.

A file is written to a folder on this machine first, which yields its digest, then sent under that name: an
upload is seen whole or not at all. The folder stays as a cache, so `path` downloads a file once.

Credentials and the address of a server come from the environment as usual (AWS_ACCESS_KEY_ID,
AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS, ...) and appear in no message.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from pavedroad.errors import Invalid, MissingExtra, NotFound, PavedError, Unavailable
from pavedroad.kit.files import FolderFiles, Incoming, Listed, Stored, check_digest, damaged, missing

CACHE_BYTES = 10 * 2**30
CACHED_AT_LEAST_S = 24 * 3600  # a file used since then stays, whatever the size of the cache
LOOK_BEFORE_SENDING_BYTES = 4 * 2**20  # asking whether it is there costs about as much as sending this
SENT_AGAIN_AFTER_S = 3600  # so that a file that is about to be named is young, as in a folder
RETRY_FOR_S = 20
SMALLEST_PART_BYTES = 8 * 2**20
MOST_PARTS = 5000  # S3 takes 10,000 parts of one file


class ObjectFiles:
    """`<bucket>/<prefix>/ab/cdef…`, one object per digest."""

    def __init__(self, url: str, cache: Path) -> None:
        self.url = url.rstrip("/")
        self._store = _open_bucket(self.url)
        self._cache = FolderFiles(cache)
        _trim(self._cache.folder)

    @contextmanager
    def receive(self, *, durable: bool = True) -> Iterator[Incoming]:
        # The copy in the cache need not wait for the disk: the bucket keeps the file.
        with self._cache.receive(durable=False) as incoming:
            yield incoming
        self._send(incoming.stored)

    def adopt(self, path: Path, *, durable: bool = True) -> Stored:
        stored = self._cache.adopt(path, durable=False)
        self._send(stored)
        return stored

    def open(self, digest: str) -> BinaryIO:
        return self.path(digest).open("rb")

    def path(self, digest: str) -> Path:
        check_digest(digest, self.url)
        with suppress(PavedError):  # not in the cache, or damaged there
            path = self._cache.path(digest)
            with suppress(OSError):
                os.utime(path)  # used now, so that trimming the cache takes others
            return path
        self._download(digest)
        return self._cache.path(digest)

    def has(self, digest: str) -> bool:
        try:
            self.size(digest)
        except NotFound:
            return False
        return True

    def size(self, digest: str) -> int:
        with self._asks(digest):
            return int(_obstore().head(self._store, _key(digest, self.url))["size"])

    def remove(self, digest: str) -> None:
        with suppress(NotFound), self._asks(digest):
            _obstore().delete(self._store, _key(digest, self.url))
        self._cache.remove(digest)

    def digests(self) -> Iterator[str]:
        with self._asks():
            for objects in _obstore().list(self._store):
                for found in objects:
                    yield found["path"].replace("/", "")

    def listing(self) -> Iterator[Listed]:
        with self._asks():
            for objects in _obstore().list(self._store):
                for found in objects:
                    written = found["last_modified"].timestamp()
                    digest = found["path"].replace("/", "")
                    yield Listed(digest=digest, size_bytes=int(found["size"]), written_s=written)

    def remove_older(self, digest: str, *, than_s: float) -> bool:
        try:
            with self._asks(digest):
                found = _obstore().head(self._store, _key(digest, self.url))
        except NotFound:
            return False
        if found["last_modified"].timestamp() >= than_s:
            return False
        self.remove(digest)
        return True

    def _send(self, stored: Stored) -> None:
        if stored.size_bytes >= LOOK_BEFORE_SENDING_BYTES and self._has_all_of(stored):
            return
        path = self._cache.path(stored.digest)
        part_bytes = max(SMALLEST_PART_BYTES, stored.size_bytes // MOST_PARTS)
        with self._asks():
            _obstore().put(
                self._store, _key(stored.digest, self.url), path, chunk_size=part_bytes, max_concurrency=4
            )

    def _has_all_of(self, stored: Stored) -> bool:
        """Whether it is there, and so young that nobody collects it before it gets a name."""
        with suppress(NotFound), self._asks(stored.digest):
            found = _obstore().head(self._store, _key(stored.digest, self.url))
            age_s = time.time() - found["last_modified"].timestamp()
            return int(found["size"]) == stored.size_bytes and age_s < SENT_AGAIN_AFTER_S
        return False

    def _download(self, digest: str) -> None:
        with self._asks(digest), self._cache.receive(durable=False) as incoming:
            for chunk in _obstore().get(self._store, _key(digest, self.url)).stream():
                incoming.write(chunk)
        if incoming.stored.digest != digest:
            self._cache.remove(incoming.stored.digest)
            raise damaged(digest)

    @contextmanager
    def _asks(self, digest: str = "") -> Iterator[None]:
        """Turns the library's errors into ours. Without a digest, what is missing can only be the bucket."""
        from obstore import exceptions

        try:
            yield
        except (exceptions.NotFoundError, FileNotFoundError):
            if digest:
                raise missing(digest, self.url) from None
            raise Unavailable(
                f"there is no bucket for {self.url}", hint="make it, or correct its name"
            ) from None
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
            raise Unavailable(
                f"{self.url} does not let us in",
                hint="check the credentials in the environment and their rights",
            ) from None
        except (exceptions.BaseError, OSError) as error:
            raise Unavailable(
                f"cannot use {self.url}: {_reason(error)}",
                hint="check the bucket's name, its region and the network",
            ) from None


def _obstore() -> Any:
    """The library, loaded late: it costs 30 ms that only users of a bucket should pay."""
    import obstore

    return obstore


def _open_bucket(url: str) -> Any:
    parts = urlsplit(url)
    extra = {"s3": "s3", "gs": "gcs"}[parts.scheme]
    try:
        from obstore.exceptions import BaseError
        from obstore.store import GCSStore, S3Store
    except ImportError:
        raise MissingExtra(f"{parts.scheme}:// for files", extra=extra) from None
    if not parts.netloc or parts.query or "@" in parts.netloc:
        raise Invalid(
            f"{parts.scheme}:// address without a plain bucket name",
            hint=f"use {parts.scheme}://bucket/prefix",
        )
    options: dict[str, Any] = {
        "prefix": parts.path.strip("/") or None,
        "retry_config": {"max_retries": 4, "retry_timeout": timedelta(seconds=RETRY_FOR_S)},
    }
    try:
        if parts.scheme == "gs":
            return GCSStore(parts.netloc, **options)
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        if endpoint:
            # Only a server of one's own is ever reached without TLS, and only when its address says so.
            options |= {
                "endpoint": endpoint,
                "client_options": {"allow_http": endpoint.startswith("http://")},
            }
        return S3Store(parts.netloc, **options)
    except BaseError as error:
        raise Unavailable(
            f"cannot use {url}: {_reason(error)}", hint="check the credentials in the environment"
        ) from None


def _key(digest: str, where: str) -> str:
    check_digest(digest, where)
    return f"{digest[:2]}/{digest[2:]}"


def _trim(folder: Path) -> None:
    """Remove what has not been used for longest from a cache that has become too large."""
    with suppress(OSError):
        known = sorted((status.st_mtime, status.st_size, path) for path, status in _files_of(folder))
        excess = sum(size for _, size, _ in known) - CACHE_BYTES
        for used, size, path in known:
            if excess <= 0 or used > time.time() - CACHED_AT_LEAST_S:
                return
            path.unlink(missing_ok=True)
            excess -= size


def _files_of(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob("??/*"):
        with suppress(FileNotFoundError):  # another process trims too
            yield path, path.stat()


def _reason(error: BaseException) -> str:
    """The library's message in one line, without what follows the credentials' names in the environment."""
    text = " ".join(str(error).split())
    for variable, value in os.environ.items():
        if variable.startswith(("AWS_", "GOOGLE_")) and any(
            word in variable for word in ("KEY", "TOKEN", "SECRET")
        ):
            text = text.replace(value, "***") if value else text
    return text[:300]
