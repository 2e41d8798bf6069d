"""`paved delete`, `paved undelete`, `paved gc`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pavedroad.errors import Refused
from pavedroad.kit.terminal import json_option, print_json, table

if TYPE_CHECKING:
    from pavedroad.housekeeping.collecting import Collected

yes_option = click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")


@click.command()
@click.argument("what", nargs=-1, required=True)
@click.option("--forever", is_flag=True, help="Erase it: nothing brings it back.")
@yes_option
@json_option
def delete(what: tuple[str, ...], forever: bool, yes: bool, as_json: bool) -> None:
    """Delete runs (the start of an id) and experiments (experiment/NAME).

    What is deleted can be brought back with `paved undelete` until `paved gc` removes it; with --forever it
    is gone at once. The journal still tells that it was there.
    """
    from pavedroad.config import read_settings
    from pavedroad.housekeeping import deleting
    from pavedroad.kit.text import count
    from pavedroad.record import record_of

    with record_of(read_settings()) as record:
        targets = [deleting.find_target(record.db, word) for word in what]
        if forever:
            told = ", ".join(
                target.says + (f" with {count(target.runs, 'run')}" if target.kind == "experiment" else "")
                for target in targets
            )
            _confirm(f"erase {told} for good?", yes)
        answers = []
        for target in targets:
            runs = 0
            if forever:
                runs = deleting.erase(record, target)
            else:
                deleting.delete(record, target)
            answer = {"kind": target.kind, "id": target.id, "name": target.name}
            answers.append({**answer, "is_erased": forever, "erased_runs": runs})
            if not as_json:
                click.echo(f"{target.says} is {'erased' if forever else 'deleted'}")
    if as_json:
        print_json(answers)
    elif forever:
        click.echo("next: `paved gc` frees the space of files that nothing names any more")
    else:
        click.echo(f"next: `paved undelete {what[0]}` brings it back")


@click.command()
@click.argument("what", nargs=-1, required=True)
@json_option
def undelete(what: tuple[str, ...], as_json: bool) -> None:
    """Bring back deleted runs (the start of an id) and experiments (experiment/NAME)."""
    from pavedroad.config import read_settings
    from pavedroad.housekeeping import deleting
    from pavedroad.record import record_of

    with record_of(read_settings()) as record:
        targets = [deleting.find_target(record.db, word) for word in what]
        for target in targets:
            deleting.undelete(record, target)
    if as_json:
        print_json([{"kind": target.kind, "id": target.id, "name": target.name} for target in targets])
        return
    for target in targets:
        click.echo(f"{target.says} is back")


@click.command()
@click.option("--older-than", default="30d", show_default=True, help="Deleted or unused for so long.")
@click.option("--grace", default="24h", show_default=True, help="Keep unnamed files younger than this.")
@click.option("--run", "--yes", "do_it", is_flag=True, help="Remove it; without this, only tell.")
@json_option
def gc(older_than: str, grace: str, do_it: bool, as_json: bool) -> None:
    """Tell what could be removed: what was deleted long ago, cached results nobody takes, files nobody names.

    Nothing is changed without --run. A running server and running pipelines need not stop.
    """
    from pavedroad.config import read_settings
    from pavedroad.housekeeping.ages import read_age
    from pavedroad.housekeeping.collecting import collect, limits_of, plan
    from pavedroad.housekeeping.progress import ProgressLine
    from pavedroad.record import record_of

    limits = limits_of(older_than_ms=read_age(older_than), grace_ms=read_age(grace))
    line = ProgressLine()
    with record_of(read_settings()) as record:
        try:
            if do_it:
                found = collect(record, limits, who=record.settings.who, progress=line)
            else:
                found = plan(record, limits, progress=line)
        finally:
            line.close()
    if as_json:
        print_json({"removed": do_it, **_fields(found)})
        return
    _show_collected(found, done=do_it, older_than=older_than, grace=grace)


def _show_collected(found: Collected, *, done: bool, older_than: str, grace: str) -> None:
    from pavedroad.kit.text import size

    rows = [
        (f"runs deleted more than {older_than} ago", found.runs, ""),
        (f"experiments deleted more than {older_than} ago", found.experiments, ""),
        (f"logged models deleted more than {older_than} ago", found.logged_models, ""),
        (f"cached results unused for {older_than}", found.cached_results, ""),
        (f"files that nothing names, older than {grace}", found.files, size(found.bytes)),
    ]
    click.echo(
        table(("removed" if done else "would be removed", "number", "size"), rows, right=("number", "size"))
    )
    if found.young_files:
        click.echo(f"{found.young_files} younger files are kept: somebody may be about to name them")
    if not done:
        click.echo("nothing was changed; next: `paved gc --run`")


def _fields(found: Collected) -> dict[str, int]:
    import msgspec

    return dict(msgspec.structs.asdict(found))


def _confirm(question: str, yes: bool) -> None:
    """Raises Refused where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("this cannot be undone, and nobody is here to confirm it", hint="add --yes")
    if not click.confirm(question, default=False, err=True):
        raise click.Abort
