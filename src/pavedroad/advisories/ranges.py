"""Which versions a declaration lets in, whoever's language it is written in: PEP 440, Poetry's or conda's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

FAR = 9999  # a component larger than any that is in use


@cache
def specifier(text: str) -> SpecifierSet:
    return SpecifierSet(text, prereleases=True)


def holds(version: str, text: str) -> bool:
    """Whether a locked version is in a specifier; an empty one holds nothing."""
    if not text:
        return False
    try:
        return specifier(text).contains(Version(version.partition("+")[0]))
    except ValueError:
        return False


@cache
def overlaps(declared: str, text: str) -> bool:
    """Whether some version satisfies both the declaration and the specifier; an empty specifier holds none.

    A declaration that cannot be understood lets everything in.
    """
    if not text:
        return False
    wanted = specifier(text)
    try:
        return any(_meet(alternative, wanted) for alternative in declared_ranges(declared))
    except ValueError:  # a number that no computer counts to
        return True


def _meet(left: SpecifierSet, right: SpecifierSet) -> bool:
    return any(left.contains(version) and right.contains(version) for version in _candidates(left, right))


def declared_ranges(text: str) -> tuple[SpecifierSet, ...]:
    """The alternatives of a declaration as PEP 440 specifiers."""
    found = []
    for part in re.split(r"\|\|?", text.strip()):
        try:
            found.append(specifier(",".join(_translated(piece) for piece in _pieces(part))))
        except ValueError:  # also of a number that no computer counts to
            return (specifier(""),)
    return tuple(found)


def pinned(text: str) -> str:
    """The version a declaration pins, or empty: `==1.2.3`; conda's `=1.2` counts as the prefix it is."""
    match = re.fullmatch(r"\s*={2,3}\s*([^\s*,=]+)\s*", text)
    return match[1] if match else ""


def _pieces(text: str) -> list[str]:
    text = re.sub(r"^\s*(=[\w.*]+)=[\w.]+\s*$", r"\1", text)  # conda's build behind the version
    pieces = re.findall(r"(?:[<>=!~^]+\s*)?[\w.*+!-]+", text)
    return [piece.replace(" ", "") for piece in pieces if piece not in ("*", "x")]


def _translated(piece: str) -> str:
    match = re.fullmatch(r"([<>=!~^]*)(.+)", piece)
    assert match is not None
    operator, version = match[1], match[2].removeprefix("v")
    if operator == "^":
        return _caret(version)
    if operator == "~":
        release = Version(version).release
        upper = (release[0] + 1,) if len(release) == 1 else (release[0], release[1] + 1)
        return f">={version},<{'.'.join(map(str, upper))}"
    if operator == "=":  # conda: a prefix
        return f"=={version.rstrip('.*')}.*"
    return f"=={version}" if not operator else f"{operator}{version}"


def _caret(version: str) -> str:
    release = Version(version).release
    at = next((number for number, part in enumerate(release) if part), len(release) - 1)
    upper = [*release[:at], release[at] + 1]
    return f">={version},<{'.'.join(map(str, upper))}"


def _candidates(*sets: SpecifierSet) -> Iterator[Version]:
    """Versions among which there is one that satisfies all sets, if any does: both sides of every bound."""
    yield Version("0")
    yield Version(f"{FAR}")
    for single in (single for found in sets for single in found):
        try:
            release = Version(single.version.removesuffix(".*")).release
        except ValueError:
            continue
        yield Version(single.version.removesuffix(".*"))
        yield _version([*release, 0, 1])
        yield _version([*release, FAR])
        yield _version([*release[:-1], release[-1], FAR])
        if len(release) > 1:
            yield _version([*release[:-1], FAR])
        for at in range(len(release)):
            if release[at]:
                yield _version([*release[:at], release[at] - 1, FAR, FAR])


def _version(release: list[int]) -> Version:
    return Version(".".join(map(str, release)))
