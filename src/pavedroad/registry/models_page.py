"""The list of models, and one model with its versions side by side."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from pavedroad.catalog import Ref, find_artifact, read_facts
from pavedroad.catalog.addresses import address_of
from pavedroad.catalog.lineage import trace
from pavedroad.catalog.telling import Told, tell
from pavedroad.errors import Invalid
from pavedroad.kit.chart import decimals_for
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader, load_queries
from pavedroad.kit.text import count
from pavedroad.record import record_behind
from pavedroad.registry import store
from pavedroad.registry.model import ModelVersion, Promotion, RegisteredModel
from pavedroad.web import Elsewhere

SQL = load_queries("pavedroad.registry", "page_queries.sql")
ON_A_PAGE = 60
VERSIONS_ON_A_PAGE = 40
METRIC_COLUMNS = 5
MOVES_SHOWN, FACTS_SHOWN = 10, 8
CHAMPION = "champion"


class Action(msgspec.Struct, frozen=True):
    says: str
    command: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the gates said last, counted."""

    alias: str
    at_ms: int
    closed: int
    exempt: int

    @property
    def verdict(self) -> str:
        return "closed" if self.closed else "exempt" if self.exempt else "open"

    @property
    def words(self) -> str:
        if self.closed:
            return f"{self.closed} closed"
        return f"open, {self.exempt} exempt" if self.exempt else "all open"


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str
    owner: str
    versions: int
    latest: int  # 0 for none
    aliases: dict[str, int]
    asked: Asked | None  # about the latest version
    updated_ms: int
    href: str


class Models(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[ModelRow]
    number: int
    words: str
    next: str
    first: str


def show_models(request: Request) -> Models:
    reader: Reader = record_behind(request).db
    words, after = (request.query_params.get(key, "").strip() for key in ("q", "after"))
    rows = reader.all(SQL.models_listed, after=after, words=_like(words), limit=ON_A_PAGE + 1)
    shown, more = rows[:ON_A_PAGE], len(rows) > ON_A_PAGE
    span = {"first": shown[0]["name"], "last": shown[-1]["name"]} if shown else {"first": "", "last": ""}
    aliases: dict[str, dict[str, int]] = {}
    for row in reader.all(SQL.aliases_between, **span):
        aliases.setdefault(row["name"], {})[row["alias"]] = row["version"]
    asked = {
        row["name"]: Asked(
            alias=row["alias"], at_ms=row["at_ms"], closed=int(row["closed"]), exempt=int(row["exempt"])
        )
        for row in reader.all(SQL.asked_between, **span)
    }
    return Models(
        rows=[
            ModelRow(
                name=row["name"],
                description=row["description"],
                owner=row["owner"] or "",
                versions=int(row["versions"]),
                latest=int(row["latest"] or 0),
                aliases=aliases.get(row["name"], {}),
                asked=asked.get(row["name"]),
                updated_ms=row["updated_ms"],
                href=f"/models/{segment(row['name'])}",
            )
            for row in shown
        ],
        number=store.count_models(reader),
        words=words,
        next=f"/models?{urlencode({'q': words, 'after': shown[-1]['name']})}" if more else "",
        first=f"/models?{urlencode({'q': words})}" if after else "",
    )


def _like(words: str) -> str:
    escaped = words.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%" if words else ""


# ---------------------------------------------------------------------------------------------- one model


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    aliases: list[str]
    user: str
    created_ms: int
    run_id: str
    asked: Asked | None
    values: list[float | None]  # in the order of the metrics shown
    href: str


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    model: RegisteredModel
    href: str
    owner: str
    project: str
    verdict: str
    says: str
    metrics: list[str]
    decimals: list[int]  # of each of them
    versions: list[VersionRow]
    number_of_versions: int
    moves: list[Promotion]
    facts: list[Told]
    actions: list[Action]
    next: str
    first: str


def known_model(reader: Reader, name: str, version: str = "") -> RegisteredModel:
    """The model. Raises Elsewhere for what is only in the catalog: deleted meanwhile, or never registered."""
    ref = Ref("model", name, version)
    if store.find_model(reader, name) is None or (
        version and store.find_version(reader, name, version) is None
    ):
        if find_artifact(reader, ref) is not None or trace(reader, ref).flows:
            raise Elsewhere(address_of(ref))
        if version:
            store.get_version(reader, name, version)
    return store.get_model(reader, name)


def show_model(request: Request) -> ModelPage:
    reader: Reader = record_behind(request).db
    model = known_model(reader, request.path_params["name"])
    below = _below(request.query_params.get("below", ""))
    versions = store.list_versions(reader, model.name, below=below, limit=VERSIONS_ON_A_PAGE + 1)
    shown = versions[:VERSIONS_ON_A_PAGE]
    asked = {
        int(row["version"]): Asked(
            alias=row["alias"], at_ms=row["at_ms"], closed=int(row["closed"]), exempt=int(row["exempt"])
        )
        for row in reader.all(SQL.asked_of_model, name=model.name, below=below, limit=VERSIONS_ON_A_PAGE)
    }
    values = _metrics(reader, model.name, below, shown)
    metrics = telling_metrics(list(values.values()))
    href = f"/models/{segment(model.name)}"
    artifact = find_artifact(reader, Ref("model", model.name))
    verdict, says = _judge(model, shown, asked)
    return ModelPage(
        model=model,
        href=href,
        owner=artifact.owner if artifact else "",
        project="",
        verdict=verdict,
        says=says,
        metrics=metrics,
        decimals=[decimals_for(found.get(key) for found in values.values()) for key in metrics],
        versions=[
            VersionRow(
                version=version.version,
                aliases=version.aliases,
                user=version.user,
                created_ms=version.created_ms,
                run_id=version.run_id,
                asked=asked.get(version.version),
                values=[values.get(version.version, {}).get(key) for key in metrics],
                href=f"{href}/{version.version}",
            )
            for version in shown
        ],
        number_of_versions=store.count_versions(reader, model.name),
        moves=store.list_moves(reader, model.name, limit=MOVES_SHOWN),
        facts=[tell(fact) for fact in read_facts(reader, artifact=f"model/{model.name}", limit=FACTS_SHOWN)],
        actions=_actions(model, shown),
        next=f"{href}?below={shown[-1].version}" if len(versions) > VERSIONS_ON_A_PAGE else "",
        first=href if below < store.LARGEST else "",
    )


def telling_metrics(versions: Sequence[dict[str, float]], most: int = METRIC_COLUMNS) -> list[str]:
    """The metrics that most of the versions have, those that differ before those that are all alike."""
    often = Counter(key for values in versions for key in values if not key.startswith("system/"))
    differs = {key for key in often if len({values[key] for values in versions if key in values}) > 1}
    return sorted(often, key=lambda key: (key not in differs, -often[key], key))[:most]


def _metrics(
    reader: Reader, name: str, below: int, versions: Sequence[ModelVersion]
) -> dict[int, dict[str, float]]:
    """Of each version what its run logged, else what the pipeline run above it did."""
    if not versions:
        return {}
    values: dict[int, dict[str, float]] = {}
    for row in reader.all(SQL.metrics_of_runs, name=name, below=below, least=versions[-1].version):
        value = math.nan if row["is_nan"] else float(row["value"])
        values.setdefault(int(row["version"]), {}).setdefault(row["key"], value)
    return values


def _judge(
    model: RegisteredModel, versions: Sequence[ModelVersion], asked: dict[int, Asked]
) -> tuple[str, str]:
    """Is it all right, as a state and a sentence."""
    champion = model.aliases.get(CHAMPION)
    latest = versions[0].version if versions else 0
    if not latest:
        return "draft", "no version yet"
    last = asked.get(latest)
    if last is not None and last.closed and latest != champion:
        standing = f"; version {champion} is champion" if champion else ""
        return (
            "closed",
            f"{count(last.closed, 'gate is', 'gates are')} closed before version {latest}{standing}",
        )
    if champion:
        newer = latest - champion
        return "production", f"version {champion} is champion" + (f"; {newer} newer" if newer > 0 else "")
    return "candidate", "nobody is champion yet"


def _actions(model: RegisteredModel, versions: Sequence[ModelVersion]) -> list[Action]:
    actions = []
    champion = model.aliases.get(CHAMPION)
    quoted = shlex.quote(model.name)
    if versions and versions[0].version != champion:
        latest = shlex.quote(f"{model.name}@{versions[0].version}")
        actions.append(
            Action("Ask the gates, and promote if they are open", f"paved promote {latest} --to {CHAMPION}")
        )
    if champion:
        actions.append(Action("Serve the champion", f"paved serve {shlex.quote(f'{model.name}@{CHAMPION}')}"))
        actions.append(Action("Go back to the champion before", f"paved rollback {quoted}"))
    actions.append(Action("See it in the terminal", f"paved models {quoted}"))
    return actions


def _below(text: str) -> int:
    if not text:
        return store.LARGEST
    if not (text.isascii() and text.isdecimal()):
        raise Invalid(f"below={text!r} is not a version", hint="follow the links of the page")
    return min(int(text[:20]), store.LARGEST)
