"""Secrets of this machine: one file that only its owner reads, never the database, the journal or a log."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec

from pavedroad.errors import Damaged, Unavailable


class SecretFile:
    """Texts by name in a JSON file with mode 0600. Other processes may change it too; the last one wins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        return self._read().get(name)

    def put(self, name: str, secret: str) -> None:
        self._change(lambda held: {**held, name: secret})

    def remove(self, name: str) -> None:
        self._change(lambda held: {known: secret for known, secret in held.items() if known != name})

    def _change(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        with self._lock:
            held = self._read()
            changed = change(held)
            if changed != held:
                self._write(changed)

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError:
            raise Damaged(f"{self._path} is not what was written", hint="restore it, or remove it") from None
        except OSError as error:
            raise Unavailable(
                f"cannot read {self._path}: {error.strerror}", hint="check its permissions"
            ) from None

    def _write(self, secrets: dict[str, str]) -> None:
        temporary = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(secrets))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Unavailable(
                f"cannot write {self._path}: {error.strerror}", hint="check its permissions and the disk"
            ) from None
