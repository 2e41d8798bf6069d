from __future__ import annotations

import msgspec
import pytest

from pavedroad.errors import Invalid, NotFound
from pavedroad.record import Record
from pavedroad.tracking import (
    DatasetInput,
    RunModel,
    delete_run,
    log_input,
    log_inputs,
    log_outputs,
    run_inputs,
    run_models,
    start_run,
)
from pavedroad.tracking.inputs import dataset_summaries

RIDES = DatasetInput(
    name="rides",
    digest="ab12",
    source_type="local",
    source='{"uri": "rides.parquet"}',
    schema="{}",
    profile='{"rows": 3}',
    tags={"mlflow.data.context": "training", "a": "b"},
)


@pytest.fixture
def run_id(any_record: Record) -> str:
    return any_record.db.write(lambda tx: start_run(tx, experiment_id="0"))


def test_a_run_says_which_datasets_it_used_and_what_for(any_record: Record, run_id: str) -> None:
    other = DatasetInput(name="rides", digest="cd34", source_type="local", source="x")
    any_record.db.write(lambda tx: log_inputs(tx, run_id, [RIDES, other]))
    assert run_inputs(any_record.db, run_id) == [RIDES, other]


def test_a_dataset_said_twice_is_used_once_with_its_first_tags(any_record: Record, run_id: str) -> None:
    again = msgspec.structs.replace(RIDES, tags={"mlflow.data.context": "test"})
    any_record.db.write(lambda tx: log_input(tx, run_id, RIDES))
    any_record.db.write(lambda tx: log_inputs(tx, run_id, [again, again]))
    assert run_inputs(any_record.db, run_id) == [RIDES]


def test_runs_share_a_dataset_and_tag_their_own_use(any_record: Record, run_id: str) -> None:
    other_run = any_record.db.write(lambda tx: start_run(tx, experiment_id="0"))
    tested = msgspec.structs.replace(RIDES, tags={"mlflow.data.context": "test"})
    any_record.db.write(lambda tx: log_input(tx, run_id, RIDES))
    any_record.db.write(lambda tx: log_input(tx, other_run, tested))
    assert run_inputs(any_record.db, other_run) == [tested]
    found = dataset_summaries(any_record.db, ["0"])
    assert [(one.name, one.digest, one.context) for one in found] == [
        ("rides", "ab12", "test"),
        ("rides", "ab12", "training"),
    ]


def test_a_dataset_used_for_nothing_said_has_no_context(any_record: Record, run_id: str) -> None:
    any_record.db.write(lambda tx: log_input(tx, run_id, msgspec.structs.replace(RIDES, tags={})))
    assert [one.context for one in dataset_summaries(any_record.db, ["0", "0"][:1])] == [None]


def test_a_run_says_which_models_it_used_and_made(any_record: Record, run_id: str) -> None:
    any_record.db.write(lambda tx: log_inputs(tx, run_id, models=[RunModel(model_id="m-1")]))
    any_record.db.write(lambda tx: log_outputs(tx, run_id, [RunModel(model_id="m-2", step=5)]))
    any_record.db.write(lambda tx: log_outputs(tx, run_id, [RunModel(model_id="m-2", step=5)]))
    assert run_models(any_record.db, run_id) == (
        [RunModel(model_id="m-1")],
        [RunModel(model_id="m-2", step=5)],
    )


def test_an_unknown_or_deleted_run_uses_nothing(record: Record) -> None:
    with pytest.raises(NotFound):
        run_inputs(record.db, "nope")
    run_id = record.db.write(lambda tx: start_run(tx, experiment_id="0"))
    record.db.write(lambda tx: delete_run(tx, run_id, who="ada"))
    with pytest.raises(Invalid, match="must be in the 'active' state"):
        record.db.write(lambda tx: log_input(tx, run_id, RIDES))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "x" * 501}, "'name' exceeds the maximum length of 500 characters"),
        ({"digest": "x" * 37}, "'digest' exceeds the maximum length of 36 characters"),
        ({"source": "x" * 65_536}, "'source' exceeds the maximum length of 65535"),
        ({"schema": "x" * 1_048_576}, "'schema' exceeds the maximum length of 1048575"),
        ({"tags": {"k" * 256: "v"}}, "'key' exceeds the maximum length of 255"),
        ({"tags": {"k": "v" * 501}}, "'value' exceeds the maximum length of 500"),
    ],
)
def test_a_dataset_too_large_to_keep_is_refused(
    record: Record, change: dict[str, object], words: str
) -> None:
    run_id = record.db.write(lambda tx: start_run(tx, experiment_id="0"))
    with pytest.raises(Invalid, match=words):
        record.db.write(lambda tx: log_input(tx, run_id, msgspec.structs.replace(RIDES, **change)))
    assert run_inputs(record.db, run_id) == []
