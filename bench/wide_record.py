"""Fills a record with 100,000 runs of 20 metrics and 20 params, and models, straight through SQL.

    python bench/wide_record.py HOME [RUNS]

makes one in a minute. The values follow from the numbers of the rows, so two databases hold the same.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pavedroad.config import Settings
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record, record_of
from pavedroad.tracking import ensure_experiment

RUNS, KEYS, TAGS = 100_000, 20, 5
OTHER_EXPERIMENTS, RUNS_IN_OTHERS = 200, 100
MODELS, VERSIONS, LOGGED_MODELS = 20_000, 20_000, 20_000
START_MS = 1_760_000_000_000
PRIME = 100_003  # (n * factor) % PRIME goes through all numbers below it, in no order

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
_KEYS = "k(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM k WHERE at + 1 < {keys})"
_OF_RUNS = (
    "WITH RECURSIVE " + _KEYS + " {insert} FROM runs r CROSS JOIN k WHERE r.no > :last ORDER BY r.no, k.at"
)

_METRICS = """
INSERT INTO latest_metrics (run_no, key, value, is_nan, at_ms, step, points, min_value, max_value)
SELECT r.no, 'metric_' || CAST(k.at AS TEXT), ((r.no * (7919 + 104 * k.at)) % 100003) / 100003.0, 0,
       r.start_ms, 99, 100, ((r.no * (7919 + 104 * k.at)) % 100003) / 200006.0,
       1.0 + ((r.no * 31) % 1009) / 1009.0
"""
_PARAMS = """
INSERT INTO params (run_no, key, value)
SELECT r.no, 'param_' || CAST(k.at AS TEXT),
       CASE WHEN k.at < 10 THEN CAST((r.no * (k.at + 3)) % (k.at + 4) AS TEXT)
            ELSE 'value ' || CAST((r.no * (7907 + 7 * k.at)) % 100003 AS TEXT) END
"""
_TAGS = """
INSERT INTO tags (run_no, key, value)
SELECT r.no, CASE k.at WHEN 0 THEN 'mlflow.runName' WHEN 1 THEN 'team' WHEN 2 THEN 'note'
                       WHEN 3 THEN 'mlflow.source.name' ELSE 'mlflow.user' END,
       CASE k.at WHEN 0 THEN r.name WHEN 1 THEN 'team ' || CAST(r.no % 3 AS TEXT)
                 WHEN 2 THEN 'tried ' || CAST((r.no * 17) % 1000 AS TEXT)
                 WHEN 3 THEN 'train.py' ELSE r.user_id END
"""
_PARENTS = """
INSERT INTO tags (run_no, key, value) SELECT r.no, 'mlflow.parentRunId', 'a run' FROM runs r
WHERE r.no > :last AND r.no % 10 = 0
"""


def fill(record: Record, runs: int = RUNS) -> str:
    """Add everything; the id of the experiment that holds the `runs` runs (of others there are 200 more)."""
    big = record.db.write(lambda tx: ensure_experiment(tx, "wide", who="ada")).id
    others = record.db.write(
        lambda tx: [ensure_experiment(tx, f"other {at}", who="ada").id for at in range(OTHER_EXPERIMENTS)]
    )
    last = record.db.value("SELECT MAX(no) AS last FROM runs") or 0
    record.db.write(lambda tx: _add_runs(tx, [big], runs))
    record.db.write(lambda tx: _add_runs(tx, others, RUNS_IN_OTHERS))
    for insert, keys in ((_METRICS, KEYS), (_PARAMS, KEYS), (_TAGS, TAGS)):
        query = _OF_RUNS.format(insert=insert, keys=keys)
        record.db.write(lambda tx, query=query: tx.run(query, last=last))  # type: ignore[misc]
    record.db.write(lambda tx: tx.run(_PARENTS, last=last))
    record.db.write(lambda tx: _add_logged_models(tx, big))
    record.db.write(_add_models)
    return big


def _add_runs(tx: Transaction, experiments: list[str], each: int) -> None:
    query = """
    INSERT INTO runs (id, experiment_id, name, user_id, status, start_ms, end_ms, lifecycle_stage,
                      artifact_uri)
    VALUES (:id, :experiment, :name, :user, :status, :start_ms, :end_ms, 'active', :uri)"""
    rows = []
    for experiment in experiments:
        for at in range(each):
            mixed = (at * 7919) % PRIME
            start_ms = START_MS + mixed * 20_000
            run_id = f"{mixed:08x}{int(experiment):08x}{at:016x}"
            rows.append(
                {
                    "id": run_id,
                    "experiment": int(experiment),
                    "name": f"run {mixed}",
                    "user": ("ada", "grace", "katherine", "edsger")[at % 4],
                    "status": "FAILED" if at % 20 == 0 else "RUNNING" if at % 21 == 0 else "FINISHED",
                    "start_ms": start_ms,
                    "end_ms": None if at % 21 == 0 else start_ms + 1000 + mixed,
                    "uri": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
                }
            )
    tx.many(query, rows)


def _add_logged_models(tx: Transaction, experiment: str) -> None:
    tx.run(
        _NUMBERS.format(count=LOGGED_MODELS)
        + """
        INSERT INTO logged_models (id, experiment_id, name, artifact_location, status, status_message,
                                   model_type, source_run_id, lifecycle_stage, created_ms, updated_ms)
        SELECT 'm-wide-' || CAST(i AS TEXT), :experiment, 'model ' || CAST(i % 50 AS TEXT),
               'mlflow-artifacts:/x', 'READY', '', 'sklearn', 'run ' || CAST(i AS TEXT), 'active',
               :at_ms + i, :at_ms + i FROM n""",
        experiment=int(experiment),
        at_ms=START_MS,
    )
    for table, prefix in (("logged_model_params", "param"), ("logged_model_tags", "tag")):
        tx.run(
            f"WITH RECURSIVE {_KEYS.format(keys=5)} INSERT INTO {table} (model_id, key, value)"
            f" SELECT m.id, '{prefix}_' || CAST(k.at AS TEXT), CAST((m.created_ms + k.at) % 97 AS TEXT)"
            " FROM logged_models m CROSS JOIN k WHERE m.id LIKE 'm-wide-%'"
        )
    tx.run(
        f"WITH RECURSIVE {_KEYS.format(keys=3)} INSERT INTO logged_model_metrics"
        " (model_id, run_id, key, at_ms, step, value, is_nan, dataset_name, dataset_digest)"
        " SELECT m.id, m.source_run_id, 'metric_' || CAST(k.at AS TEXT), m.created_ms, 0,"
        " ((m.created_ms * (7919 + k.at)) % 100003) / 100003.0, 0, 'test', 'abc'"
        " FROM logged_models m CROSS JOIN k WHERE m.id LIKE 'm-wide-%'"
    )


def _add_models(tx: Transaction) -> None:
    tx.run(
        _NUMBERS.format(count=MODELS)
        + "INSERT INTO registered_models (name, description, created_ms, updated_ms)"
        " SELECT 'wide ' || CAST((i * 7919) % 100003 AS TEXT), 'made to be many', :at_ms + i,"
        " :at_ms + (i * 31) % 20011 FROM n",
        at_ms=START_MS,
    )
    tx.run(
        "INSERT INTO registered_model_tags (name, key, value)"
        " SELECT name, 'team', 'team ' || CAST(created_ms % 7 AS TEXT) FROM registered_models"
        " WHERE name LIKE 'wide %'"
    )
    # One model of 5,000 versions, and 15,000 of one.
    tx.run(
        _NUMBERS.format(count=VERSIONS)
        + "INSERT INTO model_versions (uid, name, version, source, location, run_id, created_ms, updated_ms)"
        " SELECT 'wide' || CAST(i AS TEXT),"
        " 'wide ' || CAST(CASE WHEN i < 5000 THEN 0 ELSE (i * 7919) % 100003 END AS TEXT),"
        " CASE WHEN i < 5000 THEN i + 2 ELSE 1 END, 'runs:/x/model', 'registry/wide',"
        " 'run ' || CAST(i AS TEXT),"
        " :at_ms + i, :at_ms + (i * 31) % 20011 FROM n",
        at_ms=START_MS,
    )
    for key, share in (("stage", 4), ("note", 1000)):
        tx.run(
            "INSERT INTO model_version_tags (uid, key, value)"
            " SELECT uid, :key, 'value ' || CAST(created_ms % :share AS TEXT) FROM model_versions"
            " WHERE uid LIKE 'wide%'",
            key=key,
            share=share,
        )


if __name__ == "__main__":
    begin = time.perf_counter()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    with record_of(Settings(home=Path(sys.argv[1]), user="ada")) as opened:
        fill(opened, runs)
    print(f"{runs:,} runs in {time.perf_counter() - begin:.0f} s")
