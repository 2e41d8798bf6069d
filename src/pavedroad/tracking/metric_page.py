"""One curve of a run, large, with its points; any part of it by its steps."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader
from pavedroad.record import record_behind
from pavedroad.tracking.chart_look import Choice, Look, choices, read_look
from pavedroad.tracking.curves import LARGE_PIXELS, Curve, Summary, find_summary, read_curve
from pavedroad.tracking.metrics import metric_history
from pavedroad.tracking.model import Metric
from pavedroad.tracking.store import find_run

ON_A_PAGE = 50
LAST_PAGE = 10**7
LARGEST_STEP = 2**63


class MetricPage(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    run_name: str
    key: str
    metric: Summary
    curve: Curve | None  # None for a single point
    look: Look
    choices: dict[str, list[Choice]]
    first_step: int | None  # of the part that is looked at
    last_step: int | None
    here: str
    points: list[Metric]
    page: int
    first: int  # place of the first point shown, from 1
    previous: str
    next: str
    csv: str
    json: str

    @property
    def has_part(self) -> bool:
        return self.first_step is not None or self.last_step is not None


def show_metric(request: Request) -> MetricPage:
    reader: Reader = record_behind(request).db
    query = request.query_params
    run = find_run(reader, request.path_params["run_id"])
    key = request.path_params["key"]
    metric = find_summary(reader, run.id, key)
    if metric is None:
        raise NotFound(f"run {run.id[:8]} has no metric {key!r}", hint="see what it logged on its page")
    look = read_look(query)
    first, last = read_steps(query.get("first", ""), query.get("last", ""))
    page = _page(query.get("page", "1"))
    offset = (page - 1) * ON_A_PAGE
    points = metric_history(reader, run.id, key, limit=ON_A_PAGE + 1, offset=offset)
    part = {"first": "" if first is None else str(first), "last": "" if last is None else str(last)}
    at_page = {at: look.address(metric.href, **part, page=str(at)) + "#points" for at in (page - 1, page + 1)}
    return MetricPage(
        run_id=run.id,
        run_name=run.name,
        key=key,
        metric=metric,
        curve=None
        if metric.number < 2
        else read_curve(reader, run, metric, look, pixels=LARGE_PIXELS, first=first, last=last),
        look=look,
        choices=choices(look, metric.href, **part),
        first_step=first,
        last_step=last,
        here=metric.href,
        points=points[:ON_A_PAGE],
        page=page,
        first=offset + 1,
        previous=at_page[page - 1] if offset else "",
        next=at_page[page + 1] if len(points) > ON_A_PAGE else "",
        csv=f"/runs/{run.id}/points/{segment(key)}?as=csv",
        json=f"/runs/{run.id}/points/{segment(key)}?as=json",
    )


def read_steps(first: str, last: str) -> tuple[int | None, int | None]:
    """The steps between which to look; None where nothing is said. Raises Invalid."""
    low, high = _step("first", first), _step("last", last)
    if low is not None and high is not None and low > high:
        raise Invalid(f"first={low} lies after last={high}", hint="give the smaller step first")
    return low, high


def _step(name: str, text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 20 or int(digits) >= LARGEST_STEP:
        raise Invalid(f"{name}={text[:40]!r} is no step", hint="steps are whole numbers")
    return int(text)


def _page(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:12]) <= LAST_PAGE):
        raise Invalid(f"page={text!r} is not a page", hint="pages count from 1")
    return int(text)
