"""`paved delete`, `undelete`, `gc`, `backup`, `restore`, `doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pavedroad.errors import Refused
from pavedroad.kit.terminal import Style, json_option, print_json, styled, table

if TYPE_CHECKING:
    from pavedroad.housekeeping.collecting import Collected

MOST_SHOWN = 20
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


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@json_option
def backup(target: Path, as_json: bool) -> int:
    """Write a backup of the whole record to a folder, or to a .tar or .tar.gz file.

    Nothing needs to stop: it holds one moment, with every file that is named then. A folder with an earlier
    backup is brought up to date. `paved restore` makes a record of it, in SQLite or in PostgreSQL.
    """
    from pavedroad.config import read_settings, working_directory
    from pavedroad.housekeeping.backup import make_backup
    from pavedroad.housekeeping.progress import ProgressLine
    from pavedroad.kit.text import count, size
    from pavedroad.record import record_of

    line = ProgressLine()
    with record_of(read_settings()) as record:
        try:
            made = make_backup(record, working_directory() / target.expanduser(), progress=line)
        finally:
            line.close()
    if as_json:
        print_json(made)
    else:
        copied = "" if made.copied_files == made.files else f", {made.copied_files} of them new"
        click.echo(f"{target} holds {made.rows:,} rows of {made.tables} tables")
        click.echo(f"and {count(made.files, 'file')} of {size(made.bytes)}{copied}")
        for digest in made.missing[:MOST_SHOWN]:
            click.echo(f"missing: {digest}")
        next_step = "paved doctor store" if made.missing else f"paved restore {target}"
        click.echo(f"next: `{next_step}`" + ("" if made.missing else " where PAVED_HOME is another record's"))
    return 1 if made.missing else 0


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Restore over what is there, which is lost.")
@yes_option
@json_option
def restore(source: Path, replace: bool, yes: bool, as_json: bool) -> None:
    """Make a record of a backup, in the database and the file store that are set here.

    They may be of another kind than those the backup was taken from. The record must be empty, or --replace
    given; no server may use it meanwhile.
    """
    from pavedroad.config import read_settings, working_directory
    from pavedroad.housekeeping.progress import ProgressLine
    from pavedroad.housekeeping.restore import restore as restore_backup
    from pavedroad.kit.clock import utc_iso
    from pavedroad.kit.text import count, size

    settings = read_settings()
    if replace:
        _confirm(f"lose what is in {settings.home}?", yes)
    line = ProgressLine()
    try:
        path = working_directory() / source.expanduser()
        found = restore_backup(settings, path, replace=replace, progress=line)
    finally:
        line.close()
    if as_json:
        print_json(found)
        return
    click.echo(f"restored {found.rows:,} rows and {count(found.files, 'file')} of {size(found.bytes)}")
    click.echo(f"as they were at {utc_iso(found.made_ms)}")
    if found.missing:
        click.echo(f"{count(len(found.missing), 'file')} were missing already when the backup was made")
    click.echo("next: `paved doctor store`")


@click.group(invoke_without_command=True)
@click.option("--project", type=click.Path(path_type=Path), help="Examine this project's folder.")
@click.option("--root", type=click.Path(path_type=Path), help="Examine the file system mounted here, not /.")
@click.option("--push", is_flag=True, help="Keep the result on the record, for the environment board.")
@click.option("--server", metavar="URL", default="", help="Send the result to this server's board instead.")
@json_option
@click.pass_context
def doctor(
    ctx: click.Context, project: Path | None, root: Path | None, push: bool, server: str, as_json: bool
) -> int | None:
    """Examine this machine and the project here, and say what to do.

    Every probe has a time limit, and none needs the network. Of credentials it tells only presence and age.
    Exit code 1 when a line fails. `paved doctor store` examines the record.
    """
    if ctx.invoked_subcommand:
        return None
    from pavedroad.environments.doctor import examine_here

    return examine_here(project, root, push=push, server=server, as_json=as_json)


@doctor.command()
@click.option("--quick", is_flag=True, help="Do not read every point and every byte.")
@click.option(
    "--repair", "do_repair", is_flag=True, help="Set right what can be without losing anything logged."
)
@json_option
def store(quick: bool, do_repair: bool, as_json: bool) -> int:
    """Examine the record: database, rows, curves, files and space. Ends with 1 when something fails."""
    from pavedroad.config import read_settings
    from pavedroad.housekeeping.doctor import examine_store
    from pavedroad.housekeeping.progress import ProgressLine

    line = ProgressLine()
    try:
        found = examine_store(read_settings(), quick=quick, do_repair=do_repair, progress=line)
    finally:
        line.close()
    if as_json:
        print_json(found)
    else:
        for done in found.repaired:
            click.echo(f"repaired: {done}")
        for each in found.lines:
            style: Style = {"ok": "good", "warn": "warn", "fail": "bad"}[each.verdict]  # type: ignore[assignment]
            click.echo(f"{styled(f'{each.verdict:<4}', style)}  {each.check:<9} {each.says}")
            for detail in each.details:
                click.echo(f"                {detail}")
            if each.next_step:
                click.echo(f"          next: {each.next_step}")
    return 0 if found.is_whole else 1


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
