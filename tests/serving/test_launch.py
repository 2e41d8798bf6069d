"""Serving from the record: which version, whose files, what is told, and how it ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.catalog import edges_of, get_artifact, parse_ref, read_facts
from pavedroad.models import Model
from pavedroad.record import Record
from pavedroad.registry import version_files
from pavedroad.registry.store import SQL
from pavedroad.serving import list_services


def give_alias(record: Record, version: Any, alias: str) -> None:
    """Put an alias where promoting would: gates are not what is tested here."""
    record.db.write(lambda tx: tx.run(SQL.set_alias, name=version.name, alias=alias, uid=version.uid))


def stored_at(record: Record, version: Any, path: str) -> Path:
    """The file of the store that holds one file of a version."""
    (file,) = (file for file in version_files(record.db, version.uid) if file.path == path)
    return record.files.path(file.digest)


# -------------------------------------------------------------------------------------- which version


def test_a_version_is_served_under_its_alias_and_keeps_it(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    first, second = register(record, plain_model), register(record, plain_model)
    give_alias(record, first, "champion")
    server = start_serving("flights@champion")
    assert (server.said["version"], server.said["alias"]) == (1, "champion")
    give_alias(record, second, "champion")
    assert server.ask("GET", "/v2/models/flights").json["versions"] == ["1"]
    assert server.stop() == 0
    assert start_serving("flights").said["version"] == 2


@pytest.mark.parametrize("target", ["flights@1", "flights@v1", "model/flights@1", "models:/flights/1"])
def test_a_version_can_be_named_in_the_usual_ways(
    record: Record, register: Any, plain_model: Model, start_serving: Any, target: str
) -> None:
    register(record, plain_model)
    assert start_serving(target).said["version"] == 1


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("trains@champion", 2, "no model 'trains' on the record"),
        ("flights@champion", 2, "no version 'champion' of flights"),
        ("flights@7", 2, "no version '7' of flights"),
        ("", 2, "'' names no model"),
        ("flights@", 2, "flights@"),
        ("@champion", 2, "@champion"),
    ],
)
def test_a_target_that_is_not_there_is_one_clear_line(
    record: Record, register: Any, plain_model: Model, paved: Any, target: str, code: int, says: str
) -> None:
    register(record, plain_model)
    ran = paved("serve", target, code=code)
    assert says in ran.err
    assert "next:" in ran.err


# ------------------------------------------------------------------------------------ whose files, intact


def test_a_damaged_file_is_refused_before_anything_is_loaded(
    record: Record, register: Any, plain_model: Model, paved: Any
) -> None:
    version = register(record, plain_model)
    file = stored_at(record, version, "model.pkl")
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    ran = paved("serve", "flights@1", "--json", code=1)
    assert ran.json["error"]["code"] == "DATA_LOSS"
    assert "model.pkl of flights@1 is damaged" in ran.json["error"]["message"]


def test_a_missing_file_is_refused(record: Record, register: Any, plain_model: Model, paved: Any) -> None:
    version = register(record, plain_model)
    stored_at(record, version, "MLmodel").unlink()
    assert "MLmodel of flights@1 is missing" in paved("serve", "flights@1", code=1).err


def test_a_pickle_that_no_run_made_needs_trust(
    record: Record, register: Any, plain_model: Model, paved: Any, start_serving: Any
) -> None:
    register(record, plain_model, made_by_a_run=False)
    ran = paved("serve", "flights@1", code=1)
    assert "no run on this record made it" in ran.err
    assert "--trust" in ran.err
    assert start_serving("flights@1", "--trust").said["ready"]


def test_files_without_a_model_are_refused(
    record: Record, register_files: Any, tmp_path: Path, paved: Any
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "notes.txt").write_text("no model")
    register_files(record, folder)
    assert "no MLmodel file" in paved("serve", "flights@1", code=2).err


# ----------------------------------------------------------------------------------------------- ports


def test_a_taken_port_that_was_asked_for_is_one_clear_line(
    record: Record, register: Any, plain_model: Model, paved: Any
) -> None:
    register(record, plain_model)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = paved("serve", "flights@1", "--port", str(taken.getsockname()[1]), code=3)
    assert "cannot listen on 127.0.0.1" in ran.err


def test_an_address_of_another_machine_is_one_clear_line(
    record: Record, register: Any, plain_model: Model, paved: Any
) -> None:
    register(record, plain_model)
    assert "cannot listen on 192.0.2.1" in paved("serve", "flights@1", "--host", "192.0.2.1", code=3).err


# ------------------------------------------------------------------------------------ what the record says


def test_a_service_is_on_the_record_while_it_runs_and_after(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    server = start_serving("flights@1")
    (service,) = list_services(record)
    assert (service.model, service.version, service.url, service.state) == ("flights", 1, server.url, "live")
    assert service.pid == server.process.pid
    artifact = get_artifact(record.db, parse_ref("service/flights"))
    assert (artifact.stage, artifact.links) == ("production", {"predict": server.url})
    (edge,) = edges_of(record.db, "service/flights")
    assert (edge.source, edge.verb, edge.target) == ("service/flights", "serves", "model/flights@1")
    server.invoke({"inputs": [[0.1, 0]]})
    assert server.stop() == 0
    assert [service.state for service in list_services(record)] == ["stopped"]
    stopped, served = read_facts(record.db, artifact="service/flights")[:2]
    assert (stopped.verb, served.verb) == ("stopped", "served")
    assert (stopped.payload["requests"], stopped.payload["rows"]) == (1, 1)


def test_a_killed_service_is_gone_not_live(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    start_serving("flights@1").stop(signal.SIGKILL)
    assert [service.state for service in list_services(record)] == ["gone"]


def test_every_running_process_of_a_service_is_listed(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    urls = {start_serving("flights@1").url, start_serving("flights@1").url}
    assert {service.url for service in list_services(record)} == urls


# ------------------------------------------------------------------------------------------- stopping


def test_requests_in_flight_are_answered_before_it_ends(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    server = start_serving("flights@1")
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(server.invoke({"inputs": [[0.5, 1.5]]})))
    asking.start()
    wait_until(lambda: b"in_flight 2" in server.ask("GET", "/metrics").body)
    server.process.send_signal(signal.SIGTERM)
    asking.join(10)
    assert answers[0].json == {"predictions": [0.5]}
    assert server.stop() == 0


def test_a_slow_call_does_not_stop_health_checks(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    server = start_serving("flights@1")
    asking = threading.Thread(target=server.invoke, args=({"inputs": [[0, 1.5]]},))
    asking.start()
    wait_until(lambda: b"in_flight 2" in server.ask("GET", "/metrics").body)
    assert server.ask("GET", "/v2/health/ready").status == 200
    assert asking.is_alive()
    asking.join()


def test_an_idle_connection_does_not_hold_up_the_stop(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    server = start_serving("flights@1")
    idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    idle.request("GET", "/ping")
    idle.getresponse().read()
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 5
    idle.close()


def test_ctrl_c_is_a_stop_too(record: Record, register: Any, plain_model: Model, start_serving: Any) -> None:
    register(record, plain_model)
    assert start_serving("flights@1").stop(signal.SIGINT) == 0
    assert [service.state for service in list_services(record)] == ["stopped"]


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------- the screen


def test_the_screen_says_where_it_is_how_to_try_it_and_how_to_stop_it(
    record: Record, register: Any, plain_model: Model, home: Path
) -> None:
    import subprocess

    register(record, plain_model)
    process = subprocess.Popen(
        [sys.executable, "-m", "pavedroad.cli", "serve", "flights@1", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(6)]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert lines[0].startswith("flights@1 is served at http://127.0.0.1:")
    assert lines[4].strip().startswith("try it   curl http://127.0.0.1:")
    body = lines[4][lines[4].index("{") : lines[4].rindex("'")]
    assert json.loads(body) == {"inputs": [[0.0, 0.01]]}
    assert lines[5].strip() == "stop     Ctrl-C"
    assert errors.strip() == "stopped after 0 requests"
    assert process.returncode == 0
