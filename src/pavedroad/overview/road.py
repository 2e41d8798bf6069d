"""The road: lanes of projects, kilometre stones for stages, gates as barriers, live services at the right."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pavedroad.kit import svg
from pavedroad.kit.svg import Svg
from pavedroad.overview.lanes import STATIONS, Barrier, Lane, LiveService, Marker
from pavedroad.web.states import KIND_MARKS, state_of

WIDTH = 1232.0
LEFT = 224.0  # where the tar begins
ROOM_FOR_SERVICES = 222.0  # at the right, when something is served
HEAD, LANE = 34.0, 74.0
MIDDLE = 26.0  # of the tar, below the top of its lane
TAR = 28.0
GAP, MOST_MARKERS = 26.0, 5
SERVICE_STATES = {"live": "production", "elsewhere": "production", "gone": "attention", "stopped": "retired"}


class Plan(msgspec.Struct, frozen=True):
    """Where things stand from left to right."""

    right: float  # where the tar ends

    @property
    def column(self) -> float:
        return (self.right - LEFT) / len(STATIONS)

    @property
    def gate(self) -> float:
        """Between candidate and production."""
        return LEFT + 3 * self.column - 4

    def start(self, at: int) -> float:
        return LEFT + at * self.column


def draw_road(lanes: Sequence[Lane]) -> Svg:
    height = HEAD + LANE * len(lanes)
    plan = Plan(WIDTH - (ROOM_FOR_SERVICES if any(lane.services for lane in lanes) else 0))
    return svg.picture(
        *_stones(plan),
        *(_lane(lane, HEAD + at * LANE, plan) for at, lane in enumerate(lanes)),
        width=WIDTH,
        height=height,
        title="The road from draft to production",
        description="; ".join(f"{lane.name}: {lane.says or 'no version yet'}" for lane in lanes),
        class_="road",
    )


def _stones(plan: Plan) -> list[Svg]:
    """A kilometre stone over each column."""
    parts = []
    for at, stage in enumerate(STATIONS):
        x = plan.start(at) + 10
        parts.append(svg.element("path", d=f"M{svg.number(x)} 20v-9a4 4 0 0 1 8 0v9z", class_="stone"))
        parts.append(svg.text(x + 14, 20, stage, class_="stage"))
    if plan.right < WIDTH:
        parts.append(svg.text(plan.right + 24, 20, "live", class_="stage"))
    return parts


def _lane(lane: Lane, top: float, plan: Plan) -> Svg:
    y = top + MIDDLE
    parts = [*_tar(y, plan), _label(lane, top)]
    for at, stage in enumerate(STATIONS):
        parts.append(_station(lane.at(stage), plan.start(at), y, plan))
    if lane.barrier is not None:
        parts.append(_barrier(lane.barrier, y, plan))
    for at, service in enumerate(lane.services):
        parts.append(_service(service, y + (at - (len(lane.services) - 1) / 2) * 22, plan))
    if lane.says:
        room = (plan.gate if lane.barrier is not None else plan.right) - LEFT - 20
        parts.append(svg.text(LEFT + 10, y + 33, svg.fitted(lane.says, room, 12.5), class_="small status"))
    return svg.group(*parts, class_="lane")


def _tar(y: float, plan: Plan) -> list[Svg]:
    worn, top = plan.start(4), y - TAR / 2  # behind production the road is no longer kept
    return [
        svg.element("rect", x=LEFT, y=top, width=worn - LEFT, height=TAR, class_="tar"),
        svg.element("rect", x=worn, y=top, width=plan.column, height=TAR, class_="worn"),
        svg.line(LEFT + 8, y, worn - 8, y, class_="paint"),
        *(svg.line(plan.start(at), top, plan.start(at), top + TAR, class_="joint") for at in (1, 2, 3, 4)),
    ]


def _label(lane: Lane, top: float) -> Svg:
    flag = svg.mark_at("flag", 200, top + MIDDLE, class_="mark bad", scale=1.2) if lane.flag else Svg("")
    return Svg(
        svg.link(
            lane.href,
            svg.text(0, top + MIDDLE - 2, svg.fitted(lane.name, 184, 15), class_="project"),
            svg.text(
                0,
                top + MIDDLE + 16,
                svg.fitted(lane.owner or "nobody's", 184, 12.5),
                class_="owner" if lane.owner else "owner none",
            ),
            svg.element("title", f"{lane.kind} {lane.name}" + (f": {lane.flag}" if lane.flag else "")),
        )
        + flag
    )


def _station(markers: Sequence[Marker], x: float, y: float, plan: Plan) -> Svg:
    """The newest of what stands here, oldest at the left, and how many more there are."""
    shown = markers[-MOST_MARKERS:] if len(markers) > MOST_MARKERS else markers
    parts = [_marker(marker, x + 20 + at * GAP, y, plan) for at, marker in enumerate(shown)]
    if len(markers) > len(shown):
        more = f"+{len(markers) - len(shown)}"
        parts.append(svg.text(x + 14 + len(shown) * GAP, y + 4, more, class_="small"))
    return Svg("".join(parts))


def _marker(marker: Marker, x: float, y: float, plan: Plan) -> Svg:
    if marker.look == "thing":
        shape = svg.mark_at(KIND_MARKS.get(marker.kind, "ring"), x, y, scale=1.3)
        body, class_ = shape, "tells thing"
    else:
        radius = 10 if len(marker.text) < 3 else 12
        body = Svg(svg.element("circle", cx=x, cy=y, r=radius) + svg.text(x, y + 4, marker.text[:3]))
        class_ = f"tells pin {marker.look}"
    return svg.link(marker.href, body, _told(marker.says, y, plan), class_=class_)


def _barrier(barrier: Barrier, y: float, plan: Plan) -> Svg:
    """Seen from above: across the lane when closed, beside it when open."""
    state = state_of(barrier.verdict)
    gate = plan.gate
    foot, top = y + TAR / 2 + 7, y - TAR / 2 - 7
    post = svg.element("circle", cx=gate, cy=foot, r=4.5, class_="post")
    if barrier.verdict == "open":
        parts = [svg.line(gate, foot, gate + 34, foot, class_="boom")]
    else:
        parts = [
            svg.line(gate, foot, gate, top, class_="boom"),
            svg.line(gate, foot - 8, gate, top + 2, class_="stripes"),
        ]
    if barrier.verdict == "exempt":
        parts.append(svg.mark_at(state.mark, gate, y, class_=f"mark {state.tone}", scale=1.6))
    room = 42 if barrier.verdict == "open" else 14
    word = svg.text(gate + room, foot + 5, barrier.words, class_=f"word {state.tone}")
    return svg.link(
        barrier.href, *parts, post, word, _told(barrier.says, y, plan), class_=f"tells {state.tone}"
    )


def _service(service: LiveService, y: float, plan: Plan) -> Svg:
    state = state_of(SERVICE_STATES.get(service.state, service.state))
    words = ", ".join(filter(None, (f"{service.name}@{service.version}", service.note)))
    note = "" if service.state == "live" else f" {service.state}"
    return svg.link(
        service.href,
        svg.mark_at(state.mark, plan.right + 30, y, class_=f"mark {state.tone}"),
        svg.text(
            plan.right + 42, y + 4, svg.fitted(words + note, ROOM_FOR_SERVICES - 46, 12.5), class_="live"
        ),
        svg.element("title", f"service {service.name} serves version {service.version}: {service.state}"),
    )


def _told(says: str, y: float, plan: Plan) -> Svg:
    """The one fact that hover and focus show, in the place of the lane's sentence."""
    return svg.text(LEFT + 10, y + 33, svg.fitted(says, plan.gate - LEFT - 20, 12.5), class_="tell")
