"""What the advisories know of a failure: a name that a release took away, or one that the installed release
does not have yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.advisories.model import Advisory
from pavedroad.advisories.reading import shipped_advisories
from pavedroad.desk.triage.model import Evidence, Raised
from pavedroad.desk.triage.places import Place

# (pattern, the group of what was used on, the group of the name)
_KEYWORD = re.compile(r"(?P<on>\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(?P<name>\w+)'")
_ATTRIBUTE = re.compile(r"module '(?P<on>[\w.]+)' has no attribute '(?P<name>\w+)'")
_IMPORT = re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<on>[\w.]+)'")
_MODULE = re.compile(r"[Nn]o module named '(?P<on>[\w.]+)\.(?P<name>\w+)'")
_METHOD = re.compile(r"'(?P<on>\w+)' object has no attribute '(?P<name>\w+)'")
_USES = (
    (_KEYWORD, "keyword"),
    (_ATTRIBUTE, "symbol"),
    (_IMPORT, "symbol"),
    (_MODULE, "symbol"),
    (_METHOD, "method"),
)


def advice_on(raised: Raised, place: Place) -> Evidence | None:
    """The first advisory that names what this exception misses."""
    for pattern, kind in _USES:
        if found := pattern.search(raised.message):
            for advisory in shipped_advisories():
                if found["name"] in _gone(advisory, kind, found["on"]):
                    return _taken_away(advisory, place)
                if found["name"] in _new(advisory, kind, found["on"]):
                    return _not_there_yet(advisory)
    return None


def _taken_away(advisory: Advisory, place: Place) -> Evidence:
    by_library = {"upstream": 1.2, "environment": 0.6}
    weights = by_library if place.last == "library" else {"user": 0.7, "environment": 0.7, "upstream": 0.5}
    says = f"{advisory.id}: {advisory.title} ({advisory.package} {advisory.broken})"
    return Evidence(name="advisory", says=says, weights=weights, source=advisory.source)


def _not_there_yet(advisory: Advisory) -> Evidence:
    says = f"{advisory.id}: the installed {advisory.package} is older than this code needs ({advisory.title})"
    return Evidence(name="advisory", says=says, weights={"environment": 2.6}, source=advisory.source)


def _gone(advisory: Advisory, kind: str, on: str) -> set[str]:
    """Names that this advisory says are gone from `on`."""
    names: set[str] = set()
    for match in advisory.match:
        if (kind == "keyword" and match.kind == "keyword" and on in _tails(match.callable)) or (
            kind == "method" and match.kind == "method" and on in _tails(match.receiver)
        ):
            names.update(match.names)
        elif kind == "symbol" and match.kind in ("attribute", "import"):
            names.update(symbol.rpartition(".")[2] for symbol in match.symbols if _is_below(symbol, on))
    return names


def _new(advisory: Advisory, kind: str, on: str) -> set[str]:
    """Names that came in their place."""
    if kind == "keyword":
        about = any(on in _tails(match.callable) for match in advisory.match)
        return {new for old, new in _renamed(advisory, "rename-keyword") if about}
    if kind == "symbol":
        return {new.rpartition(".")[2] for _, new in _renamed(advisory, "replace-name") if _is_below(new, on)}
    return set()


def _renamed(advisory: Advisory, kind: str) -> Iterator[tuple[str, str]]:
    for remedy in advisory.fix:
        if remedy.kind == kind:
            yield from remedy.names.items()


def _tails(names: tuple[str, ...]) -> set[str]:
    return {name.rpartition(".")[2] for name in names}


def _is_below(symbol: str, module: str) -> bool:
    return symbol.rpartition(".")[0] == module
