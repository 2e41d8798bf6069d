"""What MLflow's clients compare letter by letter in answers of the registry."""

from __future__ import annotations

import msgspec
import pytest

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record
from pavedroad.registry import registration, store
from pavedroad.registry.mlflow_messages import version_answer
from pavedroad.registry.model import ModelVersion


def test_a_version_without_description_and_link_says_both_empty(any_record: Record) -> None:
    def register(tx: Transaction) -> ModelVersion:
        registration.create_model(tx, "flights", who="ada")
        return registration.register_version(tx, "flights", source="s3://models/flights", who="ada")

    said = msgspec.to_builtins(version_answer(any_record.db.write(register)))
    assert {key: said[key] for key in ("description", "run_link", "run_id")} == dict.fromkeys(
        ("description", "run_link", "run_id"), ""
    )


@pytest.mark.parametrize("name", ["a/b", "a:b"])
def test_a_name_that_no_model_can_have_is_refused_when_asked_for(record: Record, name: str) -> None:
    with pytest.raises(Invalid, match="Names cannot contain '/' or ':'"):
        store.get_model(record.db, name)


def test_a_version_of_an_unknown_model_is_itself_not_found(record: Record) -> None:
    with pytest.raises(NotFound, match=r"Model Version \(name=none, version=1\) not found"):
        store.get_version(record.db, "none", 1)
