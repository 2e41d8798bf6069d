"""`paved package` and `paved packages`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pavedroad.kit.terminal import json_option, note, print_json, styled, table

if TYPE_CHECKING:
    from pavedroad.catalog import Project
    from pavedroad.delivery.model import Package, StageResult
    from pavedroad.delivery.packaging import Watch

SHOWN_LINES = 30  # of what a stage that did not pass printed


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--model", default="", metavar="MODEL@VERSION", help="Package this model version instead.")
@click.option("--stage", "only", multiple=True, help="Only this stage, and build nothing; may be repeated.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where to; default: dist in the project."
)
@json_option
def package(path: Path | None, model: str, only: tuple[str, ...], out: Path | None, as_json: bool) -> int:
    """Run the project's test stages, then build its wheel or the archive of a model version.

    The stages are any commands under [tool.paved.stages]. What each of them found is kept on the record for
    that version. Exit code 1 when one did not pass: then nothing is built.
    """
    from pavedroad.catalog import find_project
    from pavedroad.config import read_settings, working_directory
    from pavedroad.delivery.packaging import package_model, package_project
    from pavedroad.errors import Invalid
    from pavedroad.record import record_of
    from pavedroad.registry.picking import pick_version
    from pavedroad.registry.provenance import PROJECT_TAG, provenance_of

    here = (path or working_directory()).absolute()
    project = find_project(here)
    out = (out or (project.root if project else here) / "dist").absolute()
    settings = read_settings(start=project.root if project else here)
    with record_of(settings) as record:
        if model:
            version = pick_version(record.db, model)
            made_by = provenance_of(record.db, version.run_id, version.model_id).tag(PROJECT_TAG)
            if project is not None and made_by and project.name != made_by:
                note(f"{version} was made by project {made_by}, which is not here: no stages")
                project = None
            done = package_model(record, version, project, out=out, only=only, watch=_watch(as_json))
        elif project is None:
            raise Invalid(f"{here} is not in a project", hint="a project has a pyproject.toml")
        else:
            done = package_project(record, project, out=out, only=only, watch=_watch(as_json))
    if as_json:
        print_json(done)
    else:
        _tell(done, project, out)
    return 0 if done.passed else 1


@click.command()
@click.argument("name", required=False, default="")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def packages(name: str, limit: int, as_json: bool) -> None:
    """List what was packaged, newest first; with NAME those of one project or model."""
    from pavedroad.config import read_settings
    from pavedroad.delivery.store import list_packages
    from pavedroad.kit.clock import how_long_ago
    from pavedroad.kit.text import size
    from pavedroad.record import record_of

    with record_of(read_settings()) as record:
        found = list_packages(record.db, name, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("Nothing was packaged yet: run `paved package` in a project.")
        return
    rows = [
        (
            package.title,
            _stages_in_words(package),
            package.file or "not built",
            size(package.size_bytes) if package.file else "",
            package.commit_id[:10],
            how_long_ago(package.at_ms),
        )
        for package in found
    ]
    click.echo(table(("version", "stages", "file", "size", "commit", "when"), rows, right=("size",)))


def _stages_in_words(package: Package) -> str:
    if not package.stages:
        return "none"
    bad = next((stage for stage in package.stages if stage.status not in ("passed", "not run")), None)
    passed = sum(stage.status == "passed" for stage in package.stages)
    return f"{bad.name} {bad.status}" if bad else f"{passed} passed"


def _watch(as_json: bool) -> Watch:
    from pavedroad.delivery.packaging import Watch

    if as_json:
        return Watch(ended=lambda result, output: _show_output(result, output))
    return Watch(
        started=lambda stage: note(f"{stage.name}: {stage.run}"),
        ended=lambda result, output: _show_output(result, output),
        building=lambda: note("building"),
    )


def _show_output(result: StageResult, output: str) -> None:
    if result.status != "passed":
        for line in output.rstrip().splitlines()[-SHOWN_LINES:]:
            note(f"  {line}")


def _tell(done: Package, project: Project | None, out: Path) -> None:
    from pavedroad.kit.clock import duration
    from pavedroad.kit.text import count, size

    styles = {"passed": "good", "failed": "bad", "timed out": "bad", "not run": "dim"}
    for stage in done.stages:
        counted = "" if stage.tests is None else f", {_tests_in_words(stage)}"
        took = f" in {duration(stage.duration_ms)}" if stage.status != "not run" else ""
        status = styled(f"{stage.status:<9}", styles[stage.status])  # type: ignore[arg-type]
        click.echo(f"{status} {stage.name}{took}{counted}")
    if not done.stages:
        told = (
            "no stages: list some under [tool.paved.stages]" if project else "no project here, so no stages"
        )
        click.echo(styled(told, "dim"))
    if done.file:
        click.echo(f"{styled(done.title, 'strong')} is {out / done.file}")
        click.echo(
            f"  {size(done.size_bytes)}, digest {done.digest[:12]}, {count(len(done.stages), 'stage')} passed"
        )
    elif not done.passed:
        click.echo(f"{done.title}: nothing was built")


def _tests_in_words(stage: StageResult) -> str:
    from pavedroad.kit.text import count

    extra = [
        f"{number} {word}"
        for number, word in ((stage.failed, "failed"), (stage.skipped, "skipped"))
        if number
    ]
    return f"{count(stage.tests or 0, 'test')}" + (f" ({', '.join(extra)})" if extra else "")
