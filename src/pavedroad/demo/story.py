"""The story `paved demo` tells: each chapter a few real commands and a sentence about what they show."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import msgspec

from pavedroad.demo.project import (
    HELPER_AFTER,
    HELPER_BEFORE,
    HELPER_FILE,
    check_extra,
    replace_once,
    write_first_draft,
)
from pavedroad.demo.shell import Shell, chapter, tell
from pavedroad.kit.terminal import styled

PROJECT = "late-flights"
MODEL = "late-flights"


def tell_story(shell: Shell) -> str:
    """All chapters, in order; the address of the pages at the end. The servers keep running in `shell`."""
    check_extra()
    click.echo("From an empty folder to a gated, served model: will a flight that leaves New York")
    click.echo(f"land more than 15 minutes late? Everything stays in {shell.folder}")
    make_project(shell)
    find_and_fix(shell)
    run_three_times(shell)
    champion(shell)
    worse_candidate(shell)
    serve(shell)
    return look(shell)


def make_project(shell: Shell) -> None:
    chapter(1, "A project that starts well")
    tell(
        "The template gives tests, a lock, an owner and gates. The flights' own steps are then written into it."
    )
    shell.run(f"paved new {PROJECT} --template pipeline --owner flights-team")
    write_first_draft(shell.folder / PROJECT)


def find_and_fix(shell: Shell) -> None:
    chapter(2, "Practices, checked by reading")
    tell(
        "The first draft trains without a seed, so no two runs agree. The check says so, and can write the fix."
    )
    shell.run("paved check", inside=PROJECT, ends=1)
    shell.run("paved check --fix", inside=PROJECT)


def run_three_times(shell: Shell) -> None:
    chapter(3, "Run, run again, change a helper, run again")
    tell(
        "336,776 flights, each joined to the last weather report before it left. Trained on January to August."
    )
    shell.run("paved run", inside=PROJECT)
    tell("Nothing has changed, so nothing runs.")
    shell.run("paved run", inside=PROJECT)
    tell(f"Now edit one line of {HELPER_FILE.name}: `{HELPER_AFTER}`. The files need not be read again.")
    replace_once(shell.folder / PROJECT / HELPER_FILE, HELPER_BEFORE, HELPER_AFTER)
    shell.run("paved run", inside=PROJECT)
    shell.run("paved why last at_departure", inside=PROJECT)


def champion(shell: Shell) -> None:
    chapter(4, "A version, and the gates before it")
    tell("A model becomes champion when every gate is open. Each answer is kept as evidence.")
    shell.run("paved register last", inside=PROJECT)
    shell.run(f"paved promote {MODEL}@1 --to champion", inside=PROJECT)


def worse_candidate(shell: Shell) -> None:
    chapter(5, "A worse candidate is refused")
    tell("A second model, trained with 5 trees to save time, is measured on the same flights.")
    shell.run("paved run --iterations 5", inside=PROJECT)
    shell.run("paved register last", inside=PROJECT)
    shell.run(f"paved promote {MODEL}@2 --to champion", inside=PROJECT, ends=1)


def serve(shell: Shell) -> None:
    chapter(6, "The champion, served")
    ready = shell.start(f"paved serve {MODEL}@champion", inside=PROJECT)
    tell(f"Ready at {ready['url']}: the Open Inference Protocol, /invocations, health and metrics.")
    ask_for_prediction(shell, ready)
    short_load(ready)


def look(shell: Shell) -> str:
    chapter(7, "The whole history on one page")
    url = str(shell.start("paved up")["url"])
    tell("The road, the runs with their steps, the gates with their evidence, the journal:")
    click.echo(f"\n  {styled(url, 'strong')}")
    return url
