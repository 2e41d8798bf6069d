"""What a server counts, and the OpenMetrics text it answers with."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Counters:
    """One server's numbers since it started. Touched by the event loop only, so nothing locks."""

    def __init__(self, *, model: str, version: str, started_s: float) -> None:
        self.model = model
        self.version = version
        self.started_s = started_s
        self.requests: Counter[tuple[str, int]] = Counter()  # by route and status
        self.rows = 0
        self.in_flight = 0
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    @property
    def answered(self) -> int:
        return sum(self.requests.values())

    @property
    def failed(self) -> int:
        return sum(number for (_, status), number in self.requests.items() if status >= 400)

    def count(self, route: str, status: int, seconds: float, *, is_prediction: bool) -> None:
        self.requests[route, status] += 1
        if is_prediction:
            self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds += seconds

    def text(self) -> str:
        """OpenMetrics 1.0. Errors are counted twice on purpose: by status, and as one number to alert on."""
        lines = [
            "# HELP paved_serving_model Which model version this server answers with.",
            "# TYPE paved_serving_model info",
            f"paved_serving_model_info{_labels(model=self.model, version=self.version)} 1",
            "# HELP paved_serving_requests Requests answered.",
            "# TYPE paved_serving_requests counter",
        ]
        for (route, status), number in sorted(self.requests.items()):
            lines.append(f"paved_serving_requests_total{_labels(route=route, status=str(status))} {number}")
        lines += [
            "# HELP paved_serving_errors Requests answered with a status of 400 or more.",
            "# TYPE paved_serving_errors counter",
            f"paved_serving_errors_total {self.failed}",
            "# HELP paved_serving_rows Rows predicted.",
            "# TYPE paved_serving_rows counter",
            f"paved_serving_rows_total {self.rows}",
            "# HELP paved_serving_in_flight Requests being answered now.",
            "# TYPE paved_serving_in_flight gauge",
            f"paved_serving_in_flight {self.in_flight}",
            "# HELP paved_serving_start_time_seconds When the server became ready, since 1970.",
            "# TYPE paved_serving_start_time_seconds gauge",
            "# UNIT paved_serving_start_time_seconds seconds",
            f"paved_serving_start_time_seconds {self.started_s:.3f}",
            "# HELP paved_serving_latency_seconds Time from the request's first byte to the answer's last.",
            "# TYPE paved_serving_latency_seconds histogram",
            "# UNIT paved_serving_latency_seconds seconds",
        ]
        totals = list(accumulate(self._buckets))
        for bound, total in zip([*map(str, BUCKETS_S), "+Inf"], totals, strict=True):
            lines.append(f'paved_serving_latency_seconds_bucket{{le="{bound}"}} {total}')
        lines += [
            f"paved_serving_latency_seconds_count {totals[-1]}",
            f"paved_serving_latency_seconds_sum {self._seconds:.6f}",
            "# EOF",
        ]
        return "\n".join(lines) + "\n"


def _labels(**values: str) -> str:
    escaped = (
        (key, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n"))
        for key, value in values.items()
    )
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped) + "}"
