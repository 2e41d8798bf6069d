"""The tools around a project. One that is missing matters only where the project uses it."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from pavedroad.environments.machine import Answer, Machine
from pavedroad.environments.probe import Line
from pavedroad.kit.text import count

_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "build", "dist"}
MOST_LISTED = 2000


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """How a tool is asked for its version, and what in a project needs it."""

    name: str
    ask: tuple[str, ...]
    install: str  # the next step when it is missing
    version: str = r"(\d+\.\d+(?:\.\d+)?)"
    files: str = ""  # a pattern of file names
    packages: tuple[str, ...] = ()  # starts of package names
    is_slow: bool = False  # a second to start: only where the project uses it


TOOLS = (
    Tool(
        name="docker",
        ask=("docker", "version", "--format", "{{.Server.Version}}"),
        install="install Docker, or build where it is",
        files=r"(?i)(.*[._-])?dockerfile([._-].*)?|(docker-)?compose.*\.ya?ml",
    ),
    Tool(
        name="gcloud",
        ask=("gcloud", "--version"),
        install="install the Google Cloud CLI",
        packages=("google-cloud-", "gcsfs"),
        is_slow=True,
    ),
    Tool(
        name="aws",
        ask=("aws", "--version"),
        install="install the AWS CLI",
        packages=("boto3", "s3fs", "sagemaker", "awswrangler"),
        is_slow=True,
    ),
    Tool(
        name="az",
        ask=("az", "version"),
        install="install the Azure CLI",
        packages=("azure-", "azureml-", "adlfs"),
        is_slow=True,
    ),
    Tool(name="terraform", ask=("terraform", "version"), install="install Terraform", files=r".*\.tf"),
    Tool(
        name="java",
        ask=("java", "-version"),
        install="install a Java runtime",
        packages=("pyspark", "h2o", "tabula-py"),
    ),
)


def git(machine: Machine) -> list[Line]:
    """Git itself, whether the project is under version control, and whether commits will have an author."""
    answer = machine.ask("git", "--version")
    if answer.status != "ok":
        return [_not_answering("git", answer, needed=True, install="install git")]
    version = re.search(r"\d+\.\d+(?:\.\d+)?", answer.text)
    says = version.group() if version else "installed"
    inside = machine.ask("git", "-C", str(machine.project), "rev-parse", "--is-inside-work-tree")
    if inside.status == "hung":
        return [_not_answering("git", inside, needed=True, install="")]
    if inside.status == "failed" and "dubious ownership" in inside.text + inside.error:
        return [
            Line(
                check="git",
                verdict="warn",
                says=f"{says}; the project belongs to another account, so git refuses it",
                next_step=f"`git config --global --add safe.directory {machine.project}`",
            )
        ]
    if inside.status != "ok":
        return [
            Line(
                check="git",
                verdict="warn",
                says=f"{says}; the project is not under version control",
                next_step="`git init`, and commit it",
            )
        ]
    author = machine.ask("git", "-C", str(machine.project), "config", "user.email")
    if author.status != "ok":
        return [
            Line(
                check="git",
                verdict="warn",
                says=f"{says}; commits would have no author",
                next_step="`git config --global user.email NAME@EXAMPLE.ORG`",
            )
        ]
    changed = machine.ask("git", "-C", str(machine.project), "status", "--porcelain", "--untracked-files=no")
    number = len(changed.text.splitlines()) if changed.status == "ok" else 0
    told = f"{count(number, 'changed file')} not committed" if number else "all is committed"
    return [Line(check="git", verdict="ok", says=f"{says}; {told}")]


def probe_of(tool: Tool) -> Callable[[Machine], list[Line]]:
    """The probe of one tool."""

    def probe(machine: Machine) -> list[Line]:
        return [_examined(tool, machine)]

    return probe


def _examined(tool: Tool, machine: Machine) -> Line:
    reason = _why_needed(tool, machine)
    if tool.is_slow and not reason:
        is_there = bool(machine.find(tool.name))
        says = "installed; this project does not use it" if is_there else "not installed; not used here"
        return Line(check=tool.name, verdict="ok", says=says)
    answer = machine.ask(*tool.ask)
    if answer.status == "missing" and not reason:
        return Line(check=tool.name, verdict="ok", says="not installed; not used here")
    if tool.name == "docker" and answer.status == "failed":
        return _no_daemon(answer, reason)
    if answer.status != "ok":
        return _not_answering(tool.name, answer, needed=bool(reason), install=tool.install, reason=reason)
    version = re.search(tool.version, answer.text)
    says = version.group(1) if version else "installed"
    return Line(check=tool.name, verdict="ok", says=says + (f"; used by {reason}" if reason else ""))


def _no_daemon(answer: Answer, reason: str) -> Line:
    denied = "permission denied" in answer.error.lower()
    says = "this account may not use it" if denied else "installed, but its daemon does not run"
    step = (
        "add the account to the group `docker`, and log in again"
        if denied
        else "start it: `systemctl start docker`"
    )
    if not reason:
        return Line(check="docker", verdict="ok", says=f"{says}; not used here")
    return Line(check="docker", verdict="warn", says=f"{says}; used by {reason}", next_step=step)


def _not_answering(name: str, answer: Answer, *, needed: bool, install: str, reason: str = "") -> Line:
    used = f"; used by {reason}" if reason else ""
    if answer.status == "missing":
        return Line(check=name, verdict="warn", says=f"not installed{used}", next_step=install)
    if answer.status == "hung":
        return Line(
            check=name,
            verdict="warn",
            says=f"did not answer within {answer.limit_s:g} s{used}",
            next_step=f"try `{name} --version` by hand",
        )
    return Line(
        check=name,
        verdict="warn" if needed else "ok",
        says=f"fails: {answer.error[:100]}{used}",
        next_step=f"try `{name} --version` by hand" if needed else "",
    )


def _why_needed(tool: Tool, machine: Machine) -> str:
    """The file or package of the project that uses a tool; empty when nothing does."""
    if tool.files:
        pattern = re.compile(tool.files)
        names = _file_names(machine)
        if found := next((name for name in names if pattern.fullmatch(name.rpartition("/")[2])), ""):
            return found
    if tool.packages:
        locked = (package.name for package in machine.lock.packages) if machine.lock else ()
        return next((name for name in locked if name.startswith(tool.packages)), "")
    return ""


def _file_names(machine: Machine) -> list[str]:
    """Of the project's folder and one below."""
    found: list[str] = []
    folders = [machine.project]
    for depth in (0, 1):
        below = []
        for folder in folders:
            try:
                entries = sorted(folder.iterdir())[:MOST_LISTED]
            except OSError:
                continue
            for entry in entries:
                if entry.is_dir():
                    if depth == 0 and entry.name not in _SKIPPED:
                        below.append(entry)
                else:
                    found.append(entry.relative_to(machine.project).as_posix())
        folders = below
        if len(found) > MOST_LISTED:
            break
    return found
