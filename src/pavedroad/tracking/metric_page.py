"""One curve of a run, large, with its points."""

from __future__ import annotations

import math

import msgspec
from starlette.requests import Request

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.chart import line_chart
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader
from pavedroad.kit.svg import Svg
from pavedroad.tracking.curves import Curve, curve_of
from pavedroad.tracking.metrics import metric_history
from pavedroad.tracking.model import Metric
from pavedroad.tracking.store import find_run

ON_A_PAGE = 50
LAST_PAGE = 10**7
WIDTH, HEIGHT, DRAWN = 800, 320, 600


class MetricPage(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    run_name: str
    key: str
    last: Metric
    curve: Curve | None  # None for a single point, or when no point is finite
    points: list[Metric]
    page: int
    first: int  # place of the first point shown, from 1
    previous: str
    next: str

    @property
    def picture(self) -> Svg | None:
        if self.curve is None:
            return None
        return line_chart(
            self.curve.points,
            title=f"{self.key} {self.curve.finding}",
            x_label=self.curve.x_label,
            y_label="",
            width=WIDTH,
            height=HEIGHT,
        )

    @property
    def has_nan(self) -> bool:
        return any(math.isnan(point.value) for point in self.points)


def show_metric(request: Request) -> MetricPage:
    reader: Reader = request.app.state.record.db
    run = find_run(reader, request.path_params["run_id"])
    key = request.path_params["key"]
    last = next((metric for metric in run.metrics if metric.key == key), None)
    if last is None:
        raise NotFound(f"run {run.id[:8]} has no metric {key!r}", hint="see what it logged on its page")
    page = request.query_params.get("page", "1")
    if not (page.isascii() and page.isdecimal() and 1 <= int(page[:12]) <= LAST_PAGE):
        raise Invalid(f"page={page!r} is not a page", hint="pages count from 1")
    offset = (int(page) - 1) * ON_A_PAGE
    points = metric_history(reader, run.id, key, limit=ON_A_PAGE + 1, offset=offset)
    here = f"/runs/{run.id}/metrics/{segment(key)}?page="
    return MetricPage(
        run_id=run.id,
        run_name=run.name,
        key=key,
        last=last,
        curve=curve_of(reader, run, key, drawn=DRAWN),
        points=points[:ON_A_PAGE],
        page=int(page),
        first=offset + 1,
        previous=f"{here}{int(page) - 1}" if offset else "",
        next=f"{here}{int(page) + 1}" if len(points) > ON_A_PAGE else "",
    )
