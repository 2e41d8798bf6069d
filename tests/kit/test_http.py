from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from pavedroad.kit.http import segment


@given(st.text(max_size=80))
def test_a_name_comes_back_from_its_address(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    assert unquote(segment(name)) == name
    assert "/" not in segment(name)
    assert "?" not in segment(name)


def test_a_name_that_ends_in_json_does_not_ask_for_json() -> None:
    assert segment("data.json") == "data%2Ejson"
