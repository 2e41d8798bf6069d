"""`paved doctor`: the examination on one screen, as JSON, and sent to the environment board."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import click

from pavedroad.environments.examination import Report, examine, machine_of
from pavedroad.environments.probe import Line
from pavedroad.errors import NotFound
from pavedroad.kit.terminal import Style, note, print_json, styled, width
from pavedroad.kit.text import count

_STYLES: dict[str, Style] = {"ok": "good", "warn": "warn", "fail": "bad"}
WIDEST = 100


def examine_here(project: Path | None, root: Path | None, *, push: bool, server: str, as_json: bool) -> int:
    """Examine, show, and keep when asked; the exit code is 1 when a line fails."""
    from pavedroad.catalog import find_project
    from pavedroad.config import read_settings, working_directory

    for folder in (project, root):
        if folder is not None and not folder.is_dir():
            raise NotFound(f"no folder {folder}", hint="name a folder that exists")
    here = (project or working_directory()).absolute()
    found = None if project else find_project(here)
    settings = read_settings(start=here)
    machine = machine_of(
        found.root if found else here, settings.home, os.environ, root=root.absolute() if root else Path("/")
    )
    report = examine(machine)
    if push or server:
        from pavedroad.environments.publishing import publish

        note(publish(settings, report, server=server))
    if as_json:
        print_json({"verdict": report.verdict, **_fields(report)})
    else:
        click.echo(report_text(report, width=min(width(), WIDEST)))
    return 1 if report.verdict == "fail" else 0


def report_text(report: Report, *, width: int) -> str:
    """One screen: a line for each check, with the next step under what is not ok."""
    about = f"project {report.project}, " if report.project else ""
    head = styled(f"{report.machine}: {about}{report.system}", "strong")
    column = max((len(line.check) for line in report.lines), default=0)
    shown = [text for line in report.lines for text in _line(line, column, width)]
    numbers = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in ("ok", "warn", "fail"))
    return "\n".join(
        [head, *shown, f"{numbers}; {count(len(report.lines), 'line')} in {report.took_ms / 1000:.1f} s"]
    )


def _line(line: Line, column: int, width: int) -> list[str]:
    gap = " " * (column + 8)
    room = width - len(gap)
    first, *rest = _wrap(line.says, room)
    shown = [f"{styled(f'{line.verdict:<4}', _STYLES[line.verdict])}  {line.check:<{column}}  {first}"]
    shown += [gap + part for part in rest]
    for detail in line.details:
        shown += [gap + part for part in _wrap(detail, room)]
    if line.next_step:
        shown += [gap + part for part in _wrap(f"next: {line.next_step}", room)]
    return shown


def _wrap(text: str, room: int) -> list[str]:
    """Names and commands are not broken at their hyphens."""
    first, *rest = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    return [first, *rest]


def _fields(report: Report) -> dict[str, object]:
    import msgspec

    return dict(msgspec.structs.asdict(report))
