"""Where registrations, published advisories and their cases are kept; matching is done by the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from pavedroad.advisories.deciding import BROKEN, OUTSIDE, UNDECLARED, WARNS, Decision
from pavedroad.advisories.matching import EXPOSED, LOCKED_SAFE, NOT_AFFECTED, NOT_FOUND, ranges_of
from pavedroad.advisories.model import EFFECTS, Advisory, Match
from pavedroad.advisories.ranges import holds
from pavedroad.advisories.reading import read_advisory, shipped_advisories
from pavedroad.advisories.registering import Registration
from pavedroad.catalog import Ref, ensure_artifact, write_fact
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries

SQL = load_queries("pavedroad.advisories")
PLACES_KEPT = 20
ONLY_BY_EVIDENCE = ("lock-pair", "requirement-name", "artefact")  # a version alone says nothing


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """One project and one advisory, as the record knows them."""

    project: str
    owner: str
    state: str
    effect: str
    decided: str
    uses: int
    places: tuple[str, ...]
    since_ms: int = 0
    cleared_ms: int = 0

    @property
    def is_open(self) -> bool:
        return self.state == EXPOSED


class Published(msgspec.Struct, frozen=True, kw_only=True):
    advisory: Advisory
    published_ms: int  # 0: it came with Pavedroad
    who: str = ""


def known_advisories(reader: Reader) -> dict[str, Published]:
    """The shipped ones and those published here, which win."""
    found = {one.id: Published(advisory=one, published_ms=0) for one in shipped_advisories()}
    for row in reader.all(SQL.advisories):
        found[row["id"]] = _published(row)
    return dict(sorted(found.items()))


def _published(row: Row) -> Published:
    advisory = read_advisory(row["id"], row["text"])
    return Published(advisory=advisory, published_ms=row["published_ms"], who=row["who"])


def register(tx: Transaction, registration: Registration, *, who: str, at_ms: int | None = None) -> None:
    """Keep what a project has and uses, in place of what was known of it."""
    at_ms = now_ms() if at_ms is None else at_ms
    project = registration.project
    ensure_artifact(tx, Ref("project", project), who=who, owner=registration.owner)
    known = {"project": project, "commit_id": registration.commit, "at_ms": at_ms}
    tx.run(SQL.keep_project, owner=registration.owner, **known)
    tx.run(SQL.forget_packages, project=project)
    tx.run(SQL.forget_symbols, project=project)
    tx.many(
        SQL.insert_package,
        [{"project": project, **msgspec.to_builtins(held)} for held in registration.packages],
    )
    tx.many(
        SQL.insert_symbol, [{"project": project, **msgspec.to_builtins(use)} for use in registration.symbols]
    )
    before = {row["advisory"]: row for row in tx.all(SQL.cases_of_project, project=project)}
    rows = []
    for case in registration.cases:
        row = before.get(case.id)
        if row is None and case.state == NOT_AFFECTED:
            continue
        affected = Affected(
            project=project,
            owner=registration.owner,
            state=case.state,
            effect=case.effect,
            decided=case.decided,
            uses=len(case.uses),
            places=tuple(f"{use.at} {use.symbol}" for use in case.uses[:PLACES_KEPT]),
        )
        rows.append(_case_row(case.id, affected, row, at_ms))
    tx.many(SQL.keep_case, rows)


def publish(
    tx: Transaction, advisory: Advisory, text: str, *, who: str, at_ms: int | None = None
) -> list[Affected]:
    """Keep an advisory, find all that it concerns, and tell the owners of those that are exposed."""
    at_ms = now_ms() if at_ms is None else at_ms
    tx.run(SQL.keep_advisory, id=advisory.id, package=advisory.package, text=text, at_ms=at_ms, who=who)
    found = concerned(tx, advisory)
    before = {row["project"]: row for row in tx.all(SQL.cases_of_advisory, advisory=advisory.id)}
    gone = [
        Affected(
            project=name,
            owner=row["owner"],
            state=NOT_AFFECTED,
            effect=advisory.effect,
            decided="",
            uses=0,
            places=(),
        )
        for name, row in before.items()
        if name not in {one.project for one in found}
    ]
    rows = [_case_row(advisory.id, one, before.get(one.project), at_ms) for one in (*found, *gone)]
    tx.many(SQL.keep_case, rows)
    for affected in found:
        is_new = affected.project not in before or before[affected.project]["state"] != EXPOSED
        if affected.is_open and is_new:
            _tell_owner(tx, advisory, affected, who=who, at_ms=at_ms)
    return found


def _tell_owner(tx: Transaction, advisory: Advisory, affected: Affected, *, who: str, at_ms: int) -> None:
    payload = {
        "advisory": advisory.id,
        "reason": f"{advisory.id}: {advisory.title}",
        "owner": affected.owner,
        "effect": affected.effect,
        "decided": affected.decided,
        "uses": affected.uses,
        "guidance": advisory.guidance,
        "until": advisory.until.isoformat() if advisory.until else "",
    }
    project = Ref("project", affected.project)
    write_fact(tx, who=who, verb="warned", artifact=project, payload=payload, at_ms=at_ms)


def _case_row(id_: str, affected: Affected, before: Row | None, at_ms: int) -> dict[str, object]:
    """Since when it is exposed stays while it is; when that ends is kept for the burn-down."""
    was_open = before is not None and before["state"] == EXPOSED
    since = before["since_ms"] if before is not None else 0
    cleared = before["cleared_ms"] if before is not None else 0
    if affected.is_open and not was_open:
        since, cleared = at_ms, 0
    elif was_open and not affected.is_open:
        cleared = at_ms
    return {
        "advisory": id_,
        "project": affected.project,
        "state": affected.state,
        "effect": affected.effect,
        "decided": affected.decided,
        "uses": affected.uses,
        "places": msgspec.json.encode(affected.places).decode(),
        "since_ms": since,
        "cleared_ms": cleared,
    }


class ExposedCase(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    effect: str
    decided: str


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What a project is exposed to, as it was registered last."""

    commit: str
    at_ms: int
    exposed: tuple[ExposedCase, ...]


def exposure_of(reader: Reader, project: str) -> Exposure | None:
    """None when the project never registered."""
    row = reader.one(SQL.project_known, project=project)
    if row is None:
        return None
    cases = reader.all(SQL.exposed_of_project, project=project)
    return Exposure(
        commit=row["commit_id"],
        at_ms=row["at_ms"],
        exposed=tuple(
            ExposedCase(id=case["advisory"], effect=case["effect"], decided=case["decided"]) for case in cases
        ),
    )


def cases_of(reader: Reader, id_: str) -> list[Affected]:
    """Every project that an advisory concerns or concerned, by name."""
    return [
        Affected(
            **{
                **dict(row),
                "uses": int(row["uses"]),
                "places": tuple(msgspec.json.decode(row["places"], type=list[str])),
            }
        )
        for row in reader.all(SQL.cases_of_advisory, advisory=id_)
    ]


# ---------------------------------------------------------------------------------------- matching by SQL


def concerned(reader: Reader, advisory: Advisory) -> list[Affected]:
    """Every registered project with the package in range or a use of what the advisory is about.

    Uses are told by the names that projects registered; what only the text shows (a literal, the form of a
    statement) is told by the next check of each project; until then a version in range is "in range".
    """
    owners = {row["project"]: row["owner"] for row in reader.all(SQL.everybody)}
    sightings = Sightings()
    held = _holders(reader, advisory.packages)
    for match in advisory.match:
        own = _holders(reader, (match.package,)) if match.package else held
        sightings.take_in(advisory, match, own, _users(reader, match, own))
    return [sightings.affected(advisory, name, owners.get(name, "")) for name in sightings.projects()]


class Sighting(NamedTuple):
    place: str
    effect: str
    decided: str


class Sightings:
    """What is known of each project and one advisory while its matches are gone through."""

    def __init__(self) -> None:
        self._exposed: dict[str, list[Sighting]] = defaultdict(list)
        self._safe: dict[str, list[Sighting]] = defaultdict(list)
        self._in_range: dict[str, str] = {}

    def projects(self) -> list[str]:
        return sorted({*self._exposed, *self._safe, *self._in_range})

    def take_in(
        self,
        advisory: Advisory,
        match: Match,
        held: dict[str, list[Decision]],
        users: dict[str, list[str]],
    ) -> None:
        broken, warns = ranges_of(advisory, match)
        if match.kind not in ONLY_BY_EVIDENCE:
            for project, decisions in held.items():
                for decision in decisions:
                    if decision.level(broken, warns) != OUTSIDE:
                        self._in_range.setdefault(project, decision.said)
        for project, places in users.items():
            decision = _worst(held.get(project), advisory, broken, warns)
            level = decision.level(broken, warns)
            effect = "warns" if level == WARNS else match.effect or advisory.effect
            seen = self._safe if level == OUTSIDE else self._exposed
            seen[project] += [Sighting(place, effect, decision.said) for place in places]

    def affected(self, advisory: Advisory, project: str, owner: str) -> Affected:
        state = LOCKED_SAFE if project in self._safe else NOT_FOUND
        state = EXPOSED if project in self._exposed else state
        uses = self._exposed.get(project) or self._safe.get(project) or []
        return Affected(
            project=project,
            owner=owner,
            state=state,
            effect=min((use.effect for use in uses), key=EFFECTS.index, default=advisory.effect),
            decided=uses[0].decided if uses else self._in_range[project],
            uses=len(uses),
            places=tuple(use.place for use in uses[:PLACES_KEPT]),
        )


def _holders(reader: Reader, packages: Iterable[str]) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = defaultdict(list)
    for package in packages:
        for row in reader.all(SQL.holders, package=package):
            found[row["project"]].append(
                Decision(package=package, by=row["decided_by"], versions=row["version"], path=row["path"])
            )
    return dict(found)


def _worst(decisions: list[Decision] | None, advisory: Advisory, broken: str, warns: str) -> Decision:
    """Of a project with several folders the one that reaches furthest into the range."""
    if not decisions:
        return Decision(package=advisory.package, by=UNDECLARED)
    order = (BROKEN, WARNS, OUTSIDE)
    return min(decisions, key=lambda one: order.index(one.level(broken, warns)))


def _users(reader: Reader, match: Match, held: dict[str, list[Decision]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    if match.kind == "requirement-name":
        return {project: [f"{one.path} {one.package}" for one in held[project]] for project in held}
    if match.kind == "lock-pair":
        for companion, wanted in match.with_.items():
            for row in reader.all(SQL.companions, package=companion):
                project = row["project"]
                locked = [one for one in held.get(project, ()) if one.by == "lock"]
                if locked and holds(row["version"], wanted):
                    found[project].append(f"{locked[0].path} beside {companion} {row['version']}")
        return dict(found)
    for symbol in _symbols_of(match):
        for row in reader.all(SQL.users, symbol=symbol):
            found[row["project"]].append(f"{row['path']}:{row['line']} {symbol}")
    return dict(found)


def _symbols_of(match: Match) -> list[str]:
    """The registered names that are a use."""
    if match.kind in ("import", "attribute"):
        return list(match.symbols)
    owners = [owner for owner in match.receiver if "*" not in owner]
    if match.name_is_enough:
        owners.append("?")
    if match.kind == "method" and not match.without:
        return [f"{owner}.{name}" for owner in owners for name in match.names]
    if match.kind == "decorator":
        return [*match.symbols, *(f"{owner}.{name}" for owner in owners for name in match.methods)]
    if match.kind == "keyword" and match.names:
        methods = [f"{owner}.{name}" for owner in owners or ["?"] for name in match.methods]
        functions = [name for name in match.callable if "*" not in name]
        return [f"{each}({name}=)" for each in (*functions, *methods) for name in match.names]
    return []
