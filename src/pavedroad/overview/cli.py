"""`paved show`: one artifact or one run, as its page tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pavedroad.kit.terminal import json_option, print_json, styled, table, width

if TYPE_CHECKING:
    from pavedroad.catalog import Artifact, Ref
    from pavedroad.kit.sql import Reader
    from pavedroad.record import Record
    from pavedroad.serving import Service
    from pavedroad.tracking import Run

PARAMS_SHOWN = 20
FACTS_SHOWN = 5


@click.command()
@click.argument("what")
@json_option
def show(what: str, as_json: bool) -> None:
    """Show an artifact (model/flights, dataset/flights@ab12) or a run (the start of its id, or `last`)."""
    from pavedroad.catalog import get_artifact, parse_ref, project_name_here
    from pavedroad.config import read_settings
    from pavedroad.pipelines import mark_lost_runs
    from pavedroad.record import record_of
    from pavedroad.tracking import pick_run

    with record_of(read_settings()) as record:
        if "/" in what:
            artifact = get_artifact(record.db, parse_ref(what))
            print_json(artifact_facts(record, artifact)) if as_json else _print_artifact(record, artifact)
        else:
            mark_lost_runs(record)
            run = pick_run(record.db, what, project=project_name_here())
            print_json(run_facts(record.db, run)) if as_json else _print_run(record, run)


def services_of(record: Record, ref: Ref) -> list[Service]:
    """What a service is doing: its live processes, else its last one. Empty for other artifacts."""
    from pavedroad.serving import list_services

    return [each for each in list_services(record) if ref.kind == "service" and each.name == ref.name]


def artifact_facts(record: Record, artifact: Artifact) -> dict[str, object]:
    """For programs."""
    import msgspec

    from pavedroad.catalog import read_facts
    from pavedroad.catalog.lineage import parts_of, trace

    reader = record.db
    whole, parts = parts_of(reader, artifact.ref)
    values = msgspec.structs.asdict(artifact)
    return {
        "artifact": str(values.pop("ref")),
        **values,
        "part_of": whole,
        "parts": parts,
        "services": services_of(record, artifact.ref),
        "lineage": trace(reader, artifact.ref).sentences,
        "facts": read_facts(reader, artifact=str(artifact.ref), limit=FACTS_SHOWN),
    }


def run_facts(reader: Reader, run: Run) -> dict[str, object]:
    """For programs."""
    import msgspec

    from pavedroad.pipelines.store import steps_of_run
    from pavedroad.tracking import run_inputs

    return {
        **msgspec.structs.asdict(run),
        "inputs": run_inputs(reader, run.id),
        "steps": [
            {
                "step": step.step,
                "verdict": step.verdict,
                "status": step.status,
                "duration_ms": step.duration_ms,
                "run_id": step.step_run_id,
                "because": step.because,
            }
            for step in steps_of_run(reader, run.id)
        ],
    }


def _print_artifact(record: Record, artifact: Artifact) -> None:
    from pavedroad.catalog import read_facts
    from pavedroad.catalog.lineage import parts_of, trace
    from pavedroad.catalog.telling import tell
    from pavedroad.kit.clock import how_long_ago

    reader = record.db
    services = services_of(record, artifact.ref)
    is_answering = not services or services[0].state in ("live", "elsewhere")
    click.echo(styled(str(artifact.ref), "strong"))
    _pairs(
        *((each.state, f"{each.model}@{each.version} at {each.url}") for each in services),
        ("stage", artifact.stage),
        ("owner", artifact.owner or "nobody"),
        ("says", artifact.description),
        ("part of", ", ".join(parts_of(reader, artifact.ref)[0])),
        ("changed", how_long_ago(artifact.updated_ms)),
        *artifact.tags.items(),
        *(artifact.links.items() if is_answering else ()),
    )
    _block("lineage", trace(reader, artifact.ref).sentences)
    facts = read_facts(reader, artifact=str(artifact.ref), limit=FACTS_SHOWN)
    _block("what happened", [f"{tell(fact).sentence}, {how_long_ago(fact.at_ms)}" for fact in facts])


def _print_run(record: Record, run: Run) -> None:
    from pavedroad.kit.chart import short
    from pavedroad.kit.clock import duration, how_long_ago
    from pavedroad.pipelines.store import steps_of_run
    from pavedroad.tracking import get_experiment, list_files, root_of, run_inputs
    from pavedroad.tracking.model import ARTIFACTS

    click.echo(f"{styled(run.name, 'strong')}  {run.id}")
    took = "" if run.end_ms is None else f" in {duration(run.end_ms - run.start_ms)}"
    failed = run.status in ("FAILED", "KILLED", "LOST")
    _pairs(
        ("status", styled(run.status.lower(), "bad" if failed else "good") + took),
        ("error", run.tags.get("paved.error", "")),
        ("started", f"{how_long_ago(run.start_ms)} by {run.user or 'unknown'}"),
        ("experiment", get_experiment(record.db, run.experiment_id).name),
        ("commit", run.tags.get("mlflow.source.git.commit", "")[:12]),
    )
    steps = steps_of_run(record.db, run.id)
    if steps:
        rows = [
            (step.step, _verdict(step.verdict, step.status), duration(step.duration_ms), step.because)
            for step in steps
        ]
        click.echo()
        click.echo(table(("step", "verdict", "took", "because"), rows, right=("took",), wrap="because"))
    _block("parameters", [f"{key} = {value}" for key, value in list(run.params.items())[:PARAMS_SHOWN]])
    _block("metrics", [f"{metric.key} = {short(metric.value)}" for metric in run.metrics])
    _block("data", [f"{found.name} {found.digest}" for found in run_inputs(record.db, run.id)])
    if run.artifact_uri.startswith(ARTIFACTS):
        root = root_of(run.artifact_uri)
        files = [entry.path + ("/" if entry.is_dir else "") for entry in list_files(record.db, root)]
        _block("files", files)


def _verdict(verdict: str, status: str) -> str:
    words = {"hit": "cached", "miss": "ran", "off": "ran, not cached"}
    return words.get(verdict, verdict) if status == "FINISHED" else status.lower()


def _pairs(*rows: tuple[str, str]) -> None:
    for name, value in rows:
        if value:
            click.echo(f"  {name:<12}{value}")


def _block(title: str, lines: list[str]) -> None:
    if lines:
        click.echo()
        click.echo(styled(title, "dim"))
        for line in lines:
            click.echo(click.wrap_text(line, width(), initial_indent="  ", subsequent_indent="    "))
