"""A Ctrl-C that waits for a place where nothing gets lost.

Python raises KeyboardInterrupt in the main thread between any two steps of its code: in the midst of handing
writes over, those writes would be gone.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]


class Interrupts:
    """While entered in the main thread, the first signal is kept until `allowed` or `check` raise it.

    After the first one the handlers are as they were, so a second Ctrl-C acts at once. Signals that have no
    handler in Python are left alone.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Handler] = {}
        self._came: tuple[Handler, int, FrameType | None] | None = None
        self._is_allowed = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                before = signal.getsignal(number)
                if callable(before):
                    self._before[number] = before
                    signal.signal(number, self._keep)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._put_back()
        if error is None:
            self.check()

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Around a wait: a signal ends it."""
        self._is_allowed = True
        try:
            self.check()
            yield
        finally:
            self._is_allowed = False

    def check(self) -> None:
        """Raises what the handler of a signal that came raises."""
        if self._came is not None:
            (handler, number, frame), self._came = self._came, None
            handler(number, frame)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        handler = self._before[signal.Signals(number)]
        self._put_back()
        self._came = (handler, number, frame)
        if self._is_allowed:
            self.check()

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            with suppress(ValueError):  # the interpreter ends
                signal.signal(number, handler)
        self._before = {}
