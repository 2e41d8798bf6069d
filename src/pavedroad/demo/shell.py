"""Runs the story's commands as a person would type them, and shows what they say."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from pavedroad.errors import PavedError, Unavailable
from pavedroad.kit.terminal import styled, width

STOP_TIMEOUT_S = 15.0
WIDEST = 80  # of prose and rules; a table may use the whole terminal


class StoryBroken(PavedError):
    """A command of the story did not end as it must."""


class Shell:
    """Where the story happens: a folder, its record, and the servers it has started."""

    def __init__(self, folder: Path, *, say: Callable[[str], object]) -> None:
        self.folder = folder
        self.say = say
        self._environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("PAVED_", "MLFLOW_"))
        }
        self._environ["PYTHONUNBUFFERED"] = "1"
        # Threads that wait by spinning make training ten times slower on a machine that is busy otherwise.
        self._environ.setdefault("OMP_WAIT_POLICY", "passive")
        self._started: list[subprocess.Popen[str]] = []

    def chapter(self, number: int, title: str) -> None:
        head = f"── {number} {title} "
        self.say("\n" + styled(head + "─" * max(0, min(width(), WIDEST) - len(head)), "strong"))

    def tell(self, text: str) -> None:
        """A sentence of the story, wrapped."""
        self.say("\n" + click.wrap_text(text, min(width(), WIDEST)))

    def run(self, line: str, *, inside: str = "", ends: int = 0) -> None:
        """Show `$ line`, run it, show what it prints.

        Raises: StoryBroken when its exit code is not `ends`.
        """
        self.say(f"\n{styled('$', 'dim')} {styled(line, 'strong')}")
        printed: list[str] = []
        with self._start(shlex.split(line), inside, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            for text in process.stdout:
                printed.append(text.rstrip())
                self.say(f"  {text.rstrip()}".rstrip())
        if process.returncode != ends:
            raise StoryBroken(
                f"`{line}` ended with {process.returncode}, not {ends}: {' / '.join(printed[-3:])}",
                hint=f"run it again in {self.folder / inside}",
            )

    def start(self, line: str, *, inside: str = "") -> dict[str, Any]:
        """Start a server with `--json` and wait for the line that says where it is.

        Raises: Unavailable with what the server said when it does not start.
        """
        self.say(f"\n{styled('$', 'dim')} {styled(line, 'strong')} &")
        process = self._start([*shlex.split(line), "--json"], inside, stderr=subprocess.DEVNULL)
        self._started.append(process)
        assert process.stdout is not None
        text = process.stdout.readline()
        if '"url"' in text:
            return msgspec.json.decode(text, type=dict[str, Any])
        answer = text + process.stdout.read()
        try:
            reason = msgspec.json.decode(answer)["error"]["message"]
        except (msgspec.DecodeError, KeyError, TypeError):
            reason = f"ended with {process.wait()}"
        raise Unavailable(f"`{line}`: {reason}", hint=f"run it again in {self.folder / inside}")

    def stop_servers(self) -> None:
        for process in self._started:
            process.terminate()
        for process in self._started:
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._started.clear()

    def _start(self, words: Sequence[str], inside: str, **streams: Any) -> subprocess.Popen[str]:
        if words[0] == "paved":
            words = [sys.executable, "-m", "pavedroad", *words[1:]]
        # Two columns less for the indent, so that a table made for the terminal stays whole.
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
