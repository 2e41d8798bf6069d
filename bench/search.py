"""Searches over 100,000 runs of 20 metrics and 20 params: the time of each answer, at p50 and p95.

    python bench/search.py [--repeats 20] [--runs 100000] [--postgres postgresql://user@host/empty_database]

Fills an empty record (a minute each), starts `paved up` on it and asks over one kept connection.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from wide_record import RUNS, fill

from pavedroad.config import Settings
from pavedroad.record import record_of

P = "/api/2.0/mlflow/"
SELECTIVE = "metrics.metric_3 > 0.999"
HALF = "metrics.metric_3 > 0.5"
TWO = "metrics.metric_3 > 0.1 AND params.param_2 != '1'"


class Question(NamedTuple):
    title: str
    path: str
    body: dict[str, Any] | None = None  # None: GET


class Time(NamedTuple):
    title: str
    p50_ms: float
    p95_ms: float
    kilobytes: float


def questions(wide: str, everything: list[str]) -> Iterator[Question]:
    for title, asked in _run_questions():
        yield Question(title, P + "runs/search", {"experiment_ids": [wide], "max_results": 100, **asked})
    for title, asked in (
        ("201 experiments, newest first", {}),
        ("201 experiments, filter and order", {"filter": TWO, "order_by": ["metrics.metric_1 DESC"]}),
    ):
        yield Question(title, P + "runs/search", {"experiment_ids": everything, "max_results": 100, **asked})
    yield Question("page /runs", "/runs")
    yield Question("page /runs, filter and order", f"/runs?filter={quote(TWO)}&order=max.metric_2%20DESC")
    yield Question("page /runs, a deep page", "/runs?page=1200")
    yield Question("experiments/search, 201", P + "experiments/search", {"max_results": 1000})
    yield Question("runs/get", P + "runs/get?run_id=" + f"{0:08x}{int(wide):08x}{0:016x}")
    yield from _model_questions(wide)


def _run_questions() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "newest first", {}
    yield "newest first, 1,000 runs", {"max_results": 1000}
    yield "page token at run 90,000", {"page_token": token(90_000)}
    yield "selective metric", {"filter": SELECTIVE}
    yield "half of the runs by a metric", {"filter": HALF}
    yield "half, page token at run 40,000", {"filter": HALF, "page_token": token(40_000)}
    yield "metric AND param", {"filter": TWO}
    yield "metric AND param, 1,000 runs", {"filter": TWO, "max_results": 1000}
    yield "metric AND param, by a metric", {"filter": TWO, "order_by": ["metrics.metric_5 DESC"]}
    yield "metric AND param, counted", {"filter": TWO, "count": True, "max_results": 1}
    deep = {"filter": TWO, "order_by": ["metrics.metric_5 ASC"], "page_token": token(60_000)}
    yield "metric AND param, by a metric, at run 60,000", deep
    yield "OR, NOT", {"filter": f"({SELECTIVE} OR params.param_2 = '1') AND NOT tags.team = 'team 1'"}
    yield (
        "nothing matches",
        {"filter": "metrics.metric_3 > 0.5 AND metrics.metric_3 < 0.4 AND params.param_1 = '1'"},
    )
    yield "a param of many values, LIKE", {"filter": "params.param_12 LIKE '%999%'"}
    yield "a tag, ILIKE", {"filter": "tags.note ILIKE '%TRIED 1%'"}
    yield "a tag is absent", {"filter": "tags.`mlflow.parentRunId` IS NULL", "count": True}
    yield "a status", {"filter": "attributes.status = 'FAILED'", "count": True}
    yield "a name, LIKE", {"filter": "run_name LIKE '%777%'"}
    yield "a duration", {"filter": "duration > 50000", "order_by": ["duration DESC"]}
    yield "greatest value of a metric", {"filter": "max.metric_7 > 1.9", "order_by": ["max.metric_7 DESC"]}
    yield "by a metric, ascending", {"order_by": ["metrics.metric_9"]}
    yield "by least value, descending", {"order_by": ["min.metric_9 DESC"]}
    yield "by a param of few values", {"order_by": ["params.param_3 DESC"]}
    yield "by a param of many values", {"order_by": ["params.param_15"]}
    yield "by two", {"order_by": ["params.param_1", "metrics.metric_2 DESC"]}
    yield "by a tag", {"order_by": ["tags.note DESC"]}
    yield "by name", {"order_by": ["run_name"]}
    yield "by end", {"order_by": ["end_time DESC"]}
    some = {"params": ["param_1"], "tags": [], "metrics": ["metric_1"]}
    yield "1,000 runs, two fields of 40", {"max_results": 1000, "fields": some}


def _model_questions(wide: str) -> Iterator[Question]:
    for title, asked in (
        ("logged models", {}),
        ("logged models, filter", {"filter": "params.param_1 = '7' AND metrics.metric_1 > 0.5"}),
        (
            "logged models, by a metric",
            {"order_by": [{"field_name": "metrics.metric_1", "ascending": False}]},
        ),
    ):
        yield Question(
            title, P + "logged-models/search", {"experiment_ids": [wide], "max_results": 50, **asked}
        )
    for title, path, text in (
        ("registered models", "registered-models/search?max_results=100", ""),
        ("registered models, name LIKE", "registered-models/search?filter=", "name LIKE '%77%'"),
        ("registered models, tag", "registered-models/search?filter=", "tags.team = 'team 3'"),
        (
            "registered models, last changed",
            "registered-models/search?order_by=last_updated_timestamp%20DESC",
            "",
        ),
        ("versions", "model-versions/search?max_results=200", ""),
        ("versions of one model", "model-versions/search?max_results=200&filter=", "name='wide 0'"),
        ("versions by tag", "model-versions/search?max_results=200&filter=", "tags.note = 'value 7'"),
        ("versions of a run", "model-versions/search?filter=", "run_id = 'run 77'"),
    ):
        yield Question(title, P + path + quote(text))


def token(offset: int) -> str:
    return base64.b64encode(f'{{"offset": {offset}}}'.encode()).decode()


def measure(url: str, asked: Question, *, repeats: int) -> Time:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    taken, size = [], 0
    body = None if asked.body is None else json.dumps(asked.body)
    for _ in range(repeats + 2):  # the first two warm up
        begin = time.perf_counter()
        connection.request(
            "GET" if body is None else "POST", asked.path, body, {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        said = answer.read()
        taken.append((time.perf_counter() - begin) * 1000)
        size = len(said)
        if answer.status != 200:
            raise SystemExit(f"{asked.title}: {answer.status} {said[:300]!r}")
    connection.close()
    taken = sorted(taken[2:])
    return Time(
        asked.title, statistics.median(taken), taken[min(len(taken) - 1, int(len(taken) * 0.95))], size / 1000
    )


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    command = [sys.executable, "-m", "pavedroad.cli", "up", "--port", "0", "--json"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PAVED_HOME": str(settings.home),
        "PAVED_DATABASE": settings.database_url,
    }
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"].rstrip("/")
    finally:
        process.terminate()
        process.wait()


def times(settings: Settings, *, repeats: int, runs: int, only: str = "") -> list[Time]:
    with record_of(settings) as record:
        names = record.db.all("SELECT id, name FROM experiments ORDER BY id")
        wide = next((str(row["id"]) for row in names if row["name"] == "wide"), "") or fill(record, runs)
        everything = [str(row["id"]) for row in record.db.all("SELECT id FROM experiments WHERE id > 0")]
    with serving(settings) as url:
        asked = [one for one in questions(wide, everything) if only in one.title]
        return [measure(url, one, repeats=repeats) for one in asked]


def table(columns: dict[str, list[Time]]) -> str:
    head = "| | kB | " + " | ".join(f"{name} p50 | p95" for name in columns) + " |"
    lines = [head, "|---" * (2 + 2 * len(columns)) + "|"]
    for row in zip(*columns.values(), strict=True):
        cells = " | ".join(f"{one.p50_ms:.1f} ms | {one.p95_ms:.1f} ms" for one in row)
        lines.append(f"| {row[0].title} | {row[0].kilobytes:.0f} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--home", type=Path, help="a folder that is kept; filled when it is new")
    parser.add_argument("--postgres", default="", help="an empty database, or one that this filled")
    parser.add_argument("--only", default="", help="questions with these words")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        records = {"SQLite": Settings(home=home, user="ada")}
        if given.postgres:
            records["PostgreSQL"] = Settings(home=home / "postgres", user="ada", database=given.postgres)
        print(
            table(
                {
                    name: times(settings, repeats=given.repeats, runs=given.runs, only=given.only)
                    for name, settings in records.items()
                }
            )
        )
