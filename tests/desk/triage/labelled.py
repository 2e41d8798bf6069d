"""The labelled failures of `data/tracebacks`, written as tracebacks in the forms they are found in."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import msgspec

NAMES = {"env": "environment", "infra": "infrastructure"}


class Labelled(msgspec.Struct, frozen=True):
    id: str
    label: str
    type: str
    message: str
    frames: tuple[tuple[str, str], ...]
    library: str


def read_labelled(file: Path) -> list[Labelled]:
    with file.open(newline="") as rows:
        return [_labelled(row) for row in csv.DictReader(rows)]


def _labelled(row: dict[str, str]) -> Labelled:
    frames = [frame.partition(":") for frame in json.loads(row["frames"] or "[]")]
    return Labelled(
        row["id"],
        NAMES.get(row["label"], row["label"]),
        row["exception_type"],
        row["message"],
        tuple((path, function or "<module>") for path, _, function in frames),
        row["last_frame_package"],
    )


def plain(one: Labelled) -> str:
    lines = ["Traceback (most recent call last):"]
    for path, function in one.frames:
        lines += [f'  File "{path}", line 12, in {function}', "    value = call(value)"]
    return "\n".join([*lines, f"{one.type}: {one.message}", ""])


def in_notebook(one: Labelled) -> str:
    name = one.type.rpartition(".")[2]
    lines = ["-" * 75, f"{name:<42}Traceback (most recent call last)"]
    for path, function in one.frames:
        lines += [f"File {path}:12, in {function}()", "     11 before()", "---> 12 value = call(value)", ""]
    return "\n".join([*lines, f"{name}: {one.message}"])


def in_box(one: Labelled) -> str:
    wide = 78
    lines = ["╭" + " Traceback (most recent call last) ".center(wide, "─") + "╮"]
    for path, function in one.frames:
        lines += [f"│ {f'{path}:12 in {function}':<{wide - 2}} │", f"│ {'':<{wide - 2}} │"]
        lines += [f"│ {'❱ 12 value = call(value)':<{wide - 2}} │"]
    return "\n".join([*lines, "╰" + "─" * wide + "╯", f"{one.type}: {one.message}"])


def of_worker(one: Labelled) -> str:
    return "\n".join(f"(train_fn pid=4711, ip=10.0.0.7) {line}" for line in plain(one).split("\n"))


def of_rank(one: Labelled) -> str:
    return "\n".join(f"[rank0]: {line}" for line in plain(one).split("\n"))


def of_logger(one: Labelled) -> str:
    return "\n".join(
        f"2026-11-24 10:00:{second % 60:02},123 ERROR {line}"
        for second, line in enumerate(plain(one).split("\n"))
    )


def wrapped(one: Labelled) -> str:
    return (
        f"{plain(one)}\nThe above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "main.py", line 3, in <module>\n    run()\n'
        "RuntimeError: the job has failed\n"
    )


def amid_noise(one: Labelled) -> str:
    noise = "\n".join(
        f"INFO epoch {number}: loss 0.{number:03} in 12.3 s, 7 of 40 batches" for number in range(30)
    )
    return f"{noise}\n{plain(one)}\nINFO done with cleaning up\nDEBUG bye\n"


FORMS = (in_notebook, in_box, of_worker, of_rank, of_logger, wrapped, amid_noise)
