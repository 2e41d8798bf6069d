"""Permanent delete reaches every table that knows of a run, and leaves the journal."""

from __future__ import annotations

import pytest
from tests.housekeeping.filled import count_rows, fill, tables

from pavedroad.catalog import read_facts
from pavedroad.errors import Conflict, NotFound, Refused
from pavedroad.housekeeping.erasing import erase_experiment, erase_runs
from pavedroad.tracking import create_experiment, delete_experiment, delete_run, get_run, start_run

# Columns that say whose a row is. A new table with one must be filled by `fill`, emptied by erasing.
OWNERS = {"run_no", "run_id", "step_run_id", "experiment_id", "curve", "model_id", "input_no", "dataset_no"}
# They outlive a run: what happened, what came from what, what was released, what was brought from elsewhere.
STAY = {"facts", "edges", "model_versions", "alias_moves"}


def test_the_filled_record_has_rows_in_every_table_that_knows_of_runs(any_record):
    fill(any_record)
    owned = {name for name, columns in tables(any_record).items() if OWNERS & set(columns)} - STAY
    counts = count_rows(any_record)
    assert {name for name in owned if not counts[name]} == set()


def test_erasing_an_experiment_leaves_no_row_of_it(any_record):
    before = count_rows(any_record)
    filled = fill(any_record)
    any_record.db.write(lambda tx: delete_experiment(tx, filled.experiment_id, who="ada"))
    assert erase_experiment(any_record.db, filled.experiment_id, who="ada") == 1
    after = count_rows(any_record)
    after.pop("facts"), before.pop("facts")
    for of_all_runs in ("code_parts", "environments"):  # they go with `paved gc`
        assert after.pop(of_all_runs) == 1
        before.pop(of_all_runs)
    assert after == before


def test_erasing_a_run_leaves_what_other_runs_have(any_record):
    kept, erased = fill(any_record, "kept"), fill(any_record, "erased")
    any_record.db.write(lambda tx: delete_run(tx, erased.run_id, who="ada"))
    any_record.db.write(lambda tx: erase_runs(tx, [erased.run_id], who="ada"))
    with pytest.raises(NotFound):
        get_run(any_record.db, erased.run_id)
    alone = count_rows(any_record)
    assert alone["runs"] == alone["latest_metrics"] / 11 == alone["logged_models"] == alone["datasets"] == 1
    assert get_run(any_record.db, kept.run_id).params == {"depth": "8"}


def test_the_journal_keeps_its_facts_and_says_what_was_erased(any_record):
    filled = fill(any_record)
    any_record.db.write(lambda tx: delete_run(tx, filled.run_id, who="ada"))
    any_record.db.write(lambda tx: erase_runs(tx, [filled.run_id], who="grace"))
    erased, deleted = read_facts(any_record.db, run_id=filled.run_id)[:2]
    assert (deleted.verb, erased.verb, erased.who) == ("deleted", "erased", "grace")
    assert erased.payload == {
        "name": "first", "experiment": filled.experiment_id, "params": 1, "curves": 11, "points": 3014,
        "files": 2,
    }  # fmt: skip


def test_what_is_not_deleted_is_erased_only_by_force(any_record):
    filled = fill(any_record)
    with pytest.raises(Conflict, match="not deleted"):
        any_record.db.write(lambda tx: erase_runs(tx, [filled.run_id], who="ada"))
    with pytest.raises(Conflict, match="not deleted"):
        erase_experiment(any_record.db, filled.experiment_id, who="ada")
    assert any_record.db.write(lambda tx: erase_runs(tx, [filled.run_id], who="ada", force=True)) == 1
    assert erase_experiment(any_record.db, filled.experiment_id, who="ada", force=True) == 0


def test_a_refused_run_keeps_the_others_too(any_record):
    first, second = fill(any_record, "one"), fill(any_record, "two")
    any_record.db.write(lambda tx: delete_run(tx, first.run_id, who="ada"))
    with pytest.raises(Conflict):
        any_record.db.write(lambda tx: erase_runs(tx, [first.run_id, second.run_id], who="ada"))
    assert get_run(any_record.db, first.run_id).params == {"depth": "8"}


def test_the_default_experiment_stays(record):
    with pytest.raises(Refused, match="default"):
        erase_experiment(record.db, "0", who="ada", force=True)


def test_the_id_of_an_erased_experiment_is_never_given_again(any_record):
    filled = fill(any_record)
    erase_experiment(any_record.db, filled.experiment_id, who="ada", force=True)
    another = any_record.db.write(lambda tx: create_experiment(tx, "another", who="ada"))
    assert int(another.id) > int(filled.experiment_id)


def test_a_pipeline_run_takes_its_steps_with_it(any_record):
    filled = fill(any_record)
    tags = {"mlflow.parentRunId": filled.run_id, "paved.kind": "step"}
    step = any_record.db.write(
        lambda tx: start_run(tx, experiment_id=filled.experiment_id, tags=tags, run_id="s" * 32)
    )
    nested = any_record.db.write(
        lambda tx: start_run(
            tx, experiment_id=filled.experiment_id, tags={"mlflow.parentRunId": filled.run_id}
        )
    )
    any_record.db.write(lambda tx: delete_run(tx, filled.run_id, who="ada"))
    assert any_record.db.write(lambda tx: erase_runs(tx, [filled.run_id], who="ada")) == 2
    with pytest.raises(NotFound):
        get_run(any_record.db, step)
    assert get_run(any_record.db, nested).id == nested
