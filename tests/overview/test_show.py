"""`paved show` tells what a service is doing now, not what it once said."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from pavedroad.catalog import Ref, ensure_artifact, write_fact
from pavedroad.record import Record
from pavedroad.serving import Service

REF = Ref("service", "flights")
URL = "http://127.0.0.1:8500"


def serve_once(record: Record, *verbs: str) -> None:
    service = Service(
        name="flights", instance="a1", model="flights", version=3, url=URL,
        host=socket.gethostname(), pid=1, started_ms=1,
    )  # fmt: skip
    payload = msgspec.to_builtins(service)

    def write(tx: Any) -> None:
        ensure_artifact(tx, REF, who="ada", stage="production", links={"predict": URL})
        for verb in verbs:
            write_fact(tx, who="ada", verb=verb, artifact=REF, payload=payload)

    record.db.write(write)


@pytest.mark.parametrize(("verbs", "state"), [(("served", "stopped"), "stopped"), (("served",), "gone")])
def test_a_service_that_does_not_answer_says_so(
    record: Record, paved: Callable[..., Any], verbs: tuple[str, ...], state: str
) -> None:
    serve_once(record, *verbs)
    out = paved("show", str(REF)).out
    assert f"{state}" in out.splitlines()[1]
    assert f"flights@3 at {URL}" in out
    assert "predict" not in out
    assert paved("show", str(REF), "--json").json["services"][0]["state"] == state
