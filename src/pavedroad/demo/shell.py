"""Runs the demo's commands as a person would type them, and shows what they say."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from pavedroad.errors import PavedError, Unavailable
from pavedroad.kit.terminal import styled, width

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class StoryBroken(PavedError):
    """A command of the story did not end as it must."""


class Shell:
    """Where the story happens: a folder, its record, and the servers it has started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("PAVED_", "MLFLOW_"))
        }
        self._environ["PYTHONUNBUFFERED"] = "1"
        self._started: list[subprocess.Popen[str]] = []
        self.took_s: dict[str, float] = {}

    def run(self, line: str, *, inside: str = "", ends: int = 0, show: bool = True) -> list[str]:
        """Show `$ line`, run it, show what it prints; the lines it printed.

        Raises: StoryBroken when its exit code is not `ends`.
        """
        if show:
            click.echo(f"\n{styled('$', 'dim')} {styled(line, 'strong')}")
        started = time.monotonic()
        process = self._start(shlex.split(line), inside, stderr=subprocess.STDOUT)
        printed = []
        assert process.stdout is not None
        for text in process.stdout:
            printed.append(text.rstrip("\n"))
            if show:
                click.echo(f"  {text}", nl=False)
        code = process.wait()
        self.took_s[line] = time.monotonic() - started
        if code != ends:
            tail = "" if show else "\n" + "\n".join(printed[-20:])
            raise StoryBroken(
                f"`{line}` ended with {code}, not {ends}{tail}", hint=f"look at {self.folder / inside}"
            )
        return printed

    def ask(self, line: str, *, inside: str = "") -> Any:
        """The JSON a command answers, without showing it."""
        answer = "\n".join(self.run(line, inside=inside, show=False))
        return msgspec.json.decode(answer)

    def start(self, line: str, *, inside: str = "") -> dict[str, Any]:
        """Start a server with `--json` and wait for the line that says where it is."""
        click.echo(f"\n{styled('$', 'dim')} {styled(line, 'strong')} &")
        process = self._start([*shlex.split(line), "--json"], inside, stderr=subprocess.PIPE)
        self._started.append(process)
        assert process.stdout is not None
        ready: dict[str, Any] = {}
        for text in process.stdout:
            ready = msgspec.json.decode(text)
            if "url" in ready:
                return ready
        says = process.stderr.read().strip() if process.stderr else ""
        reason = ready.get("error", {}).get("message") or says or f"ended with {process.wait()}"
        raise Unavailable(f"`{line}`: {reason}", hint="see the line above")

    def stop_all(self) -> None:
        for process in self._started:
            process.terminate()
        for process in self._started:
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._started.clear()

    def _start(self, words: Sequence[str], inside: str, **streams: Any) -> subprocess.Popen[str]:
        if words[0] == "paved":
            words = [sys.executable, "-m", "pavedroad", *words[1:]]
        # Two columns for the indent, so that a table made for the terminal stays whole.
        environ: Mapping[str, str] = {**self._environ, "COLUMNS": str(width() - 2)}
        return subprocess.Popen(
            words,
            cwd=self.folder / inside,
            env=environ,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            **streams,
        )


def chapter(number: int, title: str) -> None:
    head = f"── {number} {title} "
    click.echo(f"\n{styled(head + '─' * max(0, min(width(), 80) - len(head)), 'strong')}")


def tell(text: str) -> None:
    """A sentence of the story, wrapped."""
    click.echo("\n" + click.wrap_text(text, min(width(), 80)))
