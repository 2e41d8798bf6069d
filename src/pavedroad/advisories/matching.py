"""What each advisory means for one project: does it use the thing, and which versions may it get."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from pavedroad.advisories.deciding import BROKEN, LOCK, OUTSIDE, UNDECLARED, Decision, Versions
from pavedroad.advisories.model import EFFECTS, Advisory, Match
from pavedroad.advisories.ranges import holds, overlaps, pinned
from pavedroad.advisories.receivers import Classes, class_bases
from pavedroad.advisories.remedies import fix_for
from pavedroad.advisories.uses import Scan, Use, Wanted, lay_out, may_use
from pavedroad.checks.model import SAFE, Edit, Fix, Place
from pavedroad.checks.project import Project

EXPOSED, LOCKED_SAFE, NOT_FOUND, NOT_AFFECTED = (
    "uses-exposed",
    "uses-locked-safe",
    "in-range-not-found",
    "not-affected",
)
STATES = (EXPOSED, LOCKED_SAFE, NOT_FOUND, NOT_AFFECTED)
LARGEST_PICKLE_BYTES = 64 * 2**20
LONGEST_SYMBOL = 80
_WRITTEN_BY = rb"%s.{1,12}?(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)"


class UseFound(msgspec.Struct, frozen=True, kw_only=True):
    """One place in a project that does what an advisory is about."""

    at: Place
    symbol: str
    effect: str = ""  # empty: the versions that the project may get are safe
    decided: str = ""  # by which file and version
    fix: Fix | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory and one project."""

    id: str
    package: str
    title: str
    state: str
    effect: str  # of the worst exposed use, else the advisory's own
    decided: str  # `numpy 1.26.4 in uv.lock`
    by: str  # lock, range or undeclared
    versions: str
    guidance: str
    source: str
    uses: tuple[UseFound, ...] = ()
    until: str = ""

    @property
    def needs_action(self) -> bool:
        return self.state == EXPOSED


def assess(project: Project, advisories: Iterable[Advisory], *, today: date | None = None) -> list[Case]:
    """One case for each advisory that has not expired, in their order. Nothing of the project is run."""
    today = today or date.today()
    current = [one for one in advisories if one.expires is None or one.expires >= today]
    versions = Versions(project)
    found: dict[str, list[UseFound]] = defaultdict(list)
    decisions: dict[str, list[Decision]] = defaultdict(list)
    for advisory, use in _uses(project, lay_out(current)):
        decision = versions.decide(use.module.path, packages_of(advisory, use.match))
        decisions[advisory.id].append(decision)
        found[advisory.id].append(_use_found(advisory, use, decision))
    for advisory in current:
        for match in advisory.match:
            for place, symbol, decision, fix in _of_project(project, versions, advisory, match):
                is_fine = match.kind == "artefact" and _is_same_minor(symbol.rpartition(" ")[2], decision)
                effect = "" if is_fine else _effect(advisory, match, decision)
                decisions[advisory.id].append(decision)
                found[advisory.id].append(
                    UseFound(at=place, symbol=symbol, effect=effect, decided=decision.said, fix=fix)
                )
    return [
        _case(advisory, _unique(found[advisory.id]), decisions[advisory.id], versions) for advisory in current
    ]


def packages_of(advisory: Advisory, match: Match) -> tuple[str, ...]:
    if match.package and match.package == "tensorflow":
        return ("tensorflow", "tensorflow-cpu", "tensorflow-gpu")
    return (match.package,) if match.package else advisory.packages


def ranges_of(advisory: Advisory, match: Match) -> tuple[str, str]:
    broken = advisory.broken if match.broken is None else match.broken
    return broken, advisory.warns if match.warns is None else match.warns


def _effect(advisory: Advisory, match: Match, decision: Decision) -> str:
    level = decision.level(*ranges_of(advisory, match))
    if level == OUTSIDE:
        return ""
    return (match.effect or advisory.effect) if level == BROKEN else "warns"


def _use_found(advisory: Advisory, use: Use, decision: Decision) -> UseFound:
    return UseFound(
        at=_place(use),
        symbol=" ".join(use.symbol.split())[:LONGEST_SYMBOL],
        effect=_effect(advisory, use.match, decision),
        decided=decision.said,
        fix=fix_for(advisory, use, decision),
    )


def _place(use: Use) -> Place:
    node = use.node
    if not hasattr(node, "lineno"):  # a `with` item has no place of its own
        node = getattr(node, "context_expr", node)
    return use.module.place(node)


def _uses(project: Project, wanted: Wanted) -> Iterator[tuple[Advisory, Use]]:
    modules = project.modules
    imported = frozenset(root for module in modules for root in _roots(module.imports))
    classes: Classes | None = None
    for module in modules:
        if not may_use(module, wanted, imported):
            continue
        if classes is None:
            classes = class_bases(modules)
        yield from Scan(module, wanted, classes, imported).uses()


def _roots(imports: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in imports if not name.startswith(".")}


def _unique(found: list[UseFound]) -> tuple[UseFound, ...]:
    """In the order of the text, each place once."""
    seen = {(use.at.path, use.at.cell, use.at.line, use.at.column): use for use in reversed(found)}
    return tuple(seen[key] for key in sorted(seen))


def _case(
    advisory: Advisory, uses: tuple[UseFound, ...], decisions: list[Decision], versions: Versions
) -> Case:
    exposed = [use for use in uses if use.effect]
    decided = next((one for one in decisions if exposed and one.said == exposed[0].decided), None)
    if exposed:
        state = EXPOSED
    elif uses:
        state, decided = LOCKED_SAFE, decisions[0]
    else:
        state, decided = _without_use(advisory, versions)
    effect = min((use.effect for use in exposed), key=EFFECTS.index, default=advisory.effect)
    return Case(
        id=advisory.id,
        package=advisory.package,
        title=advisory.title,
        state=state,
        effect=effect,
        decided=decided.said if decided else "",
        by=decided.by if decided else "",
        versions=decided.versions if decided else "",
        guidance=advisory.guidance,
        source=advisory.source,
        uses=tuple(sorted(uses, key=lambda use: not use.effect)) if exposed else uses,
        until=advisory.until.isoformat() if advisory.until else "",
    )


def _without_use(advisory: Advisory, versions: Versions) -> tuple[str, Decision | None]:
    """No use was found: is a version in the range locked, or let in?"""
    tellable = {match.kind for match in advisory.match}
    if tellable <= {"lock-pair", "requirement-name", "artefact"}:
        return NOT_AFFECTED, None
    known = [one for one in versions.everywhere(advisory.packages) if one.by != UNDECLARED]
    for match in advisory.match:
        if match.package or match.kind == "lock-pair":
            continue
        for decision in known:
            if decision.level(*ranges_of(advisory, match)) != OUTSIDE:
                return NOT_FOUND, decision
    return NOT_AFFECTED, known[0] if known else None


# ---------------------------------------------------------------------------------------- of the project

OfProject = Iterator[tuple[Place, str, Decision, Fix | None]]


def _of_project(project: Project, versions: Versions, advisory: Advisory, match: Match) -> OfProject:
    if match.kind == "lock-pair":
        yield from _pairs(project, versions, advisory, match)
    elif match.kind == "requirement-name":
        yield from _requirements(project, advisory, match)
    elif match.kind == "artefact":
        yield from _pickles(project, versions, advisory, match)
    elif match.kind == "python-version":
        for decision in versions.everywhere(("python",)):
            if decision.path and decision.level(match.versions, "") != OUTSIDE:
                yield (
                    project.line(decision.path, decision.line),
                    f"Python {decision.versions}",
                    decision,
                    None,
                )


def _pairs(project: Project, versions: Versions, advisory: Advisory, match: Match) -> OfProject:
    broken, warns = ranges_of(advisory, match)
    for unit in versions.units:
        pins = versions.pins(unit)
        main = next((pins[name] for name in advisory.packages if name in pins), None)
        if main is None or main.level(broken, warns) == OUTSIDE:
            continue
        for companion, wanted in match.with_.items():
            other = pins.get(companion)
            if other is not None and holds(other.versions, wanted):
                place = project.line(main.path, main.line)
                yield place, f"{main.package} {main.versions} beside {companion} {other.versions}", main, None


def _requirements(project: Project, advisory: Advisory, match: Match) -> OfProject:
    for manifest in project.manifests:
        for declared in manifest.declared:
            if declared.name in match.names:
                decision = Decision(
                    package=declared.name,
                    by="range",
                    versions=declared.specifier,
                    path=declared.file,
                    line=declared.line,
                )
                to = next((remedy.to for remedy in advisory.fix if remedy.to), "")
                fix = _renamed(project, declared.file, declared.line, declared.name, to) if to else None
                yield project.line(declared.file, declared.line), declared.name, decision, fix


def _renamed(project: Project, path: str, line: int, name: str, to: str) -> Fix | None:
    text = project.text(path)
    start = sum(len(each) + 1 for each in text.split("\n")[: line - 1])
    content = text.split("\n")[line - 1]
    match = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", content)
    if match is None:
        return None
    edit = Edit(path=path, start=start + match.start(), end=start + match.end(), text=to)
    # A version of the old name says nothing about the new one.
    is_bare = not re.match(r"\s*[<>=!~]", content[match.end() :])
    return Fix(says=f"write {to}", safety=SAFE if is_bare else "unsafe", edits=(edit,))


def _pickles(project: Project, versions: Versions, advisory: Advisory, match: Match) -> OfProject:
    """Files that say which version wrote them."""
    pattern = re.compile(_WRITTEN_BY % re.escape(match.pickled.encode()), re.DOTALL)
    for path, file in project.files.items():
        if not path.endswith(match.suffixes) or file.size_bytes > LARGEST_PICKLE_BYTES:
            continue
        written = pattern.search(project.read(path))
        if written is None:
            continue
        version = written[1].decode()
        decision = versions.decide(path, advisory.packages)
        yield Place(path=path), f"written by {advisory.package} {version}", decision, None


def _is_same_minor(version: str, decision: Decision) -> bool:
    major, minor = version.split(".")[:2]
    if decision.by == UNDECLARED:
        return False
    if decision.by == LOCK or pinned(decision.versions):
        return holds(pinned(decision.versions).rstrip(".*") or decision.versions, f"=={major}.{minor}.*")
    return not overlaps(decision.versions, f"!={major}.{minor}.*")
