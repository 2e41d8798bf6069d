"""`paved env`: what is locked, what changed, what is installed but not locked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.terminal import json_option, print_json, styled, table
from pavedroad.kit.text import count

if TYPE_CHECKING:
    from pavedroad.environments.comparison import Comparison, Drift, Side
    from pavedroad.environments.installation import Installation
    from pavedroad.environments.model import Lock
    from pavedroad.environments.wheels import Target

lock_option = click.option("--lock", "lock_file", metavar="FILE", help="This lock, not the best one found.")


@click.group()
def env() -> None:
    """Show what is locked, what changed, and what is installed but not locked."""


@env.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@json_option
def show(path: Path | None, as_json: bool) -> None:
    """Show the packages of a lock.

    PATH is a project's folder or a lock file; default: the project around the working directory.
    """
    from pavedroad.environments.cuda import cpu_builds, cuda_of_lock

    lock = _lock_in(_named(path), "")
    sign = cuda_of_lock(lock)
    if as_json:
        print_json(
            {"lock": lock, "cuda": str(sign.cuda) if sign else "", "cuda_from": sign.says if sign else ""}
        )
        return
    python = f", Python {lock.requires_python}" if lock.requires_python else ""
    shown = [package for package in lock.packages if not package.is_project]
    click.echo(styled(f"{lock.file} ({lock.kind}): {count(len(shown), 'package')}{python}", "strong"))
    if sign:
        click.echo(f"CUDA {sign.cuda}, by {sign.says}")
    elif bare := cpu_builds(lock):
        click.echo(f"no GPU: {', '.join(package.name for package in bare[:4])} without CUDA")
    has_groups = any(package.group for package in shown)
    rows = [
        (package.name, package.version, *([package.group] if has_groups else []), _whence(package))
        for package in shown
    ]
    heads = ("package", "version", *(["for"] if has_groups else []), "from")
    click.echo(table(heads, rows))


@env.command()
@click.argument("before", required=False)
@click.argument("after", required=False)
@lock_option
@json_option
@click.pass_context
def diff(
    context: click.Context, before: str | None, after: str | None, lock_file: str | None, as_json: bool
) -> int:
    """Show what changed between two environments.

    BEFORE and AFTER are git revisions, lock files, or runs (run/ID, run/last). Without AFTER: the lock as it
    is now. Without both: since the last commit. Exit code 1 when they differ.
    """
    from pavedroad.environments.comparison import compare

    root = _here()
    old = _side(context, root, before or "HEAD", lock_file or "")
    new = _side(context, root, after, lock_file or "") if after else _side_now(root, lock_file or "")
    found = compare(old, new)
    if as_json:
        print_json({"is_same": found.is_same, **_as_dict(found)})
    else:
        _show_comparison(found)
    return 0 if found.is_same else 1


@env.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--environment", metavar="FOLDER", help="This Python environment, not the project's own.")
@lock_option
@json_option
def drift(path: Path | None, environment: str | None, lock_file: str | None, as_json: bool) -> int:
    """Show where what is installed differs from the lock.

    PATH is the project's folder. It looks into the project's .venv, else the active environment, else the one
    that paved runs in, and starts none of them. Exit code 1 when there is a difference.
    """
    from pavedroad.environments.comparison import drift as find_drift
    from pavedroad.environments.installation import find_installation, read_installation

    root = _named(path)
    lock = _lock_in(root, lock_file or "")
    installed = read_installation(Path(environment)) if environment else find_installation(root)
    found = find_drift(lock, installed.distributions, installed.target)
    if as_json:
        print_json(
            {
                "lock": lock.file,
                "environment": installed.where,
                "python": installed.python,
                "installed": len(installed.distributions),
                "drift": found,
            }
        )
    else:
        _show_drift(lock, installed, found)
    return 1 if found else 0


@env.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--python", help="A Python, e.g. 3.12; default: the project's.")
@click.option("--system", type=click.Choice(("Linux", "Darwin", "Windows")), help="Default: this one.")
@click.option("--machine", help="x86_64, aarch64, arm64 or AMD64; default: this one.")
@click.option("--glibc", help="The C library of a Linux, e.g. 2.28; default: the one here.")
@click.option("--driver", default="", help="A version of NVIDIA's driver, e.g. 535.104.05.")
@click.option("--image", default="", help="A container image, e.g. nvidia/cuda:12.4.1-runtime-ubuntu22.04.")
@lock_option
@json_option
def fits(
    path: Path | None,
    python: str | None,
    system: str | None,
    machine: str | None,
    glibc: str | None,
    driver: str,
    image: str,
    lock_file: str | None,
    as_json: bool,
) -> int:
    """Tell whether the lock can be installed, and compute, on another machine.

    PATH is a project's folder or a lock file. It tries the names of the wheels, the CUDA of the lock against
    itself, a driver and an image, and asks nobody. Exit code 1 when something does not fit.
    """
    from pavedroad.environments.fitting import misfits

    place = _named(path)
    lock = _lock_in(place, lock_file or "")
    target = _target(place, python, system, machine, glibc)
    found = misfits(lock, target, driver=driver, image=image)
    if as_json:
        print_json({"lock": lock.file, "target": target, "misfits": found})
    else:
        click.echo(styled(f"{lock.file} for {target.says}", "strong"))
        click.echo(
            table(("is", "what", "because"), [(x.verdict, x.check, x.says) for x in found], wrap="because")
            if found
            else "everything fits"
        )
    return 1 if any(line.verdict == "fail" for line in found) else 0


def _target(
    place: Path, python: str | None, system: str | None, machine: str | None, glibc: str | None
) -> Target:
    """The project's own, with what was asked for instead."""
    import msgspec

    from pavedroad.environments.fitting import read_pair
    from pavedroad.environments.installation import find_installation

    changes: dict[str, Any] = {}
    if python:
        changes["python"] = read_pair(python, "Python")
    if system:
        changes["system"] = system
    if machine:
        changes["machine"] = machine
    if glibc:
        changes |= {"glibc": read_pair(glibc, "glibc"), "musl": (0, 0)}
    root = place if place.is_dir() else place.parent
    return msgspec.structs.replace(find_installation(root).target, **changes)


def _here() -> Path:
    from pavedroad.catalog import find_project
    from pavedroad.config import working_directory

    here = working_directory()
    project = find_project(here)
    return project.root if project else here


def _named(path: Path | None) -> Path:
    """The path that was named; without one, the project around the working directory."""
    from pavedroad.config import working_directory

    return _here() if path is None else working_directory() / path.expanduser()


def _lock_in(path: Path, file: str) -> Lock:
    from pavedroad.environments.lock import find_lock, read_lock

    if path.is_file():
        return read_lock(path)
    if not path.is_dir():
        raise NotFound(f"no folder or lock file {path.name}", hint="name a project's folder, or a lock file")
    if file:
        return read_lock(path / file)
    found = find_lock(path)
    if found is None:
        raise NotFound(f"no lock in {path}", hint="make one, e.g. with `uv lock`, or name it")
    return read_lock(found)


def _side_now(root: Path, file: str) -> Side:
    from pavedroad.environments.comparison import side_of_lock

    lock = _lock_in(root, file)
    return side_of_lock(f"{lock.file} now", lock)


def _side(context: click.Context, root: Path, word: str, file: str) -> Side:
    """What a word names: a run, a file, else a git revision."""
    from pavedroad.environments.comparison import side_of_environment, side_of_lock
    from pavedroad.environments.history import is_revision, lock_at

    if word.startswith("run/"):
        run_id, environment = _environment_of_run(context, word.removeprefix("run/"))
        return side_of_environment(f"run/{run_id[:8]}", environment)
    path = Path(word)
    if path.is_file() or path.is_dir():
        lock = _lock_in(path, file)
        return side_of_lock(word, lock)
    if not is_revision(root, word):
        raise Invalid(
            f"{word!r} is no lock file, no git revision and no run",
            hint="write a path, a commit, or run/ID; `paved runs` lists runs",
        )
    lock = lock_at(root, word, file=file)
    return side_of_lock(f"{lock.file} at {word}", lock)


def _environment_of_run(context: click.Context, word: str) -> Any:
    from pavedroad.config import read_settings
    from pavedroad.record import record_of

    with record_of(read_settings()) as record:
        return context.obj.environment_of_run(record, word)


def _whence(package: Any) -> str:
    return " ".join(
        part for part in (package.source, f"; {package.marker}" if package.marker else "") if part
    )


def _show_comparison(found: Comparison) -> None:
    before, after = found.before, found.after
    click.echo(styled(f"{before.label} -> {after.label}", "strong"))
    if before.python != after.python:
        click.echo(f"Python: {before.python or 'not said'} -> {after.python or 'not said'}")
    if before.cuda != after.cuda:
        click.echo(f"CUDA: {before.cuda or 'none'} -> {after.cuda or 'none'}")
    if found.changes:
        rows = [(change.name, change.kind, change.before, change.after) for change in found.changes]
        click.echo(table(("package", "change", "before", "after"), rows))
    kept = len(after.packages.keys() & before.packages.keys()) - sum(
        1 for change in found.changes if change.before and change.after
    )
    click.echo(f"{count(len(found.changes), 'package')} changed, {kept} the same")


def _show_drift(lock: Lock, installed: Installation, found: list[Drift]) -> None:
    click.echo(styled(f"{lock.file} against {installed.where}, Python {installed.python}", "strong"))
    if not installed.is_own:
        click.echo("which is where paved runs: the project has no environment of its own")
    if not found:
        click.echo("nothing differs")
        return
    rows = [(each.name, each.kind, each.locked, each.installed) for each in found]
    click.echo(table(("package", "is", "locked", "installed"), rows))
    kinds = [each.kind for each in found]
    told = [f"{kinds.count(kind)} {kind}" for kind in ("different", "missing", "extra") if kind in kinds]
    click.echo(", ".join(told))
    click.echo(f"next: {_sync_command(lock)}")


def _sync_command(lock: Lock) -> str:
    from pavedroad.environments.advice import sync_command

    return sync_command(lock.kind, lock.file)


def _as_dict(found: Comparison) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(found)
