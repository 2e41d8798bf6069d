from __future__ import annotations

import math
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavedroad.web.filters import FILTERS, ago, cell, markdown, number, shell, shortened, ticked
from pavedroad.web.states import chip


def test_a_time_is_relative_and_exact_on_hover() -> None:
    three_minutes_ago = int(time.time()) * 1000 - 180_000
    shown = ago(three_minutes_ago)
    assert ">3 min ago<" in shown
    assert re.search(r'title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"', shown)


def test_a_time_that_never_was_is_said() -> None:
    assert "never" in ago(None)


def test_a_long_name_shows_both_ends_and_all_of_it_on_hover() -> None:
    shown = shortened("start-" + "x" * 60 + "-end", 20)
    assert ">start-xxxx…xxxxx-end<" in shown
    assert "start-" + "x" * 60 + "-end" in shown


def test_a_short_name_is_left_alone() -> None:
    assert shortened("late-flights", 20) == "late-flights"


def test_a_name_is_escaped_when_it_is_cut() -> None:
    assert "<b>" not in shortened("<b>" * 40, 20)


def test_numbers_keep_their_sign_and_nan_is_said() -> None:
    assert number(math.nan) == "NaN"
    assert number(None) == ""
    assert number(-0.25) == "-0.25"


def test_a_word_is_quoted_for_a_shell() -> None:
    assert shell("it's") == "'it'\"'\"'s'"


def test_commands_in_backticks_become_code() -> None:
    assert ticked("run `paved check` <now>") == "run <code>paved check</code> &lt;now&gt;"


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("[x](javascript:alert(1))", 'href="javascript'),
        ("![x](https://example.org/x.png)", "<img"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("| a |\n|--:|\n| 1 |", "style="),
        ("# Title", "<h1"),
    ],
)
def test_markdown_cannot_carry_markup_pictures_styles_or_a_first_heading(text: str, never: str) -> None:
    assert never not in markdown(text)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {key: value or "" for key, value in attrs}))


HEADINGS, LISTS, TABLES = (
    {"h3", "h4", "h5", "h6"},
    {"ul", "ol", "li"},
    {"table", "thead", "tbody", "tr", "th", "td"},
)
HARMLESS = HEADINGS | LISTS | TABLES | {"p", "em", "strong", "code", "pre", "blockquote", "hr", "br", "a"}
ATTRIBUTES = {
    "a": {"href", "rel", "title"},
    "ol": {"start"},
    "code": {"class"},
    "th": {"class"},
    "td": {"class"},
}
WORDS = "[ ]( ) < > </a> <script> javascript: JAVASCRIPT&colon; data:text/html, http://a.b/ mailto:x@y"
SIGNS = "\" ' ` ``` ~~~ | |-:| * _ - 1. > ![ &lt; &#106; onclick= style= \\ x [x]: // #"
MARKS = st.sampled_from(
    [*WORDS.split(), *SIGNS.split(), "\n", "\n\n", "- ", "1. ", "> ", "# ", " ", "\t", "\0", "<a href="]
)


@settings(max_examples=1500)
@given(st.lists(MARKS | st.text(max_size=6), max_size=25).map("".join))
def test_no_text_makes_markdown_carry_a_script_or_an_attribute_of_its_own(text: str) -> None:
    parser = _Tags()
    parser.feed(markdown(text))
    for tag, attributes in parser.found:
        assert tag in HARMLESS
        assert set(attributes) <= ATTRIBUTES.get(tag, set())
        if "href" in attributes:
            assert attributes["href"].lower().startswith(("http://", "https://", "mailto:"))
            assert "nofollow" in attributes["rel"]


def test_a_number_with_many_digits_is_short_in_a_table_and_whole_on_hover() -> None:
    assert cell("0.18795047342768845") == '<span title="0.18795047342768845">0.18795</span>'
    assert cell("EWR") == "EWR"
    assert cell("<b>not a number</b>") == "<b>not a number</b>"  # a template escapes it


def test_markdown_knows_tables_and_aligns_numbers() -> None:
    assert '<td class="number">1</td>' in markdown("| a |\n|--:|\n| 1 |")


def test_a_state_has_a_shape_and_a_word() -> None:
    shown = chip("closed")
    assert "<svg" in shown
    assert shown.endswith("closed</span>")


def test_an_unknown_state_is_shown_as_itself() -> None:
    assert chip("<new>").endswith("&lt;new&gt;</span>")


def test_filters_are_named_once() -> None:
    names = [name for name, _ in FILTERS]
    assert len(names) == len(set(names))
    assert names == sorted(names)
