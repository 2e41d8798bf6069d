"""Settings: read once at the door into one frozen struct, then passed down.

Order, later wins: defaults, `paved.toml`, `PAVED_*` variables, options of the command.
`paved.toml` is `$PAVED_HOME/paved.toml` when PAVED_HOME is set, else the nearest one up the tree from the
working directory, else `~/.paved/paved.toml`. The record lies in PAVED_HOME, in `.paved/` beside the file found, or in
`~/.paved`.
"""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from pavedroad.errors import ConfigError, did_you_mean

FILE_NAME = "paved.toml"
NOT_SETTINGS = {"PAVED_HOME", "PAVED_TEST_ALL"}  # PAVED_* names that other doors read


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may choose. Every field is a key of `paved.toml` and a `PAVED_<NAME>` variable."""

    home: Path  # the folder of the record; never a key of the file
    database: str = ""  # sqlite:///path or postgresql://...; empty: paved.db in home
    files: str = ""  # folder, s3://bucket/prefix or gs://bucket/prefix; empty: files/ in home
    user: str = ""  # who acts; empty: the login name
    host: str = "127.0.0.1"
    port: int = 8400
    max_body_bytes: int = 32 * 2**20  # largest request read into memory; artifacts are streamed
    openlineage: str = ""  # a file path or an http(s) URL that receives OpenLineage events
    gates: dict[str, Any] = {}  # the team's gates, added to each project's own

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'paved.db'}"

    @property
    def files_url(self) -> str:
        return self.files or str(self.home / "files")

    @property
    def who(self) -> str:
        return self.user or login_name()


def read_settings(
    *,
    start: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings that hold in folder `start` (default: the working directory).

    Raises: ConfigError for an unknown key, a wrong type or an unreadable file.
    """
    environ = os.environ if environ is None else environ
    file, home = _find(start or Path.cwd(), environ)
    values: dict[str, Any] = _read_file(file) if file else {}
    values.update(_from_environment(environ))
    values.update({key: value for key, value in (overrides or {}).items() if value is not None})
    values["home"] = home
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file or 'PAVED_* variables'}: {error}", hint="see docs/settings.md") from None
    if not 0 <= settings.port <= 65535:
        raise ConfigError(f"port {settings.port} is not between 0 and 65535", hint="choose another port")
    return settings


def setting_names() -> list[str]:
    return [name for name in Settings.__struct_fields__ if name != "home"]


def login_name() -> str:
    """The login name; `unknown` where the machine has none (a container without passwd entry)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # KeyError before Python 3.13
        return "unknown"


def _find(start: Path, environ: Mapping[str, str]) -> tuple[Path | None, Path]:
    if explicit := environ.get("PAVED_HOME"):
        home = Path(explicit).expanduser().absolute()
        return (home / FILE_NAME if (home / FILE_NAME).is_file() else None), home
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME, folder / ".paved"
    try:
        home = Path.home() / ".paved"
    except RuntimeError:
        raise ConfigError(
            "no home directory for this user", hint="set PAVED_HOME to a folder you can write"
        ) from None
    return (home / FILE_NAME if (home / FILE_NAME).is_file() else None), home


def _read_file(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", hint="correct that line") from None
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", hint="check its permissions") from None
    for key in values:
        if key not in setting_names():
            raise ConfigError(f"unknown setting {key!r} in {file}", hint=did_you_mean(key, setting_names()))
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    types = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith("PAVED_") or variable in NOT_SETTINGS:
            continue
        name = variable.removeprefix("PAVED_").lower()
        if name not in setting_names() or name == "gates":
            known = [f"PAVED_{known.upper()}" for known in setting_names() if known != "gates"]
            raise ConfigError(f"unknown setting {variable} in the environment", hint=did_you_mean(variable, known))
        try:
            values[name] = msgspec.convert(text, types[name], strict=False)
        except msgspec.ValidationError:
            raise ConfigError(
                f"{variable}={text!r} is not {'a number' if types[name] is int else 'usable'}",
                hint=f"unset {variable} or correct it",
            ) from None
    return values
