from __future__ import annotations

import http.client
from typing import Any

import pytest

PATH = "/api/2.0/mlflow-artifacts/artifacts/x/ten.txt"
BYTES = b"0123456789"


def ask(api: Any, headers: dict[str, str], method: str = "GET") -> tuple[int, http.client.HTTPMessage, bytes]:
    answered = api(method, PATH, headers=headers)
    return answered.status, answered.headers, answered.body


@pytest.fixture
def ten(api: Any) -> Any:
    api("PUT", PATH, body=BYTES, content_type=None)
    return api


@pytest.mark.parametrize(
    ("asked", "body", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", BYTES, "bytes 0-9/10"),
        ("bytes=4-99999999999999999999", b"456789", "bytes 4-9/10"),
    ],
)
def test_a_range_is_answered_with_its_bytes(ten: Any, asked: str, body: bytes, told: str) -> None:
    status, headers, got = ask(ten, {"Range": asked})
    assert (status, got, headers["Content-Range"], headers["Content-Length"]) == (
        206,
        body,
        told,
        str(len(body)),
    )


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "lines=1-2", "bytes=a-b", "x" * 5000]
)
def test_a_range_that_is_none_gives_the_whole_file(ten: Any, asked: str) -> None:
    status, headers, got = ask(ten, {"Range": asked})
    assert (status, got, headers["Accept-Ranges"]) == (200, BYTES, "bytes")


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(ten: Any, asked: str) -> None:
    status, _, got = ask(ten, {"Range": asked})
    assert status == 416
    assert b"the file has 10 bytes" in got


def test_a_range_of_a_file_that_changed_gives_the_new_file(ten: Any) -> None:
    _, headers, _ = ask(ten, {})
    assert ask(ten, {"Range": "bytes=8-", "If-Range": headers["ETag"]})[2] == b"89"
    ten("PUT", PATH, body=b"abcdefghij", content_type=None)
    status, _, got = ask(ten, {"Range": "bytes=8-", "If-Range": headers["ETag"]})
    assert (status, got) == (200, b"abcdefghij")


def test_a_file_the_client_has_is_not_sent_again(ten: Any) -> None:
    _, headers, _ = ask(ten, {})
    status, _, got = ask(ten, {"If-None-Match": f'"other", W/{headers["ETag"]}'})
    assert (status, got) == (304, b"")


def test_head_tells_the_size_and_sends_nothing(ten: Any) -> None:
    status, headers, got = ask(ten, {}, "HEAD")
    assert (status, headers["Content-Length"], got) == (200, "10", b"")
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''ten.txt"
