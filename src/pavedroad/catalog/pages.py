"""Artifacts, lineage and the journal as pages."""

from __future__ import annotations

import shlex
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from pavedroad.catalog.addresses import address_of, address_of_text, gates_address
from pavedroad.catalog.journal import NEWEST, read_facts
from pavedroad.catalog.lineage import SQL, Lineage, Step, parts_of, trace
from pavedroad.catalog.model import (
    KINDS,
    STAGES,
    Artifact,
    Ref,
    check_kind,
    check_name,
    check_stage,
    find_ref,
)
from pavedroad.catalog.store import find_artifact
from pavedroad.catalog.telling import Told, tell
from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.clock import utc_iso
from pavedroad.kit.http import segment
from pavedroad.kit.layers import Arc, Node, draw_layers
from pavedroad.kit.sql import Reader
from pavedroad.kit.svg import Svg
from pavedroad.record import record_behind
from pavedroad.web import Page
from pavedroad.web.states import KIND_MARKS

ON_A_PAGE = 100
VERSIONS_SHOWN = 50
FACTS_SHOWN = 12


class Action(msgspec.Struct, frozen=True):
    says: str
    command: str


# ---------------------------------------------------------------------------------------------- artifacts


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    name: str
    owner: str
    description: str
    stage: str
    versions: int
    updated_ms: int

    @property
    def href(self) -> str:
        return address_of(Ref(self.kind, self.name))


class KindCount(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    number: int
    href: str


class Artifacts(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Listed]
    kinds: list[KindCount]
    owners: list[str]
    stages: tuple[str, ...]
    number: int
    kind: str
    owner: str
    stage: str
    words: str
    next: str  # address of the next page; empty on the last one
    first: str  # address of the first page; empty when this is it


def show_artifacts(request: Request) -> Artifacts:
    reader: Reader = record_behind(request).db
    asked = {
        key: request.query_params.get(key, "").strip() for key in ("kind", "owner", "stage", "q", "after")
    }
    if asked["kind"]:
        check_kind(asked["kind"])
    if asked["stage"]:
        check_stage(asked["stage"])
    after_kind, _, after_name = asked["after"].partition("/")
    rows = reader.all(
        SQL.listed,
        kind=asked["kind"],
        owner=asked["owner"],
        stage=asked["stage"],
        words=like(asked["q"]),
        after_kind=after_kind,
        after_name=after_name,
        limit=ON_A_PAGE + 1,
    )
    listed = [Listed(**{**dict(row), "versions": int(row["versions"])}) for row in rows]
    last = listed[ON_A_PAGE - 1] if len(listed) > ON_A_PAGE else None
    counts = [(row["kind"], int(row["number"])) for row in reader.all(SQL.kinds)]
    return Artifacts(
        rows=listed[:ON_A_PAGE],
        kinds=[
            KindCount(kind=kind, number=number, href=_list_address({**asked, "kind": kind, "after": ""}))
            for kind, number in sorted(counts, key=lambda count: KINDS.index(count[0]))
        ],
        owners=[row["owner"] for row in reader.all(SQL.owners)],
        stages=STAGES,
        number=sum(number for _, number in counts),
        kind=asked["kind"],
        owner=asked["owner"],
        stage=asked["stage"],
        words=asked["q"],
        next=_list_address({**asked, "after": f"{last.kind}/{last.name}"}) if last else "",
        first=_list_address({**asked, "after": ""}) if asked["after"] else "",
    )


def like(words: str) -> str:
    """A LIKE pattern (escape `!`) that finds `words` anywhere in lower case; empty for no words."""
    escaped = words.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%" if words else ""


def _list_address(asked: dict[str, str]) -> str:
    query = urlencode({key: value for key, value in asked.items() if value})
    return f"/artifacts?{query}" if query else "/artifacts"


# ---------------------------------------------------------------------------------------------- one artifact


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    stage: str
    created_ms: int
    href: str


class Noun(msgspec.Struct, frozen=True):
    text: str
    href: str


class ArtifactPage(msgspec.Struct, frozen=True, kw_only=True):
    artifact: Artifact
    href: str  # of the artifact without version
    gates: str  # address of the page with the gates; empty for what has none
    versions: list[VersionRow]
    number_of_versions: int
    lineage: Lineage
    whole: list[Noun]
    parts: list[Noun]
    facts: list[Told]
    actions: list[Action]

    @property
    def picture(self) -> Svg | None:
        return draw_lineage(self.lineage, f"Lineage of {self.artifact.ref}") if self.lineage.flows else None


def show_artifact(request: Request) -> ArtifactPage:
    reader: Reader = record_behind(request).db
    ref = _asked_ref(request)
    artifact, lineage = find_artifact(reader, ref), trace(reader, ref)
    versions = reader.all(SQL.versions, kind=ref.kind, name=ref.name, limit=VERSIONS_SHOWN)
    if artifact is None:
        if not lineage.flows and (ref.version or not versions):
            raise NotFound(f"no artifact {str(ref)!r} on the record", hint="look for it with the search")
        # Only its versions, or what made it, are known.
        since = [row["created_ms"] for row in versions]
        artifact = Artifact(ref=ref, created_ms=min(since, default=0), updated_ms=max(since, default=0))
    whole, parts = parts_of(reader, ref)
    return ArtifactPage(
        artifact=artifact,
        href=address_of(ref.unversioned),
        gates=gates_address(ref),
        versions=[
            VersionRow(
                version=row["version"],
                stage=row["stage"],
                created_ms=row["created_ms"],
                href=address_of(Ref(ref.kind, ref.name, row["version"])),
            )
            for row in versions
        ]
        if not ref.version
        else [],
        number_of_versions=int(reader.value(SQL.count_versions, kind=ref.kind, name=ref.name)),
        lineage=lineage,
        whole=[Noun(text, address_of_text(text)) for text in whole],
        parts=[Noun(text, address_of_text(text)) for text in parts],
        facts=[tell(fact) for fact in read_facts(reader, artifact=str(ref), limit=FACTS_SHOWN)],
        actions=_actions(artifact),
    )


def _asked_ref(request: Request) -> Ref:
    asked = request.path_params
    kind = check_kind(asked["kind"])
    name, version = check_name(asked["name"]), asked.get("version", "")
    return Ref(kind, name, check_name(version) if version else "")


def _actions(artifact: Artifact) -> list[Action]:
    ref = shlex.quote(str(artifact.ref))
    actions = []
    if not artifact.owner and not artifact.ref.version:
        actions.append(Action("Give it an owner", f"paved own {ref} NAME"))
    if artifact.ref.kind == "model":
        named = artifact.ref.name + (f"@{artifact.ref.version}" if artifact.ref.version else "")
        actions.append(Action("See its gates", f"paved models {shlex.quote(named)}"))
    else:
        later = [stage for stage in STAGES if STAGES.index(stage) > STAGES.index(artifact.stage)]
        if later:
            actions.append(Action("Move it along the road", f"paved stage {ref} {later[0]}"))
    actions.append(Action("Tell where it came from", f"paved lineage {ref}"))
    if artifact.owner and not artifact.ref.version:
        actions.append(Action("Hand it over", f"paved own {ref} NAME"))
    return actions


# ---------------------------------------------------------------------------------------------- lineage


def draw_lineage(lineage: Lineage, title: str) -> Svg:
    nodes = [_node(step, is_focus=step.key in lineage.focus) for step in lineage.steps]
    return draw_layers(
        nodes, [Arc(source=flow.source, target=flow.target) for flow in lineage.flows], title=title
    )


def _node(step: Step, *, is_focus: bool) -> Node:
    ref = find_ref(step.artifact)
    kind = ref.kind if ref else step.artifact.partition("/")[0]
    name = ref.name if ref else step.artifact.partition("/")[2]
    note = kind
    if ref and ref.version:
        note = f"{kind} @{ref.version[:8]}"
    elif step.run_id:
        note = f"run {step.run_id[:8]}"
    return Node(
        key=step.key,
        label=name,
        note=note,
        mark=KIND_MARKS.get(kind, "ring"),
        href=f"/runs/{segment(step.run_id)}" if step.run_id else (address_of(ref) if ref else ""),
        title=step.artifact + (f" in run {step.run_id}" if step.run_id else ""),
        is_focus=is_focus,
    )


# ---------------------------------------------------------------------------------------------- journal


class Day(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # "2026-11-24", UTC
    facts: list[Told]


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    facts: list[Told]
    verbs: list[str]
    people: list[str]
    artifact: str
    verb: str
    who: str
    run: str
    next: str
    first: str

    @property
    def days(self) -> list[Day]:
        days = groupby(self.facts, key=lambda told: utc_iso(told.at_ms)[:10])
        return [Day(name=name, facts=list(facts)) for name, facts in days]


def show_journal(request: Request) -> Journal:
    reader: Reader = record_behind(request).db
    asked = {
        key: request.query_params.get(key, "").strip() for key in ("artifact", "verb", "who", "run", "before")
    }
    facts = read_facts(
        reader,
        artifact=asked["artifact"],
        verb=asked["verb"],
        who=asked["who"],
        run_id=asked["run"],
        before=_number(asked["before"], NEWEST),
        limit=ON_A_PAGE + 1,
    )
    following = facts[ON_A_PAGE - 1].seq if len(facts) > ON_A_PAGE else 0
    return Journal(
        facts=[tell(fact) for fact in facts[:ON_A_PAGE]],
        verbs=[row["verb"] for row in reader.all(SQL.verbs)],
        people=[row["who"] for row in reader.all(SQL.people)],
        artifact=asked["artifact"],
        verb=asked["verb"],
        who=asked["who"],
        run=asked["run"],
        next=_journal_address({**asked, "before": str(following)}) if following else "",
        first=_journal_address({**asked, "before": ""}) if asked["before"] else "",
    )


def _journal_address(asked: dict[str, Any]) -> str:
    query = urlencode({key: value for key, value in asked.items() if value})
    return f"/journal?{query}" if query else "/journal"


def _number(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal()):
        raise Invalid(f"before={text!r} is not a number", hint="follow the links of the page")
    return min(int(text[:20]), NEWEST)


PAGES: tuple[Page, ...] = (
    Page(path="/artifacts", template="catalog/artifacts.html", view=show_artifacts),
    Page(path="/artifacts/{kind}/{name}", template="catalog/artifact.html", view=show_artifact),
    Page(path="/artifacts/{kind}/{name}/{version}", template="catalog/artifact.html", view=show_artifact),
    Page(path="/journal", template="catalog/journal.html", view=show_journal),
)
