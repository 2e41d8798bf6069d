from __future__ import annotations

import io

import pytest

from pavedroad.errors import Conflict, Invalid, NotFound, Refused
from pavedroad.kit.files import read_bytes
from pavedroad.record import Record
from pavedroad.tracking import (
    FileInfo,
    all_files,
    create_experiment,
    delete_files,
    find_file,
    get_file,
    list_files,
    root_of,
    save_file,
)
from pavedroad.tracking.artifact_files import check_path

ROOT = "0/run/artifacts"


def save(record: Record, path: str, data: bytes = b"x", root: str = ROOT) -> None:
    save_file(record, root, path, io.BytesIO(data))


def test_a_file_is_found_by_its_name_and_read_by_its_digest(any_record: Record) -> None:
    save(any_record, "model/MLmodel", b"flavors")
    stored = get_file(any_record.db, ROOT, "model/MLmodel")
    assert stored.size_bytes == 7
    assert read_bytes(any_record.files, stored.digest) == b"flavors"


def test_a_folder_lists_its_files_and_folders(any_record: Record) -> None:
    for path in ("b.txt", "a/c.txt", "a/d/e.txt"):
        save(any_record, path)
    assert list_files(any_record.db, ROOT) == [
        FileInfo(path="a", is_dir=True),
        FileInfo(path="b.txt", is_dir=False, size_bytes=1),
    ]
    assert [file.path for file in list_files(any_record.db, ROOT, "a")] == ["a/c.txt", "a/d"]
    assert [file.path for file in list_files(any_record.db, ROOT, "a/")] == ["a/c.txt", "a/d"]
    assert list_files(any_record.db, ROOT, "b.txt") == []
    assert list_files(any_record.db, ROOT, "nope") == []


def test_the_tree_holds_every_root(any_record: Record) -> None:
    save(any_record, "a")
    save(any_record, "b", root="0/models/m-1/artifacts")
    assert [file.path for file in list_files(any_record.db, "", "0")] == ["0/models", "0/run"]
    assert sorted(path for path, _ in all_files(any_record.db, "")) == [
        "0/models/m-1/artifacts/b",
        f"{ROOT}/a",
    ]


def test_every_file_below_a_folder_is_found_at_any_depth(any_record: Record) -> None:
    for path in ("a/b/c", "a/d", "e"):
        save(any_record, path)
    assert sorted(path for path, _ in all_files(any_record.db, ROOT)) == ["a/b/c", "a/d", "e"]
    assert sorted(path for path, _ in all_files(any_record.db, ROOT, "a")) == ["b/c", "d"]


def test_a_file_saved_again_is_replaced(any_record: Record) -> None:
    save(any_record, "a", b"old")
    save(any_record, "a", b"newer")
    assert get_file(any_record.db, ROOT, "a").size_bytes == 5
    assert len(list_files(any_record.db, ROOT)) == 1


def test_a_folder_is_no_file_and_a_file_no_folder(any_record: Record) -> None:
    save(any_record, "a/b")
    assert find_file(any_record.db, ROOT, "a") is None
    with pytest.raises(NotFound, match="No such artifact: 'a'"):
        get_file(any_record.db, ROOT, "a")
    with pytest.raises(Conflict, match="'a' is a folder"):
        save(any_record, "a")
    with pytest.raises(Conflict, match="is a file, not a folder"):
        save(any_record, "a/b/c")


def test_a_file_or_a_whole_folder_is_deleted(any_record: Record) -> None:
    for path in ("a/b/c", "a/d", "e", "f"):
        save(any_record, path)
    assert any_record.db.write(lambda tx: delete_files(tx, ROOT, "a")) == 2
    assert any_record.db.write(lambda tx: delete_files(tx, ROOT, "e")) == 1
    assert any_record.db.write(lambda tx: delete_files(tx, ROOT, "e")) == 0
    assert [file.path for file in list_files(any_record.db, ROOT)] == ["f"]


def test_any_name_comes_back_as_it_went_in(any_record: Record) -> None:
    names = ["ä b.txt", "100%.txt", "a_b", "漢.csv", "x'y", "...", "CON"]
    for name in names:
        save(any_record, name)
    assert {file.path for file in list_files(any_record.db, ROOT)} == set(names)


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "a/../b",
        "..",
        ".",
        "./a",
        "/a",
        "//host/a",
        "a//b",
        "C:/a",
        "c:",
        "a\\b",
        "\\\\host\\a",
        "a\0b",
        "x" * 1001,
    ],
)
def test_a_path_that_climbs_or_names_another_place_is_refused(record: Record, path: str) -> None:
    with pytest.raises(Invalid, match="Invalid path"):
        check_path(path)
    with pytest.raises(Invalid, match="Invalid path"):
        save(record, path)


def test_a_file_needs_a_name(record: Record) -> None:
    with pytest.raises(Invalid, match="a file needs a name"):
        save(record, "", root="")


@pytest.mark.parametrize(
    ("uri", "root"),
    [
        ("mlflow-artifacts:/1/abc/artifacts", "1/abc/artifacts"),
        ("mlflow-artifacts:/1/abc/artifacts/", "1/abc/artifacts"),
        ("mlflow-artifacts://host:5000/1/abc/artifacts", "1/abc/artifacts"),
    ],
)
def test_a_uri_names_a_root(uri: str, root: str) -> None:
    assert root_of(uri) == root


@pytest.mark.parametrize("uri", ["s3://bucket/a", "file:///a", "", "/a"])
def test_files_kept_elsewhere_have_no_root_here(uri: str) -> None:
    with pytest.raises(Invalid, match="is not kept on this record"):
        root_of(uri)


def test_no_experiment_is_placed_among_registered_versions(record: Record) -> None:
    with pytest.raises(Refused, match="files of registered versions do not change"):
        record.db.write(
            lambda tx: create_experiment(tx, "x", who="ada", artifact_location="mlflow-artifacts:/registry/1")
        )
