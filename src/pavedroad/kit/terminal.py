"""How a command speaks: plain text fitted to the terminal, JSON when asked, colours only for a person."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import click
import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.text import middle_cut

F = TypeVar("F", bound=Callable[..., Any])
Style = Literal["good", "bad", "warn", "dim", "strong"]
_COLOURS: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "warn": {"fg": "yellow"},
    "dim": {"dim": True},
    "strong": {"bold": True},
}
SMALLEST_COLUMN = 6
SMALLEST_SENTENCE = 24


def json_option(command: F) -> F:
    """Add `--json`, given to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def print_json(value: Any) -> None:
    """One JSON document, indented; anything msgspec encodes."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def note(text: str) -> None:
    """A remark beside the answer: to stderr, so that pipes stay clean."""
    click.echo(text, err=True)


def styled(text: str, style: Style) -> str:
    """Coloured for a person at a terminal that wants colours, plain otherwise."""
    return click.style(text, **_COLOURS[style]) if wants_colour() else text


def wants_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def width() -> int:
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    right: Sequence[str] = (),
    fit: int | None = None,
    wrap: str = "",
) -> str:
    """Rows under their heads, cut in the middle to fit the terminal; `right` names the columns of numbers.

    The widest columns give way first; nothing is cut while it fits. `wrap` names a column of sentences: it
    goes on in the next line instead of being cut, and gives way before the others.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    heads = [column.upper() for column in columns]
    widths = [
        max([len_shown(heads[at]), *(len_shown(row[at]) for row in cells)]) for at in range(len(columns))
    ]
    room = (fit or width()) - 2 * (len(columns) - 1)
    if wrap:
        at = columns.index(wrap)
        widths[at] = min(widths[at], max(SMALLEST_SENTENCE, room - sum(widths) + widths[at]))
    while sum(widths) > room and max(widths) > SMALLEST_COLUMN:
        widths[widths.index(max(widths))] -= 1
    lines = [_line(heads, widths, columns, right)]
    for row in cells:
        parts = _wrapped(row, columns.index(wrap), widths) if wrap else [row]
        lines += [_line(part, widths, columns, right) for part in parts]
    return "\n".join(lines)


def len_shown(text: str) -> int:
    """Columns a text takes: wide letters two, colour codes and combining marks none."""
    plain = click.unstyle(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in plain
    )


def show_error(error: PavedError, *, as_json: bool) -> None:
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
        return
    click.echo(f"{styled_error('error:')} {error.message}", err=True)
    if error.hint:
        click.echo(f" next: {error.hint}", err=True)


def styled_error(text: str) -> str:
    return click.style(text, fg="red") if sys.stderr.isatty() and "NO_COLOR" not in os.environ else text


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split()) if "\n" in text else text


def _wrapped(row: list[str], at: int, widths: Sequence[int]) -> list[list[str]]:
    """The row as lines: the other cells stand in the first one."""
    parts = textwrap.wrap(row[at], widths[at], break_long_words=False, break_on_hyphens=False) or [""]
    first = [*row[:at], parts[0], *row[at + 1 :]]
    rest = [["" if other != at else part for other in range(len(row))] for part in parts[1:]]
    return [first, *rest]


def _line(cells: Sequence[str], widths: Sequence[int], columns: Sequence[str], right: Sequence[str]) -> str:
    shown = []
    for cell, room, column in zip(cells, widths, columns, strict=True):
        text = cell if len_shown(cell) <= room else middle_cut(click.unstyle(cell), room)
        gap = " " * (room - len_shown(text))
        shown.append(gap + text if column in right else text + gap)
    return "  ".join(shown).rstrip()
