"""Reading advisories: one TOML file each, refused with file and line when something in it is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pavedroad.advisories.model import EFFECTS, FIX_KINDS, KINDS, SHAPES, Advisory, Match, Remedy
from pavedroad.environments import normalised
from pavedroad.errors import Invalid, NotFound, did_you_mean

LARGEST_BYTES = 256 * 2**10
LONGEST_TITLE = 160
_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")
# What a kind of match cannot do without: one of the fields in each group.
NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "import": (("symbols",),),
    "attribute": (("symbols",),),
    "method": (("names",), ("receiver", "evidence", "name_is_enough")),
    "keyword": (("callable", "methods"), ("names", "without", "most_positional")),
    "literal-value": (("anywhere", "callable", "methods"), ("values", "pattern")),
    "decorator": (("symbols", "methods"),),
    "class-body": (("bases",), ("names",)),
    "statement": (("shape",),),
    "requirement-name": (("names",),),
    "lock-pair": (("with_",),),
    "python-version": (("versions",),),
    "artefact": (("pickled", "suffixes"),),
}


@cache
def shipped_advisories() -> tuple[Advisory, ...]:
    """The advisories in the box, in the order of their ids."""
    folder = files("pavedroad.advisories") / "data"
    return _in_order(
        read_advisory(entry.name, entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def read_folder(folder: Path) -> tuple[Advisory, ...]:
    """The advisories of a folder and the folders below it. Raises NotFound, Invalid."""
    if not folder.is_dir():
        raise NotFound(f"no folder {folder}", hint="name the folder that holds the advisories")
    return _in_order(read_advisory_file(file) for file in sorted(folder.rglob("*.toml")))


def read_advisory_file(file: Path) -> Advisory:
    return read_advisory(str(file), read_advisory_text(file))


def read_advisory_text(file: Path) -> str:
    """Raises NotFound, Invalid."""
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise Invalid(f"{file} is larger than {LARGEST_BYTES >> 10} KiB", hint="one advisory is short")
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise NotFound(f"no file {file}", hint="check the path") from None
    except OSError as error:
        raise Invalid(f"cannot read {file}: {error.strerror}", hint="name a file that can be read") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{file} is not UTF-8: byte {error.start}", hint="save it as UTF-8") from None


def read_advisory(name: str, text: str) -> Advisory:
    """One advisory of the text of its file. Raises Invalid with `name` and the line."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{name}: {error}", hint="correct that line") from None
    except RecursionError:
        raise Invalid(f"{name} is nested too deeply", hint="see docs/advisories.md") from None
    try:
        advisory = msgspec.convert(tables, Advisory)
    except msgspec.ValidationError as error:
        says, _, path = str(error).partition(" - at `")
        raise _refusal(name, text, _keys(path) or _named_in(says), says) from None
    for keys, says, hint in _faults(advisory):
        raise _refusal(name, text, keys, says, hint)
    return msgspec.structs.replace(advisory, package=normalised(advisory.package))


def _in_order(found: Iterator[Advisory]) -> tuple[Advisory, ...]:
    advisories: dict[str, Advisory] = {}
    for advisory in found:
        if advisory.id in advisories:
            raise Invalid(f"two advisories are named {advisory.id}", hint="give one of them another id")
        advisories[advisory.id] = advisory
    return tuple(advisories[id_] for id_ in sorted(advisories))


Fault = tuple[tuple[str, ...], str, str]


def _faults(advisory: Advisory) -> Iterator[Fault]:
    if not _ID.fullmatch(advisory.id):
        yield ("id",), f"id {advisory.id!r} is not of the form BC-SK-004", "use capitals, digits and dashes"
    if not re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", advisory.package):
        yield ("package",), f"{advisory.package!r} is not the name of a package", "write it as on PyPI"
    if not advisory.title.strip() or len(advisory.title) > LONGEST_TITLE:
        yield ("title",), f"the title has {len(advisory.title)} characters", f"1 to {LONGEST_TITLE} will do"
    if not advisory.source.startswith(("https://", "http://")):
        yield (
            ("source",),
            f"source {advisory.source!r} is not an address",
            "say where the change is announced",
        )
    if not advisory.match:
        yield ("match",), "it has no [[match]]", "kind = 'none' says that no use can be seen"
    yield from _wrong_word(("effect",), advisory.effect, EFFECTS)
    yield from _wrong_versions((), advisory.broken, advisory.warns)
    for number, match in enumerate(advisory.match):
        yield from _faults_of_match(number, match)
    for number, remedy in enumerate(advisory.fix):
        yield from _faults_of_remedy(number, remedy)


def _faults_of_match(number: int, match: Match) -> Iterator[Fault]:
    at = ("match", str(number))
    yield from _wrong_word((*at, "kind"), match.kind, KINDS)
    if match.effect:
        yield from _wrong_word((*at, "effect"), match.effect, EFFECTS)
    if match.shape:
        yield from _wrong_word((*at, "shape"), match.shape, SHAPES)
    yield from _wrong_versions(at, match.broken, match.warns)
    for package, versions in match.with_.items():
        yield from _wrong_specifier((*at, "with", package), versions)
    for group in NEEDED.get(match.kind, ()):
        if not any(_is_given(match, field) for field in group):
            words = " or ".join(field.rstrip("_") for field in group)
            yield at, f"a match of kind {match.kind} needs {words}", "see docs/advisories.md"
    if match.pattern:
        try:
            re.compile(match.pattern)
        except re.error as error:
            yield (*at, "pattern"), f"pattern {match.pattern!r}: {error}", "write a regular expression"


def _is_given(match: Match, field: str) -> bool:
    value = getattr(match, field)
    return value >= 0 if field == "most_positional" else bool(value)


def _faults_of_remedy(number: int, remedy: Remedy) -> Iterator[Fault]:
    at = ("fix", str(number))
    yield from _wrong_word((*at, "kind"), remedy.kind, FIX_KINDS)
    yield from _wrong_word((*at, "safety"), remedy.safety, ("safe", "unsafe"))
    yield from _wrong_specifier((*at, "specifier"), remedy.specifier)
    if remedy.needs:
        try:
            Requirement(remedy.needs)
        except InvalidRequirement:
            yield (*at, "needs"), f"needs {remedy.needs!r} is no requirement", "write 'scikit-learn>=1.2'"


def _wrong_word(keys: tuple[str, ...], word: str, known: tuple[str, ...]) -> Iterator[Fault]:
    if word not in known:
        yield keys, f"unknown {keys[-1]} {word!r}", did_you_mean(word, known)


def _wrong_versions(at: tuple[str, ...], broken: str | None, warns: str | None) -> Iterator[Fault]:
    yield from _wrong_specifier((*at, "broken"), broken or "")
    yield from _wrong_specifier((*at, "warns"), warns or "")


def _wrong_specifier(keys: tuple[str, ...], text: str) -> Iterator[Fault]:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        yield keys, f"{keys[-1]} {text!r} is no version specifier", "write it as '>=1.2,<1.4'"


def _refusal(name: str, text: str, keys: tuple[str, ...], says: str, hint: str = "") -> Invalid:
    says = says.replace("Object", "The advisory") if not keys else says
    return Invalid(f"{name}:{_line_of(text, keys)}: {says}", hint=hint or "see docs/advisories.md")


def _keys(path: str) -> tuple[str, ...]:
    """`$.match[0].kind` as ("match", "0", "kind")."""
    return tuple(re.findall(r"[\w-]+", path))


def _named_in(says: str) -> tuple[str, ...]:
    return tuple(re.findall(r"field `([\w-]+)`", says))


def _line_of(text: str, keys: tuple[str, ...]) -> int:
    """The line where a key stands; that of its table, or the first, when it is missing."""
    line, lines = 0, text.split("\n")
    for key in keys:
        if key.isdigit():
            table = keys[keys.index(key) - 1]
            heads = [number for number, line_ in enumerate(lines) if line_.strip() == f"[[{table}]]"]
            line = heads[int(key)] if int(key) < len(heads) else line
            continue
        pattern = re.compile(rf'\s*(\[\[?)?([\w.-]+\.)?"?{re.escape(key)}"?\s*(=|\])')
        line = next((at for at in range(line, len(lines)) if pattern.match(lines[at])), line)
    return line + 1
