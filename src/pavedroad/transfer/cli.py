"""`paved import`, `paved export`, `paved sync`: what MLflow holds comes in, what we hold goes out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pavedroad.kit.terminal import json_option, print_json, width

if TYPE_CHECKING:
    from pavedroad.transfer.http_client import Credentials
    from pavedroad.transfer.model import Report
    from pavedroad.transfer.progress import Progress

CREDENTIALS_HELP = (
    "A server's credentials are read from MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD."
)


@click.group(name="import")
def import_() -> None:
    """Take runs, models and files over from another store."""


@import_.command(name="mlflow", epilog=CREDENTIALS_HELP)
@click.argument("uri")
@click.option("--experiment", "only", multiple=True, help="Only this experiment; may be given again.")
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the files of a server that is not running.",
)
@click.option("--no-artifacts", is_flag=True, help="Leave the files where they are.")
@click.option("--dry-run", is_flag=True, help="Only say what would be taken.")
@json_option
def import_mlflow(
    uri: str, only: tuple[str, ...], artifacts: Path | None, no_artifacts: bool, dry_run: bool, as_json: bool
) -> int:
    """Take everything of MLflow over: its server, its database or its folder.

    URI is http://…, a SQLite file (mlflow.db), postgresql://… or an mlruns folder. Run it again at any time:
    it goes on where it was stopped, and takes what is new.
    """
    from pavedroad.config import read_settings, working_directory
    from pavedroad.record import record_of
    from pavedroad.transfer.importing import import_store
    from pavedroad.transfer.sources import open_source

    source = open_source(uri, here=working_directory(), artifacts=artifacts, credentials=_credentials())
    try:
        with record_of(read_settings()) as record:
            report = import_store(
                record,
                source,
                only=only,
                with_files=not no_artifacts,
                dry_run=dry_run,
                progress=_progress(as_json),
            )
    finally:
        source.close()
    return _tell(report, as_json)


@click.group(name="export")
def export() -> None:
    """Send runs, models and files to another store."""


@export.command(name="mlflow", epilog=CREDENTIALS_HELP)
@click.argument("url")
@click.option("--experiment", "only", multiple=True, help="Only this experiment; may be given again.")
@click.option("--no-artifacts", is_flag=True, help="Send no files.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@json_option
def export_mlflow(url: str, only: tuple[str, ...], no_artifacts: bool, dry_run: bool, as_json: bool) -> int:
    """Send everything of the record to a server of MLflow's.

    URL is http://… or https://…. Run it again at any time: it goes on where it was stopped, and sends what is
    new.
    """
    return _send(url, "", only=only, with_files=not no_artifacts, dry_run=dry_run, as_json=as_json)


@click.command(epilog=CREDENTIALS_HELP)
@click.argument("url")
@click.option("--from", "origin", default="", help="An mlflow.db or mlruns folder instead of the record.")
@click.option("--experiment", "only", multiple=True, help="Only this experiment; may be given again.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@json_option
def sync(url: str, origin: str, only: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Send what was logged without a server to the team's server.

    URL is the team's `paved up`, where runs keep their ids, or a server of MLflow's. What is there already is
    not sent again.
    """
    return _send(url, origin, only=only, with_files=True, dry_run=dry_run, as_json=as_json)


def _send(
    url: str, origin: str, *, only: tuple[str, ...], with_files: bool, dry_run: bool, as_json: bool
) -> int:
    import contextlib

    from pavedroad.config import read_settings, working_directory
    from pavedroad.record import record_of
    from pavedroad.transfer.exporting import export_store
    from pavedroad.transfer.record_source import RecordSource
    from pavedroad.transfer.sources import open_source, open_target

    with record_of(read_settings()) as record, contextlib.ExitStack() as opened:
        source = open_source(origin, here=working_directory()) if origin else RecordSource(record)
        opened.callback(source.close)
        target = open_target(url, _credentials())
        opened.callback(target.close)
        report = export_store(
            record,
            source,
            target,
            only=only,
            with_files=with_files,
            dry_run=dry_run,
            progress=_progress(as_json),
        )
    return _tell(report, as_json)


def _tell(report: Report, as_json: bool) -> int:
    from pavedroad.transfer.text import report_text

    if as_json:
        print_json({**_plain(report), "matches": report.matches})
    else:
        click.echo(report_text(report, width=width()))
    return 0 if report.matches else 1


def _plain(report: Report) -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(report))


def _progress(as_json: bool) -> Progress:
    from pavedroad.transfer.progress import Drawn, Silent

    return Silent() if as_json else Drawn(sys.stderr)


def _credentials() -> Credentials:
    import os

    from pavedroad.transfer.http_client import Credentials

    def read(name: str) -> str:
        return os.environ.get(f"MLFLOW_TRACKING_{name}", "")

    return Credentials(
        token=read("TOKEN"),
        username=read("USERNAME"),
        password=read("PASSWORD"),
        insecure_tls=read("INSECURE_TLS").lower() in ("1", "true"),
        certificates=read("SERVER_CERT_PATH"),
    )
