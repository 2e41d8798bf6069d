"""What a form may hold, and who may send one."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.conftest import Site

from pavedroad.errors import Invalid
from pavedroad.record import Record
from pavedroad.tracking import get_run, start_run
from pavedroad.web.form import FORM_TYPE, LARGEST_FORM_BYTES, read_fields


def send(site: Site, path: str, fields: dict[str, str], **headers: str) -> tuple[int, str, str]:
    """Status, address after all redirects, text."""
    sent = {
        "Content-Type": FORM_TYPE,
        "Accept": "text/html",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    request = urllib.request.Request(site.url + path, data=urlencode(fields).encode(), headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.url.removeprefix(site.url), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, path, error.read().decode()


@pytest.fixture
def run(record: Record) -> str:
    return record.db.write(lambda tx: start_run(tx, experiment_id="0", name="first"))


# A field of one name that comes twice is a list, so the keys are distinct here; line ends become newlines.
words = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=40)


@given(st.dictionaries(words.filter(bool), words, max_size=8))
def test_any_fields_come_back_as_they_were_sent(fields: dict[str, str]) -> None:
    assert read_fields(urlencode(fields).encode(), FORM_TYPE) == fields


def test_line_ends_of_a_browser_become_newlines() -> None:
    assert read_fields(b"note=a%0D%0Ab%0Dc", FORM_TYPE) == {"note": "a\nb\nc"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=b", "application/json"),
        (b"a=b", "multipart/form-data; boundary=x"),
        (b"a=%ff", FORM_TYPE),
        (b"a=\xff", FORM_TYPE),
        (b"a=%00", FORM_TYPE),
        (b"&".join(b"a=b" for _ in range(200)), FORM_TYPE),
        (b"a=" + b"x" * LARGEST_FORM_BYTES, FORM_TYPE),
    ],
    ids=["json", "multipart", "not utf-8", "bytes", "nul", "many", "large"],
)
def test_what_is_no_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(Invalid):
        read_fields(body, content_type)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(
    record: Record, serve: Callable[..., Site], run: str, headers: dict[str, str]
) -> None:
    status, _, text = send(serve(record), f"/runs/{run}/rename", {"name": "theirs"}, **headers)
    assert status == 403
    assert "may not write here" in text
    assert get_run(record.db, run).name == "first"


def test_a_page_of_ours_may_write(record: Record, serve: Callable[..., Site], run: str) -> None:
    site = serve(record)
    status, address, _ = send(
        site, f"/runs/{run}/rename", {"name": "ours"}, Origin=site.url, Sec_Fetch_Site="same-origin"
    )
    assert (status, address) == (200, f"/runs/{run}")
    assert get_run(record.db, run).name == "ours"


@pytest.mark.parametrize("fields", [{}, {"name": " "}, {"name": "x" * 251}])
def test_a_field_that_is_missing_or_wrong_is_explained(
    record: Record, serve: Callable[..., Site], run: str, fields: dict[str, str]
) -> None:
    status, _, text = send(serve(record), f"/runs/{run}/rename", fields)
    assert status == 400
    assert "<h1>" in text
    assert get_run(record.db, run).name == "first"


def test_a_form_answers_no_get(record: Record, serve: Callable[..., Site], run: str) -> None:
    assert serve(record).get(f"/runs/{run}/rename").status == 405
