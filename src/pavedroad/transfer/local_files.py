"""Artifacts that lie in folders of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from pavedroad.transfer.model import SourceFile, Unreachable

PROXIED = "mlflow-artifacts:"


class LocalFiles:
    """Finds the folder of an artifact URI.

    `base` is where relative paths start; `proxied` are folders that MLflow's server may have kept the files
    of `mlflow-artifacts:` URIs in, the first one that has them counts.
    """

    def __init__(self, base: Path, proxied: list[Path]) -> None:
        self._base = base
        self._proxied = proxied

    def folder(self, uri: str) -> Path | None:
        """None when there is no such folder, as for a run without files. Raises Unreachable."""
        if uri.startswith(PROXIED):
            path = uri.removeprefix(PROXIED)
            path = path[2:].partition("/")[2] if path.startswith("//") else path
            if not self._proxied:
                raise Unreachable("MLflow's server kept these files: say where with --artifacts FOLDER")
            found = [root / path.strip("/") for root in self._proxied]
        else:
            found = [self._base / local_path(uri)]
        return next((folder for folder in found if folder.is_dir()), None)

    def files(self, uri: str) -> list[SourceFile]:
        folder = self.folder(uri)
        return [] if folder is None else walk(folder)

    def open(self, uri: str, path: str) -> BinaryIO:
        folder = self.folder(uri)
        if folder is None:
            raise Unreachable("the folder is gone")
        return open_file(folder / path)


def local_path(uri: str) -> Path:
    """The path that a URI without host names. Raises Unreachable for another place."""
    scheme, separator, _ = uri.partition(":")
    if not separator or scheme not in ("file",):
        if separator and len(scheme) > 1 and "/" not in scheme:
            raise Unreachable(f"{scheme}: locations cannot be read from here")
        return Path(uri)
    return Path(unquote(urlsplit(uri).path))


def walk(folder: Path) -> list[SourceFile]:
    """Every file below a folder, in order of path. Raises Unreachable."""
    found = []
    try:
        for parent, _, names in os.walk(folder, onerror=_cannot):
            for name in names:
                file = Path(parent, name)
                status = file.stat()
                path = str(file.relative_to(folder).as_posix())
                found.append(SourceFile(path, status.st_size, status.st_mtime_ns // 1_000_000))
    except OSError as error:
        raise Unreachable(f"{error.filename}: {error.strerror}") from None
    return sorted(found)


def open_file(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Unreachable(error.strerror or str(error)) from None


def _cannot(error: OSError) -> None:
    raise error
