"""`paved check` and `paved explain`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from pavedroad.catalog import PROFILES, find_project
from pavedroad.checks.model import OURS, Report, Rule
from pavedroad.errors import Invalid, Unavailable
from pavedroad.kit.clock import duration
from pavedroad.kit.terminal import json_option, note, print_json, styled, table, width
from pavedroad.kit.text import count

if TYPE_CHECKING:
    from pavedroad.checks.running import Spent

FORMATS = ("text", "json", "sarif", "junit", "github", "html")


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--profile", type=click.Choice(PROFILES), help="How much to ask for; default: the project's own."
)
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only this rule (code, name or family).")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file."
)
@json_option
@click.option("--fix", is_flag=True, help="Apply the safe fixes and show what changed.")
@click.option("--unsafe", is_flag=True, help="With --fix or --diff: those that need a look, too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--write-baseline", is_flag=True, help="Accept what is found now; only new findings fail.")
@click.option("--no-baseline", is_flag=True, help="Show what the baseline accepts, too.")
@click.option("--ruff/--no-ruff", default=None, help="Show ruff's findings; default: where it is configured.")
@click.option("--no-cache", is_flag=True, help="Look at everything again.")
@click.option("--stats", is_flag=True, help="Show what each rule found and how long it took.")
@click.option("--push", "--record", "push", is_flag=True, help="Keep the report on the record.")
def check(
    path: Path | None,
    profile: str | None,
    rules: tuple[str, ...],
    form: str,
    output: Path | None,
    as_json: bool,
    fix: bool,
    unsafe: bool,
    diff: bool,
    write_baseline: bool,
    no_baseline: bool,
    ruff: bool | None,
    no_cache: bool,
    stats: bool,
    push: bool,
) -> int:
    """Check a project against best practices.

    PATH is a folder or one file; default: the project around the working directory. Nothing of the project is
    imported or run. Exit code 1 when there are errors or warnings.
    """
    if unsafe and not (fix or diff):
        raise Invalid("--unsafe does nothing by itself", hint="add --fix, or --diff to look first")
    path, form = path or _here(), "json" if as_json else form
    spent: list[Spent] = []
    look = _looking(path, profile=profile, only=rules, ruff=ruff, cache=not (no_cache or stats), spent=spent)
    say = note if form != "text" or output else click.echo
    report = _fixed(look, unsafe=unsafe, write=fix and not diff, say=say) if fix or diff else look()
    if write_baseline:
        return _accept(report, path, rules)
    if push:
        _push(report, path)
    if not no_baseline:
        report = _without_known(report)
    text = shown(report, form, width=80 if output else min(width(), 100))
    if output:
        _write(output, text)
        note(f"{summary_of(report)}; written to {output}")
    else:
        click.echo(text)
    if stats:
        (note if form != "text" else click.echo)(f"\n{_stats_table(spent)}")
    return exit_code(report)


def _looking(
    path: Path,
    *,
    profile: str | None,
    only: tuple[str, ...],
    ruff: bool | None,
    cache: bool,
    spent: list[Spent],
) -> Callable[[], Report]:
    """A function that checks the path, as often as wanted."""
    from pavedroad.checks.cache import cache_folder
    from pavedroad.checks.engine import check_project

    def look() -> Report:
        spent.clear()
        folder = cache_folder() if cache else None
        return check_project(path, profile=profile, only=only, ruff=ruff, cache=folder, spent=spent)

    return look


def _fixed(look: Callable[[], Report], *, unsafe: bool, write: bool, say: Callable[[str], None]) -> Report:
    """Show what the fixes change, and change it when asked to; the report of what is there then."""
    from pavedroad.checks.fixes import apply_fixes, diff_text, plan_changes

    if write:
        report, changes = apply_fixes(look, unsafe=unsafe)
    else:
        report = look()
        changes = plan_changes(report.findings, Path(report.root), unsafe=unsafe)
    answered = sum(len(change.findings) for change in changes)
    if text := diff_text(changes):
        say(text)
    say(f"{count(answered, 'finding')} {'fixed' if write else 'to fix'} in {count(len(changes), 'file')}\n")
    return report


def _accept(report: Report, path: Path, rules: tuple[str, ...]) -> int:
    from pavedroad.checks.baseline import NEVER, write_baseline

    if path.is_file() or rules:
        raise Invalid("a baseline is of the whole project", hint="leave the file and --rule out")
    file = _baseline_file(report)
    accepted = write_baseline(file, report)
    left = sum(finding.code in NEVER for finding in report.findings)
    click.echo(f"{count(accepted, 'finding')} accepted in {file}: only new ones fail from now on")
    if left:
        click.echo(f"{count(left, 'secret')} not: change and remove them ({', '.join(NEVER)})")
    return 2 if report.failures else 0


def _baseline_file(report: Report) -> Path:
    from pavedroad.catalog import read_project
    from pavedroad.checks.baseline import baseline_file
    from pavedroad.checks.ignores import read_check_settings

    root = Path(report.root)
    return baseline_file(root, read_check_settings(read_project(root).checks).baseline)


def _without_known(report: Report) -> Report:
    from pavedroad.checks.baseline import read_baseline, without_known
    from pavedroad.checks.project import BASELINE

    file = _baseline_file(report)
    baseline = read_baseline(file, must_exist=file.name != BASELINE)
    return report if baseline is None else without_known(report, baseline)


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
        click.get_current_context().find_root().obj.register_project(record, Path(report.root))
    note(f"kept on the record as project/{report.project}")


def shown(report: Report, form: str, *, width: int) -> str:
    """A report in one of the formats."""
    from pavedroad.checks.plugins import all_rules

    if form == "json":
        return as_text(report)
    if form == "sarif":
        from pavedroad.checks.sarif import report_sarif

        return as_text(report_sarif(report, all_rules()))
    if form == "junit":
        from pavedroad.checks.junit import report_junit

        return report_junit(report)
    if form == "github":
        from pavedroad.checks.annotations import report_annotations

        return report_annotations(report)
    if form == "html":
        from pavedroad.checks.html_report import report_html

        return report_html(report, all_rules())
    from pavedroad.checks.text import report_text

    return report_text(report, width=width)


def as_text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def summary_of(report: Report) -> str:
    from pavedroad.checks.text import summary

    return summary(report).split("\n")[0]


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text if text.endswith("\n") else f"{text}\n", "utf-8", errors="replace")
    except OSError as error:
        raise Unavailable(
            f"cannot write {file}: {error.strerror}", hint="check the path and its permissions"
        ) from None


def _stats_table(spent: list[Spent]) -> str:
    slowest = sorted(spent, key=lambda each: -each.ms)
    rows = [
        (each.code, each.findings if each.code != "reading" else "", f"{each.ms:.1f}") for each in slowest
    ]
    total = sum(each.ms for each in spent)
    shown = table(("rule", "findings", "ms"), rows, right=("findings", "ms"))
    return f"{shown}\n{len(spent) - 1} rules, {duration(total)} in all"


@click.command()
@click.argument("code", required=False)
@json_option
def explain(code: str | None, as_json: bool) -> None:
    """Explain a rule: why it is there, a bad and a good example. Without CODE, list all rules."""
    from pavedroad.checks.engine import select_rules
    from pavedroad.checks.plugins import all_rules

    if code and code.upper().startswith("RUF"):
        raise Invalid(
            f"{code} is a rule of ruff", hint=f"run `ruff rule {code.upper().removeprefix('RUF:')}`"
        )
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
        f"{'' if rule.package == OURS else f' of {rule.package}'}"
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
