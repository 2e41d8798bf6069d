"""The rules of `rules.toml`, and what they find in an exception."""

from __future__ import annotations

import re
import tomllib
from functools import cache, cached_property
from importlib.resources import files

import msgspec

from pavedroad.desk.triage.conditions import CONDITIONS
from pavedroad.desk.triage.model import LABELS, Evidence, Raised
from pavedroad.desk.triage.places import Place

ANY = ".*"
SHOWN = 70  # characters of what matched


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One family of errors; see the head of `rules.toml`."""

    name: str
    says: str
    weights: dict[str, float]
    why: str
    types: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    where: str = ""
    both: bool = False

    def __post_init__(self) -> None:
        unknown = self.weights.keys() - set(LABELS)
        if unknown or (self.where and self.where not in CONDITIONS):
            raise ValueError(f"rule {self.name}: unknown {', '.join(unknown) or self.where}")

    @cached_property
    def _types(self) -> re.Pattern[str]:
        return re.compile("|".join(self.types))

    @cached_property
    def _words(self) -> re.Pattern[str]:
        return re.compile("|".join(self.words), re.IGNORECASE)

    def finds(self, raised: Raised, place: Place) -> str | None:
        """The words that made it match, or the name of the exception; None when it does not match."""
        if self.where and not CONDITIONS[self.where](place):
            return None
        is_type = bool(self.types) and self._types.fullmatch(raised.name) is not None
        words = self._words.search(raised.message) if self.words else None
        if not ((is_type and words) if self.both else (is_type or words)):
            return None
        return words.group() if words else "" if self.types == (ANY,) else raised.name


@cache
def all_rules() -> tuple[Rule, ...]:
    text = (files("pavedroad.desk.triage") / "rules.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text)["rule"], tuple[Rule, ...])


def evidence_of(
    raised: Raised, place: Place, rules: tuple[Rule, ...], *, share: float = 1.0
) -> list[Evidence]:
    """What each of the rules finds in one exception; `share` weakens what only came of the cause."""
    found = []
    for rule in rules:
        words = rule.finds(raised, place)
        if words is not None:
            found.append(
                Evidence(
                    name=rule.name,
                    says=f"{rule.says} ({_short(words)})" if words else rule.says,
                    weights={label: round(weight * share, 2) for label, weight in rule.weights.items()},
                    source=" ".join(rule.why.split()),
                )
            )
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
