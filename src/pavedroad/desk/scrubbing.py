"""Secrets and home folders are taken out of whatever is pasted or attached, before it is stored or shown.

What is taken out leaves the name of its kind. The kinds are in `secrets.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from functools import cache
from importlib.resources import files

import msgspec


class Scrubbed(msgspec.Struct, frozen=True):
    text: str
    counts: dict[str, int]  # kind -> how many were taken out

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class _Forms(msgspec.Struct, frozen=True):
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    no_secret: re.Pattern[str]


@cache
def _forms() -> _Forms:
    data = tomllib.loads((files("pavedroad.desk") / "secrets.toml").read_text("utf-8"))
    names = "|".join(name.replace("_", "[_-]?") for name in data["names"])
    return _Forms(
        tuple((kind["name"], re.compile(kind["pattern"].replace("NAME", names))) for kind in data["kind"]),
        re.compile(f"(?:{'|'.join(data['no_secret'])})", re.IGNORECASE),
    )


def kinds() -> tuple[str, ...]:
    """The names of all kinds that are recognised."""
    return tuple(kind for kind, _ in _forms().kinds)


def scrub(text: str) -> Scrubbed:
    """The text with `[kind]` where a secret was. Scrubbing it again changes nothing."""
    counts: Counter[str] = Counter()
    for kind, pattern in _forms().kinds:
        text, number = _scrub_one(kind, pattern, text)
        if number:
            counts[kind] += number
    return Scrubbed(text, dict(counts))


def _scrub_one(kind: str, pattern: re.Pattern[str], text: str) -> tuple[str, int]:
    pieces: list[str] = []
    end, number = 0, 0
    for match in pattern.finditer(text):
        group = next((name for name in ("secret", "secret_") if match.groupdict().get(name)), 0)
        found = match.group(group)
        is_mark = found.startswith("[") and found.strip("[]") in kinds()
        if is_mark or (group and _forms().no_secret.fullmatch(found)):
            continue
        pieces += [text[end : match.start(group)], f"[{kind}]"]
        end, number = match.end(group), number + 1
    return "".join([*pieces, text[end:]]), number
