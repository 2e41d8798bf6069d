"""`paved triage`."""

from __future__ import annotations

from typing import BinaryIO

import click

from pavedroad.kit.terminal import json_option, print_json, width

LARGEST_BYTES = 16 * 2**20


@click.command()
@click.argument("file", type=click.File("rb"), metavar="FILE|-")
@json_option
def triage(file: BinaryIO, as_json: bool) -> int:
    """Say whose fault a failure is, with the evidence.

    FILE is a traceback or a log in any of the usual forms; - reads standard input. Of a large one the end is
    read. Nothing is stored or sent. Exit code 1 when nothing is likely enough.
    """
    from pavedroad.desk.scrubbing import scrub
    from pavedroad.desk.triage import judge_text
    from pavedroad.desk.triage.text import verdict_text

    text = _end_of(file).decode("utf-8", "replace")
    verdict = judge_text(scrub(text).text)
    if as_json:
        print_json(verdict)
    else:
        click.echo(verdict_text(verdict, width=min(width(), 100)))
    return 0 if verdict.label else 1


def tell_verdict(traceback: str, *, width: int) -> str:
    """The verdict on a traceback in words; empty when nothing is likely enough."""
    from pavedroad.desk.scrubbing import scrub
    from pavedroad.desk.triage import judge_text
    from pavedroad.desk.triage.text import verdict_text

    verdict = judge_text(scrub(traceback).text)
    return verdict_text(verdict, width=min(width, 100)) if verdict.label else ""


def _end_of(file: BinaryIO) -> bytes:
    data = b""
    while piece := file.read(2**20):
        data = (data + piece)[-LARGEST_BYTES:]
    return data
