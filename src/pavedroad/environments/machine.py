"""The machine that is examined: a root folder, a PATH, variables, a home and a project.

Every probe reads the machine through this, so that a mounted image, or a folder of a test, can be examined
like the machine itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import msgspec

from pavedroad.environments.installation import Installation
from pavedroad.environments.model import Lock

MOST_READ = 16 * 2**20
LDD_LIMIT_S = 0.5
_RUNNING: set[subprocess.Popen[bytes]] = set()  # tools that nobody has waited for yet


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool said."""

    status: Literal["ok", "missing", "failed", "hung"]
    text: str = ""  # its output
    error: str = ""  # the last line of what it complained about
    limit_s: float = 0.0


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    root: Path  # `/`, or a folder that stands for it
    path: str  # PATH
    environ: dict[str, str]
    home: Path  # the account's home, in the root
    record_home: Path  # PAVED_HOME
    project: Path
    now_ms: int
    limit_s: float = 1.2  # of one tool
    lock: Lock | None = None
    lock_problem: str = ""  # why there is none
    installation: Installation

    @property
    def is_real(self) -> bool:
        return self.root == Path("/")

    def at(self, path: str) -> Path:
        """An absolute path of the machine, under its root."""
        return self.root / path.lstrip("/")

    def find(self, tool: str) -> str:
        """The tool's path by PATH, or empty."""
        return shutil.which(tool, path=self.path) or ""

    def read(self, path: Path) -> str:
        """The text of a file; empty when it is not there, not readable, or too large to be what it says."""
        try:
            if not path.is_file() or path.stat().st_size > MOST_READ:
                return ""
            return path.read_text("utf-8", "replace")
        except OSError:
            return ""

    def ask(self, *command: str, limit_s: float | None = None, cwd: Path | None = None) -> Answer:
        """Start a tool and take its output; it and its children are killed when the time is over."""
        program = self.find(command[0])
        limit = limit_s or self.limit_s
        if not program:
            return Answer(status="missing")
        environ = {**self.environ, "PATH": self.path, "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            process = subprocess.Popen(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environ,
                cwd=cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Answer(status="failed", error=getattr(error, "strerror", "") or str(error))
        _RUNNING.add(process)
        try:
            out, err = process.communicate(timeout=limit)
        except (subprocess.TimeoutExpired, ValueError):  # ValueError: it was ended meanwhile
            _end(process)
            return Answer(status="hung", limit_s=limit)
        finally:
            _RUNNING.discard(process)
        text, complaint = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        if process.returncode != 0:
            said = [line for line in (complaint or text).strip().split("\n") if line.strip()]
            return Answer(
                status="failed",
                text=text,
                error=said[-1].strip() if said else f"it ended with {process.returncode}",
            )
        return Answer(status="ok", text=text or complaint)

    def glibc(self) -> tuple[int, int] | None:
        """The C library of the root; None where it has no glibc. Of two answers the older one counts."""
        found = [version for version in (self.glibc_of_files(), self._glibc_of_ldd()) if version]
        return min(found, default=None)

    def glibc_of_files(self) -> tuple[int, int] | None:
        """What the C library says of itself."""
        if self.is_real:
            if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
                return None
            return _version_in(os.confstr("CS_GNU_LIBC_VERSION") or "")
        for folder in ("lib64", "lib", "usr/lib64", "usr/lib"):
            place = self.root / folder
            for file in (
                *place.glob("libc.so.6"),
                *place.glob("*-linux-gnu*/libc.so.6"),
                *place.glob("libc-2.*.so"),
            ):
                with contextlib.suppress(OSError):
                    content = file.read_bytes()[:MOST_READ]
                    match = re.search(rb"GNU C Library[^\n]*?version (\d+)\.(\d+)", content)
                    if match:
                        return int(match.group(1)), int(match.group(2))
        return None

    def _glibc_of_ldd(self) -> tuple[int, int] | None:
        if sys.platform != "linux":
            return None
        answer = self.ask("ldd", "--version", limit_s=LDD_LIMIT_S)
        first = answer.text.split("\n")[0]
        return _version_in(first) if answer.status == "ok" and "musl" not in first else None


def _version_in(text: str) -> tuple[int, int] | None:
    match = re.search(r"(\d+)\.(\d+)\s*$", text.strip())
    return (int(match.group(1)), int(match.group(2))) if match else None


def end_tools() -> None:
    """End the tools that still run, when nobody waits for their answers any more."""
    for process in list(_RUNNING):
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the tool with all it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
