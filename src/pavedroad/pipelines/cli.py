"""`paved run`, `paved why`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavedroad.kit.terminal import json_option, note, print_json, styled, table, width

if TYPE_CHECKING:
    from pavedroad.pipelines.plan import Plan
    from pavedroad.pipelines.running import PipelineRun
    from pavedroad.pipelines.why import Explanation

RUN_CONTEXT = {"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}
RUN_EPILOG = (
    "TARGET is module:pipeline or file.py:pipeline; the name may be left out where there is one, and all of"
    " it where [tool.paved] names an entry. Every other --option is a parameter of the pipeline."
)


@click.command(context_settings=RUN_CONTEXT, epilog=RUN_EPILOG)
@click.option("--params", "file", type=click.Path(path_type=Path), help="Read parameters from a TOML file.")
@click.option("--dry-run", is_flag=True, help="Show what would run and why; run nothing.")
@click.option("--no-cache", is_flag=True, help="Run every step and renew its stored result.")
@click.option("--workers", type=click.IntRange(min=1), help="Steps side by side; as many as there are CPUs.")
@json_option
@click.argument("arguments", metavar="[TARGET] [--PARAMETER VALUE]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(
    ctx: click.Context,
    arguments: tuple[str, ...],
    file: Path | None,
    dry_run: bool,
    no_cache: bool,
    workers: int | None,
    as_json: bool,
) -> int:
    """Run a pipeline; what has not changed comes from the cache."""
    from pavedroad.config import read_settings, working_directory
    from pavedroad.pipelines.loading import load_pipeline
    from pavedroad.pipelines.parameters import read_file, read_words
    from pavedroad.record import record_of

    target, words = _split(arguments)
    with _quiet_stdout(as_json):
        pipeline, project = load_pipeline(target, working_directory())
    params = {**(read_file(file) if file else {}), **read_words(pipeline, words)}
    with record_of(read_settings()) as record:
        if dry_run:
            from pavedroad.pipelines.plan import make_plan

            plan = make_plan(pipeline, params=params, record=record, project=project, use_cache=not no_cache)
            _show_plan(plan, as_json=as_json)
            return 0
        _tell_guidance(record, project)
        done = _run(
            ctx, pipeline, project, record, params, workers=workers, use_cache=not no_cache, as_json=as_json
        )
        if not as_json:
            _show_end(done, _verdict(ctx, done))
    return _exit_code(done)


@click.command()
@click.argument("run")
@click.argument("step", required=False)
@json_option
def why(run: str, step: str | None, as_json: bool) -> None:
    """Tell why STEP of RUN ran again: what changed since the nearest run before.

    RUN is the start of a run's id, or `last`. With one word alone, it is a step of the last run.
    """
    from pavedroad.catalog import project_name_here
    from pavedroad.config import read_settings
    from pavedroad.pipelines.why import explain, find_pipeline_run
    from pavedroad.record import record_of

    if step is None:
        run, step = "last", run
    with record_of(read_settings()) as record:
        explanation = explain(record.db, find_pipeline_run(record.db, run, project=project_name_here()), step)
    if as_json:
        print_json(explanation)
    else:
        _show_explanation(explanation)


# ------------------------------------------------------------------------------------------------ parts


def _split(arguments: tuple[str, ...]) -> tuple[str, list[str]]:
    """The target, if one is named, and the rest."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], list(arguments[1:])
    return "", list(arguments)


def _run(
    ctx: click.Context,
    pipeline: Any,
    project: Any,
    record: Any,
    params: dict[str, Any],
    *,
    workers: int | None,
    use_cache: bool,
    as_json: bool,
) -> PipelineRun:
    from pavedroad.pipelines.progress import make_progress
    from pavedroad.pipelines.running import run_pipeline

    doors = ctx.find_root().obj
    open_door = (lambda: doors.open_tracking(record)) if hasattr(doors, "open_tracking") else None
    progress = make_progress(as_json=as_json)
    try:
        with _quiet_stdout(as_json), _terminated_as_interrupted():
            return run_pipeline(
                pipeline,
                params=params,
                record=record,
                project=project,
                open_door=open_door,
                progress=progress,
                workers=workers,
                use_cache=use_cache,
                want_result=False,
                to_stderr=as_json,
            )
    finally:
        progress.close()


def _tell_guidance(record: Any, project: Any) -> None:
    """What upstream changes break, said once; it never stops a run."""
    from pavedroad.advisories import guidance_for_run
    from pavedroad.errors import PavedError

    try:
        lines = guidance_for_run(record, project.root)
    except PavedError as error:
        note(f"advisories were not looked at: {error.message}")
        return
    for line in lines:
        note(f"advisory {line}")


def _verdict(ctx: click.Context, done: PipelineRun) -> str:
    """Whose fault it is, as far as the traceback tells; the command's doors know how to say it."""
    tell = getattr(ctx.find_root().obj, "tell_verdict", None)
    return tell(done.traceback, width=width()) if done.status == "FAILED" and tell is not None else ""


@contextlib.contextmanager
def _quiet_stdout(as_json: bool) -> Iterator[None]:
    """What the user's own code prints must not stand between lines of JSON."""
    if not as_json:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """A polite `kill` ends a run as Ctrl-C does: it is marked, and can be resumed."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_code(done: PipelineRun) -> int:
    if done.status == "KILLED":
        # Steps that could not be interrupted still run in threads: leave them behind.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)
    return 0 if done.status == "FINISHED" else 1


def _show_end(done: PipelineRun, verdict: str) -> None:
    from pavedroad.errors import PavedError
    from pavedroad.kit.clock import duration
    from pavedroad.kit.text import count

    click.echo()
    verdicts = list(done.verdicts().values())
    hits = verdicts.count("hit")
    took = duration(done.duration_ms)
    if done.status == "FINISHED":
        ran = count(len(verdicts) - hits, "step")
        click.echo(f"{styled('finished', 'good')} in {took}: {ran} ran, {hits} cached")
        if done.metrics:
            click.echo("  ".join(f"{key} {value:.4g}" for key, value in sorted(done.metrics.items())))
    elif done.status == "KILLED":
        note(f"stopped after {took}; finished steps stay cached, so the next run goes on from here")
    else:
        note("")
        if done.error is not None and not isinstance(done.error, PavedError):
            note(done.traceback)
            note(f"\n{verdict}\n" if verdict else "")
        said = (
            done.error.message
            if isinstance(done.error, PavedError)
            else f"{type(done.error).__name__}: {done.error}"
        )
        note(f"error: step {done.failed_step} failed: {said}")
        if getattr(done.error, "hint", ""):
            note(f" next: {done.error.hint}")  # type: ignore[union-attr]
    if not done.steps:
        return
    interesting = next((step.name for step in done.steps if step.verdict != "hit"), done.steps[0].name)
    commands = [f"paved show {done.id[:8]}", f"paved why {done.id[:8]} {_quoted(interesting)}"]
    if done.models and done.status == "FINISHED":
        commands.insert(0, f"paved register {done.id[:8]}")
    click.echo(f"next: {'   '.join(commands)}")


def _quoted(word: str) -> str:
    return f"'{word}'" if "[" in word else word


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    given = "  ".join(f"{name}={value}" for name, value in plan.parameters.items())
    click.echo(f"{plan.pipeline} {given}".rstrip())
    rows = [(step.step, step.verdict, step.because) for step in plan.steps]
    click.echo(table(("step", "would be", "because"), rows, wrap="because"))
    number = sum(step.verdict == "run" for step in plan.steps)
    click.echo(f"{number} of {len(plan.steps)} would run; nothing was run")


def _show_explanation(explanation: Explanation) -> None:
    click.echo(f"{explanation.step}: {explanation.summary}")
    if explanation.differences:
        columns = ("part of the key", "", "before → after")
        rows = [(each.part, each.change, _before_after(each)) for each in explanation.differences]
        click.echo(table(columns, rows, fit=min(width(), 100), wrap=columns[2]))


def _before_after(difference: Any) -> str:
    if difference.change == "changed":
        return f"{difference.before} → {difference.after}"
    return str(difference.after or difference.before)
