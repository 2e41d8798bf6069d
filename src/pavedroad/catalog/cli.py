"""`paved list`, `own`, `stage`, `lineage`, `journal`: what is on the record, for the terminal."""

from __future__ import annotations

import click

from pavedroad.catalog.model import KINDS, STAGES
from pavedroad.kit.terminal import json_option, print_json, styled, table


@click.command("list")
@click.argument("words", required=False, default="")
@click.option("--kind", default="", help=f"Only this kind: {', '.join(KINDS)}.")
@click.option("--owner", default="", help="Only artifacts of this owner.")
@click.option("--stage", default="", help=f"Only this stage: {', '.join(STAGES)}.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--after", default="", help="Go on after this artifact.")
@json_option
def list_(words: str, kind: str, owner: str, stage: str, limit: int, after: str, as_json: bool) -> None:
    """List artifacts, in order of kind and name. WORDS looks into names and descriptions."""
    from pavedroad.catalog import check_kind, check_stage, list_artifacts, parse_ref
    from pavedroad.config import read_settings
    from pavedroad.kit.clock import how_long_ago
    from pavedroad.record import record_of

    with record_of(read_settings()) as record:
        found = list_artifacts(
            record.db,
            kind=check_kind(kind) if kind else "",
            owner=owner,
            stage=check_stage(stage) if stage else "",
            words=words,
            after=parse_ref(after) if after else None,
            limit=limit,
        )
    if as_json:
        print_json([_plain(artifact) for artifact in found])
    elif not found:
        is_narrowed = words or kind or owner or stage or after
        click.echo(
            "no artifact is like that" if is_narrowed else "no artifacts yet; make a project: paved new NAME"
        )
    else:
        rows = [(a.ref, a.stage, a.owner or "-", how_long_ago(a.updated_ms)) for a in found]
        click.echo(table(("artifact", "stage", "owner", "changed"), rows))
        if len(found) == limit:
            click.echo(styled(f"more: paved list --after {found[-1].ref}", "dim"))


@click.command()
@click.argument("artifact")
@click.argument("owner")
@json_option
def own(artifact: str, owner: str, as_json: bool) -> None:
    """Say that ARTIFACT belongs to OWNER, a person or a team. An empty OWNER takes it back."""
    from pavedroad.catalog import get_artifact, parse_ref, set_owner
    from pavedroad.config import read_settings
    from pavedroad.record import record_of

    settings = read_settings()
    ref = parse_ref(artifact)
    with record_of(settings) as record:
        record.db.write(lambda tx: set_owner(tx, ref, owner.strip(), who=settings.who))
        changed = get_artifact(record.db, ref)
    if as_json:
        print_json(_plain(changed))
    else:
        click.echo(f"{ref} belongs to {changed.owner}" if changed.owner else f"{ref} belongs to nobody")


@click.command()
@click.argument("artifact")
@click.argument("stage")
@json_option
def stage(artifact: str, stage: str, as_json: bool) -> None:
    """Move ARTIFACT to STAGE: draft, experiment, candidate, production, deprecated or retired.

    A model version comes into production by `paved promote`, which asks its gates.
    """
    from pavedroad.catalog import get_artifact, parse_ref, set_stage
    from pavedroad.config import read_settings
    from pavedroad.errors import Refused
    from pavedroad.record import record_of

    settings = read_settings()
    ref = parse_ref(artifact)
    if ref.kind == "model" and stage == "production":
        raise Refused(
            f"only its gates bring {ref} into production",
            hint=f"run `paved promote {ref.name}@{ref.version or 'VERSION'} --to champion`",
        )
    with record_of(settings) as record:
        if ref.kind == "model" and get_artifact(record.db, ref).stage == "production":
            raise Refused(
                f"{ref} is in production as long as an alias says so",
                hint=f"promote another version, or run `paved rollback {ref.name}`",
            )
        record.db.write(lambda tx: set_stage(tx, ref, stage, who=settings.who))
        changed = get_artifact(record.db, ref)
    if as_json:
        print_json(_plain(changed))
    else:
        click.echo(f"{ref} is at stage {changed.stage}")


@click.command()
@click.argument("artifact")
@json_option
def lineage(artifact: str, as_json: bool) -> None:
    """Tell what led to ARTIFACT and what came from it."""
    from pavedroad.catalog import get_artifact, parse_ref
    from pavedroad.catalog.lineage import trace
    from pavedroad.config import read_settings
    from pavedroad.record import record_of

    ref = parse_ref(artifact)
    with record_of(read_settings()) as record:
        get_artifact(record.db, ref)
        found = trace(record.db, ref)
    if as_json:
        print_json(found)
        return
    if not found.flows:
        click.echo(f"nothing is known to have led to {ref} or to have come from it")
        return
    for sentence in found.sentences:
        click.echo(sentence)
    if found.left_out:
        click.echo(styled(f"and {found.left_out:,} more; see them with --json on their neighbours", "dim"))


@click.command()
@click.argument("artifact", required=False, default="")
@click.option("--verb", default="", help="Only facts of this verb, e.g. promoted.")
@click.option("--who", default="", help="Only facts of this person.")
@click.option("--run", "run_id", default="", help="Only facts of this run.")
@click.option("--before", type=int, help="Go on before this number.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=30, show_default=True)
@json_option
def journal(
    artifact: str, verb: str, who: str, run_id: str, before: int | None, limit: int, as_json: bool
) -> None:
    """Tell who did what, when, newest first; only about ARTIFACT when one is named."""
    from pavedroad.catalog import read_facts
    from pavedroad.catalog.journal import NEWEST
    from pavedroad.catalog.telling import tell
    from pavedroad.config import read_settings
    from pavedroad.kit.clock import utc_iso
    from pavedroad.record import record_of

    is_narrowed = bool(artifact or verb or who or run_id or before is not None)
    start = NEWEST if before is None else max(0, min(before, NEWEST))
    with record_of(read_settings()) as record:
        facts = read_facts(
            record.db, artifact=artifact, verb=verb, who=who, run_id=run_id, before=start, limit=limit
        )
    if as_json:
        print_json(facts)
    elif not facts:
        click.echo("the journal has no such fact" if is_narrowed else "the journal is empty")
    else:
        rows = [
            (f"{fact.seq}", utc_iso(fact.at_ms)[:16].replace("T", " "), tell(fact).sentence) for fact in facts
        ]
        click.echo(table(("no", "when (utc)", "fact"), rows, right=("no",), wrap="fact"))
        if len(facts) == limit:
            click.echo(styled(f"older: paved journal --before {facts[-1].seq}", "dim"))


def _plain(artifact: object) -> dict[str, object]:
    """An artifact for programs: its name as the commands take it, then everything the record says."""
    import msgspec

    values = msgspec.structs.asdict(artifact)  # type: ignore[arg-type]
    return {"artifact": str(values.pop("ref")), **values}
