"""Exports: everything a query selects, in its order, as CSV, JSON and Arrow."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest
from tests.tracking.conftest import Api
from tests.tracking.runs import FORMULA, add_runs

from pavedroad.errors import Invalid, MissingExtra
from pavedroad.record import Record
from pavedroad.tracking import runs_export
from pavedroad.tracking.runs_export import as_arrow, as_csv, as_json, safe_text, select
from pavedroad.tracking.runs_query import RunsQuery


def written(pieces: Iterator[bytes]) -> bytes:
    return b"".join(pieces)


def test_csv_holds_the_columns_that_were_chosen_in_the_order_of_the_query(any_record: Record) -> None:
    add_runs(any_record)
    query = RunsQuery(columns="run_name,metrics.auc,max.auc,duration", order="metrics.auc DESC")
    text = written(as_csv(any_record.db, select(any_record.db, query))).decode()
    assert text.splitlines()[0] == "run_name,metrics.auc,max.auc,duration"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["run_name"] for row in rows] == ["run-1", "run-3", "run-0", "run-2"]
    assert [row["metrics.auc"] for row in rows] == ["0.9", "0.7", "0.5", "NaN"]
    assert {row["duration"] for row in rows} == {"250"}


def test_without_columns_an_export_holds_everything_that_the_runs_have(record: Record) -> None:
    ids = add_runs(record)
    query = RunsQuery(filter="params.depth = '4'")
    (run,) = json.loads(written(as_json(record.db, select(record.db, query))))
    assert run["run_id"] == ids[0]
    assert run["experiment"] == "flights"
    assert run["metrics.auc"] == 0.5
    assert run["params.odd key"] == FORMULA
    assert run["tags.mlflow.runName"] == "run-0"


def test_json_writes_what_is_not_finite_as_mlflow_does(record: Record) -> None:
    add_runs(record)
    query = RunsQuery(columns="metrics.auc,tags.team", filter="run_name = 'run-2'")
    assert json.loads(written(as_json(record.db, select(record.db, query)))) == [{"metrics.auc": "NaN"}]


def test_an_export_of_nothing_is_whole(record: Record) -> None:
    selection = select(record.db, RunsQuery(filter="metrics.auc > 5", columns="run_id,metrics.auc"))
    assert written(as_csv(record.db, selection)) == b"run_id,metrics.auc\r\n"
    assert json.loads(written(as_json(record.db, selection))) == []
    assert pa.ipc.open_stream(written(as_arrow(record.db, selection))).read_all().num_rows == 0


def test_arrow_holds_numbers_times_and_texts_as_such(any_record: Record) -> None:
    add_runs(any_record)
    query = RunsQuery(columns="start_time,duration,min.auc,params.`odd key`", order="start_time ASC")
    table = pa.ipc.open_stream(written(as_arrow(any_record.db, select(any_record.db, query)))).read_all()
    assert [str(field.type) for field in table.schema] == [
        "timestamp[ms, tz=UTC]",
        "duration[ms]",
        "double",
        "string",
    ]
    assert table["start_time"].cast(pa.int64()).to_pylist() == [0, 1000, 2000, 3000]
    assert table["params.odd key"].to_pylist() == [FORMULA, None, None, None]
    least = table["min.auc"].to_pylist()
    assert least[:2] == pytest.approx([0.25, 0.45])
    assert math.isnan(least[2])


def test_arrow_without_its_package_names_the_extra(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="data"):
        as_arrow(record.db, select(record.db, RunsQuery()))


@pytest.mark.parametrize(
    "text", [FORMULA, "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\uff1d1"]
)
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-0.5", "+3", "-1e-5", "a=b", "", "8", "it's"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert safe_text(text) == text


def test_a_formula_in_a_param_is_text_in_csv_and_itself_in_json(record: Record) -> None:
    add_runs(record)
    selection = select(record.db, RunsQuery(columns="params.`odd key`,tags.team", order="start_time ASC"))
    rows = list(csv.reader(io.StringIO(written(as_csv(record.db, selection)).decode())))
    assert rows[1] == [f"'{FORMULA}", ""]
    assert rows[2] == ["", '\'-red, "or" blue']
    assert json.loads(written(as_json(record.db, selection)))[0] == {"params.odd key": FORMULA}


def test_pieces_join_without_a_seam(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = add_runs(record)
    monkeypatch.setattr(runs_export, "PIECE", 3)
    selection = select(record.db, RunsQuery(columns="run_id", order="start_time ASC"))
    assert [row["run_id"] for row in json.loads(written(as_json(record.db, selection)))] == ids
    table = pa.ipc.open_stream(written(as_arrow(record.db, selection))).read_all()
    assert table["run_id"].to_pylist() == ids


def test_a_query_that_cannot_be_read_is_refused_before_the_first_byte(record: Record) -> None:
    for query in (RunsQuery(filter="a ="), RunsQuery(order="a b c"), RunsQuery(columns="auc")):
        with pytest.raises(Invalid):
            select(record.db, query)


def test_exports_are_downloads_of_their_type(api: Api, record: Record) -> None:
    add_runs(record)
    types = {
        "csv": "text/csv; charset=utf-8",
        "json": "application/json",
        "arrow": "application/vnd.apache.arrow.stream",
    }
    for kind, type_ in types.items():
        answered = api("GET", f"/runs/export.{kind}?columns=run_name")
        assert answered.status == 200
        assert answered.headers["Content-Type"] == type_
        assert f"runs.{kind}" in answered.headers["Content-Disposition"]
    assert api("GET", "/runs/export.xml").status == 400
    assert api("GET", "/runs/export.csv?filter=x").status == 400
