"""A line on the terminal that says how far a long command has come; nothing when it is quick."""

from __future__ import annotations

import sys
import time

from pavedroad.kit.terminal import width

SHOWN_AFTER_S = 2.0
REDRAWN_AFTER_S = 0.1
BAR = 24


class ProgressLine:
    def __init__(self) -> None:
        self._began = self._drawn = time.monotonic()
        self._is_shown = False

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if (
            not sys.stderr.isatty()
            or now - self._began < SHOWN_AFTER_S
            or now - self._drawn < REDRAWN_AFTER_S
        ):
            return
        self._drawn, self._is_shown = now, True
        full = BAR * done // max(total, 1)
        line = f"{'█' * full}{'░' * (BAR - full)} {done:,} of {total:,} · {what}"
        sys.stderr.write(f"\r\x1b[K{line[: width() - 1]}")
        sys.stderr.flush()

    def close(self) -> None:
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
