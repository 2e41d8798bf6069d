"""Advisories as pages: whom each one concerns, since when, and how the number goes down."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from starlette.requests import Request

from pavedroad.advisories.matching import EXPOSED, LOCKED_SAFE, NOT_FOUND
from pavedroad.advisories.store import SQL, Affected, Published, cases_of, known_advisories
from pavedroad.catalog import Ref
from pavedroad.catalog.addresses import address_of
from pavedroad.errors import NotFound, did_you_mean
from pavedroad.kit.chart import Point, Series, draw
from pavedroad.kit.svg import Svg
from pavedroad.kit.text import count
from pavedroad.record import record_behind
from pavedroad.web import Page

DAY_MS = 86_400_000
SHOWN = 200


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    package: str
    title: str
    effect: str
    exposed: int
    locked_safe: int
    in_range: int
    since_ms: int
    published_ms: int
    until: str

    @property
    def href(self) -> str:
        return f"/advisories/{self.id}"


class Advisories(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Listed]
    number: int
    concerning: int  # advisories to which some project is exposed
    projects: int
    show: str  # all, or empty for those that concern a project or were published here


class Row(msgspec.Struct, frozen=True, kw_only=True):
    project: str
    href: str
    owner: str
    effect: str
    decided: str
    uses: int
    places: tuple[str, ...]
    since_ms: int
    cleared_ms: int


class AdvisoryPage(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    package: str
    title: str
    effect: str
    broken: str
    warns: str
    guidance: str
    source: str
    until: str
    published_ms: int
    who: str
    exposed: list[Row]
    locked_safe: list[Row]
    in_range: list[Row]
    moved: list[Row]
    burn_down: list[tuple[int, int]]  # time in ms, projects exposed from then on
    days_left: int | None

    @property
    def says(self) -> str:
        if self.exposed:
            verb = "is" if len(self.exposed) == 1 else "are"
            return f"{count(len(self.exposed), 'project')} {verb} exposed."
        return "No project is exposed any more." if self.moved else "No project is exposed."

    @property
    def picture(self) -> Svg | None:
        if len(self.burn_down) < 2:
            return None
        most = max(number for _, number in self.burn_down)
        now = self.burn_down[-1][1]
        title = f"From {most} exposed {'project' if most == 1 else 'projects'} to {now}"
        points = [Point(float(at), float(number)) for at, number in _steps(self.burn_down)]
        # Zero is where it should end, so it is on the picture from the start.
        zero = [Point(points[0].x, 0.0), Point(points[-1].x, 0.0)]
        return draw(
            [
                Series(points=zero, dots=False, class_="curve faint"),
                Series(points=points, dots=False),
            ],
            title=title,
            x_label="time",
            y_label="projects",
            clock=True,
        )


def _steps(burn_down: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A number holds until the next one."""
    points: list[tuple[int, int]] = []
    for at, number in burn_down:
        if points:
            points.append((at, points[-1][1]))
        points.append((at, number))
    return points


def show_advisories(request: Request) -> Advisories:
    reader = record_behind(request).db
    show = "all" if request.query_params.get("show") == "all" else ""
    known = known_advisories(reader)
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for row in reader.all(SQL.counts):
        counts.setdefault(row["advisory"], {})[row["state"]] = (int(row["number"]), int(row["since_ms"]))
    rows = [_listed(published, counts.get(id_, {})) for id_, published in known.items()]
    shown = [row for row in rows if show or row.exposed or row.locked_safe or row.published_ms]
    return Advisories(
        rows=sorted(shown, key=lambda row: (-row.exposed, -row.locked_safe, row.id)),
        number=len(rows),
        concerning=sum(row.exposed > 0 for row in rows),
        projects=int(reader.value(SQL.count_projects)),
        show=show,
    )


def _listed(published: Published, counts: dict[str, tuple[int, int]]) -> Listed:
    advisory = published.advisory
    exposed, since = counts.get(EXPOSED, (0, 0))
    return Listed(
        id=advisory.id,
        package=advisory.package,
        title=advisory.title,
        effect=advisory.effect,
        exposed=exposed,
        locked_safe=counts.get(LOCKED_SAFE, (0, 0))[0],
        in_range=counts.get(NOT_FOUND, (0, 0))[0],
        since_ms=since,
        published_ms=published.published_ms,
        until=advisory.until.isoformat() if advisory.until else "",
    )


def show_advisory(request: Request) -> AdvisoryPage:
    reader = record_behind(request).db
    id_ = request.path_params["id"]
    known = known_advisories(reader)
    if id_ not in known:
        raise NotFound(f"no advisory {id_!r}", hint=did_you_mean(id_, known))
    published = known[id_]
    advisory, cases = published.advisory, cases_of(reader, id_)
    now = datetime.now(UTC)
    return AdvisoryPage(
        id=advisory.id,
        package=advisory.package,
        title=advisory.title,
        effect=advisory.effect,
        broken=advisory.broken,
        warns=advisory.warns,
        guidance=advisory.guidance,
        source=advisory.source,
        until=advisory.until.isoformat() if advisory.until else "",
        published_ms=published.published_ms,
        who=published.who,
        exposed=_rows(cases, EXPOSED),
        locked_safe=_rows(cases, LOCKED_SAFE, still=True),
        in_range=_rows(cases, NOT_FOUND, still=True),
        moved=[_row(case) for case in cases if case.cleared_ms],
        burn_down=burn_down(cases, int(now.timestamp() * 1000)),
        days_left=(advisory.until - now.date()).days if advisory.until else None,
    )


def _rows(cases: list[Affected], state: str, *, still: bool = False) -> list[Row]:
    return [_row(case) for case in cases if case.state == state and not (still and case.cleared_ms)]


def _row(case: Affected) -> Row:
    return Row(
        project=case.project,
        href=address_of(Ref("project", case.project)),
        owner=case.owner,
        effect=case.effect,
        decided=case.decided,
        uses=case.uses,
        places=case.places,
        since_ms=case.since_ms,
        cleared_ms=case.cleared_ms,
    )


def burn_down(cases: list[Affected], now_ms: int) -> list[tuple[int, int]]:
    """How many projects were exposed from each moment on at which that changed, and now."""
    changes: dict[int, int] = {}
    for case in cases:
        if case.since_ms:
            changes[case.since_ms] = changes.get(case.since_ms, 0) + 1
        if case.cleared_ms:
            changes[case.cleared_ms] = changes.get(case.cleared_ms, 0) - 1
    number, found = 0, []
    for at in sorted(changes):
        number += changes[at]
        found.append((at, number))
    return [*found, (max(now_ms, found[-1][0]), number)] if found else []


PAGES = (
    Page(path="/advisories", template="advisories/advisories.html", view=show_advisories),
    Page(path="/advisories/{id}", template="advisories/advisory.html", view=show_advisory),
)
