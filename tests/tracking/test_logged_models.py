from __future__ import annotations

import pytest

from pavedroad.errors import Invalid, NotFound
from pavedroad.record import Record
from pavedroad.tracking import (
    LoggedModel,
    Metric,
    create_logged_model,
    delete_experiment,
    delete_logged_model,
    finish_logged_model,
    get_logged_model,
    get_run,
    log_batch,
    log_logged_model_params,
    logged_models_of_run,
    model_root,
    set_logged_model_tags,
    start_run,
)
from pavedroad.tracking.logged_models import delete_logged_model_tag


@pytest.fixture
def run_id(any_record: Record) -> str:
    return any_record.db.write(lambda tx: start_run(tx, experiment_id="0"))


@pytest.fixture
def model(any_record: Record, run_id: str) -> LoggedModel:
    return any_record.db.write(
        lambda tx: create_logged_model(
            tx, experiment_id="0", name="late", source_run_id=run_id, params={"p": "1"}, tags={"t": "2"}
        )
    )


def test_a_model_waits_for_its_files_then_is_ready(any_record: Record, model: LoggedModel) -> None:
    assert (model.name, model.status, model.params, model.tags) == ("late", "PENDING", {"p": "1"}, {"t": "2"})
    assert model.artifact_location == f"mlflow-artifacts:/0/models/{model.id}/artifacts"
    assert get_logged_model(any_record.db, model.id) == model
    finished = any_record.db.write(lambda tx: finish_logged_model(tx, model.id))
    assert finished.status == "READY"


def test_a_failed_upload_says_why(any_record: Record, model: LoggedModel) -> None:
    failed = any_record.db.write(lambda tx: finish_logged_model(tx, model.id, "FAILED", message="disk full"))
    assert (failed.status, failed.status_message) == ("FAILED", "disk full")


def test_an_unknown_status_is_refused(record: Record) -> None:
    made = record.db.write(lambda tx: create_logged_model(tx, experiment_id="0"))
    with pytest.raises(Invalid, match="unknown status of a logged model 'DONE'"):
        record.db.write(lambda tx: finish_logged_model(tx, made.id, "DONE"))


def test_a_model_without_name_gets_one(record: Record) -> None:
    assert record.db.write(lambda tx: create_logged_model(tx, experiment_id="0")).name.count("-") == 2


def test_a_run_lists_the_models_it_made(any_record: Record, model: LoggedModel, run_id: str) -> None:
    assert logged_models_of_run(any_record.db, run_id) == [model]
    any_record.db.write(lambda tx: delete_logged_model(tx, model.id))
    assert logged_models_of_run(any_record.db, run_id) == []


def test_a_deleted_model_is_found_only_by_who_asks_for_it(any_record: Record, model: LoggedModel) -> None:
    any_record.db.write(lambda tx: delete_logged_model(tx, model.id))
    with pytest.raises(NotFound, match=f"Logged model with ID '{model.id}' not found"):
        get_logged_model(any_record.db, model.id)
    assert get_logged_model(any_record.db, model.id, allow_deleted=True).lifecycle_stage == "deleted"


def test_a_param_of_a_model_keeps_its_value(any_record: Record, model: LoggedModel) -> None:
    any_record.db.write(lambda tx: log_logged_model_params(tx, model.id, {"p": "1", "q": "2"}))
    assert get_logged_model(any_record.db, model.id).params == {"p": "1", "q": "2"}
    with pytest.raises(Invalid, match="Changing param values is not allowed"):
        any_record.db.write(lambda tx: log_logged_model_params(tx, model.id, {"p": "9"}))


def test_tags_of_a_model_are_set_changed_and_deleted(any_record: Record, model: LoggedModel) -> None:
    any_record.db.write(lambda tx: set_logged_model_tags(tx, model.id, {"t": "3", "u": "4"}))
    any_record.db.write(lambda tx: delete_logged_model_tag(tx, model.id, "u"))
    assert get_logged_model(any_record.db, model.id).tags == {"t": "3"}
    with pytest.raises(NotFound, match="No tag with key 'u' found for model"):
        any_record.db.write(lambda tx: delete_logged_model_tag(tx, model.id, "u"))


def test_a_metric_of_a_model_counts_for_the_run_and_for_the_model(
    any_record: Record, model: LoggedModel, run_id: str
) -> None:
    point = Metric(
        key="auc", value=0.9, at_ms=1, step=2, model_id=model.id, dataset_name="d", dataset_digest="e"
    )
    any_record.db.write(lambda tx: log_batch(tx, run_id, [point]))
    any_record.db.write(lambda tx: log_batch(tx, run_id, [point]))
    assert get_run(any_record.db, run_id).metric("auc") == 0.9
    (found,) = get_logged_model(any_record.db, model.id).metrics
    assert (found.value, found.run_id, found.dataset_name, found.dataset_digest) == (0.9, run_id, "d", "e")


@pytest.mark.parametrize("work", [get_logged_model, delete_logged_model, finish_logged_model])
def test_an_unknown_model_is_not_found(record: Record, work: object) -> None:
    with pytest.raises(NotFound, match="Logged model with ID 'm-nope' not found"):
        record.db.write(lambda tx: work(tx, "m-nope"))  # type: ignore[operator]


def test_a_deleted_experiment_takes_no_models(record: Record) -> None:
    record.db.write(lambda tx: delete_experiment(tx, "0", who="ada"))
    with pytest.raises(Invalid, match="must be in the 'active' state"):
        record.db.write(lambda tx: create_logged_model(tx, experiment_id="0"))


def test_a_source_names_the_root_of_its_files(any_record: Record, model: LoggedModel, run_id: str) -> None:
    db = any_record.db
    assert model_root(db, f"models:/{model.id}") == f"0/models/{model.id}/artifacts"
    assert model_root(db, f"models:/{model.id}/sub/") == f"0/models/{model.id}/artifacts/sub"
    assert model_root(db, f"runs:/{run_id}/model") == f"0/{run_id}/artifacts/model"
    assert model_root(db, "mlflow-artifacts:/0/x/artifacts/model") == "0/x/artifacts/model"
    for wrong in ("s3://bucket/model", "models:/name/1", "/etc"):
        with pytest.raises(Invalid):
            model_root(db, wrong)
    with pytest.raises(NotFound):
        model_root(db, "models:/m-nope")
