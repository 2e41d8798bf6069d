"""`paved advisories`: upstream changes that break, or will break, a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pavedroad.errors import Invalid
from pavedroad.kit.terminal import json_option, note, print_json, width
from pavedroad.kit.text import count

if TYPE_CHECKING:
    from pavedroad.advisories.matching import Case
    from pavedroad.advisories.model import Advisory
    from pavedroad.advisories.surfaces import Surface
    from pavedroad.checks.model import Finding

DEFAULT = "check"


class WithDefault(click.Group):
    """`paved advisories PATH` means `paved advisories check PATH`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=WithDefault)
def advisories() -> None:
    """Tell which upstream changes break a project, where, and the patch.

    `paved advisories [PATH]` is short for `paved advisories check [PATH]`.
    """


@advisories.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this advisory.")
@click.option("--folder", type=click.Path(path_type=Path), help="Advisories of this folder, too.")
@json_option
@click.option("--fix", is_flag=True, help="Apply the safe patches and show what changed.")
@click.option("--unsafe", is_flag=True, help="With --fix or --diff: those that need a look, too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
def check(
    path: Path | None,
    ids: tuple[str, ...],
    folder: Path | None,
    as_json: bool,
    fix: bool,
    unsafe: bool,
    diff: bool,
) -> int:
    """Tell what each advisory means for a project.

    Nothing of the project is imported or run. Exit code 1 when something it uses breaks, may break or gives
    other results with the versions it may get.
    """
    from pavedroad.advisories.text import cases_text
    from pavedroad.checks import open_project

    if unsafe and not (fix or diff):
        raise Invalid("--unsafe does nothing by itself", hint="add --fix, or --diff to look first")
    path = path or _here()
    chosen = _chosen(ids, folder)
    project = open_project(path)
    cases = _assess(path, chosen)
    if fix or diff:
        say = note if as_json else click.echo
        say(_fixed(cases, project.root, unsafe=unsafe, write=fix and not diff))
        if fix and not diff:
            cases = _assess(path, chosen)
    if as_json:
        print_json({"project": project.settings.name, "cases": cases})
    else:
        click.echo(cases_text(cases, width=min(width(), 100)))
    return 1 if any(case.needs_action and case.effect != "warns" for case in cases) else 0


def _here() -> Path:
    """The project around the working directory, else that folder; never a whole disk or account."""
    from pavedroad.catalog import find_project
    from pavedroad.config import working_directory

    here = working_directory()
    project = find_project(here)
    if project is None and here in (Path(here.anchor), Path("~").expanduser()):
        raise Invalid(f"{here} is not a project", hint="name a folder: paved advisories PATH")
    return project.root if project else here


def _assess(path: Path, chosen: tuple[Advisory, ...]) -> list[Case]:
    from pavedroad.advisories.matching import assess
    from pavedroad.checks import open_project

    return assess(open_project(path), chosen)


def _chosen(ids: tuple[str, ...], folder: Path | None) -> tuple[Advisory, ...]:
    """Raises: Invalid for an id that no advisory has."""
    from pavedroad.advisories.reading import read_folder, shipped_advisories
    from pavedroad.errors import did_you_mean

    known = {advisory.id: advisory for advisory in shipped_advisories()}
    if folder:
        known |= {advisory.id: advisory for advisory in read_folder(folder)}
    for id_ in ids:
        if id_ not in known:
            raise Invalid(f"no advisory {id_!r}", hint=did_you_mean(id_, known))
    return tuple(advisory for advisory in known.values() if not ids or advisory.id in ids)


def _fixed(cases: list[Case], root: Path, *, unsafe: bool, write: bool) -> str:
    from pavedroad.checks.fixes import diff_text, plan_changes, write_changes

    changes = plan_changes(_findings(cases), root, unsafe=unsafe)
    if write:
        write_changes(changes, root)
    answered = sum(len(change.findings) for change in changes)
    done = "fixed" if write else "to fix"
    return f"{diff_text(changes)}{count(answered, 'place')} {done} in {count(len(changes), 'file')}\n"


def _findings(cases: list[Case]) -> list[Finding]:
    from pavedroad.checks.model import Finding

    return [
        Finding(
            code=case.id,
            name=case.package,
            severity="note",
            says=use.symbol,
            hint=case.guidance,
            place=use.at,
            fix=use.fix,
        )
        for case in cases
        for use in case.uses
    ]


@advisories.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def publish(file: Path, as_json: bool) -> int:
    """Publish an advisory and name every registered project that it concerns.

    FILE is a TOML file. The owners of exposed projects are told on the journal.
    """
    from pavedroad.advisories.reading import read_advisory, read_advisory_text
    from pavedroad.advisories.store import publish as publish_advisory
    from pavedroad.advisories.text import affected_text
    from pavedroad.config import read_settings
    from pavedroad.record import record_of

    text = read_advisory_text(file)
    advisory = read_advisory(str(file), text)
    settings = read_settings()
    with record_of(settings) as record:
        found = record.db.write(lambda tx: publish_advisory(tx, advisory, text, who=settings.who))
    if as_json:
        print_json({"id": advisory.id, "projects": found})
    else:
        click.echo(affected_text(advisory, found))
    return 0


@advisories.command()
@click.argument("package")
@click.argument("old")
@click.argument("new")
@click.option("--download", is_flag=True, help="OLD and NEW are versions: get their wheels from the index.")
@click.option("--version", default="", help="The version of NEW, when its name does not tell.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the drafts here.")
@json_option
def draft(
    package: str, old: str, new: str, download: bool, version: str, out: Path | None, as_json: bool
) -> int:
    """Draft advisories from what a release no longer has.

    OLD and NEW are wheels or folders of Python, or versions with --download. Nothing of them is imported or
    run. Drafts are for a person to judge: what takes the place, and whether anybody is meant to use it.
    """
    from pavedroad.advisories.drafting import draft_advisories, version_of
    from pavedroad.config import working_directory

    here = working_directory()
    version = version or version_of(new)
    before, after = _surfaces(here, package, old, new, download=download)
    drafts = draft_advisories(package, before, after, version=version)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for each in drafts:
            (out / each.file).write_text(each.text, "utf-8")
        note(f"{count(len(drafts), 'draft')} written to {out}")
    if as_json:
        print_json({"package": package, "version": version, "drafts": drafts})
    elif not out:
        click.echo("\n".join(each.text for each in drafts) or f"nothing public of {package} is gone")
    return 0


def _surfaces(here: Path, package: str, old: str, new: str, *, download: bool) -> list[Surface]:
    import tempfile

    from pavedroad.advisories.drafting import install_release
    from pavedroad.advisories.surfaces import read_surface

    if not download:
        return [read_surface(here / old), read_surface(here / new)]
    found = []
    for version in (old, new):
        with tempfile.TemporaryDirectory() as folder:
            install_release(package, version, Path(folder))
            found.append(read_surface(Path(folder)))
    return found
