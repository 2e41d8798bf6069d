"""Rules that other packages bring: a team's own, and those of rooms above this one.

[project.entry-points."paved.rules"]
acme = "acme_rules:RULES"        # an iterable of Rule

A package that cannot be loaded stops the check: a clean report would promise more than was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import msgspec

from pavedroad.checks.model import Rule
from pavedroad.checks.rules import FAMILIES, RULES
from pavedroad.errors import ConfigError

GROUP = "paved.rules"


@cache
def all_rules() -> tuple[Rule, ...]:
    """Our rules and those of every installed package, in the order of families and codes.

    Raises: ConfigError naming the package whose rules cannot be loaded or clash with others.
    """
    return joined_rules(RULES, entry_points(group=GROUP))


def joined_rules(ours: tuple[Rule, ...], plugins: Iterable[EntryPoint]) -> tuple[Rule, ...]:
    """Rules with those of entry points. Raises: ConfigError."""
    taken = {word: rule for rule in ours for word in (rule.code, rule.name)}
    found = list(ours)
    for plugin in sorted(plugins, key=lambda plugin: (_package(plugin), plugin.name)):
        for rule in load_rules(plugin):
            for word in (rule.code, rule.name):
                if word in taken:
                    raise _broken(plugin, f"{word} is a rule of {taken[word].package} already")
                taken[word] = rule
            found.append(rule)
    order = {family: at for at, family in enumerate(FAMILIES)}
    return tuple(sorted(found, key=lambda rule: (order.get(rule.family, len(order)), rule.code)))


def load_rules(plugin: EntryPoint) -> list[Rule]:
    """The rules behind one entry point. Raises: ConfigError."""
    try:
        brought = plugin.load()
        rules = list(brought)
    except Exception as error:  # importing another package may raise anything
        raise _broken(plugin, f"{type(error).__name__}: {error}") from error
    for rule in rules:
        if not isinstance(rule, Rule):
            raise _broken(plugin, f"{rule!r} is not a rule made by `pavedroad.checks.rule.rule`")
    return [msgspec.structs.replace(rule, package=_package(plugin)) for rule in rules]


def _package(plugin: EntryPoint) -> str:
    return plugin.dist.name if plugin.dist else "an unnamed package"


def _broken(plugin: EntryPoint, why: str) -> ConfigError:
    return ConfigError(
        f"the rules {plugin.name!r} of {_package(plugin)} cannot be used: {why}",
        hint=f"correct or uninstall {_package(plugin)}",
    )
