"""`paved check` and `paved explain`."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from pavedroad.catalog import PROFILES, find_project
from pavedroad.checks.model import Report, Rule
from pavedroad.errors import Invalid
from pavedroad.kit.terminal import json_option, note, print_json, styled, table, width
from pavedroad.kit.text import count

FORMATS = ("text", "json", "sarif")


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--profile", type=click.Choice(PROFILES), help="How much to ask for; default: the project's own."
)
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only this rule (code, name or family).")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@json_option
@click.option("--fix", is_flag=True, help="Apply the safe fixes and show what changed.")
@click.option("--unsafe", is_flag=True, help="With --fix or --diff: those that need a look, too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--push", "--record", "push", is_flag=True, help="Keep the report on the record.")
def check(
    path: Path | None,
    profile: str | None,
    rules: tuple[str, ...],
    form: str,
    as_json: bool,
    fix: bool,
    unsafe: bool,
    diff: bool,
    push: bool,
) -> int:
    """Check a project against best practices.

    PATH is a folder or one file; default: the project around the working directory. Nothing of the project is
    imported or run. Exit code 1 when there are errors or warnings.
    """
    from pavedroad.checks.engine import check_project
    from pavedroad.checks.fixes import diff_text, plan_changes, write_changes

    if unsafe and not (fix or diff):
        raise Invalid("--unsafe does nothing by itself", hint="add --fix, or --diff to look first")
    path = path or _here()
    report = check_project(path, profile=profile, only=rules)
    if fix or diff:
        changes = plan_changes(report.findings, Path(report.root), unsafe=unsafe)
        answered = sum(len(change.findings) for change in changes)
        say = note if as_json or form != "text" else click.echo
        if text := diff_text(changes):
            say(text)
        if fix and not diff:
            write_changes(changes, Path(report.root))
            report = check_project(path, profile=profile, only=rules)
        done = "to fix" if diff else "fixed"
        say(f"{count(answered, 'finding')} {done} in {count(len(changes), 'file')}\n")
    if push:
        _push(report, path)
    _show(report, "json" if as_json else form)
    return exit_code(report)


def exit_code(report: Report) -> int:
    """2 when a rule failed: then nobody knows whether the project is clean."""
    return 2 if report.failures else 0 if report.is_clean else 1


def _here() -> Path:
    """The project around the working directory, else that folder; never a whole disk or account."""
    from pavedroad.config import working_directory

    here = working_directory()
    project = find_project(here)
    if project is None and here in (Path(here.anchor), Path("~").expanduser()):
        raise Invalid(
            f"{here} is not a project", hint="change to a project, or name a folder: paved check PATH"
        )
    return project.root if project else here


def _push(report: Report, path: Path) -> None:
    from pavedroad.catalog import read_project
    from pavedroad.checks.store import save_report
    from pavedroad.config import read_settings
    from pavedroad.record import record_of

    settings = read_settings(start=Path(report.root))
    owner = read_project(Path(report.root)).owner
    with record_of(settings) as record:
        record.db.write(lambda tx: save_report(tx, report, who=settings.who, owner=owner))
    note(f"kept on the record as project/{report.project}")


def _show(report: Report, form: str) -> None:
    if form == "json":
        print_json(report)
    elif form == "sarif":
        from pavedroad.checks.plugins import all_rules
        from pavedroad.checks.sarif import report_sarif

        print_json(report_sarif(report, all_rules()))
    else:
        from pavedroad.checks.text import report_text

        click.echo(report_text(report, width=min(width(), 100)))


@click.command()
@click.argument("code", required=False)
@json_option
def explain(code: str | None, as_json: bool) -> None:
    """Explain a rule: why it is there, a bad and a good example. Without CODE, list all rules."""
    from pavedroad.checks.engine import select_rules
    from pavedroad.checks.plugins import all_rules

    found = select_rules(all_rules(), [code]) if code else list(all_rules())
    if len(found) == 1:
        _explain(found[0], as_json)
    else:
        _list_rules(found, as_json)


def _list_rules(rules: list[Rule], as_json: bool) -> None:
    if as_json:
        print_json([_as_data(rule) for rule in rules])
        return
    rows = [(rule.code, rule.name, rule.levels.get("team", "off"), rule.fix, rule.title) for rule in rules]
    click.echo(table(("code", "name", "team", "fix", "says"), rows, wrap="says"))


def _explain(rule: Rule, as_json: bool) -> None:
    if as_json:
        print_json(_as_data(rule))
        return
    levels = ", ".join(f"{profile} {rule.levels.get(profile, 'off')}" for profile in PROFILES)
    click.echo(
        f"{styled(f'{rule.code} {rule.name}', 'strong')}\n{rule.title}\n\n{levels}; since {rule.since}"
    )
    for name, text in rule.sections.items():
        click.echo(f"\n{styled(name, 'strong')}")
        click.echo(textwrap.indent(_fitted(text, width() - 2), "  "))
    click.echo(f"\n{styled('Keep it', 'strong')}\n  # paved: ignore[{rule.code}] why this one stays")


def _fitted(text: str, room: int) -> str:
    """Code as it is, without its fences; prose wrapped to the terminal."""
    if "```" in text:
        return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("```"))
    return textwrap.fill(text, room)


def _as_data(rule: Rule) -> dict[str, object]:
    shown = ("code", "name", "since", "title", "levels", "fix", "sections")
    return {field: getattr(rule, field) for field in shown}
