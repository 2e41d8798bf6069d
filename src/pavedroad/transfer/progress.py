"""How far a transfer is: a line that is written again at a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from typing import Protocol, TextIO

from pavedroad.kit.terminal import width

BAR = 24
EVERY_S = 0.1  # at a terminal
EVERY_PLAIN_S = 10.0


class Progress(Protocol):
    def start(self, what: str, total: int | None) -> None: ...
    def advance(self, number: int) -> None: ...
    def close(self) -> None: ...


class Silent:
    def start(self, what: str, total: int | None) -> None: ...
    def advance(self, number: int) -> None: ...
    def close(self) -> None: ...


class Drawn:
    """`runs  ████████░░░░  1,200 of 5,000`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_live = out.isatty()
        self._what, self._done = "", 0
        self._total: int | None = None
        self._last = self._started = time.monotonic()

    def start(self, what: str, total: int | None) -> None:
        self._what, self._done, self._total = what, 0, total
        self._draw()

    def advance(self, number: int) -> None:
        self._done += number
        pause = EVERY_S if self._is_live else EVERY_PLAIN_S
        if time.monotonic() - self._last >= pause:
            self._draw()

    def close(self) -> None:
        if self._is_live:
            self._out.write("\r" + " " * (width() - 1) + "\r")
            self._out.flush()

    def _draw(self) -> None:
        self._last = time.monotonic()
        if self._is_live:
            self._out.write("\r" + self._line().ljust(width() - 1)[: width() - 1])
            self._out.flush()
        elif self._last - self._started >= EVERY_PLAIN_S:
            self._out.write(self._line() + "\n")
            self._out.flush()

    def _line(self) -> str:
        if not self._total:
            return f"{self._what}  {self._done:,}"
        filled = min(BAR, BAR * self._done // self._total)
        return f"{self._what}  {'█' * filled}{'░' * (BAR - filled)}  {self._done:,} of {self._total:,}"
