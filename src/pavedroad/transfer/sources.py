"""From what a person names to the source that can be read, or the server that can be written."""

from __future__ import annotations

from pathlib import Path

from pavedroad.errors import Invalid
from pavedroad.kit.sql import without_password
from pavedroad.transfer.http_client import Credentials, HttpClient
from pavedroad.transfer.local_files import local_path
from pavedroad.transfer.mlflow_database import DatabaseSource
from pavedroad.transfer.mlflow_folder import FolderSource, is_file_store
from pavedroad.transfer.mlflow_server import ServerSource
from pavedroad.transfer.mlflow_tables import open_tables
from pavedroad.transfer.mlflow_target import MlflowTarget
from pavedroad.transfer.model import Source, Unreachable

KINDS = "name a server (http://…), an mlflow.db, postgresql://…, or an mlruns folder"
SERVERS_ONLY = (
    "name a server (http://… or https://…): for a database or a folder, start `mlflow server` on it first"
)
PROXIED_FOLDERS = ("mlartifacts", "mlruns")  # where MLflow's server keeps files unless it is told otherwise


def open_source(
    uri: str, *, here: Path, artifacts: Path | None = None, credentials: Credentials | None = None
) -> Source:
    """A server, a database or a folder. `here` is where relative paths start.

    `artifacts` is the folder in which MLflow's server kept the files of `mlflow-artifacts:` URIs.
    Raises: Invalid for anything else; Unavailable; MissingExtra.
    """
    if uri.startswith(("http://", "https://")):
        return ServerSource(HttpClient(uri, credentials or Credentials()))
    if uri.startswith("postgres"):
        tables = open_tables(uri)
        return DatabaseSource(
            tables, without_password(uri), base=here, proxied=_proxied(artifacts, here, here)
        )
    path = here / _path(uri)
    if path.is_dir():
        for folder in (path, path / "mlruns"):
            if is_file_store(folder):
                return FolderSource(folder, proxied=_proxied(artifacts, folder.parent, here))
        if (path / "mlflow.db").is_file():
            path = path / "mlflow.db"
        else:
            raise Invalid(f"{path} holds neither experiments nor an mlflow.db", hint=KINDS)
    if not path.exists():
        raise Invalid(f"there is no {path}", hint=KINDS)
    _check_is_sqlite(path)
    return DatabaseSource(
        open_tables(str(path)), str(path), base=path.parent, proxied=_proxied(artifacts, path.parent, here)
    )


def open_target(url: str, credentials: Credentials | None = None) -> MlflowTarget:
    """Raises: Invalid for anything but the address of a server; Unavailable."""
    if not url.startswith(("http://", "https://")):
        raise Invalid(f"cannot send to {without_password(url)!r}", hint=SERVERS_ONLY)
    return MlflowTarget(HttpClient(url, credentials or Credentials()))


def _path(uri: str) -> Path:
    if uri.startswith("sqlite:"):
        return Path(uri.partition(":///")[2]).expanduser()
    try:
        return local_path(uri).expanduser()
    except Unreachable:
        raise Invalid(f"cannot import from {without_password(uri)!r}", hint=KINDS) from None


def _check_is_sqlite(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", hint="check its permissions") from None
    if start != b"SQLite format 3\0":
        raise Invalid(f"{path} is not a SQLite file", hint=KINDS)


def _proxied(artifacts: Path | None, beside: Path, here: Path) -> list[Path]:
    if artifacts is not None:
        return [artifacts]
    found = [folder / name for folder in dict.fromkeys((beside, here)) for name in PROXIED_FOLDERS]
    return [folder for folder in found if folder.is_dir()]
