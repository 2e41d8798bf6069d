"""A few runs with everything that a table of runs can show."""

from __future__ import annotations

import math

from pavedroad.record import Record
from pavedroad.tracking import Metric, end_run, ensure_experiment, log_batch, log_param, set_tag, start_run

FORMULA = "=HYPERLINK(0)"


def add_runs(record: Record) -> list[str]:
    """Three runs of `flights` and one of `churn`, the oldest first; their ids."""

    def work(tx):
        flights, churn = (ensure_experiment(tx, name, who="ada") for name in ("flights", "churn"))
        ids = []
        for at, (experiment, depth, auc) in enumerate(
            ((flights, "4", 0.5), (flights, "8", 0.9), (flights, "8", math.nan), (churn, "2", 0.7))
        ):
            run = start_run(tx, experiment_id=experiment.id, name=f"run-{at}", user="ada", start_ms=1000 * at)
            log_param(tx, run, "depth", depth)
            points = [
                Metric(key="auc", value=value, at_ms=1000 * at + step, step=step)
                for step, value in enumerate((auc / 2, auc * 1.1, auc))
            ]
            log_batch(tx, run, metrics=[*points, Metric(key="train/loss", value=1.5, at_ms=1)])
            end_run(tx, run, end_ms=1000 * at + 250)
            ids.append(run)
        log_param(tx, ids[0], "odd key", FORMULA)
        set_tag(tx, ids[1], "team", '-red, "or" blue')
        return ids

    return record.db.write(work)
