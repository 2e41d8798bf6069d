"""The examples of docs/tracking.md are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pavedroad.errors import Invalid
from pavedroad.record import Record
from pavedroad.tracking import Metric, create_experiment, get_run, log_metric, search_runs, start_run

PAGE = (Path(__file__).parents[2] / "docs" / "tracking.md").read_text("utf-8")
FILTERS = [
    line
    for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if re.match(r"(metrics|params|tags|dataset)\.", line)
]


def test_every_filter_on_the_page_is_read(record: Record) -> None:
    assert len(FILTERS) == 5
    for text in FILTERS:
        search_runs(record.db, ["0"], text)


def test_the_refusal_on_the_page_is_what_is_said(record: Record) -> None:
    with pytest.raises(Invalid) as refused:
        search_runs(record.db, ["0"], "params.my-key = 'x'")
    assert str(refused.value) in PAGE.replace("\n", " ")


def test_the_script_on_the_page_runs(record: Record) -> None:
    record.db.write(lambda tx: create_experiment(tx, "flights", who="ada"))
    run_id = record.db.write(lambda tx: start_run(tx, experiment_id="1"))
    record.db.write(lambda tx: log_metric(tx, run_id, Metric(key="auc", value=0.95, at_ms=1)))
    script = re.findall(r"```python\n(from pavedroad.*?)```", PAGE, re.DOTALL)[0]
    exec(compile(script, "docs/tracking.md", "exec"), {})
    assert get_run(record.db, run_id).tags["best"] == "yes"
