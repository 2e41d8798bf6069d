from __future__ import annotations

import http.client
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.files import read_bytes
from pavedroad.record import Record
from pavedroad.tracking.multipart_upload import (
    Part,
    PartWriter,
    create_upload,
    join_parts,
    place_of_part,
    remove_upload,
)

MPU = "/api/2.0/mlflow-artifacts/mpu"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"


def send(home: Path, upload_id: str, number: int, data: bytes) -> None:
    writer = PartWriter(place_of_part(home, upload_id, number))
    writer.write(data)
    writer.finish()


def parts(*numbers: int) -> list[Part]:
    return [Part(part_number=number) for number in numbers]


def test_parts_in_any_order_become_one_file(record: Record) -> None:
    home = record.settings.home
    upload_id = create_upload(home, "1/r/artifacts/model.bin", 3)
    for number, data in ((3, b"c"), (1, b"a"), (2, b"wrong"), (2, b"b")):
        send(home, upload_id, number, data)
    stored = join_parts(home, upload_id, "1/r/artifacts/model.bin", parts(3, 1, 2), record.files)
    assert read_bytes(record.files, stored.digest) == b"abc"


def test_a_part_that_is_missing_is_named(record: Record) -> None:
    upload_id = create_upload(record.settings.home, "a/b", 2)
    send(record.settings.home, upload_id, 1, b"a")
    with pytest.raises(Invalid, match="part 2 has not arrived"):
        join_parts(record.settings.home, upload_id, "a/b", parts(1, 2), record.files)


@pytest.mark.parametrize("numbers", [(), (1,), (1, 1), (1, 2, 3), (0, 1)])
def test_a_list_of_other_parts_is_refused(record: Record, numbers: tuple[int, ...]) -> None:
    upload_id = create_upload(record.settings.home, "a/b", 2)
    with pytest.raises(Invalid, match="has parts 1 to 2"):
        join_parts(record.settings.home, upload_id, "a/b", parts(*numbers), record.files)


def test_half_a_part_does_not_count(record: Record) -> None:
    upload_id = create_upload(record.settings.home, "a/b", 1)
    writer = PartWriter(place_of_part(record.settings.home, upload_id, 1))
    writer.write(b"half")
    writer.discard()
    with pytest.raises(Invalid, match="part 1 has not arrived"):
        join_parts(record.settings.home, upload_id, "a/b", parts(1), record.files)


@pytest.mark.parametrize("upload_id", ["", "..", "../files", "0" * 32, "x" * 32, "0" * 5000])
def test_an_unknown_upload_is_not_found(record: Record, upload_id: str) -> None:
    with pytest.raises(NotFound):
        place_of_part(record.settings.home, upload_id, 1)


def test_an_upload_belongs_to_one_path(record: Record) -> None:
    upload_id = create_upload(record.settings.home, "a/b", 1)
    with pytest.raises(Invalid, match="is of 'a/b', not of 'a/c'"):
        remove_upload(record.settings.home, upload_id, "a/c")


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_an_upload_has_a_sensible_number_of_parts(record: Record, count: int) -> None:
    with pytest.raises(Invalid, match="between 1 and 10,000"):
        create_upload(record.settings.home, "a/b", count)


def test_an_upload_left_for_a_day_is_removed(record: Record) -> None:
    old = create_upload(record.settings.home, "a/b", 1)
    folder = record.settings.home / "uploads" / old
    day_ago = time.time() - 25 * 3600
    os.utime(folder, (day_ago, day_ago))
    create_upload(record.settings.home, "a/c", 1)
    assert not folder.exists()


def put(url: str, body: bytes) -> int:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    try:
        connection.request("PUT", address.path, body=body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_file_goes_up_in_parts_over_http(api: Any) -> None:
    folder = "0/r/artifacts/deep"
    made = api.ok("POST", f"{MPU}/create/{folder}", {"path": "C:\\home\\big.bin", "num_parts": 2})
    assert [each["part_number"] for each in made["credentials"]] == [1, 2]
    assert [put(each["url"], b"x" * 3) for each in made["credentials"]] == [200, 200]
    done = {
        "path": "/home/big.bin",
        "upload_id": made["upload_id"],
        "parts": [{"part_number": 1}, {"part_number": 2}],
    }
    assert api.ok("POST", f"{MPU}/complete/{folder}", done) == {}
    assert api("GET", f"{PROXY}/{folder}/big.bin").body == b"xxxxxx"
    again = api("POST", f"{MPU}/complete/{folder}", done)
    assert (again.status, again.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_an_aborted_upload_leaves_nothing(api: Any) -> None:
    made = api.ok("POST", f"{MPU}/create/0/r", {"path": "big.bin", "num_parts": 1})
    asked = {"path": "big.bin", "upload_id": made["upload_id"]}
    assert api.ok("POST", f"{MPU}/abort/0/r", asked) == {}
    assert put(made["credentials"][0]["url"], b"late") == 404


def test_files_of_registered_versions_do_not_change_in_parts(api: Any) -> None:
    answered = api("POST", f"{MPU}/create/registry/u1", {"path": "model.pkl", "num_parts": 1})
    assert (answered.status, answered.json["error_code"]) == (403, "PERMISSION_DENIED")


def test_parts_go_the_way_the_client_came(api: Any) -> None:
    """Through a proxy that ends TLS, too."""
    asked = {"path": "big.bin", "num_parts": 1}
    headers = {"Host": "localhost:8443", "X-Forwarded-Proto": "https"}
    made = api.ok("POST", f"{MPU}/create/0/r", asked, headers=headers)
    assert made["credentials"][0]["url"].startswith(f"https://localhost:8443{MPU}/part/")
