"""The metrics of a run as its page shows them: single values as figures, the rest as curves in groups.

Two hundred curves are not drawn at once: groups (what stands before the first slash) are folded, and the open
one is paged. What MLflow samples of the machine stands apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pavedroad.errors import Invalid, NotFound, did_you_mean
from pavedroad.kit.sql import Reader
from pavedroad.tracking.chart_look import Choice, Look, choices, read_look
from pavedroad.tracking.curves import SYSTEM, Curve, Group, Summary, grouped, read_curve, summaries
from pavedroad.tracking.model import Run

CURVES_SHOWN = 12
TABLE_SHOWN = 40
NO_PREFIX = "."  # in the address; no metric may be named so


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """A group of curves, drawn or not."""

    prefix: str
    name: str
    number: int
    is_open: bool
    href: str  # the page with this group open
    loads: str  # only its curves, for the page's script

    @property
    def anchor(self) -> str:
        return "curves-" + "".join(letter if letter.isalnum() else "-" for letter in self.prefix or "none")


class RunMetrics(msgspec.Struct, frozen=True, kw_only=True):
    figures: list[Group]  # of one value each
    groups: list[Folded]  # empty when all curves are drawn
    machine: Folded | None
    curves: list[Curve]  # those drawn
    first: int  # place of the first curve drawn, from 1
    number: int  # of curves in the open group
    previous: str
    next: str
    table: list[Summary]  # of the metrics with curves
    tracked: int  # how many of these there are
    look: Look
    choices: dict[str, list[Choice]]

    @property
    def has_any(self) -> bool:
        return bool(self.figures or self.table or self.machine)

    @property
    def figures_number(self) -> int:
        return sum(len(group.metrics) for group in self.figures)


def run_metrics(reader: Reader, run: Run, query: Mapping[str, str]) -> RunMetrics:
    """Raises Invalid, and NotFound for a group that the run has not."""
    look, here = read_look(query), f"/runs/{run.id}"
    every = summaries(reader, run.id)
    tracked = [metric for metric in every if metric.number > 1 and metric.prefix != SYSTEM]
    machine = [metric for metric in every if metric.prefix == SYSTEM]
    groups = grouped(tracked)
    by_name = {group.prefix or NO_PREFIX: group.metrics for group in groups}
    asked = query.get("group", "")
    if asked and asked not in by_name and not (asked == SYSTEM and machine):
        raise NotFound(f"run {run.id[:8]} has no curves {asked!r}", hint=did_you_mean(asked, by_name))
    fits = len(tracked) <= CURVES_SHOWN
    opened = asked or ("" if fits else next(iter(by_name)))
    chosen = machine if asked == SYSTEM else by_name[opened] if opened else tracked
    page = _page(query.get("curves", "1"), len(chosen))
    start = (page - 1) * CURVES_SHOWN
    shown = chosen[start : start + CURVES_SHOWN]

    def at(number: int) -> str:
        return look.address(here, group=opened, curves=str(number)) + "#curves"

    return RunMetrics(
        figures=grouped([metric for metric in every if metric.number <= 1 and metric.prefix != SYSTEM]),
        groups=[] if fits and not asked else [_folded(group, opened, look, here) for group in groups],
        machine=_folded(Group(prefix=SYSTEM, metrics=machine), asked, look, here) if machine else None,
        curves=[read_curve(reader, run, metric, look) for metric in shown],
        first=start + 1,
        number=len(chosen),
        previous=at(page - 1) if page > 1 else "",
        next=at(page + 1) if start + CURVES_SHOWN < len(chosen) else "",
        table=tracked[:TABLE_SHOWN],
        tracked=len(tracked),
        look=look,
        choices=choices(look, here, "#curves", group=asked, curves=query.get("curves", "")),
    )


def _folded(group: Group, opened: str, look: Look, here: str) -> Folded:
    name = group.prefix or NO_PREFIX
    return Folded(
        prefix=group.prefix,
        name=group.name,
        number=len(group.metrics),
        is_open=name == opened,
        href=look.address(here, group=name) + "#curves",
        loads=look.address(here, group=name, part="group"),
    )


def _page(text: str, number: int) -> int:
    last = max(1, -(-number // CURVES_SHOWN))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= last):
        raise Invalid(f"curves={text[:20]!r} is no page of them", hint=f"pages count from 1 to {last}")
    return int(text)
