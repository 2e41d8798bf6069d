"""`paved runs` as a person types it: filters, columns, files."""

from __future__ import annotations

import csv
import io
import re
import shlex
from pathlib import Path

import pyarrow as pa
import pytest
from tests.tracking.runs import FORMULA, add_runs

from pavedroad.config import Settings
from pavedroad.record import open_record

PAGE = (Path(__file__).parents[2] / "docs" / "runs.md").read_text("utf-8")


@pytest.fixture
def ids(home):
    record = open_record(Settings(home=home, user="ada"))
    ids = add_runs(record)
    record.close()
    return ids


def test_runs_are_filtered_ordered_and_shown_in_chosen_columns(paved, ids):
    ran = paved(
        "runs",
        "--filter",
        "metrics.auc > 0.6",
        "--order-by",
        "metrics.auc ASC",
        "--columns",
        "run_name,max.auc,duration",
    )
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines == [
        ["RUN_NAME", "MAX.AUC", "DURATION"],
        ["run-3", "0.77", "250", "ms"],
        ["run-1", "0.99", "250", "ms"],
    ]


def test_the_example_on_the_page_is_what_is_said(paved, ids):
    (command, *lines) = re.findall(r"```console\n\$ paved (.*?)```", PAGE, re.DOTALL)[0].splitlines()
    assert paved(*shlex.split(command)).out.splitlines() == lines


def test_the_json_of_chosen_columns_is_that_of_the_export(paved, ids):
    ran = paved(
        "runs",
        "--columns",
        "run_id,params.`odd key`",
        "--order-by",
        "start_time ASC",
        "--limit",
        "2",
        "--json",
    )
    assert ran.json == [{"run_id": ids[0], "params.odd key": FORMULA}, {"run_id": ids[1]}]


def test_an_experiment_and_a_state_narrow_the_list(paved, ids):
    assert [run["name"] for run in paved("runs", "--experiment", "churn", "--json").json] == ["run-3"]
    assert paved("runs", "--status", "lost", "--json").json == []
    assert "no run is like that" in paved("runs", "--filter", "metrics.auc > 5").out


def test_csv_holds_all_that_match_and_is_written_whole(paved, ids, tmp_path):
    file = tmp_path / "runs.csv"
    ran = paved(
        "runs", "--csv", file, "--columns", "run_name,params.`odd key`", "--order-by", "start_time ASC"
    )
    assert ran.out == ""
    assert f"4 runs written to {file}" in ran.err
    rows = list(csv.reader(io.StringIO(file.read_text())))
    assert rows[:2] == [["run_name", "params.odd key"], ["run-0", f"'{FORMULA}"]]
    assert [path.name for path in tmp_path.glob("*runs.csv*")] == ["runs.csv"]


def test_a_dash_writes_to_the_output(paved, ids):
    ran = paved("runs", "--csv", "-", "--columns", "run_name", "--order-by", "run_name", "--limit", "2")
    assert ran.out.split() == ["run_name", "run-0", "run-1"]


def test_arrow_is_a_stream_that_others_read(paved, ids, tmp_path):
    file = tmp_path / "runs.arrow"
    paved("runs", "--arrow", file)
    table = pa.ipc.open_stream(file.read_bytes()).read_all()
    assert table.num_rows == 4
    assert {"run_id", "metrics.auc", "params.depth", "tags.team"} <= set(table.column_names)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--filter", "metrcs.auc > 1"), "did you mean 'metrics'?"),
        (("--filter", "metrics.auc >", "--status", "failed"), "Expected numeric value type for metric"),
        (("--order-by", "auc"), "auc"),
        (("--columns", "auc"), "'auc' is not a column"),
        (("--experiment", "nobody"), "no experiment 'nobody'"),
        (("--csv", "a", "--arrow", "b"), "exclude one another"),
        (("--csv", "no/such/folder/a.csv"), "no/such/folder"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(paved, ids, words, says):
    ran = paved("runs", *words, code=None)
    assert ran.code in (2, 3)
    assert says in ran.err
    assert len(ran.err.strip().splitlines()) <= 2
