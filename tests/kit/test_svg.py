from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.kit import svg
from pavedroad.kit.svg import Svg


def test_children_and_attributes_are_escaped() -> None:
    assert svg.element("text", '<b> & "c"', title='x"y<z') == (
        '<text title="x&quot;y&lt;z">&lt;b&gt; &amp; "c"</text>'
    )


def test_finished_svg_is_not_escaped_again() -> None:
    inner = svg.element("circle", r=2)
    assert svg.group(inner, "<") == '<g><circle r="2"/>&lt;</g>'


def test_attributes_without_a_value_are_left_out_and_underscores_become_dashes() -> None:
    assert (
        svg.element("path", class_="arc", stroke_width=1.5, fill=None)
        == '<path class="arc" stroke-width="1.5"/>'
    )


def test_numbers_have_at_most_two_decimals() -> None:
    assert [svg.number(value) for value in (1.0, 0.1234, 10, 2.50)] == ["1", "0.12", "10", "2.5"]


def test_a_picture_says_in_words_what_it_shows() -> None:
    drawn = svg.picture(svg.line(0, 0, 1, 1), width=10, height=5, title="A <line>", description="from 0 to 1")
    root = ET.fromstring(drawn)
    name = "{http://www.w3.org/2000/svg}"
    assert root.get("aria-label") == "A <line>"
    assert root.findtext(f"{name}title") == "A <line>"
    assert root.findtext(f"{name}desc") == "from 0 to 1"


@pytest.mark.parametrize("name", svg.MARKS)
def test_every_mark_is_well_formed_and_hidden_from_readers(name: str) -> None:
    assert ET.fromstring(svg.mark(name)).get("aria-hidden") == "true"
    ET.fromstring(svg.mark_at(name, 10, 20, scale=1.3))


def test_marks_differ_in_shape() -> None:
    shapes = {svg.mark(name) for name in svg.MARKS}
    assert len(shapes) == len(svg.MARKS)


@given(st.text(max_size=300), st.floats(20, 400))
def test_a_fitted_text_is_never_wider_than_its_room(words: str, width: float) -> None:
    fitted = svg.fitted(words, width, 12)
    assert svg.text_width(fitted, 12) <= width or fitted == "…"


def test_a_text_is_cut_in_its_middle() -> None:
    fitted = svg.fitted("a_very_long_name_of_a_step_that_ends_with_17", 120, 13)
    assert fitted.startswith("a_very")
    assert fitted.endswith("17")
    assert "…" in fitted


def test_a_text_that_fits_is_left_alone() -> None:
    assert svg.fitted("train", 200, 13) == "train"


def test_wide_letters_take_more_room_than_narrow_ones() -> None:
    assert svg.text_width("数据", 10) > svg.text_width("ab", 10) > svg.text_width("il", 10)


def test_svg_is_inserted_into_a_template_as_it_is() -> None:
    from markupsafe import escape

    assert str(escape(Svg("<g/>"))) == "<g/>"
