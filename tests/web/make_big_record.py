"""Fills a record with many runs, quickly. `python -m tests.web.make_big_record HOME 10000` makes one.

It looks like that of a team that tunes gradient boosting: a run has 8 metrics, 10 params and 6 tags, and
every hundredth has curves of 500 points.
"""

from __future__ import annotations

import math
import random
import sys
import time
from pathlib import Path

from pavedroad.catalog import Ref, add_edge, ensure_artifact, set_owner, write_fact
from pavedroad.config import Settings
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record, record_of
from pavedroad.registry.model import Evidence
from pavedroad.registry.registration import create_model, register_version
from pavedroad.registry.store import get_version, insert_evaluation
from pavedroad.tracking import ensure_experiment
from pavedroad.tracking.metrics import add_points
from pavedroad.tracking.points import Place
from pavedroad.tracking.store import SQL

PROJECTS = ("late-flights", "churn", "demand-forecast", "fraud-score", "image-tags")
USERS = ("ada", "grace", "katherine", "edsger", "barbara")
STATUSES = ("FINISHED",) * 17 + ("FAILED", "KILLED", "RUNNING")
METRICS = ("auc", "accuracy", "f1", "log_loss", "precision", "recall", "train/seconds", "test rows")
PARAMS = (
    "depth", "learning_rate", "trees", "min_leaf", "subsample", "seed", "features", "month", "loss", "stop",
)  # fmt: skip
DAY_MS = 86_400_000


def fill(record: Record, *, runs: int = 10_000, seed: int = 8400, end_ms: int | None = None) -> list[str]:
    """Add `runs` runs over five experiments and the artifacts around them; their ids, newest first."""
    chance = random.Random(seed)
    end_ms = end_ms or time.time_ns() // 1_000_000
    return record.db.write(lambda tx: _fill(tx, runs, chance, end_ms))


def _fill(tx: Transaction, runs: int, chance: random.Random, end_ms: int) -> list[str]:
    experiments = [ensure_experiment(tx, name, who="ada") for name in PROJECTS]
    for at, name in enumerate(PROJECTS):
        for kind in ("project", "pipeline"):
            ensure_artifact(tx, Ref(kind, name), who=USERS[at], owner=f"team-{'ab'[at % 2]}")
        add_edge(tx, Ref("pipeline", name), "part-of", Ref("project", name))
    ids, numbers = [], []
    for index in range(runs):
        experiment = chance.choice(experiments)
        run_id = f"{chance.getrandbits(128):032x}"
        start_ms = end_ms - int((index + chance.random()) * 40 * DAY_MS / max(runs, 1))
        status = chance.choice(STATUSES)
        number = tx.value(
            SQL.insert_run,
            id=run_id,
            experiment_id=int(experiment.id),
            name=f"{experiment.name}-{runs - index}",
            user_id=chance.choice(USERS),
            status=status,
            start_ms=start_ms,
            artifact_uri=f"{experiment.artifact_location}/{run_id}/artifacts",
        )
        if status != "RUNNING":
            tx.run(
                SQL.set_run_end, no=number, end_ms=min(end_ms, start_ms + chance.randrange(2_000, 900_000))
            )
        ids.append(run_id)
        numbers.append((number, start_ms))
    _values(tx, numbers, chance)
    _facts(tx, ids, chance, end_ms)
    return ids


def _values(tx: Transaction, numbers: list[tuple[int, int]], chance: random.Random) -> None:
    params, tags = [], []
    curves: dict[int, dict[str, list[Place]]] = {}
    for at, (number, start_ms) in enumerate(numbers):
        params += [{"no": number, "key": key, "value": str(chance.randrange(1, 100))} for key in PARAMS]
        tags += [
            {"no": number, "key": key, "value": value}
            for key, value in (
                ("mlflow.runName", f"run-{number}"),
                ("mlflow.source.git.commit", f"{chance.getrandbits(160):040x}"),
                ("paved.kind", "pipeline"),
                ("paved.pipeline", "train"),
                ("team", chance.choice("ab")),
                ("note", "a longer remark about what was tried here and why it did or did not help"),
            )
        ]
        for key in METRICS:
            value = chance.random() if key != "test rows" else float(chance.randrange(10**5, 10**6))
            is_long = at % 100 == 0
            points = _long_curve(start_ms, chance) if is_long else [(start_ms, 0, value, False)]
            curves.setdefault(number, {})[key] = points
    tx.many(SQL.insert_param, params)
    tx.many(SQL.upsert_tag, tags)
    add_points(tx, curves)


def _long_curve(start_ms: int, chance: random.Random) -> list[Place]:
    start = 0.9 + chance.random() / 5
    return [
        (
            start_ms + step * 250,
            step,
            start * math.exp(-step / 120) + 0.1 + chance.random() / 40,
            False,
        )
        for step in range(500)
    ]


def _facts(tx: Transaction, ids: list[str], chance: random.Random, end_ms: int) -> None:
    for at, run_id in enumerate(reversed(ids[:2000])):
        name = chance.choice(PROJECTS)
        write_fact(
            tx,
            who=chance.choice(USERS),
            verb=chance.choice(("finished", "registered", "checked")),
            artifact=Ref("pipeline", name),
            run_id=run_id,
            at_ms=end_ms - (len(ids) - at) * 60_000,
        )
    for name in PROJECTS:
        for version in range(1, 60):
            ensure_artifact(
                tx, Ref("dataset", f"{name}-features", f"{chance.getrandbits(48):012x}"), who="ada"
            )
            if version % 20 == 0:
                set_owner(tx, Ref("project", name), "team-a", who="ada")


def fill_road(record: Record, *, lanes: int = 60, versions: int = 12, seed: int = 8400) -> None:
    """Add `lanes` projects of eight owners, each with a pipeline and a model of many versions."""
    chance = random.Random(seed)
    record.db.write(lambda tx: [_lane(tx, at, versions, chance) for at in range(lanes)])


def _lane(tx: Transaction, at: int, versions: int, chance: random.Random) -> None:
    name, owner = f"{chance.choice(PROJECTS)}-{at:02}", f"team-{'abcdefgh'[at % 8]}"
    project, pipeline = Ref("project", name), Ref("pipeline", name)
    for ref in (project, pipeline):
        ensure_artifact(tx, ref, who="ada", owner=owner)
    create_model(tx, name, who="ada")
    for ref in (pipeline, Ref("model", name)):
        add_edge(tx, ref, "part-of", project)
    for number in range(1, versions + 1):
        register_version(tx, name, source=f"s3://models/{name}/{number}", who="ada")
        version = get_version(tx, name, number)
        closed = chance.random() < 0.3
        gates = [
            Evidence(
                gate=gate,
                verdict="closed" if closed and gate == "metric" else "open",
                says="as told",
                at_ms=1,
                who="ada",
            )
            for gate in ("digest", "owner", "signature", "metric", "latency")
        ]
        insert_evaluation(
            tx, version, "champion", gates, passed=not closed, who="ada", at_ms=version.created_ms
        )


if __name__ == "__main__":
    with record_of(Settings(home=Path(sys.argv[1]), user="ada")) as opened:
        fill(opened, runs=int(sys.argv[2]))
        fill_road(opened)
