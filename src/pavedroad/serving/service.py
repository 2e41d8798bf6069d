"""Services on the record: what is served where, and whether it still runs.

The journal says that a service started and stopped. A process that is killed says nothing more, so each one
also holds a lock on a small file beside the record as long as it lives; the kernel lets go of it, whatever
happens.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pavedroad.catalog import (
    Ref,
    add_edge,
    ensure_artifact,
    find_artifact,
    list_artifacts,
    read_facts,
    set_details,
    write_fact,
)
from pavedroad.config import Settings
from pavedroad.errors import PavedError
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record
from pavedroad.registry import ModelVersion
from pavedroad.serving.model import Service, Stopped

FACTS_TO_LOOK_AT = 50


def new_service(version: ModelVersion, *, alias: str, url: str) -> Service:
    return Service(
        name=version.name,
        instance=secrets.token_hex(8),
        model=version.name,
        version=version.version,
        alias=alias,
        url=url,
        host=socket.gethostname(),
        pid=os.getpid(),
        started_ms=now_ms(),
    )


@contextlib.contextmanager
def alive(settings: Settings, service: Service) -> Iterator[None]:
    """Hold the service's lock. Without a folder to write in, the service runs and is shown as `gone`."""
    file = _lock_file(settings, service.instance)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        held = file.open("wb")
    except OSError:
        yield
        return
    with held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(msgspec.json.encode(service))
        held.flush()
        yield
        file.unlink(missing_ok=True)


def record_start(record: Record, service: Service) -> None:
    """The service, what it serves and that it started, in one transaction."""

    def write(tx: Transaction) -> None:
        ref = Ref("service", service.name)
        model = find_artifact(tx, Ref("model", service.model))
        ensure_artifact(
            tx,
            ref,
            who=record.settings.who,
            owner=model.owner if model else "",
            description=f"answers predictions of the model {service.model}",
            stage="production",
            links={"predict": service.url},
        )
        known = find_artifact(tx, ref)
        if known is not None and known.links.get("predict") != service.url:  # it moved since
            set_details(tx, ref, who=record.settings.who, links={"predict": service.url})
        add_edge(tx, ref, "serves", Ref("model", service.model, str(service.version)))
        _write(tx, record, "served", service, msgspec.to_builtins(service))

    record.db.write(write)


def record_stop(record: Record, service: Service, stopped: Stopped) -> None:
    payload = {"instance": service.instance, **msgspec.to_builtins(stopped)}
    record.db.write(lambda tx: _write(tx, record, "stopped", service, payload))


def _write(tx: Transaction, record: Record, verb: str, service: Service, payload: dict[str, object]) -> None:
    write_fact(tx, who=record.settings.who, verb=verb, artifact=Ref("service", service.name), payload=payload)


def list_services(record: Record) -> list[Service]:
    """What is served now, and of every service that is not served at all its last start. Newest first."""
    found: list[Service] = []
    for artifact in list_artifacts(record.db, kind="service"):
        instances = _instances(record, artifact.ref)
        live = [service for service in instances if service.state in ("live", "elsewhere")]
        found += live or instances[:1]
    return sorted(found, key=lambda service: -service.started_ms)


def _instances(record: Record, ref: Ref) -> list[Service]:
    """The starts of a service that the newest facts tell of, newest first, each with what became of it."""
    stopped: set[str] = set()
    instances = []
    for fact in read_facts(record.db, artifact=str(ref), limit=FACTS_TO_LOOK_AT):
        if fact.verb == "stopped":
            stopped.add(str(fact.payload.get("instance")))
        elif fact.verb == "served":
            try:
                service = msgspec.convert(fact.payload, Service)
            except msgspec.ValidationError:  # a fact of another version of this program
                continue
            state = "stopped" if service.instance in stopped else _state(record.settings, service)
            instances.append(msgspec.structs.replace(service, state=state))
    return instances


def _state(settings: Settings, service: Service) -> str:
    if service.host != socket.gethostname():
        return "elsewhere"
    file = _lock_file(settings, service.instance)
    try:
        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return "gone"
    except BlockingIOError:
        return "live"
    except OSError as error:
        raise PavedError(f"cannot look at {file}: {error.strerror}", hint="check its permissions") from None
    return "gone"


def _lock_file(settings: Settings, instance: str) -> Path:
    return settings.home / "services" / f"{instance}.json"
