"""A project as its own `pyproject.toml` describes it, under `[tool.paved]`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.catalog.model import check_name
from pavedroad.config import working_directory
from pavedroad.errors import ConfigError, did_you_mean

PROFILES = ("explore", "team", "production")
PROJECT_KINDS = ("project", "pipeline", "service", "application")


class Project(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of `[tool.paved]`. `root` and `name` are filled in when the manifest leaves them out."""

    root: Path = Path()
    name: str = ""  # its name in the catalog; else that of [project], else that of the folder
    kind: str = "project"  # project, pipeline, service or application
    owner: str = ""  # the person or team to ask
    description: str = ""  # one line for the catalog
    profile: str = "team"  # how strict `paved check` is: explore, team or production
    entry: str = ""  # module:pipeline that `paved run` takes when none is named
    gates: dict[str, Any] = {}  # what a version must pass before it is promoted, see gates.md
    checks: dict[str, Any] = {}  # which findings are accepted, and why, see checks.md
    stages: dict[str, Any] = {}  # commands that `paved package` runs before it builds, see packaging.md


def find_project(start: Path) -> Project | None:
    """The project whose folder is `start` or the nearest one above it with a pyproject.toml, else None."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / "pyproject.toml").is_file():
            return read_project(folder)
    return None


def project_name_here() -> str:
    """The name of the project around the working directory; empty outside of one."""
    project = find_project(working_directory())
    return project.name if project else ""


def read_project(root: Path) -> Project:
    """Read `root/pyproject.toml`; without the file, a project named after its folder.

    Raises: ConfigError for TOML that does not parse, an unknown key or a wrong type in `[tool.paved]`.
    """
    file = root / "pyproject.toml"
    try:
        manifest = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", hint="correct that line") from None
    except RecursionError:
        raise ConfigError(f"{file} is nested too deeply", hint="correct it") from None
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", hint="check its permissions") from None
    values = _table(_table(manifest, "tool", file), "paved", file, within="tool.")
    known = [name for name in Project.__struct_fields__ if name != "root"]
    for key in values:
        if key not in known:
            raise ConfigError(f"unknown key {key!r} in [tool.paved] of {file}", hint=did_you_mean(key, known))
    declared = _table(manifest, "project", file).get("name")
    name = (
        values.get("name")
        or (declared if isinstance(declared, str) else "")
        or root.absolute().name
        or "project"
    )
    try:
        project = msgspec.convert({**values, "name": name, "root": root.absolute()}, Project)
    except msgspec.ValidationError as error:
        raise ConfigError(f"[tool.paved] of {file}: {error}", hint="see docs/project.md") from None
    for word, value, allowed in (
        ("profile", project.profile, PROFILES),
        ("kind", project.kind, PROJECT_KINDS),
    ):
        if value not in allowed:
            raise ConfigError(f"unknown {word} {value!r} in {file}", hint=did_you_mean(value, allowed))
    check_name(project.name)
    return project


def _table(parent: dict[str, Any], key: str, file: Path, *, within: str = "") -> dict[str, Any]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{within}{key} in {file} is not a table", hint=f"write [{within}{key}]")
    return value
