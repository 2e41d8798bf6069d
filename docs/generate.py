"""Write the pages of docs/ that come from the code. `tests/test_docs.py` fails when one of them is behind."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import click

import pavedroad.config
import pavedroad.errors
from pavedroad.cli import COMMANDS, GROUPS, paved

FOLDER = Path(__file__).parent
HEADER = "<!-- Written by `make docs`; edit the code instead. -->\n\n"


def commands_page() -> str:
    """`docs/commands.md`: every command's own help."""
    context = click.Context(paved, info_name="paved")
    parts = [HEADER, "# Commands\n\nEvery command has `--help` and `--json`. "]
    parts.append("Exit codes: 0 yes, 1 no, 2 bad input, 3 cannot here.\n")
    for group in GROUPS:
        parts.append(f"\n## {group}\n")
        for row in COMMANDS:
            if row.group == group:
                command = paved.get_command(context, row.name)
                assert command is not None, row.name
                inner = click.Context(command, info_name=row.name, parent=context, terminal_width=80)
                parts.append(f"\n### paved {row.name}\n\n```text\n{command.get_help(inner).rstrip()}\n```\n")
    return "".join(parts)


def errors_page() -> str:
    """`docs/errors.md`: the tree of refusals, as the module draws it."""
    tree = inspect.getdoc(pavedroad.errors) or ""
    says = "Code, HTTP status and exit code of everything Pavedroad refuses."
    return f"{HEADER}# Errors\n\n{says}\n\n```text\n{tree}\n```\n"


def settings_page() -> str:
    """`docs/settings.md`: where settings come from, as the module says; each with the comment beside it."""
    tree = inspect.getdoc(pavedroad.config) or ""
    _, _, where = tree.partition("\n\n")
    rows = ["| key of `paved.toml` | variable | default | what it is |", "|---|---|---|---|"]
    source = inspect.getsource(pavedroad.config.Settings)
    for name, default, says in re.findall(r"^    (\w+): [^=#]+ = (.+?)  # (.+)$", source, flags=re.MULTILINE):
        shown = {'""': "", "{}": "", "32 * 2**20": "33554432"}.get(default, default.strip('"'))
        variable = "" if name == "gates" else f"`PAVED_{name.upper()}`"
        rows.append(f"| `{name}` | {variable} | {f'`{shown}`' if shown else ''} | {says} |")
    example = (
        'port = 8500\ndatabase = "postgresql://paved@db.example.org/paved"\nfiles = "s3://team-models/paved"\n\n'
        "[gates.owner]\n"
    )
    return (
        f"{HEADER}# Settings\n\n{where}\n\n"
        "An unknown key or variable is an error that names the nearest known one; an empty variable counts\n"
        "as none.\n\n"
        "Passwords and cloud credentials belong into the environment, where their libraries look for them\n"
        "(`PGPASSWORD`, `~/.pgpass`, `AWS_ACCESS_KEY_ID`, `GOOGLE_APPLICATION_CREDENTIALS`, ...).\n\n"
        + "\n".join(rows)
        + f"\n\nA `paved.toml` of a team:\n\n```toml\n{example}```\n"
    )


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
}


def write() -> None:
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    write()
