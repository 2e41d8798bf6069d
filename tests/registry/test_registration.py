"""Making, changing and removing models and versions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pavedroad.catalog import Ref, edges_of, find_artifact, get_artifact, read_facts
from pavedroad.errors import Exists, Invalid, NotFound, Refused
from pavedroad.record import Record
from pavedroad.registry import (
    create_model,
    ensure_model,
    find_version,
    get_model,
    get_version,
    list_versions,
    promote,
    register_version,
    unset_alias,
    version_files,
)
from pavedroad.registry.registration import delete_model, delete_version, rename_model
from pavedroad.registry.sources import digest_of_files
from pavedroad.tracking import all_files, get_logged_model, root_of

GATED = ("champion",)


def rename(record: Record, name: str, new_name: str) -> None:
    record.db.write(lambda tx: rename_model(tx, name, new_name, who="ada", gated=GATED))


def delete(record: Record, name: str, number: int = 0) -> None:
    if number:
        record.db.write(lambda tx: delete_version(tx, name, number, who="ada", gated=GATED))
    else:
        record.db.write(lambda tx: delete_model(tx, name, who="ada", gated=GATED))


# ---------------------------------------------------------------------------------------------- registering


def test_a_version_keeps_the_files_of_its_moment_with_their_digests(any_make: Any) -> None:
    version = any_make.version(card="# Late flights")
    files = version_files(any_make.record.db, version.uid)
    assert [file.path for file in files] == ["MLmodel", "README.md", "input_example.json", "model.pkl"]
    assert version.digest == digest_of_files(files)
    assert version.location == f"mlflow-artifacts:/registry/{version.uid}"
    kept = dict(all_files(any_make.record.db, f"registry/{version.uid}"))
    assert {path: stored.digest for path, stored in kept.items()} == {
        file.path: file.digest for file in files
    }


def test_the_digest_depends_on_names_and_bytes_only(make: Any) -> None:
    files = version_files(make.record.db, make.version().uid)
    assert digest_of_files(files) == digest_of_files(reversed(files))
    assert digest_of_files(files) != digest_of_files(files[1:])
    assert digest_of_files([]) == ""


def test_a_version_is_in_the_catalog_on_lineage_and_journal(any_make: Any) -> None:
    tags = {"paved.pipeline": "late", "paved.project": "late-flights"}
    version = any_make.version(tags=tags, description="deeper trees")
    db = any_make.record.db
    assert get_artifact(db, Ref("model", "flights", "1")).stage == "candidate"
    assert get_artifact(db, Ref("model", "flights", "1")).description == "deeper trees"
    assert get_artifact(db, Ref("model", "flights")).stage == "candidate"
    edges = {
        f"{edge.source} {edge.verb} {edge.target}": edge.run_id for edge in edges_of(db, "model/flights@1")
    }
    assert edges == {
        "pipeline/late-flights.late produced model/flights@1": version.run_id,
        "model/flights@1 used dataset/flights@d1": version.run_id,
    }
    assert [edge.target for edge in edges_of(db, "model/flights")] == ["project/late-flights"]
    fact = read_facts(db, verb="registered")[0]
    assert (fact.artifact, fact.run_id) == ("model/flights@1", version.run_id)
    assert fact.payload["digest"] == version.digest


def test_a_run_without_pipeline_tells_the_data_it_used(make: Any) -> None:
    make.version(data="d7")
    assert [f"{edge.verb} {edge.target}" for edge in edges_of(make.record.db, "model/flights@1")] == [
        "used dataset/flights@d7"
    ]


def test_the_run_of_a_logged_model_is_found_and_the_model_told_its_version(make: Any) -> None:
    version = make.version()
    model = get_logged_model(make.record.db, version.model_id)
    assert version.run_id == model.source_run_id
    assert model.tags["mlflow.modelVersions"] == '[{"name": "flights", "version": 1}]'


def test_numbers_are_given_one_by_one_however_many_register(any_make: Any) -> None:
    run_id = any_make.run()
    model_id = any_make.logged_model(run_id)
    any_make.record.db.write(lambda tx: ensure_model(tx, "flights", who="ada"))

    def register(_: int) -> int:
        return int(
            any_make.record.db.write(
                lambda tx: register_version(tx, "flights", source=f"models:/{model_id}", who="ada")
            ).version
        )

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(register, range(12))) == list(range(1, 13))


def test_a_version_of_a_version_has_the_same_files(make: Any) -> None:
    first = make.version()
    make.record.db.write(lambda tx: create_model(tx, "copy", who="ada"))
    copy = make.record.db.write(
        lambda tx: register_version(tx, "copy", source="models:/flights/1", who="eve")
    )
    assert (copy.digest, copy.run_id, copy.model_id) == (first.digest, first.run_id, first.model_id)


def test_files_kept_elsewhere_leave_no_digest(make: Any) -> None:
    make.record.db.write(lambda tx: create_model(tx, "far", who="ada"))
    version = make.record.db.write(lambda tx: register_version(tx, "far", source="s3://bucket/m", who="ada"))
    assert (version.location, version.digest) == ("s3://bucket/m", "")
    assert version_files(make.record.db, version.uid) == []


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "../x",
        "s3://b/%2e%2e/m",
        "s3://b/\x00",
        "models:/flights/9",
        "models:/m-1",
        "runs:/none/m",
        "mlflow-artifacts:/1/none/artifacts",
        "x" * 3000,
    ],
)
def test_sources_that_cannot_be_are_refused(make: Any, source: str) -> None:
    make.record.db.write(lambda tx: create_model(tx, "flights", who="ada"))
    with pytest.raises((Invalid, NotFound)):
        make.record.db.write(lambda tx: register_version(tx, "flights", source=source, who="ada"))
    assert list_versions(make.record.db, "flights") == []


def test_files_of_a_run_are_taken_only_for_that_run(make: Any) -> None:
    mine, other = make.run(), make.run()
    make.record.db.write(lambda tx: create_model(tx, "flights", who="ada"))
    for source in (f"runs:/{mine}/model", f"mlflow-artifacts:/1/{mine}/artifacts/model"):
        with pytest.raises(Invalid, match="run_id request parameter must identify"):
            make.record.db.write(
                lambda tx, source=source: register_version(
                    tx, "flights", source=source, run_id=other, who="ada"
                )
            )


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "a@b", " a", ".", "..", "a\n", "x" * 501])
def test_names_that_cannot_be_are_refused(make: Any, name: str) -> None:
    with pytest.raises(Invalid):
        make.record.db.write(lambda tx: create_model(tx, name, who="ada"))


@pytest.mark.parametrize("name", ["late flights", "Verspätung", "航班", "a.b-c_d", "x" * 250, "100%", "it's"])
def test_names_that_mlflow_allows_are_allowed(any_make: Any, name: str) -> None:
    version = any_make.version(name)
    assert get_version(any_make.record.db, name, 1).uid == version.uid


# ------------------------------------------------------------------------------------ finding and changing


def test_a_version_is_found_by_number_alias_and_as_the_latest(any_make: Any) -> None:
    any_make.version()
    second = any_make.version()
    promote(any_make.record, "flights", 2, "night", who="ada")
    db = any_make.record.db
    for which in (2, "2", "v2", "night", "latest", "LATEST"):
        found = find_version(db, "flights", which)
        assert found is not None
        assert found.uid == second.uid, which
    for which in (3, "champion", "", "-1", "2.0", "9" * 40):
        assert find_version(db, "flights", which) is None, which


def test_a_name_and_number_mean_one_version_for_ever(any_make: Any) -> None:
    any_make.version(), any_make.version()
    record = any_make.record
    delete(record, "flights", 2)
    assert any_make.version().version == 3
    delete(record, "flights")
    assert any_make.version().version == 4
    assert get_artifact(record.db, Ref("model", "flights", "2")).stage == "retired"
    assert get_artifact(record.db, Ref("model", "flights")).stage == "candidate"


def test_a_renamed_model_keeps_its_versions_and_both_names_stay_true(any_make: Any) -> None:
    version = any_make.version()
    record = any_make.record
    rename(record, "flights", "late")
    assert get_version(record.db, "late", 1).uid == version.uid
    with pytest.raises(NotFound):
        get_model(record.db, "flights")
    assert [edge.target for edge in edges_of(record.db, "model/flights@1") if edge.verb == "produced"] == [
        "model/late@1"
    ]
    assert get_artifact(record.db, Ref("model", "flights", "1")).stage == "retired"
    assert get_artifact(record.db, Ref("model", "late", "1")).stage == "candidate"
    rename(record, "late", "flights")
    assert get_version(record.db, "flights", 1).uid == version.uid
    assert any_make.version().version == 2


def test_a_name_that_meant_other_versions_cannot_be_taken(any_make: Any) -> None:
    any_make.version("old")
    delete(any_make.record, "old")
    any_make.version("new")
    with pytest.raises(Exists, match="existed before; its versions 1 stay on the record"):
        rename(any_make.record, "new", "old")


def test_a_model_with_a_gated_alias_is_neither_renamed_nor_deleted(any_make: Any) -> None:
    any_make.version()
    record = any_make.record
    promote(record, "flights", 1, who="ada")
    for attempt in (lambda: rename(record, "flights", "x"), lambda: delete(record, "flights")):
        with pytest.raises(Refused, match="version 1 is its champion"):
            attempt()
    with pytest.raises(Refused, match="flights@1 cannot be deleted: it is champion of flights"):
        delete(record, "flights", 1)
    unset_alias(record, "flights", "champion", who="ada")
    delete(record, "flights")
    assert find_version(record.db, "flights", 1) is None


def test_the_files_of_a_deleted_version_are_let_go_and_those_of_its_run_stay(any_make: Any) -> None:
    first, second = any_make.version(), any_make.version()
    record = any_make.record
    delete(record, "flights", 2)
    assert list(all_files(record.db, f"registry/{second.uid}")) == []
    delete(record, "flights")
    assert list(all_files(record.db, f"registry/{first.uid}")) == []
    model = get_logged_model(record.db, first.model_id)
    assert len(list(all_files(record.db, root_of(model.artifact_location)))) == 3


def test_aliases_that_are_not_gated_go_with_their_version(make: Any) -> None:
    make.version(), make.version()
    promote(make.record, "flights", 2, "night", who="ada")
    delete(make.record, "flights", 2)
    assert get_model(make.record.db, "flights").aliases == {}


def test_a_deleted_model_made_anew_is_new_in_the_catalog(make: Any) -> None:
    make.record.db.write(lambda tx: create_model(tx, "flights", who="ada"))
    delete(make.record, "flights")
    make.record.db.write(lambda tx: create_model(tx, "flights", who="ada"))
    artifact = find_artifact(make.record.db, Ref("model", "flights"))
    assert artifact is not None
    assert artifact.stage == "draft"
