"""Which version a text names, where its files are laid out, and when they are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pavedroad.errors import Invalid, NotFound
from pavedroad.models import Model, load_model, write_model
from pavedroad.record import Record
from pavedroad.registry import get_version
from pavedroad.registry.registration import register_version
from pavedroad.serving.version_files import is_trusted, lay_out, parse_target
from pavedroad.tracking import delete_run, ensure_experiment, get_run, root_of, save_file, start_run


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("flights", ("flights", "champion")),
        ("flights@champion", ("flights", "champion")),
        ("flights@3", ("flights", "3")),
        ("model/flights@3", ("flights", "3")),
        ("models:/flights@champion", ("flights", "champion")),
        ("models:/flights/3", ("flights", "3")),
        ("late flights@new model", ("late flights", "new model")),
        (" flights@3 ", ("flights", "3")),
    ],
)
def test_a_target_is_a_name_and_an_alias_or_a_version(text: str, named: tuple[str, str]) -> None:
    assert parse_target(text) == named


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_no_name_is_no_target(text: str) -> None:
    with pytest.raises(Invalid, match="names no model"):
        parse_target(text)


def test_the_files_are_laid_out_as_they_were_registered(
    any_record: Record, register: Any, plain_model: Model, tmp_path: Path
) -> None:
    version = register(any_record, plain_model)
    folder = tmp_path / "laid"
    folder.mkdir()
    lay_out(any_record, version, folder.resolve())
    assert (folder / "code" / "sleepers.py").read_text().strip().startswith("import time")
    assert load_model(folder, trusted=True).predict([[0.0, 0.0]])[0] == 0.0


def test_files_that_change_after_registration_are_not_those_that_are_served(
    record: Record, register: Any, plain_model: Model, tmp_path: Path
) -> None:
    version = register(record, plain_model)
    location = f"1/models/{version.model_id}/artifacts"
    with (tmp_path / "bad").open("w+b") as other:
        other.write(b"flavors: {}")
        other.seek(0)
        save_file(record, location, "MLmodel", other)
    folder = tmp_path / "laid"
    folder.mkdir()
    lay_out(record, version, folder.resolve())
    assert "python_function" in (folder / "MLmodel").read_text()


def test_a_version_whose_files_are_elsewhere_is_refused(
    record: Record, register: Any, plain_model: Model, tmp_path: Path
) -> None:
    register(record, plain_model)
    elsewhere = record.db.write(
        lambda tx: register_version(tx, "flights", source="s3://bucket/model", who="ada")
    )
    with pytest.raises(NotFound, match="no files of flights@2 are on this record; its source is 's3:"):
        lay_out(record, elsewhere, tmp_path)
    assert not is_trusted(record, elsewhere)


def test_files_of_a_logged_model_are_trusted_when_a_run_made_it(
    any_record: Record, register: Any, plain_model: Model
) -> None:
    assert is_trusted(any_record, register(any_record, plain_model))
    assert not is_trusted(any_record, register(any_record, plain_model, made_by_a_run=False))


def test_naming_a_run_does_not_make_files_its_own(record: Record, register: Any, plain_model: Model) -> None:
    mine = register(record, plain_model)
    brought = register(record, plain_model, made_by_a_run=False)
    claimed = record.db.write(
        lambda tx: register_version(
            tx, "flights", source=brought.source, who="eve", run_id=mine.run_id, model_id=brought.model_id
        )
    )
    assert claimed.run_id == mine.run_id
    assert not is_trusted(record, claimed)


def test_a_copy_of_a_version_is_trusted_as_the_version_is(
    record: Record, register: Any, plain_model: Model
) -> None:
    register(record, plain_model)
    register(record, plain_model, made_by_a_run=False)
    copies = [
        record.db.write(
            lambda tx, number=number: register_version(
                tx, "flights", source=f"models:/flights/{number}", who="ada"
            )
        )
        for number in (1, 2)
    ]
    assert [is_trusted(record, copy) for copy in copies] == [True, False]


def test_files_of_a_run_are_trusted_even_when_the_run_was_deleted_since(
    record: Record, register: Any, plain_model: Model, tmp_path: Path
) -> None:
    register(record, plain_model)
    write_model(tmp_path / "model", plain_model)
    experiment = record.db.write(lambda tx: ensure_experiment(tx, "flights", who="ada"))
    run_id = record.db.write(
        lambda tx: start_run(
            tx, experiment_id=experiment.id, name="", user="ada", start_ms=0, tags={}, params={}
        )
    )
    root = root_of(get_run(record.db, run_id).artifact_uri)
    for file in (tmp_path / "model").glob("*"):
        if file.is_file():
            with file.open("rb") as source:
                save_file(record, root, f"model/{file.name}", source)
    version = record.db.write(
        lambda tx: register_version(tx, "flights", source=f"runs:/{run_id}/model", who="ada", run_id=run_id)
    )
    assert is_trusted(record, version)
    record.db.write(lambda tx: delete_run(tx, run_id, who="ada"))
    assert is_trusted(record, get_version(record.db, "flights", version.version))
