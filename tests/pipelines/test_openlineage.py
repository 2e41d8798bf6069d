"""OpenLineage events, held against the required fields of the specification."""

from __future__ import annotations

import json
import re
import threading
import uuid
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from pavedroad.pipelines import events as ev
from pavedroad.pipelines.openlineage import Sender, endpoint

FLOW = """
import pandas as pd

@paved.step
def load(file: Path) -> pd.DataFrame:
    return pd.read_csv(file)

@paved.step
def double(frame: pd.DataFrame, fail: bool) -> pd.DataFrame:
    if fail:
        raise ValueError("no good")
    return frame * 2

@paved.pipeline
def main(file: Path = Path("data.csv"), fail: bool = False):
    return double(load(file), fail)
"""
# What https://openlineage.io/spec asks of each facet that we send, beside _producer and _schemaURL.
REQUIRED = {
    "parent": {"run", "job"},
    "errorMessage": {"message", "programmingLanguage"},
    "processing_engine": {"version"},
    "jobType": {"processingType", "integration"},
    "schema": set(),
    "version": {"datasetVersion"},
    "dataSource": set(),
}


@pytest.fixture
def flow(project, monkeypatch):
    monkeypatch.chdir(project.root)
    project.write("flow.py", FLOW)
    project.write("data.csv", "x,y\n1,2\n")
    return project


def sending_to(project, target: str):
    settings = msgspec.structs.replace(project.record.settings, openlineage=target)
    return msgspec.structs.replace(project.record, settings=settings)


def run_to_file(flow, tmp_path, **parameters) -> list[dict]:
    file = tmp_path / "lineage" / "events.jsonl"
    flow.run(record=sending_to(flow, str(file)), **parameters)
    return [json.loads(line) for line in file.read_text().splitlines()]


def check_event(event: dict) -> None:
    """The required fields of a RunEvent and of everything inside it."""
    assert {"eventTime", "producer", "schemaURL", "run", "job"} <= event.keys()
    assert event["eventType"] in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert re.fullmatch(
        r"https://openlineage.io/spec/[\d-]+/OpenLineage.json#/\$defs/RunEvent", event["schemaURL"]
    )
    assert str(uuid.UUID(event["run"]["runId"])) == event["run"]["runId"]
    assert event["job"]["namespace"]
    assert event["job"]["name"]
    datasets = [*event["inputs"], *event["outputs"]]
    assert all(data["namespace"] and data["name"] for data in datasets)
    for facets in (event["run"]["facets"], event["job"]["facets"], *(data["facets"] for data in datasets)):
        for name, facet in facets.items():
            assert {"_producer", "_schemaURL", *REQUIRED[name]} <= facet.keys()
            assert re.fullmatch(
                r"https://openlineage.io/spec/facets/[\d-]+/\w+Facet.json#/\$defs/\w+Facet",
                facet["_schemaURL"],
            )
            assert facet["_producer"].startswith("https://")


def test_every_event_has_what_the_specification_requires(flow, tmp_path):
    for event in [*run_to_file(flow, tmp_path), *run_to_file(flow, tmp_path, fail=True)]:
        check_event(event)


def test_a_run_and_its_steps_start_and_complete(flow, tmp_path):
    told = [(event["job"]["name"], event["eventType"]) for event in run_to_file(flow, tmp_path)]
    assert told == [
        ("main", "START"),
        ("main.load", "START"),
        ("main.load", "COMPLETE"),
        ("main.double", "START"),
        ("main.double", "COMPLETE"),
        ("main", "COMPLETE"),
    ]


def test_steps_name_their_run_as_parent(flow, tmp_path):
    events = run_to_file(flow, tmp_path)
    run_id = events[0]["run"]["runId"]
    for event in events[1:-1]:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == run_id
        assert parent["job"] == {"namespace": "small", "name": "main"}


def test_data_go_from_files_through_steps(flow, tmp_path):
    events = run_to_file(flow, tmp_path)
    by_job = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
    load, double = by_job["main.load"], by_job["main.double"]
    assert [(data["namespace"], data["name"]) for data in load["inputs"]] == [
        ("file", str(flow.root / "data.csv"))
    ]
    (made,) = load["outputs"]
    (used,) = double["inputs"]
    assert (made["namespace"], made["name"]) == (used["namespace"], used["name"])
    assert made["facets"]["version"] == used["facets"]["version"]
    assert [field["name"] for field in made["facets"]["schema"]["fields"]] == ["x", "y"]
    assert [data["name"] for data in by_job["main"]["inputs"]] == [str(flow.root / "data.csv")]
    assert len(by_job["main"]["outputs"]) == 2


def test_a_failure_is_told_with_its_message(flow, tmp_path):
    events = run_to_file(flow, tmp_path, fail=True)
    step, run = events[-2], events[-1]
    assert (step["eventType"], run["eventType"]) == ("FAIL", "FAIL")
    assert step["run"]["facets"]["errorMessage"]["message"] == "ValueError: no good"
    assert 'raise ValueError("no good")' in step["run"]["facets"]["errorMessage"]["stackTrace"]
    assert "no good" in run["run"]["facets"]["errorMessage"]["message"]


class Collector:
    """A server that keeps what is posted to it."""

    def __init__(self, status: int = 201) -> None:
        self.got: list[tuple[str, dict]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.got.append((self.path, json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Collector:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_events_are_posted_to_the_api_of_a_server(flow):
    with Collector() as collector:
        flow.run(record=sending_to(flow, collector.url))
    assert {path for path, _ in collector.got} == {"/api/v1/lineage"}
    assert len(collector.got) == 6
    for _, event in collector.got:
        check_event(event)


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:9/api", "http://user:secret@127.0.0.1:9", "/proc/none/events"]
)
def test_what_cannot_be_sent_is_noted_once_and_the_run_succeeds(flow, target):
    notes: list[str] = []
    run = flow.run(
        record=sending_to(flow, target),
        progress=lambda event: notes.append(event.text) if isinstance(event, ev.Note) else None,
    )
    assert run.status == "FINISHED"
    about = [note for note in notes if "OpenLineage events do not reach" in note]
    assert len(about) <= 1
    assert "secret" not in "".join(about)


@pytest.mark.parametrize("target", ["http://127.0.0.1:9", "/proc/none/events"])
def test_the_note_says_where_and_why(target):
    notes: list[str] = []
    sender = Sender(target, notes.append)
    for _ in range(3):
        sender.send({"eventType": "START"})
    sender.close()
    assert len(notes) == 1
    assert notes[0].startswith(f"OpenLineage events do not reach {target}: ")


def test_a_server_that_refuses_is_noted():
    notes: list[str] = []
    with Collector(status=403) as collector:
        sender = Sender(collector.url, notes.append)
        sender.send({})
        sender.close()
    assert "Forbidden" in notes[0]


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://host", "http://host/api/v1/lineage"),
        ("http://host:5000/", "http://host:5000/api/v1/lineage"),
        ("https://host/own/path", "https://host/own/path"),
    ],
)
def test_a_bare_address_gets_the_path_of_the_api(url, where):
    assert endpoint(url) == where
