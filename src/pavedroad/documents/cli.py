"""`paved docs`."""

from __future__ import annotations

from pathlib import Path

import click

from pavedroad.kit.terminal import json_option, print_json, styled


@click.command()
@click.argument("what", nargs=-1, metavar="[ARTIFACT]...")
@click.option("--format", "form", default="html", show_default=True, help="html, markdown or a plug-in's.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("paved-docs"),
    show_default=True,
    help="The folder to write them to.",
)
@json_option
def docs(what: tuple[str, ...], form: str, out: Path, as_json: bool) -> None:
    """Write the record's projects, pipelines, model cards and services as pages.

    ARTIFACT is model/flights or the like; without one, all of them. The pages need no server.
    """
    from pavedroad.catalog import get_artifact, parse_ref
    from pavedroad.config import read_settings, working_directory
    from pavedroad.documents.gathering import KINDS, gather
    from pavedroad.documents.writing import find_renderer, write_site
    from pavedroad.errors import Invalid
    from pavedroad.kit.text import count
    from pavedroad.record import record_of

    renderer = find_renderer(form)
    refs = [parse_ref(text) for text in what]
    for ref in refs:
        if ref.kind not in KINDS or ref.version:
            raise Invalid(f"{ref} has no page of its own", hint=f"name a {', '.join(KINDS)}: model/flights")
    out = working_directory() / out
    with record_of(read_settings()) as record:
        for ref in refs:
            get_artifact(record.db, ref)
        documents = gather(record, refs)
    files = write_site(documents, renderer, out)
    if as_json:
        print_json({"folder": str(out), "documents": [each.path for each in documents], "files": len(files)})
        return
    first = out / f"index{renderer.suffix}"
    click.echo(f"{count(len(documents) - 1, 'document')} written; start at {styled(str(first), 'strong')}")
