"""Credentials by presence and age. No value is shown, kept or sent; a file is read only for its expiry."""

from __future__ import annotations

import datetime
import re
import stat
from pathlib import Path

import msgspec

from pavedroad.environments.machine import Machine
from pavedroad.environments.probe import Line, Verdict

OLD_DAYS, TOO_OLD_DAYS = 90, 365  # without a word of their end, by when such keys should be replaced
SOON_MS = 60 * 60_000
DAY_MS = 24 * 60 * 60_000
# The words under which files say when they end, and the forms of the moment.
_EXPIRY = re.compile(
    r"""["']?(?:expiresAt|expires_at|expires_on|expiration|expiry|token_expiry|x_security_token_expires)["']?"""
    r"""\s*[:=]\s*["']?([0-9][0-9T:.\-+Z ]{8,38})"""
)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Where one kind of credential lies, and how it is renewed."""

    name: str
    variables: tuple[str, ...]  # that hold it, or name its file
    files: tuple[str, ...]  # patterns in the account's home
    renew: str


KINDS = (
    Kind(
        name="gcloud",
        variables=("GOOGLE_APPLICATION_CREDENTIALS",),
        files=(".config/gcloud/application_default_credentials.json",),
        renew="`gcloud auth application-default login`",
    ),
    Kind(
        name="aws",
        variables=("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
        files=(".aws/credentials", ".aws/sso/cache/*.json", ".aws/cli/cache/*.json"),
        renew="`aws sso login`, or new keys",
    ),
    Kind(
        name="azure",
        variables=("AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
        files=(".azure/azureProfile.json", ".azure/accessTokens.json"),
        renew="`az login`",
    ),
    Kind(
        name="hugging face",
        variables=("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
        files=(".cache/huggingface/token", ".huggingface/token"),
        renew="`hf auth login`",
    ),
    Kind(
        name="mlflow",
        variables=("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"),
        files=(".mlflow/credentials",),
        renew="`mlflow login`",
    ),
    Kind(
        name="kubernetes", variables=("KUBECONFIG",), files=(".kube/config",), renew="log in to the cluster"
    ),
)


def credentials(machine: Machine) -> list[Line]:
    """A line for each kind that is there; one line when there is none."""
    lines = [line for kind in KINDS if (line := _examined(kind, machine))]
    return lines or [Line(check="login", verdict="ok", says="no credentials of a cloud are here")]


def _examined(kind: Kind, machine: Machine) -> Line | None:
    named = [name for name in kind.variables if machine.environ.get(name)]
    missing = [
        name for name in named if _names_a_file(machine, name) and not _file_of(machine, name).is_file()
    ]
    files = [_file_of(machine, name) for name in named if _file_of(machine, name).is_file()]
    files += [file for pattern in kind.files for file in sorted(machine.home.glob(pattern)) if file.is_file()]
    if missing:
        return _line(
            kind, "fail", f"{missing[0]} names a file that is not there", f"correct it, or {kind.renew}"
        )
    if not files:
        return _line(kind, "ok", f"by {', '.join(named)}") if named else None
    ends = [_expiry_ms(machine, file) for file in files]
    ends_ms = None if None in ends else max(end for end in ends if end is not None)
    where = _shown(files[0], machine)
    if ends_ms is not None and ends_ms < machine.now_ms:
        return _line(kind, "fail", f"expired {_ago(machine.now_ms - ends_ms)} ago ({where})", kind.renew)
    if ends_ms is not None and ends_ms < machine.now_ms + SOON_MS:
        return _line(kind, "warn", f"expire in {_ago(ends_ms - machine.now_ms)} ({where})", kind.renew)
    if open_ := next((file for file in files if _is_open(file)), None):
        shown = _shown(open_, machine)
        return _line(kind, "warn", f"{shown} can be read by others", f"`chmod 600 {shown}`")
    age_ms = machine.now_ms - min(_changed_ms(file, machine) for file in files)
    if ends_ms is None and age_ms > OLD_DAYS * DAY_MS:
        verdict: Verdict = "fail" if age_ms > TOO_OLD_DAYS * DAY_MS else "warn"
        return _line(kind, verdict, f"{_ago(age_ms)} old ({where})", f"renew them: {kind.renew}")
    until = f", valid for {_ago(ends_ms - machine.now_ms)}" if ends_ms is not None else ""
    return _line(kind, "ok", f"{_ago(age_ms)} old ({where}){until}")


def _line(kind: Kind, verdict: Verdict, says: str, next_step: str = "") -> Line:
    return Line(check=f"{kind.name} login", verdict=verdict, says=says, next_step=next_step)


def _names_a_file(machine: Machine, variable: str) -> bool:
    return variable.endswith(("_FILE", "_PATH", "CREDENTIALS")) and machine.environ[variable].startswith(
        ("/", "~", ".")
    )


def _file_of(machine: Machine, variable: str) -> Path:
    """The file that a variable names; for one that holds a value, a path that is nowhere."""
    value = machine.environ.get(variable, "")
    if variable == "KUBECONFIG":
        value = value.split(":")[0]
    elif not _names_a_file(machine, variable):
        return machine.home / ".no-such-credential"
    if value.startswith("~/"):
        return machine.home / value[2:]
    return machine.at(value) if value.startswith("/") else machine.project / value


def _expiry_ms(machine: Machine, file: Path) -> int | None:
    """When the last of the file's credentials ends; None when it does not say."""
    moments = (_moment_ms(text) for text in _EXPIRY.findall(machine.read(file)))
    return max((moment for moment in moments if moment is not None), default=None)


def _moment_ms(text: str) -> int | None:
    text = text.strip().removesuffix("UTC").strip()
    if text.isdigit():
        number = int(text)
        return number if number > 10**11 else number * 1000
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp() * 1000)


def _is_open(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def _changed_ms(file: Path, machine: Machine) -> int:
    try:
        return int(file.stat().st_mtime * 1000)
    except OSError:
        return machine.now_ms


def _ago(milliseconds: int) -> str:
    minutes = max(0, milliseconds) // 60_000
    if minutes < 120:
        return f"{minutes} minutes"
    if minutes < 48 * 60:
        return f"{minutes // 60} hours"
    return f"{minutes // 1440} days"


def _shown(file: Path, machine: Machine) -> str:
    if file.is_relative_to(machine.home):
        return f"~/{file.relative_to(machine.home)}"
    return str(file)
