"""The road: lanes of projects, kilometre stones for stages, gates as barriers, live services at the right.

Many lanes are drawn into one page, so a lane is written short: it is moved as a whole, what all lanes have in
common is defined once, and the style sheet places what always stands at the same place.
"""

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
HEAD, LANE, CLOSE_LANE, MIDDLE = 34.0, 74.0, 60.0, 26.0
TAR = 28.0
GAP = 26.0  # between markers
MOST_MARKERS = {"draft": 4, "experiment": 4, "candidate": 3, "production": 3, "retired": 2}
SERVICE_STATES = {"live": "production", "elsewhere": "production", "gone": "attention", "stopped": "retired"}
SMALL = 12.5  # px, as the style sheet has it


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
        return round(LEFT + at * self.column)


def draw_road(lanes: Sequence[Lane], *, with_owner: bool = True) -> Svg:
    """`with_owner=False` draws lanes closer: their owner stands above the picture already."""
    height = LANE if with_owner else CLOSE_LANE
    plan = Plan(WIDTH - (ROOM_FOR_SERVICES if any(lane.services for lane in lanes) else 0))
    name = f"tar-{plan.right:.0f}"
    return svg.picture(
        svg.element("defs", svg.group(*_tar(plan), id=name)),
        *_stones(plan),
        *(_lane(lane, HEAD + MIDDLE + at * height, plan, name, with_owner) for at, lane in enumerate(lanes)),
        width=WIDTH,
        height=HEAD + height * len(lanes),
        title="The road from draft to production",
        class_="road",
    )


def _tar(plan: Plan) -> list[Svg]:
    worn, top = plan.start(4), -TAR / 2  # behind production the road is no longer kept
    joints = "".join(f"M{plan.start(at):g} {top:g}v{TAR:g}" for at in (1, 2, 3, 4))
    return [
        svg.element("rect", x=LEFT, y=top, width=worn - LEFT, height=TAR, class_="road-tar"),
        svg.element("rect", x=worn, y=top, width=plan.right - worn, height=TAR, class_="road-worn"),
        svg.element("path", d=f"M{LEFT + 8:g} 0H{worn - 8:g}", class_="road-paint"),
        svg.element("path", d=joints, class_="road-joint"),
    ]


def _stones(plan: Plan) -> list[Svg]:
    """A kilometre stone over each column."""
    parts = []
    for at, stage in enumerate(STATIONS):
        x = plan.start(at) + 10
        parts.append(svg.element("path", d=f"M{x:g} 20v-9a4 4 0 0 1 8 0v9z", class_="stone"))
        parts.append(svg.text(x + 14, 20, stage, class_="stage"))
    if plan.right < WIDTH:
        parts.append(svg.text(plan.right + 24, 20, "live", class_="stage"))
    return parts


def _lane(lane: Lane, middle: float, plan: Plan, tar: str, with_owner: bool) -> Svg:
    parts = [svg.element("use", href=f"#{tar}"), _label(lane, with_owner)]
    for at, stage in enumerate(STATIONS):
        parts.append(_station(stage, lane.at(stage), plan.start(at), plan))
    if lane.barrier is not None:
        parts.append(_barrier(lane.barrier, plan))
    for at, service in enumerate(lane.services):
        parts.append(_service(service, (at - (len(lane.services) - 1) / 2) * 22, plan))
    if lane.says:
        room = (plan.gate if lane.barrier is not None else plan.right) - LEFT - 20
        parts.append(svg.element("text", svg.fitted(lane.says, room, SMALL), class_="status"))
    return svg.group(*parts, class_="lane", transform=f"translate(0 {middle:g})")


def _label(lane: Lane, with_owner: bool) -> Svg:
    parts = [svg.element("text", svg.fitted(lane.name, 184, 15), class_="project")]
    if with_owner:
        owner = svg.fitted(lane.owner or "nobody's", 184, SMALL)
        parts.append(svg.element("text", owner, class_="owner" if lane.owner else "owner none"))
    if lane.flag:
        parts += [svg.element("title", lane.flag), svg.mark_at("flag", 200, 0, class_="mark bad")]
    return svg.link(lane.href, *parts) if lane.href else svg.group(*parts)


def _station(stage: str, markers: Sequence[Marker], x: float, plan: Plan) -> Svg:
    """The newest of what stands here, oldest at the left, behind how many more there are."""
    shown = markers[-MOST_MARKERS[stage] :]
    parts = []
    if len(markers) > len(shown):
        parts.append(svg.text(x + 8, 4, f"+{len(markers) - len(shown)}", class_="small"))
        x += 22
    parts += [_marker(marker, x + 20 + at * GAP, plan) for at, marker in enumerate(shown)]
    return Svg("".join(parts))


def _marker(marker: Marker, x: float, plan: Plan) -> Svg:
    if marker.look == "thing":
        body = svg.mark_at(KIND_MARKS.get(marker.kind, "ring"), x, 0, scale=1.3)
        return svg.link(marker.href, body, _told(marker.says, plan), class_="tells")
    circle = svg.element("circle", cx=x, r=10 if len(marker.text) < 3 else 12)
    number = svg.element("text", marker.text[:3], x=x)
    return svg.link(marker.href, circle, number, _told(marker.says, plan), class_=f"tells pin {marker.look}")


def _barrier(barrier: Barrier, plan: Plan) -> Svg:
    """Seen from above: across the lane when closed, beside it when open."""
    state = state_of(barrier.verdict)
    gate, foot = round(plan.gate), TAR / 2 + 7
    if barrier.verdict == "open":
        parts = [svg.element("path", d=f"M{gate} {foot:g}h34", class_="boom")]
    else:
        parts = [
            svg.element("path", d=f"M{gate} {foot:g}V{-foot:g}", class_="boom"),
            svg.element("path", d=f"M{gate} {foot - 8:g}V{2 - foot:g}", class_="stripes"),
        ]
    if barrier.verdict == "exempt":
        parts.append(svg.mark_at(state.mark, gate, 0, class_=f"mark {state.tone}", scale=1.6))
    room = 42 if barrier.verdict == "open" else 14
    return svg.link(
        barrier.href,
        *parts,
        svg.element("circle", cx=gate, cy=foot, r=4.5),
        svg.text(gate + room, foot + 5, barrier.words, class_=f"word {state.tone}"),
        _told(barrier.says, plan),
        class_=f"tells gate {state.tone}",
    )


def _service(service: LiveService, y: float, plan: Plan) -> Svg:
    state = state_of(SERVICE_STATES.get(service.state, service.state))
    words = ", ".join(filter(None, (f"{service.name}@{service.version}", service.note)))
    note = "" if service.state == "live" else f" {service.state}"
    return svg.link(
        service.href,
        svg.mark_at(state.mark, plan.right + 30, y, class_=f"mark {state.tone}"),
        svg.text(
            plan.right + 42, y + 4, svg.fitted(words + note, ROOM_FOR_SERVICES - 46, SMALL), class_="live"
        ),
        svg.element("title", f"service {service.name} serves version {service.version}: {service.state}"),
    )


def _told(says: str, plan: Plan) -> Svg:
    """The one fact that hover and focus show, in the place of the lane's sentence."""
    return svg.element("text", svg.fitted(says, plan.gate - LEFT - 20, SMALL), class_="tell")
