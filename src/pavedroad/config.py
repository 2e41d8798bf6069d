"""Settings: read once at the door into one frozen struct, then passed down.

Order, later wins: defaults, `paved.toml`, `PAVED_*` variables, options of the command.
`paved.toml` is `$PAVED_HOME/paved.toml` when PAVED_HOME is set, else the nearest one up the tree from the
working directory, else `~/.paved/paved.toml`. The record lies in PAVED_HOME, in `.paved/` beside the file
found, or in `~/.paved`. A relative path in the file starts at the file's folder, one in a variable at the
working directory.
"""

from __future__ import annotations

import getpass
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from pavedroad.errors import ConfigError, did_you_mean

FILE_NAME = "paved.toml"
NOT_SETTINGS = {
    "PAVED_HOME",
    "PAVED_TEST_ALL",
    "PAVED_TEST_LARGE",
    "PAVED_KILL_ROUNDS",
}  # PAVED_* names that other doors read
# Kubernetes tells every pod of a service named `paved` in these; PAVED_PORT is then an address.
_FROM_KUBERNETES = re.compile(r"PAVED_(SERVICE_(HOST|PORT.*)|PORT_\d+_(TCP|UDP).*)=|PAVED_PORT=(tcp|udp)://")
_KIND_OF = {int: "a whole number", str: "a text", dict[str, Any]: "a table"}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may choose. Every field is a key of `paved.toml` and a `PAVED_<NAME>` variable."""

    home: Path  # the folder of the record; never a key of the file
    database: str = ""  # sqlite:///path or postgresql://...; empty: paved.db in home
    files: str = ""  # folder, s3://bucket/prefix or gs://bucket/prefix; empty: files/ in home
    user: str = ""  # who acts; empty: the login name
    host: str = "127.0.0.1"  # address the server listens on
    port: int = 8400  # port the server listens on; the next free one when it is taken
    max_body_bytes: int = 32 * 2**20  # largest request read into memory; artifacts are streamed
    openlineage: str = ""  # a file path or an http(s) URL that receives OpenLineage events
    webhook_hosts: str = ""  # hosts or networks that webhooks may call beside public https, also over http
    advisories: str = ""  # a folder or git repository of advisories that the server publishes by itself
    gates: dict[str, Any] = {}  # the team's gates, added to each project's own; only in the file

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
    start = (start or working_directory()).absolute()
    file, home = _find(start, environ)
    values: dict[str, Any] = {"home": home}
    if file:
        values |= _absolute(_read_file(file), file.parent)
    values |= _absolute(_from_environment(environ), start)
    values |= {key: value for key, value in (overrides or {}).items() if value is not None}
    settings = Settings(**values)
    _check_values(settings)
    return settings


def setting_names() -> list[str]:
    return [name for name in Settings.__struct_fields__ if name != "home"]


def login_name() -> str:
    """The login name; `unknown` where the machine has none (a container without passwd entry)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # KeyError before Python 3.13
        return "unknown"


def working_directory() -> Path:
    """Raises ConfigError when it was removed under us."""
    try:
        return Path.cwd()
    except OSError:
        raise ConfigError("the working directory is gone", hint="change to a folder that exists") from None


def _find(start: Path, environ: Mapping[str, str]) -> tuple[Path | None, Path]:
    """The file of settings, if there is one, and the folder of the record."""
    if explicit := environ.get("PAVED_HOME"):
        _check_unicode("PAVED_HOME", explicit)
        home = start / _expanded(explicit, "PAVED_HOME")
        return _file_in(home), home
    for folder in (start, *start.parents):
        if file := _file_in(folder):
            return file, folder if folder.name == ".paved" else folder / ".paved"
    home = _expanded("~/.paved", "the default PAVED_HOME")
    return _file_in(home), home


def _file_in(folder: Path) -> Path | None:
    try:
        return folder / FILE_NAME if (folder / FILE_NAME).is_file() else None
    except OSError:  # a folder above us that we may not look into
        return None


def _expanded(path: str, where: str) -> Path:
    """`~` and `~user` as folders."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"no home directory for {path!r}, {where}", hint="set PAVED_HOME to a folder you can write"
        ) from None


def _absolute(values: dict[str, Any], base: Path) -> dict[str, Any]:
    """With the paths among them starting at `base`, wherever the process goes later."""
    found = dict(values)
    database = found.get("database", "")
    if database.startswith("sqlite:///"):
        path = database.removeprefix("sqlite:///")
        if path and path != ":memory:":
            found["database"] = f"sqlite:///{base / _expanded(path, 'database')}"
    for key in ("files", "openlineage", "advisories"):
        is_remote = key == "advisories" and "@" in found.get(key, "")  # git@host:path
        if found.get(key) and "://" not in found[key] and not is_remote:
            found[key] = str(base / _expanded(found[key], key))
    return found


def _read_file(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", hint="correct that line") from None
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", hint="check its permissions") from None
    for key in values:
        if key not in setting_names():
            raise ConfigError(f"unknown setting {key!r} in {file}", hint=did_you_mean(key, setting_names()))
    return {key: _typed(key, value, f"{key} in {file}", strict=True) for key, value in values.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith("PAVED_") or variable in NOT_SETTINGS:
            continue
        if not text or _FROM_KUBERNETES.match(f"{variable}={text}"):
            continue
        name = variable.removeprefix("PAVED_").lower()
        if name not in setting_names() or name == "gates":
            known = [f"PAVED_{known.upper()}" for known in setting_names() if known != "gates"]
            raise ConfigError(
                f"unknown setting {variable} in the environment", hint=did_you_mean(variable, known)
            )
        _check_unicode(variable, text)
        values[name] = _typed(name, text, variable, strict=False)
    return values


def _typed(name: str, value: Any, where: str, *, strict: bool) -> Any:
    kind = get_type_hints(Settings)[name]
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError:
        shown = "the value" if name == "database" else repr(value)  # an address may hold a password
        raise ConfigError(
            f"{where}: {shown} is not {_KIND_OF[kind]}", hint=f"write {_KIND_OF[kind]} or remove it"
        ) from None


def _check_values(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise ConfigError(f"port {settings.port} is not between 0 and 65535", hint="choose another port")
    if settings.max_body_bytes < 1:
        raise ConfigError(
            f"max_body_bytes {settings.max_body_bytes} leaves no room for a request", hint="33554432 is usual"
        )
    if not settings.host:
        raise ConfigError("host is empty", hint="use 127.0.0.1, or 0.0.0.0 for all addresses of this machine")
    if not settings.user.isprintable():
        raise ConfigError(f"user {settings.user!r} holds control characters", hint="use a plain name")


def _check_unicode(variable: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{variable}={text!r} is not valid UTF-8", hint="use plain characters") from None
