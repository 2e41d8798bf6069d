"""Findings that people chose to keep, in place or in the manifest, with a reason and perhaps a last day.

model = joblib.load(path)  # paved: ignore[MOD502] our own file, checked by digest until 2027-03-31

[tool.paved.checks]
ignore = [{ rule = "REP204", path = "scripts/*", reason = "runs on one machine only", until = 2027-03-31 }]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Literal

import msgspec

from pavedroad.checks.files import path_pattern
from pavedroad.checks.model import Place, Rule, Waiver
from pavedroad.checks.source import Module, comments
from pavedroad.errors import ConfigError, did_you_mean

OFF = "off"
MOST_RULES = 50  # that one comment may name
_COMMENT = re.compile(r"#\s*paved:\s*ignore\b\s*(?:\[(?P<rules>[^\]]*)\])?(?P<reason>.*)$")
_UNTIL = re.compile(r"[\s,;(]*\buntil[ =](\d{4}-\d{2}-\d{2})\)?\s*$")


class Ignore(msgspec.Struct, frozen=True, kw_only=True):
    """One wish to keep findings."""

    rules: tuple[str, ...]  # codes, names or families
    reason: str
    until: str  # empty: for good
    place: Place  # where it is written
    lines: tuple[int, ...] = ()  # in place: the lines it speaks for
    path: str = ""  # in the manifest: a pattern; empty: everywhere
    in_manifest: bool = False

    def covers(self, rule: Rule, place: Place) -> bool:
        """Whether it speaks for a rule's finding at a place, reason and date aside."""
        if not any(names_rule(word, rule) for word in self.rules):
            return False
        if self.in_manifest:
            return not self.path or bool(path_pattern(self.path).fullmatch(place.path))
        same_text = (self.place.path, self.place.cell) == (place.path, place.cell)
        return same_text and any(place.line <= line <= place.last_line for line in self.lines)

    def waiver(self) -> Waiver:
        return Waiver(reason=self.reason, until=self.until, place=self.place)

    def has_expired(self, today: date) -> bool:
        return bool(self.until) and date.fromisoformat(self.until) < today


def names_rule(word: str, rule: Rule) -> bool:
    return word in (rule.code, rule.name, rule.family)


def ignores_in_module(module: Module) -> Iterator[Ignore]:
    if "paved:" not in module.text:
        return
    for line, column, text in comments(module.text):
        if match := _COMMENT.search(text):
            place = module.place_of_line(line)
            alone = not module.lines[line - 1][: column - 1].strip()
            place = msgspec.structs.replace(place, column=column, end_column=column + len(text))
            yield _in_place(match, place, alone)


def ignores_in_text(path: str, text: str) -> Iterator[Ignore]:
    """Of a file whose comments start with `#`: TOML, YAML, a Dockerfile, a requirements file."""
    if "paved:" not in text:
        return
    for number, line in enumerate(text.split("\n"), 1):
        if match := _COMMENT.search(line.rstrip("\r")):
            place = Place(path=path, line=number, column=match.start() + 1, end_column=match.end() + 1)
            yield _in_place(match, place, alone=not line[: match.start()].strip())


def _in_place(match: re.Match[str], place: Place, alone: bool) -> Ignore:
    reason = match["reason"].strip()
    until = ""
    if (found := _UNTIL.search(reason)) and _is_date(found.group(1)):
        until, reason = found.group(1), reason[: found.start()]
    words = (word.strip() for word in (match["rules"] or "").split(","))
    rules = tuple(dict.fromkeys(word for word in words if word))[:MOST_RULES]
    lines = (place.line, place.line + 1) if alone else (place.line,)
    return Ignore(rules=rules, reason=reason.strip(" :-"), until=until, place=place, lines=lines)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------------------------ the manifest


class ManifestIgnore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rule: str
    reason: str = ""
    path: str = ""
    until: date | None = None


class CheckSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of `[tool.paved.checks]`."""

    ignore: list[ManifestIgnore] = []
    exclude: list[str] = []  # path patterns that are not looked at
    levels: dict[str, Literal["off", "note", "warning", "error"]] = {}  # rule or family -> severity
    baseline: str = ""  # a file, from the project's folder; empty: paved-baseline.json where there is one
    ruff: bool | None = None  # whether ruff's findings are shown; not said: where ruff is configured


def read_check_settings(table: dict[str, Any]) -> CheckSettings:
    """Raises: ConfigError for an unknown key or a wrong type."""
    _known(table, CheckSettings, "[tool.paved.checks]")
    for entry in table.get("ignore", []) if isinstance(table.get("ignore"), list) else []:
        if isinstance(entry, dict):
            _known(entry, ManifestIgnore, "an entry of ignore in [tool.paved.checks]")
    try:
        return msgspec.convert(table, CheckSettings)
    except msgspec.ValidationError as error:
        about_levels = "$.levels" in str(error)
        raise ConfigError(
            f"[tool.paved.checks]: {error}",
            hint='write levels = { REP204 = "error", TST = "off" }'
            if about_levels
            else 'write ignore = [{ rule = "REP204", path = "scripts/*", reason = "..." }]',
        ) from None


def _known(table: dict[str, Any], struct: type[msgspec.Struct], where: str) -> None:
    for key in table:
        if key not in struct.__struct_fields__:
            raise ConfigError(
                f"unknown key {key!r} in {where}", hint=did_you_mean(key, struct.__struct_fields__)
            )


def ignores_in_manifest(entries: Iterable[ManifestIgnore], lines: list[str]) -> Iterator[Ignore]:
    for entry in entries:
        line = next((number for number, text in enumerate(lines, 1) if _names(text, entry.rule)), 1)
        yield Ignore(
            rules=(entry.rule,),
            reason=entry.reason.strip(),
            until=entry.until.isoformat() if entry.until else "",
            place=_whole_line("pyproject.toml", lines, line),
            path=entry.path,
            in_manifest=True,
        )


def _whole_line(path: str, lines: list[str], number: int) -> Place:
    text = lines[number - 1].rstrip() if number <= len(lines) else ""
    start = len(text) - len(text.lstrip()) + 1
    return Place(path=path, line=number, column=start, end_column=len(text) + 1)


def _names(text: str, rule: str) -> bool:
    return bool(re.search(rf"""rule\s*=\s*["']{re.escape(rule)}["']""", text))
