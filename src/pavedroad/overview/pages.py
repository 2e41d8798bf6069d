"""The overview and the search as pages."""

from __future__ import annotations

from itertools import groupby

import msgspec
from starlette.requests import Request

from pavedroad.catalog import read_facts
from pavedroad.catalog.telling import Told, tell
from pavedroad.kit.svg import Svg
from pavedroad.overview.attention import Concern, read_concerns
from pavedroad.overview.lanes import SQL, Lane, read_lanes
from pavedroad.overview.road import draw_road
from pavedroad.overview.search import Hit, search
from pavedroad.record import Record, record_behind
from pavedroad.web import Page

FACTS_SHOWN, FACTS_READ = 12, 60
CONCERNS_SHOWN = 12
LANES_TOGETHER = 8  # more are grouped by owner
LANES_SHOWN = 40  # more would weigh too much for a first screen; `?lanes=all` draws them


EMPTY_LANE = Lane(
    name="your project",
    kind="project",
    owner="you",
    href="",
    says="your models will stand here, where they are on their way",
    flag="",
    markers=[],
    barrier=None,
    services=[],
    changed_ms=0,
)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    owner: str  # empty when the road is not grouped
    lanes: list[Lane]

    @property
    def picture(self) -> Svg:
        return draw_road(self.lanes, with_owner=not self.owner)


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    is_empty: bool
    lanes: list[Lane]
    lanes_left_out: int
    concerns: list[Concern]
    concerns_left_out: int
    facts: list[Told]

    @property
    def empty_road(self) -> Svg:
        """What an empty record shows: where everything will stand."""
        return draw_road([EMPTY_LANE])

    @property
    def groups(self) -> list[Group]:
        if len(self.lanes) <= LANES_TOGETHER:
            return [Group(owner="", lanes=self.lanes)] if self.lanes else []
        by_owner = groupby(sorted(self.lanes, key=_owner), key=_owner)
        return [Group(owner=owner or "Nobody's", lanes=list(lanes)) for (_, owner), lanes in by_owner]


def _owner(lane: Lane) -> tuple[bool, str]:
    """Those that belong to nobody come last."""
    return not lane.owner, lane.owner


def show_overview(request: Request) -> Overview:
    record = record_behind(request)
    lanes, concerns = read_lanes(record), read_concerns(record)
    shown = lanes if request.query_params.get("lanes") == "all" else _loudest(lanes)
    return Overview(
        is_empty=not record.db.value(SQL.is_anything),
        lanes=[lane for lane in lanes if lane in shown],
        lanes_left_out=len(lanes) - len(shown),
        concerns=concerns[:CONCERNS_SHOWN],
        concerns_left_out=max(0, len(concerns) - CONCERNS_SHOWN),
        facts=_lately(record),
    )


def _loudest(lanes: list[Lane]) -> list[Lane]:
    """Those that need a person, then those that changed last."""
    return sorted(lanes, key=lambda lane: (not lane.flag, -lane.changed_ms))[:LANES_SHOWN]


def _lately(record: Record) -> list[Told]:
    """The newest facts, without those that only say that something became known."""
    facts = [fact for fact in read_facts(record.db, limit=FACTS_READ) if fact.verb != "created"]
    return [tell(fact) for fact in facts[:FACTS_SHOWN]]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    words: str
    hits: list[Hit]


def show_search(request: Request) -> Found:
    words = request.query_params.get("q", "").strip()
    return Found(words=words, hits=search(record_behind(request).db, words))


PAGES: tuple[Page, ...] = (
    Page(path="/", template="overview/overview.html", view=show_overview),
    Page(path="/search", template="overview/search.html", view=show_search),
)
