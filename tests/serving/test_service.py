"""What became of a service: the journal and a lock on a file tell."""

from __future__ import annotations

import msgspec
import pytest

from pavedroad.catalog import Ref, get_artifact, parse_ref, read_facts, set_owner, write_fact
from pavedroad.record import Record
from pavedroad.registry import ModelVersion
from pavedroad.serving.model import Stopped
from pavedroad.serving.service import alive, list_services, new_service, record_start, record_stop

STOPPED = Stopped(requests=3, errors=1, rows=4, seconds=2.0)


@pytest.fixture
def version() -> ModelVersion:
    return ModelVersion(
        uid="u", name="flights", version=3, source="", location="", digest="", created_ms=0, updated_ms=0
    )


def test_a_service_is_live_while_its_lock_is_held(any_record: Record, version: ModelVersion) -> None:
    service = new_service(version, alias="champion", url="http://127.0.0.1:8500")
    record_start(any_record, service)
    with alive(any_record.settings, service):
        assert list_services(any_record) == [service]
    assert [seen.state for seen in list_services(any_record)] == ["gone"]
    record_stop(any_record, service, STOPPED)
    assert [seen.state for seen in list_services(any_record)] == ["stopped"]


def test_a_service_of_another_machine_is_elsewhere_until_it_says_that_it_stopped(
    record: Record, version: ModelVersion
) -> None:
    service = msgspec.structs.replace(new_service(version, alias="", url="http://gpu-7:8500"), host="gpu-7")
    record_start(record, service)
    assert [seen.state for seen in list_services(record)] == ["elsewhere"]
    record_stop(record, service, STOPPED)
    assert [seen.state for seen in list_services(record)] == ["stopped"]


def test_only_the_last_start_of_a_service_that_is_not_live_is_listed(
    record: Record, version: ModelVersion
) -> None:
    for port in (8500, 8501):
        service = new_service(version, alias="", url=f"http://127.0.0.1:{port}")
        record_start(record, service)
        record_stop(record, service, STOPPED)
    assert [seen.url for seen in list_services(record)] == ["http://127.0.0.1:8501"]
    assert get_artifact(record.db, Ref("service", "flights")).links == {"predict": "http://127.0.0.1:8501"}


def test_a_service_belongs_to_the_owner_of_its_model(record: Record, version: ModelVersion) -> None:
    from pavedroad.catalog import ensure_artifact

    record.db.write(lambda tx: ensure_artifact(tx, Ref("model", "flights"), who="ada"))
    record.db.write(lambda tx: set_owner(tx, Ref("model", "flights"), "team flights", who="ada"))
    record_start(record, new_service(version, alias="", url="http://127.0.0.1:8500"))
    assert get_artifact(record.db, parse_ref("service/flights")).owner == "team flights"


def test_facts_of_another_shape_are_passed_over(record: Record, version: ModelVersion) -> None:
    record_start(record, new_service(version, alias="", url="http://127.0.0.1:8500"))
    record.db.write(
        lambda tx: write_fact(tx, who="ada", verb="served", artifact="service/flights", payload={"x": 1})
    )
    assert len(read_facts(record.db, artifact="service/flights", verb="served")) == 2
    assert len(list_services(record)) == 1


def test_there_are_no_services_on_an_empty_record(record: Record) -> None:
    assert list_services(record) == []
