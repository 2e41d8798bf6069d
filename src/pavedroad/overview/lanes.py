"""What travels on the road: a lane for each project, and for each thing that belongs to none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from pavedroad.catalog import Ref
from pavedroad.catalog.addresses import address_of, gates_address
from pavedroad.kit.clock import how_long_ago, utc_iso
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader, Row, load_queries
from pavedroad.kit.text import count
from pavedroad.record import Record
from pavedroad.serving import Service, list_services

SQL = load_queries("pavedroad.overview")
STATIONS = ("draft", "experiment", "candidate", "production", "retired")
VERSIONS = 6  # of one model, the newest
MOST = 5000
LEAST_ALONE = ("application", "service", "model", "pipeline", "environment", "tool")

Look = Literal["thing", "version", "live", "past"]


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact where it stands."""

    stage: str
    kind: str
    text: str  # the version, for a version
    says: str  # one fact
    href: str
    look: Look


class Barrier(msgspec.Struct, frozen=True, kw_only=True):
    """The gates before production, as the newest version that stands there found them."""

    verdict: str  # open, closed, exempt, unknown
    title: str  # the version that stands before it
    words: str  # beside it: `2 closed`
    says: str  # one fact
    href: str


class LiveService(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: str  # live, stopped, gone or elsewhere
    version: int
    note: str  # `p99 12 ms`, when it was measured
    href: str


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    owner: str
    href: str  # empty for the lane that an empty record shows
    says: str  # where it stands, in one sentence
    flag: str  # why it needs a person; empty when it does not
    markers: list[Marker]
    barrier: Barrier | None
    services: list[LiveService]
    changed_ms: int  # when anything in it last did

    @property
    def stops(self) -> str:
        """What stands where, for those who do not see the picture."""
        stages = [f"{len(self.at(stage))} {stage}" for stage in STATIONS if self.at(stage)]
        return ", ".join(stages)

    def at(self, stage: str) -> list[Marker]:
        return [marker for marker in self.markers if marker.stage == stage]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the gates said last about the newest version of a model."""

    model: str
    version: int
    alias: str
    passed: bool
    at_ms: int
    gates: dict[str, str]  # gate -> verdict
    exempt_until_ms: int = 0  # when the first exemption that it needs ends

    @property
    def title(self) -> str:
        return f"{self.model}@{self.version}"

    @property
    def href(self) -> str:
        return f"/models/{segment(self.model)}/{self.version}"

    @property
    def closed(self) -> list[str]:
        return [gate for gate, verdict in self.gates.items() if verdict in ("closed", "unknown")]

    @property
    def exempt(self) -> list[str]:
        return [gate for gate, verdict in self.gates.items() if verdict == "exempt"]

    @property
    def exempt_until(self) -> str:
        return utc_iso(self.exempt_until_ms)[:10] if self.exempt_until_ms else "further notice"

    @property
    def says(self) -> str:
        if self.closed:
            are = count(len(self.closed), "gate is", "gates are")
            return f"{are} closed before {self.title}: {', '.join(self.closed)}"
        if self.exempt:
            return f"{self.title} is exempt from {', '.join(self.exempt)} until {self.exempt_until}"
        return (
            f"all {len(self.gates)} gates are open for {self.title}"
            if self.gates
            else f"no gate stands before {self.title}"
        )


def read_standings(reader: Reader) -> dict[str, Standing]:
    """Model -> how its newest version stands before the gates; models that were never asked are left out."""
    gates: dict[int, dict[str, str]] = {}
    ends: dict[int, int] = {}
    for row in reader.all(SQL.answers):
        gates.setdefault(row["evaluation_id"], {})[row["gate"]] = row["verdict"]
        if row["until_ms"]:
            ends[row["evaluation_id"]] = min(row["until_ms"], ends.get(row["evaluation_id"], row["until_ms"]))
    return {
        row["name"]: Standing(
            model=row["name"],
            version=int(row["version"]),
            alias=row["alias"],
            passed=bool(row["passed"]),
            at_ms=row["at_ms"],
            gates=gates.get(row["id"], {}),
            exempt_until_ms=ends.get(row["id"], 0),
        )
        for row in reader.all(SQL.standing, limit=MOST)
    }


class _Facts(msgspec.Struct, kw_only=True):
    """What the lanes are made of, read once for all of them."""

    champions: dict[str, int]  # model -> version
    standings: dict[str, Standing]
    models: set[str]
    runs: dict[str, Row]  # project -> how often it ran
    services: dict[str, list[LiveService]]  # model -> what serves it


def read_lanes(record: Record) -> list[Lane]:
    """Projects first, in order of name."""
    reader: Reader = record.db
    rows = reader.all(SQL.travellers, versions=VERSIONS, limit=MOST)
    homes = _homes(reader)
    lanes: dict[str, list[Row]] = {}
    for row in rows:
        ref = Ref(row["kind"], row["name"])
        lanes.setdefault(homes.get(str(ref), str(ref)), []).append(row)
    facts = _Facts(
        champions={
            row["name"]: int(row["version"]) for row in reader.all(SQL.holders) if row["alias"] == "champion"
        },
        standings=read_standings(reader),
        models={row["name"] for row in reader.all(SQL.models_known)},
        runs={row["project"]: row for row in reader.all(SQL.projects_run)},
        services=_services(record),
    )
    made = [_lane(head, members, facts) for head, members in lanes.items()]
    return sorted(made, key=lambda lane: (lane.kind != "project", lane.name.lower(), lane.kind))


def _homes(reader: Reader) -> dict[str, str]:
    """Artifact -> the project in whose lane it travels.

    A service travels with the model that it serves, an application with the service that it asks.
    """
    homes: dict[str, str] = {}
    for row in reader.all(SQL.parts):
        homes[row["source"].partition("@")[0]] = f"project/{row['project']}"
    for row in reader.all(SQL.served):
        model = row["target"].partition("@")[0]
        homes.setdefault(row["source"], homes.get(model, model))
    for row in reader.all(SQL.askers):
        homes.setdefault(row["source"], homes.get(row["target"], str(row["target"])))
    return homes


def _services(record: Record) -> dict[str, list[LiveService]]:
    found: dict[str, list[LiveService]] = {}
    for service in list_services(record):
        found.setdefault(service.model, []).append(
            LiveService(
                name=service.name,
                state=service.state,
                version=service.version,
                note=_latency(record.db, service),
                href=address_of(Ref("service", service.name)),
            )
        )
    return found


def _latency(reader: Reader, service: Service) -> str:
    """`p99 12 ms` as the latency gate measured the version it serves; empty when it did not."""
    row = reader.one(SQL.latency_seen, name=service.model, version=service.version)
    for answer in msgspec.json.decode(row["inputs"]).get("answers", ()) if row else ():
        measured = answer.get("measured")
        if isinstance(measured, dict) and isinstance(measured.get("p99_ms"), int | float):
            return f"p99 {measured['p99_ms']:.3g} ms"
    return ""


# ---------------------------------------------------------------------------------------------- one lane


def _lane(head: str, members: list[Row], facts: _Facts) -> Lane:
    kind, _, name = head.partition("/")
    first = next(
        (row for row in members if (row["kind"], row["name"], row["version"]) == (kind, name, "")), None
    )
    models = sorted({row["name"] for row in members if row["kind"] == "model"})
    markers = [marker for row in members if (marker := _marker(row, head, facts)) is not None]
    barrier = _barrier(models, facts)
    owner = (first["owner"] if first else "") or next((row["owner"] for row in members if row["owner"]), "")
    services = [service for model in models for service in facts.services.get(model, ())]
    gone = [service.name for service in services if service.state == "gone"]
    flag = ""
    if barrier is not None and barrier.verdict in ("closed", "unknown"):
        flag = barrier.says
    elif gone:
        flag = f"service {gone[0]} is gone"
    elif not owner:
        flag = "it belongs to nobody"
    return Lane(
        name=name,
        kind=kind,
        owner=owner,
        href=(gates_address(Ref(kind, name)) if name in facts.models else "") or address_of(Ref(kind, name)),
        says=_says(name if kind == "project" else "", models, facts, barrier),
        flag=flag,
        markers=markers,
        barrier=barrier,
        services=services[:2],
        changed_ms=max(row["updated_ms"] for row in members),
    )


def _marker(row: Row, head: str, facts: _Facts) -> Marker | None:
    """None for what the lane itself stands for, and for a model of which only its versions are drawn."""
    kind, name, version = row["kind"], row["name"], row["version"]
    if f"{kind}/{name}" == head and not version and (kind == "project" or name in facts.models):
        return None
    if kind == "model" and not version:
        return None
    stage = "retired" if row["stage"] == "deprecated" else row["stage"]
    ref = Ref(kind, name, version)
    since = how_long_ago(row["updated_ms"])
    if kind != "model":
        says = f"{kind} {name}: {row['stage']}, changed {since}"
        return Marker(stage=stage, kind=kind, text="", says=says, href=address_of(ref), look="thing")
    is_champion = version.isdecimal() and facts.champions.get(name) == int(version)
    look: Look = "live" if is_champion else "past" if stage == "retired" else "version"
    held = " and champion" if is_champion else ""
    return Marker(
        stage="production" if is_champion else stage,
        kind=kind,
        text=version[:6],
        says=f"{name}@{version}: {row['stage']}{held}, since {since}",
        href=gates_address(ref) if name in facts.models else address_of(ref),
        look=look,
    )


def _barrier(models: Iterable[str], facts: _Facts) -> Barrier | None:
    """The one that matters most: a closed one before an open one, else the newest."""
    found = [facts.standings[model] for model in models if model in facts.standings]
    if not found:
        return None
    standing = max(found, key=lambda standing: (not standing.passed, standing.at_ms))
    verdict, words = "open", "open"
    if standing.closed:
        verdict, words = "closed", f"{len(standing.closed)} closed"
    elif standing.exempt:
        verdict, words = "exempt", f"exempt until {standing.exempt_until}"
    return Barrier(verdict=verdict, title=standing.title, words=words, says=standing.says, href=standing.href)


def _says(project: str, models: list[str], facts: _Facts, barrier: Barrier | None) -> str:
    words = []
    champions = [f"@{facts.champions[model]}" for model in models if model in facts.champions]
    if champions:
        words.append(f"{' and '.join(champions[:3])} {'is' if len(champions) == 1 else 'are'} champion")
    if barrier is not None and barrier.verdict == "closed":
        words.append(f"{barrier.title} waits")
    run = facts.runs.get(project)
    if run is not None:
        words.append(f"{count(int(run['runs']), 'run')}, the last {how_long_ago(run['last_ms'])}")
    return "; ".join(words)
