"""Which Python a project runs with, and what is installed there."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pavedroad.environments.fingerprint import installed_distributions
from pavedroad.environments.wheels import Target, this_target
from pavedroad.errors import NotFound

ENVIRONMENT_FOLDERS = (".venv", "venv", "env")


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """A Python environment on disk, read without starting it."""

    where: str  # its folder
    python: str  # `3.11.7`
    target: Target
    distributions: dict[str, str]  # name -> version
    is_own: bool = True  # the project's own, or one that was activated; else only that of `paved`


def find_installation(root: Path, environ: Mapping[str, str] | None = None) -> Installation:
    """The project's own environment (`.venv`), else the active one, else this process's."""
    environ = os.environ if environ is None else environ
    named = environ.get("UV_PROJECT_ENVIRONMENT", "")
    folders = [root / name for name in ((named,) if named else ()) + ENVIRONMENT_FOLDERS]
    active = environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX")
    if active:
        folders.append(Path(active))
    for folder in folders:
        if _is_environment(folder):
            return read_installation(folder)
    return Installation(
        where=sys.prefix,
        python=".".join(str(part) for part in sys.version_info[:3]),
        target=this_target(),
        distributions=installed_distributions(),
        is_own=Path(sys.prefix).is_relative_to(root.absolute()),
    )


def read_installation(folder: Path) -> Installation:
    """Raises NotFound when the folder holds no Python environment."""
    packages = _site_packages(folder)
    if not packages:
        raise NotFound(f"no Python environment in {folder}", hint="make one, e.g. with `uv sync`")
    python = _python_of(folder, packages[0])
    numbers = [int(part) for part in re.findall(r"\d+", python)[:2]]
    return Installation(
        where=str(folder),
        python=python,
        target=msgspec.structs.replace(
            this_target(), python=(numbers[0], numbers[1]), implementation="cpython"
        ),
        distributions=installed_distributions(str(place) for place in packages),
    )


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()


def _site_packages(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.glob("lib/python3.*/site-packages")) + sorted(folder.glob("Lib/site-packages"))
    except OSError:
        return []
    return [place for place in found if place.is_dir()]


def _python_of(folder: Path, packages: Path) -> str:
    """From pyvenv.cfg; the minor version from the folder's name where that says nothing."""
    try:
        text = (folder / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        text = ""
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", text, re.MULTILINE)
    if match:
        return match.group(1)
    named = re.search(r"python(\d+\.\d+)", packages.parent.name)
    return named.group(1) if named else ".".join(str(part) for part in sys.version_info[:2])
