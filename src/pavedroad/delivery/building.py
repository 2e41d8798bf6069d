"""Building the file itself: a wheel of a project, or an archive of a model version."""

from __future__ import annotations

import gzip
import importlib.util
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import BinaryIO

import msgspec

from pavedroad.errors import Invalid, Unavailable
from pavedroad.record import Record
from pavedroad.registry import ModelVersion, VersionFile

TIMEOUT_S = 600.0
DESCRIPTION = "paved.json"  # of a model package: which version it is, and where it came from
TAIL_LINES = 20


class Buildable(msgspec.Struct, frozen=True, kw_only=True):
    """A project that can become a wheel."""

    name: str
    version: str  # empty when the build decides it


def read_buildable(root: Path) -> Buildable:
    """What `[project]` says. Raises Invalid when it cannot be built."""
    file = root / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text("utf-8")).get("project")
    except FileNotFoundError:
        project = None
    except (OSError, ValueError) as error:
        raise Invalid(f"cannot read {file}: {error}", hint="correct it") from None
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise Invalid(f"{root} has no [project] with a name", hint="a wheel is built from a pyproject.toml")
    return Buildable(name=project["name"], version=str(project.get("version", "")))


def build_wheel(root: Path, out: Path) -> Path:
    """Build with uv, build or pip, whichever is here.

    Raises: Unavailable when nothing here builds wheels; Invalid, with the end of its output, when it fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".paved-build-", dir=out) as folder:
        command = [*_builder(), folder]
        try:
            done = subprocess.run(
                command,
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"the build took longer than {TIMEOUT_S:.0f} s", hint="run it by hand"
            ) from None
        built = sorted(Path(folder).glob("*.whl"))
        if done.returncode or len(built) != 1:
            said = done.stdout.decode("utf-8", "replace").strip().splitlines()[-TAIL_LINES:]
            raise Invalid(
                f"`{command[0]}` could not build a wheel of {root}:\n" + "\n".join(said),
                hint="correct what it says; the stages had passed",
            )
        target = out / built[0].name
        built[0].replace(target)
        return target


def _builder() -> list[str]:
    """A command that takes the folder for the wheel as its last word."""
    if uv := shutil.which("uv"):
        return [uv, "build", "--wheel", "--no-config", "--out-dir"]
    if importlib.util.find_spec("build"):
        return [sys.executable, "-m", "build", "--wheel", "--outdir"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--wheel-dir"]
    raise Unavailable("nothing here can build a wheel", hint="install uv, build or pip")


def build_model(record: Record, version: ModelVersion, files: list[VersionFile], out: Path) -> Path:
    """An archive of a version's files and a description of it. Equal versions give equal bytes.

    Raises: NotFound or Damaged when a file of the version is not as it was registered.
    """
    out.mkdir(parents=True, exist_ok=True)
    name = f"{version.name}-{version.version}".replace("/", "_")
    target, partial = out / f"{name}.tar.gz", out / f".{name}.tar.gz.partial"
    description = msgspec.json.encode(
        {
            "model": version.name,
            "version": version.version,
            "digest": version.digest,
            "run_id": version.run_id,
            "created_ms": version.created_ms,
            "files": {file.path: file.digest for file in files},
        },
        order="deterministic",
    )
    try:
        with (
            partial.open("wb") as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            _add(archive, f"{name}/{DESCRIPTION}", len(description), io.BytesIO(description))
            for file in sorted(files, key=lambda file: file.path):
                with record.files.open(file.digest) as source:
                    _add(archive, f"{name}/{file.path}", file.size_bytes, source)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _add(archive: tarfile.TarFile, path: str, size_bytes: int, source: BinaryIO) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = size_bytes, 0o644
    archive.addfile(entry, source)
