"""`paved runs`: the list of runs in the terminal, as JSON, or in a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavedroad.errors import Invalid
from pavedroad.kit.terminal import json_option, note, print_json, table

if TYPE_CHECKING:
    from pavedroad.pipelines.listing import ListedRun
    from pavedroad.record import Record
    from pavedroad.tracking.runs_export import Selection
    from pavedroad.tracking.runs_query import RunsQuery

SHOWN = 20
RUNS_EPILOG = (
    'Filters, orders and columns are those of the page of runs, e.g. --filter "metrics.auc > 0.9"'
    ' --order-by "metrics.auc DESC" --columns params.depth,metrics.auc,max.auc. FILE may be - for the output.'
)


@click.command(epilog=RUNS_EPILOG)
@click.option("--filter", "filter_", default="", help="Only runs that match, in MLflow's language.")
@click.option("--order-by", multiple=True, help="A field with ASC or DESC; may be given again.")
@click.option("--columns", default="", help="What is shown of each run, with commas between.")
@click.option("--experiment", default="", help="Only runs of this experiment.")
@click.option("--pipeline", default="", help="Only runs of this pipeline.")
@click.option("--status", default="", help="Only RUNNING, FINISHED, FAILED, KILLED or LOST ones.")
@click.option("--nested", is_flag=True, help="Steps and other runs inside of runs, too.")
@click.option("--deleted", is_flag=True, help="Deleted runs instead.")
@click.option("--limit", type=click.IntRange(min=1), help=f"So many; {SHOWN}, and all in a file.")
@click.option("--csv", "csv_file", type=click.Path(), metavar="FILE", help="Write all that match as CSV.")
@click.option(
    "--arrow", "arrow_file", type=click.Path(), metavar="FILE", help="Write all as an Arrow stream."
)
@json_option
def runs(
    filter_: str,
    order_by: tuple[str, ...],
    columns: str,
    experiment: str,
    pipeline: str,
    status: str,
    nested: bool,
    deleted: bool,
    limit: int | None,
    csv_file: str | None,
    arrow_file: str | None,
    as_json: bool,
) -> None:
    """List runs of pipelines and of MLflow clients, newest first."""
    from pavedroad.config import read_settings
    from pavedroad.pipelines.listing import narrowed
    from pavedroad.pipelines.lost import mark_lost_runs
    from pavedroad.record import record_of
    from pavedroad.tracking.runs_query import RunsQuery

    if sum((as_json, csv_file is not None, arrow_file is not None)) > 1:
        raise Invalid("--csv, --arrow and --json exclude one another", hint="give one of them")
    query = RunsQuery(
        experiment=experiment,
        filter=filter_,
        order=",".join(order_by),
        columns=columns,
        nested="1" if nested else "",
        view="deleted" if deleted else "",
    )
    query = narrowed(query, pipeline=pipeline, status=status)
    with record_of(read_settings()) as record:
        mark_lost_runs(record)
        if csv_file is not None:
            _write(record, query, csv_file, "csv", limit)
        elif arrow_file is not None:
            _write(record, query, arrow_file, "arrow", limit)
        elif columns:
            _show_columns(record, query, limit or SHOWN, as_json=as_json)
        else:
            _show(record, query, limit or SHOWN, as_json=as_json)


def _show(record: Record, query: RunsQuery, limit: int, *, as_json: bool) -> None:
    from pavedroad.pipelines.listing import list_runs

    listed = list_runs(record.db, query, limit=limit)
    if as_json:
        print_json(listed)
    elif listed:
        heads = ("run", "name", "status", "when", "took", "metrics")
        click.echo(table(heads, [_line(each) for each in listed], right=("took",)))
    else:
        _say_nothing_is_there(query)


def _line(run: ListedRun) -> tuple[str, ...]:
    from pavedroad.kit.clock import duration, how_long_ago

    return (
        run.run_id[:8],
        f"{run.project}.{run.name}" if run.project else run.name,
        run.status.lower(),
        how_long_ago(run.started_ms),
        "" if run.duration_ms is None else duration(run.duration_ms),
        " ".join(f"{key}={value:.4g}" for key, value in run.metrics.items()),
    )


def _show_columns(record: Record, query: RunsQuery, limit: int, *, as_json: bool) -> None:
    """The columns that were asked for; in the terminal behind the run's name."""
    from pavedroad.tracking.runs_export import as_json as written
    from pavedroad.tracking.runs_export import cells, select

    selection = select(record.db, query, most=limit)
    if as_json:
        sys.stdout.write(b"".join(written(record.db, selection)).decode())
        return
    if not selection.numbers:
        _say_nothing_is_there(query)
        return
    heads = [column.name for column in selection.columns]
    numbers = [column.name for column in selection.columns if column.is_number]
    rows = [_cells(selection, row) for row in cells(record.db, selection)]
    click.echo(table(heads, rows, right=numbers))


def _cells(selection: Selection, row: list[Any]) -> list[str]:
    from pavedroad.kit.chart import short
    from pavedroad.kit.clock import duration, how_long_ago

    said = []
    for column, value in zip(selection.columns, row, strict=True):
        if value is None:
            said.append("")
        elif column.field in ("start_time", "end_time"):
            said.append(how_long_ago(value))
        elif column.field == "duration":
            said.append(duration(value))
        elif column.field == "run_id":
            said.append(value[:8])
        else:
            said.append(short(value) if column.is_number else str(value))
    return said


def _say_nothing_is_there(query: RunsQuery) -> None:
    if query.filter or query.experiment or query.is_deleted:
        click.echo("no run is like that")
    else:
        click.echo("no runs yet: start one with `paved run module:pipeline`")


def _write(record: Record, query: RunsQuery, file: str, kind: str, limit: int | None) -> None:
    """Whole or not at all: under another name until it is written."""
    from pavedroad.kit.text import count
    from pavedroad.tracking.runs_export import FORMATS, select

    selection = select(record.db, query, most=limit)
    pieces = FORMATS[kind][1](record.db, selection)
    if file == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    target = Path(file)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as out:
            for piece in pieces:
                out.write(piece)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    note(f"{count(len(selection.numbers), 'run')} written to {file}")
