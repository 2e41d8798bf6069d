"""`paved register`, `models`, `promote`, `approve`, `exempt`, `rollback`: the registry, for the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavedroad.kit.terminal import json_option, note, print_json, styled, table, width

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavedroad.catalog import Project
    from pavedroad.checks import Report
    from pavedroad.record import Record
    from pavedroad.registry.model import ModelVersion

VERSION_HELP = "MODEL@VERSION is a number or an alias: flights@3, flights@champion."


@click.command()
@click.argument("run")
@click.option("--name", default="", help="Model to make a version of; default: as the run called it.")
@click.option("--model", "which", default="", help="Which model, when the run made several: its name or id.")
@click.option("--description", default="", help="What is new in this version.")
@json_option
def register(run: str, name: str, which: str, description: str, as_json: bool) -> None:
    """Make the model of RUN a version of a registered model.

    RUN is the start of a run's id, or `last`. The files are kept as they are now, with their digests.
    """
    from pavedroad.catalog import project_name_here
    from pavedroad.config import read_settings
    from pavedroad.errors import Invalid
    from pavedroad.kit.text import count, size
    from pavedroad.record import record_of
    from pavedroad.registry.picking import pick_model, run_label
    from pavedroad.registry.registration import ensure_model, register_version
    from pavedroad.registry.store import version_files
    from pavedroad.tracking import pick_run

    settings = read_settings()
    with record_of(settings) as record:
        found = pick_run(record.db, run, project=project_name_here())
        pick = pick_model(record.db, found, which)
        name = name or pick.name
        if not name:
            raise Invalid("the run does not say what the model is called", hint="name it with --name")

        def make(tx: Any) -> ModelVersion:
            ensure_model(tx, name, who=settings.who)
            return register_version(
                tx,
                name,
                source=pick.source,
                who=settings.who,
                run_id=found.id,
                model_id=pick.model_id,
                description=description,
            )

        version = record.db.write(make)
        files = version_files(record.db, version.uid)
    if as_json:
        print_json(version)
        return
    click.echo(f"{styled(str(version), 'strong')} registered from run {run_label(found)} ({found.id[:12]})")
    total = size(sum(file.size_bytes for file in files))
    click.echo(f"  {count(len(files), 'file')}, {total}, digest {version.digest[:12]}")
    click.echo(styled(f"  next: paved promote {version} --to champion", "dim"))


@click.command()
@click.argument("name", required=False, default="")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
def models(name: str, limit: int, as_json: bool) -> None:
    """List models; with NAME its versions; with NAME@VERSION what its gates said."""
    from pavedroad.config import read_settings
    from pavedroad.record import record_of
    from pavedroad.registry.picking import pick_version

    with record_of(read_settings()) as record:
        if not name:
            _show_models(record, limit, as_json)
        elif "@" in name:
            _show_version(record, pick_version(record.db, name), limit, as_json)
        else:
            _show_versions(record, name.removeprefix("model/"), limit, as_json)


@click.command()
@click.argument("version", metavar="MODEL@VERSION")
@click.option("--to", "alias", default="champion", show_default=True, help="The alias to give.")
@json_option
def promote(version: str, alias: str, as_json: bool) -> int:
    """Give a version an alias if its gates are open.

    Shows what every gate found and keeps it as evidence. Exit code 1 when a gate is closed: then nothing
    changes. The checks of the version's project are run where its folder is here; a latency gate really
    serves the version and measures it.
    """
    from pavedroad.config import read_settings
    from pavedroad.record import record_of
    from pavedroad.registry import promotion
    from pavedroad.registry.picking import pick_version
    from pavedroad.registry.text import decision_text

    settings = read_settings()
    with record_of(settings) as record:
        found = pick_version(record.db, version)
        decision = promotion.promote(
            record,
            found.name,
            found.version,
            alias,
            who=settings.who,
            measure_latency=_measuring(),
            check_project=_checking(record, found),
        )
    if as_json:
        print_json(decision)
    else:
        click.echo(decision_text(decision, width=min(width(), 110)))
        if decision.passed:
            click.echo(styled(f"  next: paved serve {found.name}@{alias}", "dim"))
    return 0 if decision.passed else 1


@click.command()
@click.argument("version", metavar="MODEL@VERSION")
@click.option("--note", "said", default="", help="What you looked at.")
@json_option
def approve(version: str, said: str, as_json: bool) -> None:
    """Say that a version is fine. Those who made it cannot."""
    from pavedroad.config import read_settings
    from pavedroad.record import record_of
    from pavedroad.registry import decisions
    from pavedroad.registry.picking import pick_version

    settings = read_settings()
    with record_of(settings) as record:
        found = pick_version(record.db, version)
        approval = decisions.approve(record, found.name, found.version, who=settings.who, note=said)
    if as_json:
        print_json(approval)
    else:
        click.echo(f"{found} approved by {approval.who}")


@click.command()
@click.argument("version", metavar="MODEL@VERSION")
@click.argument("gate")
@click.option("--reason", required=True, help="Why it may pass all the same.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option(
    "--until", required=True, metavar="YYYY-MM-DD", help="The last day; then the gate blocks again."
)
@json_option
def exempt(version: str, gate: str, reason: str, owner: str, until: str, as_json: bool) -> None:
    """Let a version pass GATE until a day."""
    from pavedroad.config import read_settings
    from pavedroad.record import record_of
    from pavedroad.registry import decisions
    from pavedroad.registry.picking import pick_version

    settings = read_settings()
    with record_of(settings) as record:
        found = pick_version(record.db, version)
        exemption = decisions.exempt(
            record, found.name, found.version, gate, reason=reason, owner=owner, until=until, who=settings.who
        )
    if as_json:
        print_json(exemption)
    else:
        click.echo(
            f"{found} is exempt from {gate} until {exemption.last_day}; {exemption.owner} answers for it"
        )
        click.echo(styled(f"  next: paved promote {found} --to champion", "dim"))


@click.command()
@click.argument("model")
@click.option("--alias", default="champion", show_default=True)
@json_option
def rollback(model: str, alias: str, as_json: bool) -> None:
    """Give an alias back to the version that held it before.

    No gate is asked, but its files must be intact.
    """
    from pavedroad.config import read_settings
    from pavedroad.record import record_of
    from pavedroad.registry import promotion

    settings = read_settings()
    with record_of(settings) as record:
        move = promotion.rollback(record, model.removeprefix("model/"), alias, who=settings.who)
    if as_json:
        print_json(move)
    else:
        before = f" (before: {move.name}@{move.previous})" if move.previous else ""
        click.echo(f"{move.name}@{move.version} is {alias} again{before}")


# ------------------------------------------------------------------------------------------------- showing


def _show_models(record: Record, limit: int, as_json: bool) -> None:
    from pavedroad.kit.clock import how_long_ago
    from pavedroad.registry.search import search_models
    from pavedroad.registry.store import count_versions

    found, _ = search_models(record.db, max_results=min(limit, 1000))
    if as_json:
        print_json(found)
    elif not found:
        click.echo("no models here yet")
        click.echo("  register the model of a run   paved register RUN")
    else:
        rows = [
            (
                model.name,
                count_versions(record.db, model.name),
                ", ".join(f"{alias} {number}" for alias, number in model.aliases.items()) or "-",
                how_long_ago(model.updated_ms),
            )
            for model in found
        ]
        click.echo(table(("model", "versions", "aliases", "changed"), rows, right=("versions",)))


def _show_versions(record: Record, name: str, limit: int, as_json: bool) -> None:
    from pavedroad.kit.clock import how_long_ago
    from pavedroad.registry.store import get_model, last_evaluation, list_versions
    from pavedroad.registry.text import summary

    model = get_model(record.db, name)
    found = list_versions(record.db, name, limit=limit)
    asked = {version.uid: last_evaluation(record.db, version.uid) for version in found}
    if as_json:
        print_json(
            {"model": model, "versions": [{"version": each, "gates": asked[each.uid]} for each in found]}
        )
        return
    click.echo(styled(name, "strong") + (f": {model.description}" if model.description else ""))
    if not found:
        click.echo("  no versions yet   paved register RUN --name " + name)
        return
    rows = [
        (
            each.version,
            ", ".join(each.aliases) or "-",
            summary(asked[each.uid]),
            each.run_id[:12] or "-",
            each.user or "-",
            how_long_ago(each.created_ms),
        )
        for each in found
    ]
    click.echo(table(("version", "aliases", "gates", "run", "by", "made"), rows, right=("version",)))


def _show_version(record: Record, version: ModelVersion, limit: int, as_json: bool) -> None:
    from pavedroad.kit.clock import now_ms, utc_iso
    from pavedroad.registry.store import list_approvals, list_evaluations, list_exemptions, version_files
    from pavedroad.registry.text import gates_text, summary

    evaluations = list_evaluations(record.db, version.uid, limit=limit)
    exemptions = list_exemptions(record.db, version.uid)
    approvals = list_approvals(record.db, version.uid)
    files = version_files(record.db, version.uid)
    if as_json:
        parts = {"evaluations": evaluations, "exemptions": exemptions, "approvals": approvals, "files": files}
        print_json({"version": version, **parts})
        return
    click.echo(
        styled(str(version), "strong") + (f": {', '.join(version.aliases)}" if version.aliases else "")
    )
    facts = {
        "about": version.description,
        "run": version.run_id,
        "source": version.source,
        "digest": version.digest[:12] and f"{version.digest[:12]} over {len(files)} files",
        "made": f"{utc_iso(version.created_ms)} by {version.user}",
    }
    for label, text in facts.items():
        if text:
            _say(label, text)
    for each in exemptions:
        ended = "" if each.holds(now_ms()) else " (ended)"
        _say("exempt", f"{each.gate} until {each.last_day}{ended}, {each.owner}: {each.reason}")
    for given in approvals:
        _say("approved", f"by {given.who}" + (f": {given.note}" if given.note else ""))
    if not evaluations:
        click.echo("\nno gate was asked yet")
        click.echo(styled(f"  next: paved promote {version} --to champion", "dim"))
        return
    newest, *earlier = evaluations
    click.echo(f"\n{newest.alias}, {utc_iso(newest.at_ms)}, asked by {newest.who}")
    click.echo(gates_text(newest.gates, width=min(width(), 110)))
    if earlier:
        click.echo("\nearlier")
        for each_time in earlier:
            outcome = "passed" if each_time.passed else "refused"
            click.echo(f"  {utc_iso(each_time.at_ms)}  {outcome:<7}  {each_time.alias}: {summary(each_time)}")


def _say(label: str, text: str) -> None:
    """A labelled fact, wrapped under itself; a long word stays whole, to be copied."""
    import textwrap

    lines = textwrap.wrap(text, max(30, width() - 12), break_long_words=False, break_on_hyphens=False) or [""]
    click.echo(f"  {label:<9} " + ("\n" + " " * 12).join(lines))


# ------------------------------------------------------------------------------------------ doors for gates


def _measuring() -> Callable[..., Any] | None:
    """Really serve the candidate, as the command's doors can; None where there are none."""
    doors = click.get_current_context().obj
    measure = getattr(doors, "measure_latency", None)
    if measure is None:
        return None

    def measure_and_say(record: Record, version: ModelVersion, *, requests: int, concurrency: int) -> Any:
        note(f"serving {version} to measure it: {requests} requests, {concurrency} at a time")
        return measure(record, version, requests=requests, concurrency=concurrency)

    return measure_and_say


def _checking(record: Record, version: ModelVersion) -> Callable[[str], Report] | None:
    """Run the checks of the version's project, if its folder is here."""
    from pavedroad.registry.provenance import PROJECT_TAG, provenance_of

    name = provenance_of(record.db, version.run_id, version.model_id).tag(PROJECT_TAG)
    folder = _folder_of(record, name) if name else None
    if folder is None:
        return None

    def check(profile: str) -> Report:
        from pavedroad.checks import check_project

        return check_project(folder, profile=profile)

    return check


def _folder_of(record: Record, name: str) -> Path | None:
    """Where the project lies: around the working directory, else where its last run saw it."""
    from pavedroad.catalog import read_project
    from pavedroad.pipelines import latest_project

    here = _project_here()
    if here is not None and here.name == name:
        return here.root
    snapshot = latest_project(record.db, name)
    if snapshot is None or not (Path(snapshot.root) / "pyproject.toml").is_file():
        return None
    return Path(snapshot.root) if read_project(Path(snapshot.root)).name == name else None


def _project_here() -> Project | None:
    from pavedroad.catalog import find_project
    from pavedroad.config import working_directory

    return find_project(working_directory())
