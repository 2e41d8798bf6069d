"""Where the files of runs and models were, and where they are now."""

from __future__ import annotations

from pathlib import PurePosixPath

from pavedroad.transfer.local_files import local_path
from pavedroad.transfer.model import Unreachable


class Roots:
    """From the URI of a folder there to that of the same folder here."""

    def __init__(self) -> None:
        self._here: dict[str, str] = {}

    def add(self, there: str, here: str) -> None:
        if there:
            self._here[_plain(there)] = here

    def find(self, uri: str) -> str:
        """The URI here of a folder at or below one that is known; "" when none is."""
        path, below = _plain(uri), ""
        while path:
            if path in self._here:
                return self._here[path] + below
            path, _, name = path.rpartition("/")
            below = f"/{name}{below}"
        return ""


def _plain(uri: str) -> str:
    """One spelling of `file:///a/b`, `/a/b/` and `mlflow-artifacts://host/a`."""
    if uri.startswith("mlflow-artifacts://"):
        return "mlflow-artifacts:/" + uri.removeprefix("mlflow-artifacts://").partition("/")[2].strip("/")
    try:
        return str(PurePosixPath(local_path(uri)))
    except Unreachable:
        return uri.rstrip("/")
