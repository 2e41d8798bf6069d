"""`paved`: the table of commands. A command's module is loaded when that command is asked for."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from pavedroad.errors import MissingExtra, PavedError, Unavailable
from pavedroad.kit.terminal import show_error, width


class Command(NamedTuple):
    name: str
    door: str  # module:function
    says: str
    group: str


COMMANDS = (
    Command("demo", "pavedroad.demo.cli:demo", "Watch real data become a served, gated model.", "Start"),
    Command("new", "pavedroad.scaffold.cli:new", "Make a project that passes its own checks.", "Start"),
    Command("up", "pavedroad.server.cli:up", "Start the server: MLflow API and pages.", "Start"),
    Command("check", "pavedroad.checks.cli:check", "Check a project against best practices.", "Develop"),
    Command("explain", "pavedroad.checks.cli:explain", "Explain a rule: why, bad, good.", "Develop"),
    Command(
        "advisories",
        "pavedroad.advisories.cli:advisories",
        "Tell which upstream changes break a project.",
        "Develop",
    ),
    Command("env", "pavedroad.environments.cli:env", "Show the lock, its changes, the drift.", "Develop"),
    Command("run", "pavedroad.pipelines.cli:run", "Run a pipeline; finished steps are cached.", "Develop"),
    Command("why", "pavedroad.pipelines.cli:why", "Tell why a step ran again.", "Develop"),
    Command("runs", "pavedroad.pipelines.runs_cli:runs", "List, filter and export runs.", "Develop"),
    Command("triage", "pavedroad.desk.cli:triage", "Say whose fault a failure is.", "Develop"),
    Command("oncall", "pavedroad.desk.rota_cli:oncall", "Tell who is on call, and who next.", "Develop"),
    Command("register", "pavedroad.registry.cli:register", "Make a run's model a version.", "Release"),
    Command("models", "pavedroad.registry.cli:models", "List models, versions and their gates.", "Release"),
    Command(
        "promote",
        "pavedroad.registry.cli:promote",
        "Give a version an alias if its gates are open.",
        "Release",
    ),
    Command("approve", "pavedroad.registry.cli:approve", "Approve a version.", "Release"),
    Command(
        "exempt", "pavedroad.registry.cli:exempt", "Exempt a version from a gate until a date.", "Release"
    ),
    Command("rollback", "pavedroad.registry.cli:rollback", "Go back to the champion before.", "Release"),
    Command(
        "webhooks", "pavedroad.registry.webhooks_cli:webhooks", "List webhooks and what they took.", "Release"
    ),
    Command(
        "package", "pavedroad.delivery.cli:package", "Run the test stages, then build the file.", "Release"
    ),
    Command("packages", "pavedroad.delivery.cli:packages", "List what was packaged.", "Release"),
    Command("serve", "pavedroad.serving.cli:serve", "Serve a model version over HTTP.", "Release"),
    Command("list", "pavedroad.catalog.cli:list_", "List artifacts.", "Record"),
    Command("show", "pavedroad.overview.cli:show", "Show an artifact or a run.", "Record"),
    Command("own", "pavedroad.catalog.cli:own", "Set the owner of an artifact.", "Record"),
    Command("stage", "pavedroad.catalog.cli:stage", "Set the stage of an artifact.", "Record"),
    Command("lineage", "pavedroad.catalog.cli:lineage", "Tell what came from what.", "Record"),
    Command("journal", "pavedroad.catalog.cli:journal", "Read who did what, when.", "Record"),
    Command("docs", "pavedroad.documents.cli:docs", "Write pages that need no server.", "Record"),
    Command("import", "pavedroad.transfer.cli:import_", "Take runs, models and files from MLflow.", "Record"),
    Command("export", "pavedroad.transfer.cli:export", "Send runs, models and files to MLflow.", "Record"),
    Command("sync", "pavedroad.transfer.cli:sync", "Send what is new to the team's server.", "Record"),
    Command("delete", "pavedroad.housekeeping.cli:delete", "Delete runs and experiments.", "Keep"),
    Command("undelete", "pavedroad.housekeeping.cli:undelete", "Bring back what was deleted.", "Keep"),
    Command("gc", "pavedroad.housekeeping.cli:gc", "Remove what nobody needs any more.", "Keep"),
    Command("backup", "pavedroad.housekeeping.cli:backup", "Back up the whole record.", "Keep"),
    Command("restore", "pavedroad.housekeeping.cli:restore", "Make a record of a backup.", "Keep"),
    Command("doctor", "pavedroad.housekeeping.cli:doctor", "Examine the record, and say what to do.", "Keep"),
)
# Which extra brings a package that a command cannot do without.
EXTRA_OF = {
    "duckdb": "data",
    "numpy": "data",
    "pyarrow": "data",
    "sklearn": "sklearn",
    "mlflow": "mlflow",
    "psycopg": "postgres",
    "obstore": "s3",
}
GROUPS = ("Start", "Develop", "Release", "Record", "Keep")


class Doors(NamedTuple):
    """What lower rooms need from higher ones, handed to every command as the context's object."""

    open_tracking: Callable[..., Any]  # record -> a tracking server in this process, with .url and .stop()
    measure_latency: Callable[..., Any]  # (record, version, ...) -> Latency, by really serving it
    tell_verdict: Callable[..., Any]  # (traceback, width=...) -> whose fault it is, in words
    environment_of_run: Callable[..., Any]  # (record, id or `last`) -> (id, Environment)
    register_project: Callable[..., Any]  # (record, root): what a project has and uses, for advisories


def load(door: str) -> Any:
    """What stands at `module:name`."""
    module, _, name = door.partition(":")
    return getattr(importlib.import_module(module), name)


def later(door: str) -> Callable[..., Any]:
    """A function that loads what stands at `door` when it is first called."""
    return lambda *values, **options: load(door)(*values, **options)


DOORS = Doors(
    open_tracking=later("pavedroad.server.embedded:start"),
    measure_latency=later("pavedroad.serving:measure_latency"),
    tell_verdict=later("pavedroad.desk.cli:tell_verdict"),
    environment_of_run=later("pavedroad.pipelines.run_environment:environment_of_run"),
    register_project=later("pavedroad.advisories:register_project"),
)


class LazyGroup(click.Group):
    """Knows every command's name and help without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        for command in COMMANDS:
            if command.name == name:
                loaded = load(command.door)
                assert isinstance(loaded, click.Command), command.door
                return loaded
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from pavedroad.errors import Invalid, did_you_mean

        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            names = [command.name for command in COMMANDS]
            raise Invalid(
                f"no command {args[0]!r}", hint=f"{did_you_mean(args[0], names)}; see `paved --help`"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group in GROUPS:
            with formatter.section(group):
                formatter.write_dl(
                    [(command.name, command.says) for command in COMMANDS if command.group == group]
                )


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command has --help and --json. Exit codes: 0 yes, 1 no, 2 bad input, 3 cannot here.",
)
@click.version_option(package_name="pavedroad", prog_name="paved")
@click.pass_context
def paved(ctx: click.Context) -> None:
    """From an empty folder to a gated, served model, on one record."""
    ctx.obj = DOORS


def main(arguments: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    _open_standard_streams()
    try:
        # Not standalone: one place, here, turns every refusal into words and an exit code.
        code = paved.main(args=arguments, prog_name="paved", standalone_mode=False, terminal_width=width())
        sys.stdout.flush()
    except PavedError as error:
        show_error(error, as_json=as_json)
        code = error.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        code = 130
    except click.ClickException as error:
        show_error(_from_click(error), as_json=as_json)
        code = 2
    except OSError as error:
        code = _os_error(error, as_json=as_json)
    except ModuleNotFoundError as error:
        missing = _missing_extra(error, arguments)
        show_error(missing, as_json=as_json)
        code = missing.exit_code
    except SystemExit as leaving:
        # click leaves after completing a word for a shell, and with 1 when the reader of our output has gone;
        # 1 would mean "no" here.
        code = leaving.code if "_PAVED_COMPLETE" in os.environ else 0
    sys.exit(code if isinstance(code, int) else 0)


def _missing_extra(error: ModuleNotFoundError, arguments: list[str]) -> PavedError:
    """The extra that brings the package. Raises the error itself for a package that none brings."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRA_OF:
        raise error
    return MissingExtra(f"`paved {arguments[0]}` ({package})", extra=EXTRA_OF[package])


def _open_standard_streams() -> None:
    """A stream that was closed before we started takes all; one of few letters takes `?` for others."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the end of the process
        elif stream.encoding.lower() not in ("utf-8", "utf8"):
            stream.reconfigure(errors="replace")


def _os_error(error: OSError, *, as_json: bool) -> int:
    """A disk that is full, a file that may not be read: a fact of the machine, told in one line."""
    is_lost = _forget_what_cannot_be_written()
    if error.errno == errno.EPIPE:  # the reader of our output has gone: not an error of ours
        return 0
    said = error.strerror or str(error)
    told = Unavailable(
        f"cannot use {error.filename}: {said}" if error.filename else f"the system says: {said}",
        hint="free some space"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else "check the path and its permissions",
    )
    show_error(told, as_json=as_json and not is_lost)
    return told.exit_code


def _forget_what_cannot_be_written() -> bool:
    """Whether there was such output: Python would try again at its end, and end with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _from_click(error: click.ClickException) -> PavedError:
    from pavedroad.errors import Invalid

    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "paved"
    return Invalid(error.format_message().rstrip("."), hint=f"see `{path} --help`")


if __name__ == "__main__":
    main()
