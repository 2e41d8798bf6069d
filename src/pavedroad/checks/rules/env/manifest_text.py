"""Changing the text of a manifest: one more entry, one fewer, another version; the rest stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pavedroad.checks.model import Edit
from pavedroad.checks.project import Project
from pavedroad.environments import Declared, Manifest, normalised

_LIST = re.compile(r"^dependencies\s*=\s*\[", re.MULTILINE)
_PROJECT = re.compile(r"^\[project\]\s*(?:#.*)?$", re.MULTILINE)
_TABLE = re.compile(r"^\[", re.MULTILINE)
_ENTRY = re.compile(r"""^\s*(["'])([A-Za-z0-9][A-Za-z0-9._-]*)[^"']*\1\s*,?\s*(?:#.*)?\r?$""")


def add_entries(project: Project, manifest: Manifest, entries: Iterable[str]) -> Edit | None:
    """Declare more; None where a text edit cannot."""
    text = project.text(manifest.file)
    newline = "\r\n" if "\r\n" in text else "\n"
    if manifest.kind == "requirements":
        lead = "" if not text or text.endswith("\n") else newline
        added = lead + "".join(f"{entry}{newline}" for entry in entries)
        return Edit(path=manifest.file, start=len(text), end=len(text), text=added)
    table = _PROJECT.search(text) if manifest.kind == "pyproject" else None
    if table is None:
        return None
    following = _TABLE.search(text, table.end())
    found = _LIST.search(text, table.end(), following.start() if following else len(text))
    if found is None:
        return None
    at, rest = found.end(), text[found.end() :]
    own_lines = re.match(r"[ \t]*(?:#[^\n]*)?\r?\n([ \t]*)\S", rest)
    if own_lines and own_lines.group(1):
        indentation = own_lines.group(1)
        added = "".join(f'{newline}{indentation}"{entry}",' for entry in entries)
    elif re.match(r"\s*\]", rest):
        added = ", ".join(f'"{entry}"' for entry in entries)
    else:
        added = "".join(f'"{entry}", ' for entry in entries)
    return Edit(path=manifest.file, start=at, end=at, text=added)


def remove_entry(project: Project, manifest: Manifest, declared: Declared) -> Edit | None:
    """Take out the line of an entry; None when the line holds more than that."""
    start, end, line = line_span(project, declared)
    if manifest.kind == "requirements":
        match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
        alone = match and normalised(match.group(1)) == declared.name and not line.rstrip().endswith("\\")
    else:
        match = _ENTRY.match(line)
        alone = match and normalised(match.group(2)) == declared.name
    if not alone:
        return None
    length = len(project.text(manifest.file))
    return Edit(path=manifest.file, start=start, end=min(end + 1, length), text="")


def replace_in_line(project: Project, declared: Declared, pattern: str, text: str) -> Edit | None:
    """Replace what `pattern` finds in the line of an entry; None when that is not exactly one place."""
    start, _, line = line_span(project, declared)
    found = list(re.finditer(pattern, line))
    if len(found) != 1:
        return None
    return Edit(path=declared.file, start=start + found[0].start(), end=start + found[0].end(), text=text)


def line_of(project: Project, declared: Declared) -> str:
    return line_span(project, declared)[2]


def line_span(project: Project, declared: Declared) -> tuple[int, int, str]:
    """Start and end (without its newline) of an entry's line, and its text; empty where lines end oddly."""
    lines = project.text(declared.file).split("\n")
    if declared.line > len(lines):
        return 0, 0, ""
    start = sum(len(line) + 1 for line in lines[: declared.line - 1])
    line = lines[declared.line - 1]
    return start, start + len(line), line
