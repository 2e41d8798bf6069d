"""Where a run happens: the process, the host, the code's commit and what is not committed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from functools import lru_cache
from pathlib import Path

import msgspec

LARGEST_DIFF_BYTES = 2_000_000
GIT_TIMEOUT_S = 10.0
ENDED_STATES, STOPPED_STATES = ("Z", "X"), ("T", "t", "")  # of a process, in /proc; empty: not known
# Files that hold secrets more often than code; a diff would copy them to where many can read.
NOT_IN_DIFF = (
    ".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "id_rsa*",
    "id_ed25519*", ".netrc", ".pypirc", ".npmrc", "*credentials*", "*secret*", "*.kdbx",
)  # fmt: skip
# What is left of a secret in a diff: the name it had. Only texts in quotes and passwords in URLs, so that
# code stays code.
_SECRETS = (
    (
        re.compile(
            r"""((?:passw(?:or)?d|secret|token|api_?key|access_?key|private_?key)\w*["']?\]?\s*[:=]\s*)(["'])[^"'\s]{6,}\2""",
            re.I,
        ),
        r"\1\2***\2",
    ),
    (re.compile(r"(://[^\s:/@'\"]+:)[^\s@/'\"]+@"), r"\1***@"),
)


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """This process, so that another one can tell whether it is still there."""

    host: str
    boot: str  # changes when the machine starts anew
    pid: int
    started: str  # tells a process from a later one that got the same pid; empty where it cannot be read


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The project's code as git sees it."""

    commit: str = ""
    branch: str = ""
    is_dirty: bool = False
    diff: str = ""  # what is not committed, without files that may hold secrets
    untracked: tuple[str, ...] = ()


def this_process() -> Process:
    pid = os.getpid()
    return Process(host=socket.gethostname(), boot=_boot(), pid=pid, started=_started(pid))


def is_alive(process: Process) -> bool:
    """Whether a process of this host still runs. One of another host counts as alive: it cannot be seen
    from here.
    """
    if process.host != socket.gethostname():
        return True
    if process.boot != _boot():
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and somebody else's
        pass
    return _started(process.pid) == process.started and _state(process.pid) not in ENDED_STATES


def is_at_work(process: Process) -> bool:
    """Whether it is seen to run on this host, rather than being stopped or out of sight."""
    is_here = process.host == socket.gethostname() and is_alive(process)
    return is_here and _state(process.pid) not in STOPPED_STATES


def read_source(root: Path) -> Source:
    """Nothing when the project is not in a git repository, or git is not installed."""
    head = _git(root, "rev-parse", "HEAD", "--abbrev-ref", "HEAD")
    if head is None:
        return Source()
    commit, _, branch = head.strip().partition("\n")
    status = _git(root, "status", "--porcelain", "--untracked-files=normal", "--", ".") or ""
    untracked = tuple(line[3:] for line in status.splitlines() if line.startswith("?? "))
    is_changed = any(not line.startswith("??") for line in status.splitlines())
    excluded = [f":(exclude,glob,icase)**/{pattern}" for pattern in NOT_IN_DIFF]
    diff = (
        (_git(root, "diff", "--no-ext-diff", "--no-textconv", "HEAD", "--", ".", *excluded) or "")
        if is_changed
        else ""
    )
    diff = without_secrets(diff)
    return Source(
        commit=commit,
        branch=branch,
        is_dirty=bool(status.strip()),
        diff=diff if len(diff) <= LARGEST_DIFF_BYTES else diff[:LARGEST_DIFF_BYTES] + "\n(cut here)\n",
        untracked=untracked,
    )


def without_secrets(text: str) -> str:
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:  # not Linux: pid and host must do
        return ""


def _started(pid: int) -> str:
    return _stat(pid, 22)


def _state(pid: int) -> str:
    return _stat(pid, 3)


def _stat(pid: int, field: int) -> str:
    """A field of /proc/<pid>/stat, counted behind the name, which may hold spaces; empty where none is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[field - 3]
    except (OSError, IndexError):
        return ""
