"""How a run is shown: live lines at a terminal, plain lines elsewhere, JSON lines for machines."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any, Protocol, TextIO

from pavedroad.kit.clock import duration
from pavedroad.kit.terminal import styled, width
from pavedroad.kit.text import count, middle_cut
from pavedroad.pipelines.events import (
    Event,
    MapSpread,
    Note,
    RunFinished,
    RunStarted,
    StepFinished,
    StepRetried,
    StepStarted,
    to_json,
)

SHOWN = {"hit": "cached", "miss": "ran", "off": "ran"}


class Progress(Protocol):
    def __call__(self, event: Event) -> None: ...
    def close(self) -> None: ...


class Line:
    """One node of the graph, with all the items of a map together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: int | None = None  # of a map, once they are known
        self.finished = 0
        self.cached = 0
        self.failed = 0
        self.started_s: float | None = None
        self.ended_s: float | None = None
        self.duration_ms = 0
        self.said = ""
        self.attempt = 1

    @property
    def is_done(self) -> bool:
        return self.finished >= (1 if self.items is None else self.items) or self.failed > 0

    @property
    def result(self) -> str:
        if self.failed:
            return "failed"
        if not self.is_done:
            return "running" if self.started_s is not None else "waiting"
        return "cached" if self.cached and self.cached == self.finished else "ran"

    @property
    def details(self) -> str:
        if self.items is None or self.failed:
            return self.said
        cached = f", {self.cached} cached" if self.cached else ""
        progress = f"{self.finished} of " if not self.is_done else ""
        return f"{progress}{count(self.items, 'item')}{cached}"

    @property
    def elapsed_ms(self) -> float:
        if self.items is None and self.is_done:
            return self.duration_ms
        if self.started_s is None:
            return 0
        return ((self.ended_s or time.monotonic()) - self.started_s) * 1000


class Lines:
    """The state of a run as events tell it."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.run: RunStarted | None = None
        self.end: RunFinished | None = None
        self.notes: list[Note] = []

    def take(self, event: Event) -> Line | None:
        """Bring the state up to date; the line that changed."""
        if isinstance(event, RunStarted):
            self.run = event
            self.lines = {name: Line(name) for name in event.steps}
        elif isinstance(event, RunFinished):
            self.end = event
        elif isinstance(event, Note):
            self.notes.append(event)
        elif isinstance(event, MapSpread):
            line = self.lines[event.step]
            line.items = event.items
            return line
        elif isinstance(event, StepStarted | StepRetried | StepFinished):
            return self._take_step(event)
        return None

    def _take_step(self, event: StepStarted | StepRetried | StepFinished) -> Line:
        line = self.lines[node_of(event.step)]
        if line.started_s is None:
            line.started_s = time.monotonic()
        if isinstance(event, StepStarted):
            line.attempt = event.attempt
        elif isinstance(event, StepRetried):
            line.said = f"attempt {event.attempt} failed ({event.error}); again in {event.wait_s:.1f} s"
        else:
            line.finished += 1
            line.cached += event.verdict == "hit"
            line.failed += event.status != "FINISHED"
            line.duration_ms = event.duration_ms
            line.said = event.because if event.status != "FINISHED" else event.output
            line.ended_s = time.monotonic()
        return line

    def longest_name(self) -> int:
        return min(30, max((len(name) for name in self.lines), default=0))


class JsonLines:
    """Every event as one JSON object on its own line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        _write(self._out, to_json(event).decode())

    def close(self) -> None:
        pass


class PlainLines:
    """A line when a step has ended: for logs, where nothing can be drawn again."""

    def __init__(self, out: TextIO) -> None:
        self._state = Lines()
        self._out = out

    def __call__(self, event: Event) -> None:
        line = self._state.take(event)
        if isinstance(event, RunStarted):
            self._say(f"{event.pipeline} · run {event.run_id[:8]}")
        elif isinstance(event, StepRetried) and line is not None:
            self._say(f"  {event.step}: {line.said}")
        elif isinstance(event, Note):
            self._say(f"  note: {event.text}")
        elif (
            isinstance(event, StepFinished)
            and line is not None
            and (line.is_done or event.status != "FINISHED")
        ):
            self._say(_drawn(line, self._state.longest_name()))

    def close(self) -> None:
        pass

    def _say(self, text: str) -> None:
        _write(self._out, text)


class LiveLines:
    """One line per step, drawn again while it runs. rich is loaded only here."""

    REFRESH_S = 0.1

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._state = Lines()
        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._live = Live(
            console=self._console, auto_refresh=False, transient=False, get_renderable=self._draw
        )
        self._last_drawn = 0.0
        self._is_open = False
        self._ticker: threading.Thread | None = None
        self._stop = threading.Event()

    def __call__(self, event: Event) -> None:
        self._state.take(event)
        if isinstance(event, RunStarted):
            self._console.print(f"{event.pipeline} · run {event.run_id[:8]}")
            self._live.start()
            self._is_open = True
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()
        elif isinstance(event, Note):
            self._console.print(f"note: {event.text}", style="dim", markup=False)

    def close(self) -> None:
        self._stop.set()
        if self._ticker is not None:
            self._ticker.join()
        if self._is_open:
            self._is_open = False
            self._live.refresh()
            self._live.stop()

    def _tick(self) -> None:
        while not self._stop.wait(self.REFRESH_S):
            self._live.refresh()

    def _draw(self) -> Any:
        from rich.text import Text

        return Text.from_ansi("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = list(self._state.lines.values())
        room = max(5, self._console.height - 4)
        if len(lines) > room:  # what is running and what has just ended matter most
            lines = sorted(sorted(lines, key=_interest)[:room], key=list(self._state.lines.values()).index)
        return [_drawn(line, self._state.longest_name()) for line in lines]


def make_progress(*, as_json: bool, out: TextIO | None = None) -> Progress:
    out = out or sys.stdout
    if as_json:
        return JsonLines(out)
    return LiveLines(out) if out.isatty() else PlainLines(out)


def _write(out: TextIO, line: str) -> None:
    """A reader that has gone, or a log on a full disk, is no reason to end the run."""
    with contextlib.suppress(OSError):
        try:
            out.write(line + "\n")
        except UnicodeEncodeError:  # a terminal that knows neither · nor ×
            out.write(line.encode("ascii", "replace").decode() + "\n")
        out.flush()


def node_of(step: str) -> str:
    """`clean` of `clean[3]`."""
    return step.partition("[")[0]


def _interest(line: Line) -> tuple[int, float]:
    order = {"failed": 0, "running": 1, "ran": 2, "cached": 2, "waiting": 3}
    return order[line.result], -(line.ended_s or 0)


_STYLES: dict[str, Any] = {
    "cached": "dim",
    "ran": "good",
    "failed": "bad",
    "running": "strong",
    "waiting": "dim",
}


def _drawn(line: Line, longest: int) -> str:
    elapsed = duration(line.elapsed_ms) if line.started_s is not None else ""
    start = f"  {middle_cut(line.name, longest):<{longest}}  {line.result:<8}{elapsed:>8}  "
    room = max(0, width() - len(start) - 1)
    details = middle_cut(" ".join(line.details.split()), room)
    result = styled(f"{line.result:<8}", _STYLES[line.result])
    return f"  {middle_cut(line.name, longest):<{longest}}  {result}{elapsed:>8}  {details}"
