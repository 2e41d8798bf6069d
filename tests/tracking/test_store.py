from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pavedroad.catalog import read_facts
from pavedroad.errors import Exists, Invalid, NotFound
from pavedroad.record import Record
from pavedroad.tracking import (
    count_runs,
    create_experiment,
    delete_experiment,
    delete_run,
    end_run,
    ensure_experiment,
    find_experiment,
    find_run,
    get_experiment,
    get_run,
    log_batch,
    log_param,
    restore_experiment,
    restore_run,
    set_tag,
    start_run,
    update_run,
)
from pavedroad.tracking.store import (
    delete_experiment_tag,
    delete_tag,
    rename_experiment,
    set_experiment_tag,
)


def do(record: Record, work: Any, *arguments: Any, **values: Any) -> Any:
    return record.db.write(lambda tx: work(tx, *arguments, **values))


# ------------------------------------------------------------------------------------------------ experiments


def test_experiment_0_is_there_from_the_start(any_record: Record) -> None:
    default = get_experiment(any_record.db, "0")
    assert (default.name, default.artifact_location) == ("Default", "mlflow-artifacts:/0")
    assert default.created_ms > 1_600_000_000_000


def test_a_new_experiment_has_a_number_and_a_place_for_files(any_record: Record) -> None:
    made = do(any_record, create_experiment, "flights", who="ada", tags={"team": "red"})
    assert (made.id, made.artifact_location, made.tags) == ("1", "mlflow-artifacts:/1", {"team": "red"})
    assert get_experiment(any_record.db, "1") == made
    assert find_experiment(any_record.db, "flights") == made


def test_an_experiment_may_keep_its_files_elsewhere(any_record: Record) -> None:
    made = do(any_record, create_experiment, "flights", who="ada", artifact_location="mlflow-artifacts:/a/b/")
    run = get_run(any_record.db, do(any_record, start_run, experiment_id=made.id))
    assert run.artifact_uri == f"mlflow-artifacts:/a/b/{run.id}/artifacts"


def test_a_name_belongs_to_one_active_experiment(any_record: Record) -> None:
    do(any_record, create_experiment, "flights", who="ada")
    with pytest.raises(Exists, match=re.escape("Experiment(name=flights) already exists")):
        do(any_record, create_experiment, "flights", who="ada")


def test_the_name_of_a_deleted_experiment_is_free_at_once(any_record: Record) -> None:
    old = do(any_record, create_experiment, "flights", who="ada")
    do(any_record, delete_experiment, old.id, who="ada")
    assert find_experiment(any_record.db, "flights").lifecycle_stage == "deleted"
    new = do(any_record, create_experiment, "flights", who="ada")
    assert find_experiment(any_record.db, "flights") == new
    with pytest.raises(Exists):
        do(any_record, restore_experiment, old.id, who="ada")
    do(any_record, rename_experiment, new.id, "flights 2")
    do(any_record, restore_experiment, old.id, who="ada")
    assert find_experiment(any_record.db, "flights").id == old.id


def test_runs_are_deleted_and_restored_with_their_experiment(any_record: Record) -> None:
    made = do(any_record, create_experiment, "flights", who="ada")
    run_id = do(any_record, start_run, experiment_id=made.id)
    do(any_record, delete_experiment, made.id, who="ada")
    assert get_run(any_record.db, run_id).lifecycle_stage == "deleted"
    do(any_record, restore_experiment, made.id, who="ada")
    assert get_run(any_record.db, run_id).lifecycle_stage == "active"


def test_a_deleted_experiment_takes_no_changes(record: Record) -> None:
    made = do(record, create_experiment, "flights", who="ada")
    do(record, delete_experiment, made.id, who="ada")
    with pytest.raises(NotFound):
        do(record, delete_experiment, made.id, who="ada")
    with pytest.raises(Invalid, match="must be in the 'active' state"):
        do(record, start_run, experiment_id=made.id)
    with pytest.raises(Invalid, match="must be in the 'active' state"):
        do(record, set_experiment_tag, made.id, "a", "b")
    with pytest.raises(Invalid, match="Cannot rename a non-active experiment"):
        do(record, rename_experiment, made.id, "other")


def test_only_a_deleted_experiment_is_restored(record: Record) -> None:
    with pytest.raises(NotFound, match="No Experiment with id=0 exists"):
        do(record, restore_experiment, "0", who="ada")


def test_an_experiment_is_renamed_but_not_to_the_name_of_another(any_record: Record) -> None:
    made = do(any_record, create_experiment, "flights", who="ada")
    do(any_record, rename_experiment, made.id, "flights")
    do(any_record, rename_experiment, made.id, "trains")
    assert get_experiment(any_record.db, made.id).name == "trains"
    with pytest.raises(Exists):
        do(any_record, rename_experiment, made.id, "Default")


def test_tags_of_an_experiment_are_set_changed_and_deleted(any_record: Record) -> None:
    do(any_record, set_experiment_tag, "0", "a", "1")
    do(any_record, set_experiment_tag, "0", "a", "2")
    assert get_experiment(any_record.db, "0").tags == {"a": "2"}
    do(any_record, delete_experiment_tag, "0", "a")
    assert get_experiment(any_record.db, "0").tags == {}
    with pytest.raises(NotFound, match="No tag with name: a in experiment with id 0"):
        do(any_record, delete_experiment_tag, "0", "a")


def test_ensuring_an_experiment_makes_it_once_whoever_asks_at_the_same_time(any_record: Record) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: do(any_record, ensure_experiment, "flights", who="ada"), range(16)))
    assert {one.id for one in made} == {made[0].id}


@pytest.mark.parametrize("wrong", ["x", "-", "", "1.0", "²", str(2**63), "9" * 500])
def test_an_experiment_id_is_a_number(record: Record, wrong: str) -> None:
    with pytest.raises(Invalid, match="Experiment ID must be a valid integer"):
        get_experiment(record.db, wrong)


@pytest.mark.parametrize("unknown", ["77", "-1"])
def test_an_unknown_experiment_is_not_found(any_record: Record, unknown: str) -> None:
    with pytest.raises(NotFound, match=f"No Experiment with id={unknown} exists"):
        get_experiment(any_record.db, unknown)
    assert find_experiment(any_record.db, "nope") is None


def test_what_people_do_to_experiments_and_runs_is_on_the_journal(record: Record) -> None:
    made = do(record, create_experiment, "flights", who="ada")
    run_id = do(record, start_run, experiment_id=made.id)
    do(record, delete_run, run_id, who="bob")
    do(record, restore_run, run_id, who="ada")
    do(record, delete_experiment, made.id, who="bob")
    do(record, restore_experiment, made.id, who="ada")
    told = [(fact.who, fact.verb, fact.artifact) for fact in reversed(read_facts(record.db))]
    assert told == [
        ("ada", "created", "experiment/1"),
        ("bob", "deleted", f"run/{run_id}"),
        ("ada", "restored", f"run/{run_id}"),
        ("bob", "deleted", "experiment/1"),
        ("ada", "restored", "experiment/1"),
    ]


# ------------------------------------------------------------------------------------------------------- runs


def test_a_run_begins_with_what_it_was_given(any_record: Record) -> None:
    run_id = do(
        any_record,
        start_run,
        experiment_id="0",
        name="first",
        user="ada",
        start_ms=5,
        params={"p": "1"},
        tags={"t": "2"},
    )
    run = get_run(any_record.db, run_id)
    assert re.fullmatch("[0-9a-f]{32}", run.id)
    assert (run.name, run.user, run.status, run.start_ms, run.end_ms) == ("first", "ada", "RUNNING", 5, None)
    assert run.params == {"p": "1"}
    assert run.tags == {"mlflow.runName": "first", "t": "2"}
    assert run.artifact_uri == f"mlflow-artifacts:/0/{run_id}/artifacts"


def test_a_run_without_name_gets_a_readable_one(record: Record) -> None:
    run = get_run(record.db, do(record, start_run, experiment_id="0"))
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", run.name)
    assert run.tags == {"mlflow.runName": run.name}


def test_the_name_tag_names_a_run_unless_it_says_otherwise(record: Record) -> None:
    tagged = do(record, start_run, experiment_id="0", tags={"mlflow.runName": "x"})
    assert get_run(record.db, tagged).name == "x"
    with pytest.raises(Invalid, match="but with different values"):
        do(record, start_run, experiment_id="0", name="y", tags={"mlflow.runName": "x"})


def test_a_run_ends_with_a_status_and_a_time(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0")
    do(any_record, end_run, run_id, "FAILED", 77)
    run = get_run(any_record.db, run_id)
    assert (run.status, run.end_ms) == ("FAILED", 77)


def test_only_what_is_given_of_a_run_changes(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0", name="old")
    do(any_record, update_run, run_id, name="new")
    run = get_run(any_record.db, run_id)
    assert (run.name, run.tags["mlflow.runName"], run.status, run.end_ms) == ("new", "new", "RUNNING", None)


def test_the_name_tag_renames_a_run(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0", name="old")
    do(any_record, set_tag, run_id, "mlflow.runName", "new")
    assert get_run(any_record.db, run_id).name == "new"
    do(any_record, log_batch, run_id, tags={"mlflow.runName": "newest"})
    assert get_run(any_record.db, run_id).name == "newest"


def test_an_unknown_status_is_refused(record: Record) -> None:
    run_id = do(record, start_run, experiment_id="0")
    with pytest.raises(Invalid, match="unknown run status 'DONE'"):
        do(record, update_run, run_id, status="DONE")


def test_a_deleted_run_takes_no_values(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0")
    do(any_record, delete_run, run_id, who="ada")
    with pytest.raises(
        Invalid, match=f"The run {run_id} must be in the 'active' state. Current state is deleted."
    ):
        do(any_record, set_tag, run_id, "a", "b")
    do(any_record, restore_run, run_id, who="ada")
    do(any_record, set_tag, run_id, "a", "b")
    assert get_run(any_record.db, run_id).tags["a"] == "b"


def test_an_unknown_run_is_not_found(any_record: Record) -> None:
    with pytest.raises(NotFound, match="Run with id=nope not found"):
        get_run(any_record.db, "nope")
    with pytest.raises(NotFound, match="Run with id=nope not found"):
        do(any_record, delete_run, "nope", who="ada")


def test_runs_are_counted_by_experiment(any_record: Record) -> None:
    gone = do(any_record, start_run, experiment_id="0")
    do(any_record, start_run, experiment_id="0")
    do(any_record, delete_run, gone, who="ada")
    assert count_runs(any_record.db, "0") == 1
    assert count_runs(any_record.db, "0", stage="deleted") == 1


def test_a_run_is_found_by_the_start_of_its_id(any_record: Record) -> None:
    for run_id in ("abc1", "abc2", "abd", "ab"):
        do(any_record, start_run, experiment_id="0", run_id=run_id)
    assert find_run(any_record.db, "ABD").id == "abd"
    assert find_run(any_record.db, "ab").id == "ab"
    with pytest.raises(Invalid, match="'abc' is the start of several run ids"):
        find_run(any_record.db, "abc")
    with pytest.raises(NotFound, match="no run 'ff'"):
        find_run(any_record.db, "ff")
    for wrong in ("", "%", "a_"):
        with pytest.raises(Invalid):
            find_run(any_record.db, wrong)


# ------------------------------------------------------------------------------------------ params and tags


def test_a_param_keeps_its_first_value(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0")
    do(any_record, log_param, run_id, "lr", "1")
    do(any_record, log_param, run_id, "lr", "1")
    with pytest.raises(Invalid) as refused:
        do(any_record, log_param, run_id, "lr", "2")
    assert refused.value.message == (
        f"Changing param values is not allowed. Param with key='lr' was already logged with value='1' for "
        f"run ID='{run_id}'. Attempted logging new value '2'."
    )


def test_a_batch_that_changes_a_param_changes_nothing(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0", params={"lr": "1"})
    with pytest.raises(
        Invalid, match=r"Params were already logged='\[\{'key': 'lr', 'old_value': '1', 'new_value': '2'"
    ):
        do(any_record, log_batch, run_id, params={"depth": "3", "lr": "2"}, tags={"a": "b"})
    run = get_run(any_record.db, run_id)
    assert run.params == {"lr": "1"}
    assert "a" not in run.tags


def test_of_two_writers_of_one_param_the_second_is_refused(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0")

    def log(value: int) -> bool:
        try:
            do(any_record, log_batch, run_id, params={"lr": str(value)})
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        said_yes = [value for value, good in enumerate(threads.map(log, range(16))) if good]
    assert [get_run(any_record.db, run_id).params["lr"]] == [str(value) for value in said_yes]


def test_a_tag_is_set_again_and_deleted(any_record: Record) -> None:
    run_id = do(any_record, start_run, experiment_id="0", name="x")
    do(any_record, set_tag, run_id, "a", "1")
    do(any_record, set_tag, run_id, "a", "2")
    assert get_run(any_record.db, run_id).tags["a"] == "2"
    do(any_record, delete_tag, run_id, "a")
    assert get_run(any_record.db, run_id).tags == {"mlflow.runName": "x"}
    with pytest.raises(NotFound, match=f"No tag with name: a in run with id {run_id}"):
        do(any_record, delete_tag, run_id, "a")


def test_long_values_are_cut_as_mlflow_cuts_them(record: Record) -> None:
    run_id = do(record, start_run, experiment_id="0")
    do(record, log_batch, run_id, params={"p": "x" * 7000}, tags={"t": "y" * 9000})
    run = get_run(record.db, run_id)
    assert (len(run.params["p"]), len(run.tags["t"])) == (6000, 8000)
    do(record, log_param, run_id, "p", "x" * 7000)


def test_any_text_comes_back_as_it_went_in(any_record: Record) -> None:
    text = "naïve ∆ 漢字 🛣 \n\t'\"\\ %_:x"
    run_id = do(any_record, start_run, experiment_id="0", params={"p": text}, tags={"t": text})
    run = get_run(any_record.db, run_id)
    assert (run.params["p"], run.tags["t"]) == (text, text)
