"""`paved new`."""

from __future__ import annotations

from pathlib import Path

import click

from pavedroad.kit.terminal import json_option, print_json, styled
from pavedroad.kit.text import count
from pavedroad.scaffold.templates import TEMPLATES

HELP = "; ".join(f"{template.name}: {template.says}" for template in TEMPLATES)


@click.command()
@click.argument("name")
@click.option(
    "--template",
    type=click.Choice([template.name for template in TEMPLATES]),
    default=TEMPLATES[0].name,
    show_default=True,
    help=f"{HELP}.",
)
@click.option("--path", type=click.Path(path_type=Path), help="The folder to make it in; default: here.")
@click.option("--owner", help="The person or team that answers for it; default: you.")
@json_option
def new(name: str, template: str, path: Path | None, owner: str | None, as_json: bool) -> None:
    """Make a project that passes its own checks and runs.

    NAME becomes a folder; the folder must not exist, or be empty.
    """
    from pavedroad.config import read_settings, working_directory
    from pavedroad.scaffold.project import make_project

    place = path or working_directory()
    project = make_project(place, name, template=template, owner=owner or read_settings().who)
    following = [f"cd {path / name if path else name}", "paved check", "paved run"]
    if as_json:
        print_json({"project": project, "next": following})
        return
    click.echo(
        f"made {styled(project.name, 'strong')} in {project.folder}: {count(len(project.files), 'file')},"
        f" template {project.template}, owner {project.owner}"
    )
    click.echo("next:\n" + "\n".join(f"  {command}" for command in following))
