"""What a person and a machine see of a run."""

from __future__ import annotations

import io
import json

import pytest
from inline_snapshot import snapshot

from pavedroad.pipelines.events import (
    MapSpread,
    Note,
    RunFinished,
    RunStarted,
    StepFinished,
    StepRetried,
    StepStarted,
)
from pavedroad.pipelines.progress import JsonLines, LiveLines, PlainLines, make_progress

STARTED = RunStarted(
    run_id="0123456789abcdef",
    pipeline="main",
    project="small",
    parameters={"n": "2"},
    steps=["load", "clean", "fit"],
)


def finished(step: str, verdict: str = "miss", **more) -> StepFinished:
    values = {"step_run_id": "1", "status": "FINISHED", "duration_ms": 1200, "output": "Table 3 × 2", **more}
    return StepFinished(step=step, verdict=verdict, **values)


EVENTS = [
    STARTED,
    finished("load", "hit", duration_ms=0),
    MapSpread(step="clean", items=2),
    StepStarted(step="clean[0]", step_run_id="2"),
    finished("clean[0]"),
    finished("clean[1]", "hit"),
    Note(text="something works, but not as well as it could"),
    StepStarted(step="fit", step_run_id="3"),
    StepRetried(step="fit", attempt=1, wait_s=1.04, error="OSError: busy"),
    finished("fit", status="FAILED", output="", because="OSError: busy", duration_ms=5000),
    RunFinished(
        run_id="0123456789abcdef",
        status="FAILED",
        duration_ms=6500,
        hits=2,
        misses=1,
        failed=1,
        error="OSError: busy",
    ),
]


def shown(progress_class) -> str:
    out = io.StringIO()
    progress = progress_class(out)
    for event in EVENTS:
        progress(event)
    progress.close()
    return out.getvalue()


def test_plain_lines_say_each_node_once(monkeypatch):
    import re

    text = re.sub(r"[\d.]+ (ms|s)\b", "TIME", shown(PlainLines))
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "main · run 01234567",
        "load cached TIME Table 3 × 2",
        "clean ran TIME 2 items, 1 cached",
        "note: something works, but not as well as it could",
        "fit: attempt 1 failed (OSError: busy); again in TIME",
        "fit failed TIME OSError: busy",
    ]


def test_json_lines_are_one_object_each_with_its_kind():
    lines = [json.loads(line) for line in shown(JsonLines).splitlines()]
    assert [line["event"] for line in lines] == [
        "run_started",
        "step_finished",
        "map_spread",
        "step_started",
        "step_finished",
        "step_finished",
        "note",
        "step_started",
        "step_retried",
        "step_finished",
        "run_finished",
    ]
    assert lines[8] == snapshot(
        {"event": "step_retried", "step": "fit", "attempt": 1, "wait_s": 1.04, "error": "OSError: busy"}
    )


def test_live_lines_end_with_every_step():
    text = shown(LiveLines)
    for words in ("load", "cached", "2 items, 1 cached", "failed", "OSError: busy", "note: something"):
        assert words in text


def test_a_terminal_gets_live_lines_and_a_pipe_plain_ones():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(make_progress(as_json=False, out=Terminal()), LiveLines)
    assert isinstance(make_progress(as_json=False, out=io.StringIO()), PlainLines)
    assert isinstance(make_progress(as_json=True, out=Terminal()), JsonLines)


@pytest.mark.parametrize("kind", [PlainLines, JsonLines])
def test_a_reader_that_has_gone_does_not_end_the_run(kind):
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    progress = kind(Gone())
    for event in EVENTS:
        progress(event)


def test_a_terminal_without_our_signs_gets_others():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    progress = PlainLines(out)
    for event in EVENTS:
        progress(event)
    assert b"Table 3 ? 2" in out.buffer.getvalue()


def test_many_steps_fit_on_the_screen(monkeypatch):
    monkeypatch.setenv("LINES", "20")
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    live = LiveLines(out)
    live(
        RunStarted(
            run_id="0" * 32, pipeline="p", project="s", parameters={}, steps=[f"s{n}" for n in range(100)]
        )
    )
    live(finished("s99", status="FAILED", because="it broke"))
    lines = live._lines()
    live.close()
    assert len(lines) <= 20
    assert any("it broke" in line for line in lines)
