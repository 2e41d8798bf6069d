"""Write the pages of docs/ that come from the code. `tests/test_docs.py` fails when one of them is behind."""

from __future__ import annotations

import inspect
import itertools
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import msgspec

import pavedroad.config
import pavedroad.errors
from pavedroad.catalog import Project
from pavedroad.checks.pages_of_rules import rule_pages
from pavedroad.cli import COMMANDS, GROUPS, paved
from pavedroad.server.compatibility import MLFLOW_VERSION, Row, rows

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
    for name, default, says in _commented_fields(pavedroad.config.Settings):
        variable = "" if name == "gates" else f"`PAVED_{name.upper()}`"
        rows.append(f"| `{name}` | {variable} | {default} | {says} |")
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


def project_page() -> str:
    """`docs/project.md`: the keys of a project's own table, each with the comment beside it."""
    rows = ["| key | default | what it is |", "|---|---|---|"]
    for name, default, says in _commented_fields(Project):
        rows.append(f"| `{name}` | {default} | {says} |")
    example = (
        '[tool.paved]\nkind = "service"\nowner = "flights team"\nentry = "late_flights.pipeline:train"\n\n'
        '[tool.paved.gates]\nmetric = { name = "auc", at_least = 0.7 }\n'
    )
    return (
        f"{HEADER}# A project\n\n"
        "A project is a folder with a `pyproject.toml`. What Pavedroad should know about it stands there\n"
        "under `[tool.paved]`; every key may be left out. An unknown key is an error that names the nearest\n"
        "known one.\n\n" + "\n".join(rows) + f"\n\n```toml\n{example}```\n"
    )


COMPATIBILITY = """\
# MLflow's routes

Of MLflow {version}'s {all} routes, {answered} are answered: all of classic tracking, artifacts, the
registry and webhooks. The other {missing} answer 501 with `NOT_IMPLEMENTED` and say what to do
instead; the client does not try them again. {extensions} routes are ours alone.

A path under `/api/` is answered under `/ajax-api/`, too. Limits, error codes and messages are
MLflow's; where something differs, the row says so. Any other address below `/api/` answers 404
with `ENDPOINT_NOT_FOUND`, a wrong method 405.
"""


def compatibility_page() -> str:
    """`docs/mlflow-compatibility.md`: every route of MLflow's server, from the tables that answer."""
    known = rows()
    number = Counter(row.here for row in known)
    parts = [
        HEADER,
        COMPATIBILITY.format(
            version=MLFLOW_VERSION,
            all=number["answered"] + number["not answered"],
            answered=number["answered"],
            missing=number["not answered"],
            extensions=number["extension"],
        ),
    ]
    for area, of_area in itertools.groupby(known, key=lambda row: row.area):
        parts += [f"\n## {area[0].upper()}{area[1:].replace('-', ' ')}\n\n", *_routes_of(list(of_area))]
    return "".join(parts).replace(":path}", "}").replace(":int}", "}")


def _routes_of(area: list[Row]) -> list[str]:
    if area[0].here == "not answered":
        head = f"Not answered: {area[0].note}.\n\n| method | path |\n|---|---|\n"
        return [head, *(f"| {row.method} | `{row.path}` |\n" for row in area)]
    head = "| method | path | here | differences |\n|---|---|---|---|\n"
    return [head, *(f"| {row.method} | `{row.path}` | {row.here} | {row.note} |\n" for row in area)]


def _commented_fields(struct: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    """Name, default and comment of every field that has a comment and may be left out."""
    source = inspect.getsource(struct)
    comments = dict(re.findall(r"^    (\w+): [^=#\n]+ = [^#\n]+  # (.+)$", source, flags=re.MULTILINE))
    return [
        (field.name, f"`{field.default}`" if field.default not in ("", msgspec.NODEFAULT) else "", says)
        for field in msgspec.structs.fields(struct)
        if (says := comments.get(field.name))
    ]


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "errors.md": errors_page,
    "mlflow-compatibility.md": compatibility_page,
    "project.md": project_page,
    "settings.md": settings_page,
    **{f"rules/{name}": partial(str, text) for name, text in rule_pages().items()},
}


def write() -> None:
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    write()
