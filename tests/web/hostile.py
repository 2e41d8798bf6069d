"""Names that hurt: HTML, wildcards, other scripts, 250 letters, ends that mean something to an address."""

from __future__ import annotations

from pavedroad.catalog import Ref, add_edge, ensure_artifact, write_fact
from pavedroad.kit.files import put_bytes
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record
from pavedroad.registry.registration import create_model, register_version
from pavedroad.tracking import Metric, create_experiment, log_batch, put_file, start_run

HOSTILE = "<b id=x onclick=alert(1)>&'\"`{{7*7}}</b>"
LONG = "l" + "o" * 248 + "ng"
UNICODE = "Übermäßig-数据集-🛣️"
NAMES = (
    HOSTILE.replace("/", "|"),
    LONG[:250],
    UNICODE,
    "data.json",
    "a_b%c",
    "..x",
    "why?not#this&that",
    "+ plus",
)


def write_hostile(tx: Transaction, record: Record, name: str) -> None:
    experiment = create_experiment(tx, name, who=HOSTILE)
    run_id = start_run(
        tx,
        experiment_id=experiment.id,
        name=name,
        user=HOSTILE,
        params={"p": HOSTILE, "long param": LONG * 3},
        tags={"note": HOSTILE, "mlflow.source.name": HOSTILE, "paved.error": HOSTILE},
    )
    points = [
        Metric(key="a/b c", value=float("nan") if step == 2 else step / 3, at_ms=step + 1, step=step)
        for step in range(5)
    ]
    log_batch(tx, run_id, metrics=points)
    root = f"{experiment.id}/{run_id}/artifacts"
    for path, data in ((f"{name}.txt", HOSTILE), (f"{name}.csv", f"a,b\n{HOSTILE},2\n"), ("x.html", HOSTILE)):
        put_file(tx, root, path, put_bytes(record.files, data.encode()))
    for kind in ("dataset", "pipeline", "project", "model", "service"):
        ref = Ref(kind, name)
        ensure_artifact(
            tx,
            ref,
            who=HOSTILE,
            owner=HOSTILE,
            description=HOSTILE,
            tags={HOSTILE: HOSTILE},
            links={"l": "javascript:alert(1)"},
        )
        ensure_artifact(tx, Ref(kind, name, "v.json"), who=HOSTILE)
    add_edge(tx, Ref("pipeline", name), "produced", Ref("model", name, "1"), run_id=run_id)
    add_edge(tx, Ref("pipeline", name), "used", Ref("dataset", name, "v.json"), run_id=run_id)
    add_edge(tx, Ref("pipeline", name), "part-of", Ref("project", name))
    write_fact(
        tx,
        who=HOSTILE,
        verb=HOSTILE,
        artifact=Ref("model", name),
        run_id=run_id,
        payload={"reason": HOSTILE, HOSTILE: [HOSTILE]},
    )
    if ":" not in name and name != "..x":
        create_model(tx, name, who=HOSTILE, description=HOSTILE)
        register_version(
            tx,
            name,
            source=f"runs:/{run_id}/x",
            run_id=run_id,
            who=HOSTILE,
            description=f"# {HOSTILE}\n[x](javascript:alert(1)) ![i](http://x/y)",
        )


def fill_hostile(record: Record) -> None:
    for name in NAMES:
        record.db.write(lambda tx, name=name: write_hostile(tx, record, name))
