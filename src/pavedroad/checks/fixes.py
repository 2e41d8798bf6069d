"""Applying fixes: plan the new texts, show them as a diff, write them."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from pavedroad.checks.model import SAFE, Edit, Finding, Report
from pavedroad.checks.source import decode_text, parse_quietly
from pavedroad.errors import Invalid, Unavailable

MOST_ROUNDS = 6  # a fix may make room for another, never without end


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One file before and after."""

    path: str
    before: str  # empty for a new file
    after: str
    encoding: str
    is_new: bool
    findings: tuple[Finding, ...]  # that it answers


def plan_changes(findings: Iterable[Finding], root: Path, *, unsafe: bool) -> list[Change]:
    """What applying the fixes would write. A fix that touches another's text waits for the next run."""
    edits: dict[str, list[Edit]] = {}
    answered: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.fix is None or (finding.fix.safety != SAFE and not unsafe):
            continue
        if any(_overlaps(edit, edits.get(edit.path, ())) for edit in finding.fix.edits):
            continue
        for edit in finding.fix.edits:
            edits.setdefault(edit.path, []).append(edit)
            if finding not in answered.setdefault(edit.path, []):
                answered[edit.path].append(finding)
    changes = (_change(root, path, edits[path], answered[path]) for path in sorted(edits))
    return [change for change in changes if change is not None]


def apply_fixes(look: Callable[[], Report], *, unsafe: bool) -> tuple[Report, list[Change]]:
    """Apply fixes and look again until nothing is left to apply; the last report, and what changed in all.

    `look` checks the project anew. Raises: Unavailable.
    """
    changed: dict[str, Change] = {}
    report = look()
    for _ in range(MOST_ROUNDS):
        changes = plan_changes(report.findings, Path(report.root), unsafe=unsafe)
        if not changes:
            break
        write_changes(changes, Path(report.root))
        for change in changes:
            first = changed.get(change.path)
            changed[change.path] = change if first is None else _joined(first, change)
        report = look()
    return report, [changed[path] for path in sorted(changed)]


def _joined(first: Change, then: Change) -> Change:
    return msgspec.structs.replace(
        then, before=first.before, is_new=first.is_new, findings=(*first.findings, *then.findings)
    )


def _overlaps(edit: Edit, others: Sequence[Edit]) -> bool:
    """Two replaced texts may touch; an insertion may not touch anything."""
    return any(
        edit.start < other.end and other.start < edit.end
        if edit.start < edit.end and other.start < other.end
        else edit.start <= other.end and other.start <= edit.end
        for other in others
    )


def _change(root: Path, path: str, edits: list[Edit], findings: list[Finding]) -> Change | None:
    file = root / path
    is_new = not file.exists()
    try:
        before, encoding = ("", "utf-8") if is_new else decode_text(file.read_bytes())
    except (OSError, Invalid):
        return None
    after = before
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        after = after[: edit.start] + edit.text + after[edit.end :]
    if path.endswith(".py") and not _parses(after):
        return None
    return Change(
        path=path, before=before, after=after, encoding=encoding, is_new=is_new, findings=tuple(findings)
    )


def _parses(text: str) -> bool:
    try:
        parse_quietly(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def diff_text(changes: Iterable[Change]) -> str:
    """A unified diff that `patch -p1` and `git apply` take."""
    pieces: list[str] = []
    for change in changes:
        pieces += difflib.unified_diff(
            _lines(change.before),
            _lines(change.after),
            "/dev/null" if change.is_new else f"a/{change.path}",
            f"b/{change.path}",
        )
    no_newline = "\n\\ No newline at end of file\n"
    return "".join(piece if piece.endswith("\n") else piece + no_newline for piece in pieces)


def _lines(text: str) -> list[str]:
    """As `patch` counts them: only a newline ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def write_changes(changes: Iterable[Change], root: Path) -> None:
    """Write each file beside itself, then rename it: nobody sees half of one. Raises Unavailable."""
    for change in changes:
        file = root / change.path
        try:
            _replace(file, change.after.encode(change.encoding))
        except OSError as error:
            raise Unavailable(
                f"cannot write {file}: {error.strerror}", hint="check its permissions and the free space"
            ) from None


def _replace(file: Path, data: bytes) -> None:
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(data)
        Path(name).chmod(mode)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
