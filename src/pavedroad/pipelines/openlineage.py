"""Runs as OpenLineage events, to a file of JSON lines or by HTTP: START and COMPLETE, FAIL or ABORT for the
run and each step.

Sent by a thread of its own. What cannot be sent is dropped with one note: lineage never fails a run.
"""

from __future__ import annotations

import queue
import threading
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.kit.clock import utc_iso
from pavedroad.kit.sql import without_password
from pavedroad.pipelines import facts

PRODUCER = "https://github.com/pavedroad/pavedroad"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "ParentRunFacet": "1-0-1",
    "ErrorMessageRunFacet": "1-0-1",
    "ProcessingEngineRunFacet": "1-1-1",
    "JobTypeJobFacet": "2-0-3",
    "SchemaDatasetFacet": "1-1-1",
    "DatasetVersionDatasetFacet": "1-0-1",
    "DatasourceDatasetFacet": "1-0-1",
}
HTTP_TIMEOUT_S = 5.0
LONGEST_WAIT_S = 10.0  # at the end of a run
WAITING_EVENTS = 10_000
_ENDS = {"FINISHED": "COMPLETE", "FAILED": "FAIL", "KILLED": "ABORT"}


class Lineage:
    """Makes the events of one run and hands them to a sender."""

    def __init__(
        self, target: str, *, project: str, pipeline: str, run_id: str, note: Callable[[str], None]
    ) -> None:
        self._sender = Sender(target, note)
        self._project = project
        self._pipeline = pipeline
        self._run_id = run_id

    def run_started(self, at_ms: int) -> None:
        self._send("START", at_ms, self._run_id, self._pipeline, "PIPELINE")

    def run_ended(
        self,
        status: str,
        at_ms: int,
        *,
        error: str,
        inputs: Iterable[facts.Dataset] = (),
        outputs: Iterable[facts.Dataset] = (),
    ) -> None:
        self._send(
            _ENDS[status],
            at_ms,
            self._run_id,
            self._pipeline,
            "PIPELINE",
            error=error,
            inputs=inputs,
            outputs=outputs,
        )

    def step(
        self,
        step_run_id: str,
        step: str,
        status: str,
        *,
        started_ms: int,
        ended_ms: int,
        inputs: Iterable[facts.Dataset],
        outputs: Iterable[facts.Dataset],
        error: str = "",
        traceback: str = "",
    ) -> None:
        job, inputs = f"{self._pipeline}.{step}", list(inputs)
        self._send("START", started_ms, step_run_id, job, "STEP", inputs=inputs)
        self._send(
            _ENDS[status], ended_ms, step_run_id, job, "STEP",
            error=error, traceback=traceback, inputs=inputs, outputs=outputs,
        )  # fmt: skip

    def close(self) -> None:
        self._sender.close()

    def _send(
        self,
        kind: str,
        at_ms: int,
        run_id: str,
        job: str,
        job_type: str,
        *,
        error: str = "",
        traceback: str = "",
        inputs: Iterable[facts.Dataset] = (),
        outputs: Iterable[facts.Dataset] = (),
    ) -> None:
        run_facets = {
            "processing_engine": _facet("ProcessingEngineRunFacet", name="pavedroad", version=_version())
        }
        if run_id != self._run_id:
            parent = {
                "run": {"runId": _uuid(self._run_id)},
                "job": {"namespace": self._project, "name": self._pipeline},
            }
            run_facets["parent"] = _facet("ParentRunFacet", **parent)
        if error:
            said = {
                "message": error,
                "programmingLanguage": "PYTHON",
                **({"stackTrace": traceback} if traceback else {}),
            }
            run_facets["errorMessage"] = _facet("ErrorMessageRunFacet", **said)
        job_facets = {
            "jobType": _facet(
                "JobTypeJobFacet", processingType="BATCH", integration="PAVEDROAD", jobType=job_type
            )
        }
        self._sender.send(
            {
                "eventType": kind,
                "eventTime": utc_iso(at_ms),
                "run": {"runId": _uuid(run_id), "facets": run_facets},
                "job": {"namespace": self._project, "name": job, "facets": job_facets},
                "inputs": [self._dataset(data) for data in inputs],
                "outputs": [self._dataset(data) for data in outputs],
                "producer": PRODUCER,
                "schemaURL": _EVENT,
            }
        )

    def _dataset(self, data: facts.Dataset) -> dict[str, Any]:
        facets = {"version": _facet("DatasetVersionDatasetFacet", datasetVersion=data.digest)}
        if data.columns:
            fields = [{"name": name, "type": kind} for name, kind in data.columns.items()]
            facets["schema"] = _facet("SchemaDatasetFacet", fields=fields)
        if data.kind in ("file", "folder"):
            path = Path(data.source).absolute()
            facets["dataSource"] = _facet("DatasourceDatasetFacet", name=data.name, uri=path.as_uri())
            return {"namespace": "file", "name": str(path), "facets": facets}
        return {"namespace": f"paved://{self._project}", "name": data.name, "facets": facets}


class Sender:
    """A thread that writes or posts events in order, until the first one fails."""

    def __init__(self, target: str, note: Callable[[str], None]) -> None:
        self._target = target
        self._note = note
        self._events: queue.Queue[bytes | None] = queue.Queue(WAITING_EVENTS)
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="openlineage", daemon=True)
        self._thread.start()

    def send(self, event: dict[str, Any]) -> None:
        if not self._has_failed:
            try:
                self._events.put_nowait(msgspec.json.encode(event))
            except queue.Full:
                self._fail(f"more than {WAITING_EVENTS:,} events are waiting")

    def close(self) -> None:
        try:
            self._events.put(None, timeout=1)
            self._thread.join(LONGEST_WAIT_S)
        except queue.Full:
            pass
        if self._thread.is_alive():
            self._fail(f"not everything was sent in {LONGEST_WAIT_S:.0f} s")

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            if self._has_failed:
                continue
            try:
                self._send_one(event)
            except (OSError, ValueError) as error:  # URLError is an OSError
                self._fail(str(getattr(error, "reason", None) or error))

    def _send_one(self, event: bytes) -> None:
        if not self._target.startswith(("http://", "https://")):
            file = Path(self._target).expanduser()
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as out:
                out.write(event + b"\n")  # one write: two processes may share the file
            return
        request = urllib.request.Request(  # noqa: S310 (http or https, checked above)
            endpoint(self._target), data=event, headers={"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310
            answer.read()

    def _fail(self, why: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._note(f"OpenLineage events do not reach {without_password(self._target)}: {why}")


def endpoint(url: str) -> str:
    """The address events are posted to: a bare server gets the path of the OpenLineage API."""
    parts = urllib.parse.urlsplit(url)
    return url if parts.path.strip("/") else urllib.parse.urlunsplit(parts._replace(path="/api/v1/lineage"))


def _facet(kind: str, **values: Any) -> dict[str, Any]:
    schema = f"{_SPEC}/facets/{_FACETS[kind]}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **values}


def _uuid(run_id: str) -> str:
    return str(uuid.UUID(run_id))


def _version() -> str:
    from importlib.metadata import version  # 10 ms, and only where lineage is on

    return version("pavedroad")
